import assert from "node:assert/strict";
import { McpMqttError } from "../../lib/errors.ts";
import { Fields } from "../../lib/messages/fields.ts";
import { jsonBytes } from "../../lib/messages/payload.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

Deno.test("Fields.show() gives the values that are there, by their pointers", () => {
  const fields = new Fields(["/t", "/a~1b/0", "/none", ""], "fields");
  const payload = '{"t":18.3,"a/b":[null]}';
  assert.deepEqual(fields.show(bytes(payload), 1_000), {
    values: { "/t": 18.3, "/a~1b/0": null, "": { t: 18.3, "a/b": [null] } },
  });
  assert.deepEqual(fields.show(bytes("on"), 1_000), { values: { "": "on" } });
  assert.deepEqual(fields.show(bytes("21.5"), 1_000), { values: { "": 21.5 } });
  assert.deepEqual(fields.show(bytes("null"), 1_000), { values: { "": null } });
});

Deno.test("Fields.show() gives nothing of a payload that has none, or is binary", () => {
  const fields = new Fields(["/t"], "fields");
  for (const payload of [bytes("{}"), bytes("21"), bytes(""), new Uint8Array([0xFF, 0xFE])]) {
    assert.equal(fields.show(payload, 1_000), undefined);
    assert.equal(fields.isIn(payload), false);
  }
  assert.equal(fields.isIn(bytes('{"t":null}')), true);
});

Deno.test("Fields.show() never changes a number, and gives well-formed text", () => {
  const fields = new Fields(["/id", "/x", "/text", "/tiny"], "fields");
  const payload = '{"id":12345678901234567890,"x":1.50,"text":"a\\ud800","tiny":-1e-400}';
  assert.deepEqual(fields.show(bytes(payload), 1_000), {
    values: { "/id": "12345678901234567890", "/x": 1.5, "/text": "a\ufffd", "/tiny": "-1e-400" },
  });
  const zero = new Fields(["/t"], "fields").show(bytes('{"t":-0.0}'), 1_000);
  assert.equal(JSON.stringify(zero), '{"values":{"/t":0}}');
});

Deno.test("Fields.show() keeps to its room, and says that it has cut", () => {
  const fields = new Fields(["/a", "/b", "/c"], "fields");
  const payload = bytes(JSON.stringify({ a: 1, b: { long: "ü".repeat(500) }, c: "ö".repeat(500) }));
  for (let maxBytes = 0; maxBytes < 600; maxBytes += 7) {
    const shown = fields.show(payload, maxBytes);
    assert.equal(shown?.truncated, true);
    assert.ok(jsonBytes(shown?.values) <= maxBytes + 2, `${maxBytes}: ${JSON.stringify(shown)}`);
  }
  const { values = {} } = fields.show(payload, 300) ?? {};
  assert.equal(values["/a"], 1);
  assert.match(String(values["/b"]), /^\{"long":"ü+$/);
});

Deno.test("Fields refuses what is no JSON Pointer, and names the argument", () => {
  for (const pointer of ["t", "/a~2", "/~"]) {
    assert.throws(() => new Fields(["/ok", pointer], "fields"), (error) => {
      assert.ok(error instanceof McpMqttError);
      assert.equal(error.code, "invalid_argument");
      assert.equal(error.message, `fields ${JSON.stringify(pointer)} is not a JSON Pointer`);
      return true;
    });
  }
});
