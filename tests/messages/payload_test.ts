import assert from "node:assert/strict";
import * as fc from "fast-check";
import type { Message } from "../../lib/messages/message.ts";
import { fitMessage, jsonBytes, showMessage, structureOf } from "../../lib/messages/payload.ts";

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

Deno.test("structureOf() parses objects and arrays whose numbers survive", () => {
  const parsed = [
    "{}",
    " [1]",
    '{"a":1.50}',
    "[1e2]",
    "[0.1]",
    "[123456789012345]",
    "[1.0]",
    "[-0.5]",
  ];
  for (const text of parsed) assert.deepEqual(structureOf(text), JSON.parse(text), text);
  const kept = [
    "1",
    "true",
    "null",
    '"a"',
    "",
    "{a}",
    "[1,]",
    "[12345678901234567890]",
    "[9007199254740993]",
    "[0.12345678901234567890123]",
    "[1e400]",
    "[-0]",
    "\ufeff{}",
    "[".repeat(65) + "]".repeat(65),
    "[".repeat(100_000),
  ];
  for (const text of kept) assert.equal(structureOf(text), undefined, text.slice(0, 50));
  const odd = structureOf('{"__proto__": 1, "a": "12345678901234567890"}');
  assert.equal(JSON.stringify(odd), '{"__proto__":1,"a":"12345678901234567890"}');
});

Deno.test("structureOf() of what JSON.stringify() wrote is the same, as a law", () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.array(fc.jsonValue()), fc.dictionary(fc.string(), fc.jsonValue())),
      (value) => {
        const text = JSON.stringify(value);
        const structure = structureOf(text);
        if (structure !== undefined) assert.equal(JSON.stringify(structure), text);
        else assert.ok(/-0|e|\d{15}/.test(text), text);
      },
    ),
  );
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
    fc.uint8Array({ maxLength: 3_000 }),
    fc.string({ unit: "binary", maxLength: 2_000 }).map((text) => encoder.encode(text)),
    fc.array(fc.constantFrom("\u0001", "a", "ü", '"'), { maxLength: 2_000 })
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
    else if (noteLength < 200) assert.ok(jsonBytes(shown) > maxBytes / 2 - 200);
  }));
});
