import assert from "node:assert/strict";
import * as fc from "fast-check";
import type { Message, MessageProperties } from "../../lib/messages/message.ts";
import { fitMessage, jsonBytes, showMessage, textOf } from "../../lib/messages/payload.ts";

const encoder = new TextEncoder();

function message(payload: string | Uint8Array, more: Partial<Message> = {}): Message {
  return {
    topic: "t",
    payload: typeof payload === "string" ? encoder.encode(payload) : payload,
    qos: 0,
    retain: false,
    receivedAt: Date.UTC(2026, 0, 2, 3, 4, 5, 6),
    ...more,
  };
}

Deno.test("showMessage() has what tells something, and nothing else", () => {
  assert.deepEqual(showMessage(message("22.5"), 100), {
    topic: "t",
    payload: "22.5",
    received_at: "2026-01-02T03:04:05.006Z",
  });
  assert.deepEqual(showMessage(message("", { qos: 2, retain: true, properties: {} }), 100), {
    topic: "t",
    payload: "",
    qos: 2,
    retain: true,
    received_at: "2026-01-02T03:04:05.006Z",
    properties: {},
  });
});

Deno.test("showMessage() cuts text between characters, and base64 between bytes", () => {
  const cut = showMessage(message("aüü"), 4);
  assert.deepEqual([cut.payload, cut.size, cut.truncated, cut.encoding], [
    "aü",
    5,
    true,
    undefined,
  ]);
  const json = showMessage(message('{"a":1}'), 3);
  assert.deepEqual([json.payload, json.truncated], ['{"a', true]);
  // Text at the beginning does not make text of the whole.
  const mixed = showMessage(message(new Uint8Array([97, 97, 97, 97, 0xFF])), 3);
  assert.deepEqual([mixed.payload, mixed.encoding, mixed.size, mixed.truncated], [
    "YWFh",
    "base64",
    5,
    true,
  ]);
});

Deno.test("fitMessage() fits, whatever the payload and the properties, and cuts no more than it must", () => {
  const payloads = fc.oneof(
    fc.uint8Array({ maxLength: 3_000, size: "max" }),
    fc.string({ unit: "binary", maxLength: 2_000, size: "max" }).map((text) =>
      encoder.encode(text)
    ),
    fc.array(fc.constantFrom(...'\u0001\n\v\x7f"\\aü€😀'), { maxLength: 2_000, size: "max" })
      .map((parts) => encoder.encode(parts.join(""))),
  );
  fc.assert(fc.property(payloads, fc.nat({ max: 3_000 }), fc.integer({ min: 300, max: 1_000 }), (
    payload,
    noteLength,
    maxBytes,
  ) => {
    const properties = noteLength < 200 ? {} : { userProperties: { note: "x".repeat(noteLength) } };
    const shown = fitMessage(message(payload, { properties }), { previewBytes: 2_500, maxBytes });
    assert.ok(jsonBytes(shown) <= maxBytes);
    const whole = showMessage(message(payload, { properties }), 2_500);
    if (jsonBytes(whole) <= maxBytes) assert.deepEqual(shown, whole);
    else if (noteLength < 200) assert.ok(jsonBytes(shown) > maxBytes - 8, "one more would fit");
  }));
});

Deno.test("showMessage() parses up to 256 Ki characters, and shows more as the text that it is", () => {
  const json = (length: number): string => `["${"€".repeat(length - 4)}"]`;
  const shown = (length: number): unknown => showMessage(message(json(length)), 1e9).payload;
  assert.ok(Array.isArray(shown(256 * 1024)));
  assert.equal(shown(256 * 1024 + 1), json(256 * 1024 + 1));
});

Deno.test("showMessage() is well-formed Unicode, whatever the bytes, and takes text for text", () => {
  const payload = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.string({ unit: "binary", maxLength: 20 }).map((text) => encoder.encode(text)),
    fc.constantFrom('["\\ud800"]', '{"\\udfff": 1}', '"\\ud800"').map((text) =>
      encoder.encode(text)
    ),
  );
  const anyText = fc.string({ unit: fc.constantFrom("a", "\ud800", "\udc00", "😀") });
  fc.assert(fc.property(payload, fc.nat({ max: 45 }), anyText, (payload, previewBytes, text) => {
    const properties = { contentType: text, userProperties: { [text]: [text], b: text } };
    const shown = showMessage(message(payload, { topic: text, properties }), previewBytes);
    // JSON writes what is not well-formed as an escape.
    assert.doesNotMatch(JSON.stringify(shown), /(?<!\\)(\\\\)*\\ud[89a-f]/);
    const whole = textOf(payload);
    assert.equal(shown.encoding === "base64", whole === undefined);
    if (payload.length > previewBytes && whole !== undefined) {
      assert.ok(whole.startsWith(String(shown.payload)));
      assert.ok(encoder.encode(String(shown.payload)).length > previewBytes - 4);
    }
  }));
});

Deno.test("fitMessage() leaves out properties that fill it, and says how large they were", () => {
  const options = { previewBytes: 1_000, maxBytes: 1_000 };
  const properties = { userProperties: { note: "x".repeat(700) } };
  const shown = fitMessage(message('{"a": 1, "b": "ü"}', { properties }), options);
  assert.deepEqual([shown.payload, shown.properties], [
    { a: 1, b: "ü" },
    { user_properties: { note: "x".repeat(700) } },
  ]);
  const long = message(`["${"y".repeat(500)}"]`, { properties });
  const without = fitMessage(long, options);
  assert.deepEqual([without.payload, without.truncated, without.properties], [
    ["y".repeat(500)],
    undefined,
    { omitted_bytes: 704 },
  ]);
  const huge = { contentType: "x".repeat(10_000), omittedBytes: 50_000 };
  assert.deepEqual(fitMessage(message("1", { properties: huge }), options).properties, {
    omitted_bytes: 60_000,
  });
});

Deno.test("fitMessage() measures properties before it writes them", () => {
  const values = Array.from({ length: 1_000 }, () => "x".repeat(10_000));
  const note = new Proxy(values, {
    has(): never {
      throw new Error("they were written");
    },
  });
  const one = message("1", { properties: { userProperties: { note } } });
  const shown = fitMessage(one, { previewBytes: 100, maxBytes: 1_000 });
  assert.deepEqual(shown.properties, { omitted_bytes: 10_000_004 });
  // Else this would prove nothing.
  assert.throws(() => showMessage(one, 100), /they were written/);
});

Deno.test("showMessage() says how many bytes of properties the connection did not keep", () => {
  const properties = { contentType: "text/plain", omittedBytes: 40_000 };
  assert.deepEqual(showMessage(message("1", { properties }), 10).properties, {
    content_type: "text/plain",
    omitted_bytes: 40_000,
  });
});

Deno.test("showMessage() and fitMessage() never throw, whatever a parser made of the properties", () => {
  const odd = {
    contentType: ["a", "b"],
    responseTopic: [[]],
    correlationData: [new Uint8Array([1]), new Uint8Array([2])],
    userProperties: { a: [["b"], 1, "c"], b: null, c: [], __proto__: "x" },
    messageExpiryInterval: [1, 2],
  } as unknown as MessageProperties;
  const one = message("1", { properties: odd });
  assert.deepEqual(showMessage(one, 10).properties, {
    user_properties: { a: ["c"], b: "", c: [] },
  });
  for (const maxBytes of [1_000, 100, 1]) {
    assert.ok(fitMessage(one, { previewBytes: 10, maxBytes }).properties);
  }
});
