import assert from "node:assert/strict";
import { McpMqttError } from "../../lib/errors.ts";
import { compileWhere, type Where } from "../../lib/messages/where.ts";

function holds(where: Where, payload: string | Uint8Array): boolean {
  return compileWhere(where)(message(payload));
}

function message(payload: string | Uint8Array, topic = "t"): Parameters<
  ReturnType<typeof compileWhere>
>[0] {
  const bytes = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
  return { topic, payload: bytes, qos: 0, retain: false, receivedAt: 0 };
}

Deno.test("compileWhere() compares by each operator, text that reads as a number as that number", () => {
  const cases: ReadonlyArray<readonly [string, Where["op"], unknown, string, boolean]> = [
    ["", "gt", 20, "22.5", true],
    ["", "gt", 22.5, "22.5", false],
    ["", "ge", "22.5", "22.50", true],
    ["", "lt", 20, '"19"', true],
    ["", "lt", 20, "warm", false],
    ["", "lt", 20, "", false],
    ["", "le", 20, "0x10", false],
    ["", "le", 20, "-1e2", true],
    ["/a", "lt", 20, '{"a": "3"}', true],
    ["/a", "lt", 20, '{"a": null}', false],
    ["/a", "lt", 20, '{"a": true}', false],
    ["/a", "lt", 20, '{"b": 3}', false],
    ["/a/1/b", "eq", "x", '{"a": [0, {"b": "x"}]}', true],
    ["/a/-", "exists", undefined, '{"a": [0]}', false],
    ["/a/00", "exists", undefined, '{"a": [0]}', false],
    ["/a~1b/~0", "eq", 1, '{"a/b": {"~": 1}}', true],
    ["/", "eq", 1, '{"": 1}', true],
    ["/toString", "exists", undefined, "{}", false],
    ["/length", "exists", undefined, '"text"', false],
    ["", "eq", "on", "on", true],
    ["", "eq", "on", '"on"', true],
    ["", "eq", true, "true", true],
    ["", "eq", 1, "1.0", true],
    ["", "eq", { b: 1, a: [2] }, '{"a": [2], "b": 1}', true],
    ["", "ne", "on", "off", true],
    ["/a", "ne", 1, "{}", false],
    ["/a", "ne", null, '{"a": 0}', true],
    ["/a", "exists", undefined, '{"a": null}', true],
    ["", "contains", "err", "an error", true],
    ["", "contains", "a", '{"a": 1}', true],
    ["/tags", "contains", "x", '{"tags": ["x"]}', true],
    ["/tags", "contains", 5, '{"tags": ["5"]}', true],
    ["/tags", "contains", "y", '{"tags": ["x"]}', false],
    ["/none", "contains", "y", "{}", false],
  ];
  for (const [path, op, value, payload, expected] of cases) {
    const where = { path, op, ...(value === undefined ? {} : { value }) };
    assert.equal(holds(where, payload), expected, JSON.stringify([where, payload]));
  }
  assert.equal(holds({ path: "", op: "exists" }, new Uint8Array([0xFF])), false);
  assert.ok(compileWhere(undefined)(message("anything")));
});

Deno.test("compileWhere() changed compares with the message before on the same topic", () => {
  const changed = compileWhere({ path: "/on", op: "changed" });
  const said = [["a", "1"], ["a", "1"], ["b", "2"], ["a", "2"], ["a", "2"], ["b", "2"], ["b", "1"]];
  const held = said.map(([topic, on]) => changed(message(`{"on": ${on}, "n": 1}`, topic)));
  assert.deepEqual(held, [false, false, false, true, false, false, true]);
  const whole = compileWhere({ path: "", op: "changed" });
  assert.equal(whole(message('{"a": 1, "b": 2}')), false);
  assert.equal(whole(message('{"b": 2, "a": 1.0}')), false);
});

Deno.test("compileWhere() takes JSON that is nested without end for the text that it is", () => {
  const deep = "[".repeat(500_000) + "]".repeat(500_000);
  const changed = compileWhere({ path: "", op: "changed" });
  assert.deepEqual([deep, deep, "1", deep].map((text) => changed(message(text))), [
    false,
    false,
    true,
    true,
  ]);
  assert.equal(holds({ path: "/0", op: "exists" }, deep), false);
});

Deno.test("compileWhere() refuses a wrong pointer or value, and says what would be right", () => {
  const wrong: ReadonlyArray<readonly [Where, RegExp]> = [
    [{ path: "battery", op: "eq", value: 1 }, /where\.path "battery" is not a JSON Pointer/],
    [{ path: "/~2", op: "eq", value: 1 }, /not a JSON Pointer/],
    [{ path: "", op: "eq" }, /"eq" needs a where\.value/],
    [{ path: "", op: "changed", value: 1 }, /"changed" takes no where\.value/],
    [{ path: "", op: "lt", value: "x" }, /must be a number for where\.op "lt", got "x"/],
    [{ path: "", op: "lt", value: null }, /must be a number/],
  ];
  for (const [where, pattern] of wrong) {
    assert.throws(() => compileWhere(where), (error) => {
      assert.ok(error instanceof McpMqttError && error.code === "invalid_argument");
      assert.match(error.message, pattern);
      return true;
    });
  }
});
