import assert from "node:assert/strict";
import * as fc from "fast-check";
import type { Message } from "../../lib/messages/message.ts";
import { jsonBytes } from "../../lib/messages/payload.ts";
import { MessageList } from "../../lib/tools/message_list.ts";
import { HOSTILE_PAYLOADS } from "../messages/hostile_payloads.ts";
import { limitsWith } from "./contexts.ts";

const limits = await limitsWith({ maxResultBytes: 2_000, payloadPreviewBytes: 500 });

function message(payload: string | Uint8Array, more: Partial<Message> = {}): Message {
  const bytes = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
  return { topic: "t", payload: bytes, qos: 0, retain: false, receivedAt: 0, ...more };
}

Deno.test("MessageList keeps to the bytes of a result, whatever comes", () => {
  const payloads = fc.oneof(
    fc.uint8Array({ maxLength: 800, size: "max" }),
    fc.string({ unit: "binary", maxLength: 500, size: "max" }).map((text) =>
      new TextEncoder().encode(text)
    ),
  );
  const messages = fc.array(fc.tuple(payloads, fc.nat({ max: 400 })), { minLength: 1 });
  fc.assert(fc.property(messages, fc.nat({ max: 600 }), (messages, reserved) => {
    const list = new MessageList(20, limits);
    list.withRoomFor(() => "x".repeat(reserved));
    for (const [payload, noteLength] of messages) {
      const properties = { userProperties: { note: "x".repeat(noteLength) } };
      list.add(message(payload, { properties }));
    }
    assert.ok(list.messages.length >= 1 && list.messages.length <= 20);
    assert.ok(jsonBytes(list.messages) + reserved <= 2_000 + 3);
  }));
});

Deno.test("MessageList.withRoomFor() takes room only that no message has taken", () => {
  const list = new MessageList(100, limits);
  const rooms: number[] = [];
  const show = (bytes: number) => (maxBytes: number): string => {
    rooms.push(maxBytes);
    return "x".repeat(Math.min(bytes, Math.max(0, maxBytes - 2)));
  };
  assert.equal(list.withRoomFor(show(498)), "x".repeat(498));
  while (list.add(message("y".repeat(100))));
  const bytes = jsonBytes(list.messages);
  assert.ok(bytes <= 1_501 && bytes > 1_300, `${bytes}`);
  list.withRoomFor(show(1_000));
  assert.deepEqual(rooms, [2_000, 1_500 - bytes + 1]);
  assert.equal(list.full, "result_size");
});

Deno.test("MessageList leaves out what surely finds no room without writing it", () => {
  const list = new MessageList(100, limits);
  assert.equal(list.add(message("1")), true);
  const note = new Proxy(["x".repeat(10_000)], {
    has(): never {
      throw new Error("it was written");
    },
  });
  assert.equal(list.add(message("1", { properties: { userProperties: { note } } })), false);
  assert.deepEqual([list.dropped, list.full], [1, "result_size"]);
  const other = new MessageList(100, limits);
  other.add(message("1"));
  assert.equal(other.add(message("1", { topic: "x".repeat(2_000) })), false);
});

Deno.test("MessageList cuts the first message until it finds room, and no other", () => {
  const list = new MessageList(100, limits);
  const large = message("\u0001".repeat(500), { topic: "t".repeat(1_000) });
  assert.equal(list.add(large, 123_456_789), true);
  assert.deepEqual([list.isTruncated, list.messages[0]?.size], [true, 500]);
  assert.ok(jsonBytes(list.messages) <= 2_000);
  assert.equal(list.add(large), false);
  const named = new MessageList(100, limits);
  assert.equal(named.add(message("1", { topic: "t".repeat(3_000) })), true);
  assert.equal(named.messages[0]?.topic?.length, 3_000);
});

Deno.test("MessageList.add() takes about as long for any payload of 8 MiB as for letters", () => {
  const bytes = 8 * 1024 * 1024;
  const time = (payload: Uint8Array): number => {
    const start = performance.now();
    new MessageList(10, limits).add(message(payload));
    return performance.now() - start;
  };
  const letters = new TextEncoder().encode("aü€😀".repeat(bytes / 10));
  const limitMs = 10 * Math.max(20, time(letters), time(letters));
  for (const [name, make] of Object.entries(HOSTILE_PAYLOADS)) {
    const ms = time(make(bytes));
    assert.ok(ms < limitMs, `${name}: ${ms} ms, and the limit is ${limitMs} ms`);
  }
});
