import assert from "node:assert/strict";
import { LastByTopic } from "../../lib/messages/last_by_topic.ts";
import type { Message, MessageProperties } from "../../lib/messages/message.ts";

function message(
  payload: string | Uint8Array,
  { topic = "t", properties }: { topic?: string; properties?: MessageProperties } = {},
): Message {
  const bytes = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
  const one = { topic, payload: bytes, qos: 0, retain: false, receivedAt: Math.random() } as const;
  return properties === undefined ? one : { ...one, properties };
}

function isSame(before: Message, after: Message): boolean {
  const last = new LastByTopic();
  last.remember(before);
  return last.isSame(after);
}

const SIZES = [0, 1, 32, 128, 129, 4_096, 4_097, 100_000];

Deno.test("LastByTopic tells a payload that differs in its last byte or its length", () => {
  for (const size of SIZES) {
    const bytes = new Uint8Array(size).fill(7);
    assert.equal(isSame(message(bytes), message(bytes.slice())), true, `${size}`);
    assert.equal(isSame(message(bytes), message(new Uint8Array(size + 1).fill(7))), false);
    if (size === 0) continue;
    const other = bytes.slice();
    other[size - 1] = 8;
    assert.equal(isSame(message(bytes), message(other)), false, `${size}`);
  }
});

Deno.test("LastByTopic compares with the last message of the same topic only", () => {
  const last = new LastByTopic();
  assert.equal(last.isSame(message("1")), false);
  last.remember(message("1"));
  last.remember(message("2", { topic: "u" }));
  assert.deepEqual([last.isSame(message("1")), last.isSame(message("2"))], [true, false]);
  assert.equal(last.isSame(message("1", { topic: "u" })), false);
  last.remember(message("3"));
  assert.deepEqual([last.isSame(message("1")), last.isSame(message("3"))], [false, true]);
});

Deno.test("LastByTopic compares the properties, but for the message expiry", () => {
  const all: MessageProperties = {
    contentType: "a",
    responseTopic: "b",
    correlationData: new Uint8Array([1]),
    userProperties: { c: "d", e: ["f", "g"] },
    messageExpiryInterval: 10,
    omittedBytes: 5,
  };
  const others: readonly MessageProperties[] = [
    { ...all, contentType: "ab" },
    { ...all, responseTopic: "a" },
    { ...all, correlationData: new Uint8Array([2]) },
    { ...all, userProperties: { c: "d", e: ["fg"] } },
    { ...all, userProperties: { c: "d", e: "f" } },
    { ...all, userProperties: JSON.parse('{"c": "d", "e": ["f", "g"], "__proto__": "x"}') },
    { ...all, omittedBytes: 6 },
    {},
  ];
  for (const size of SIZES) {
    const payload = new Uint8Array(size);
    const one = message(payload, { properties: all });
    assert.equal(isSame(one, message(payload, { properties: { ...all } })), true);
    const expiring = { ...all, messageExpiryInterval: 3 };
    assert.equal(isSame(one, message(payload, { properties: expiring })), true);
    const { messageExpiryInterval: _none, ...lasting } = all;
    assert.equal(isSame(one, message(payload, { properties: lasting })), true);
    for (const properties of others) {
      assert.equal(
        isSame(one, message(payload, { properties })),
        false,
        JSON.stringify(properties),
      );
      assert.equal(isSame(message(payload, { properties }), one), false);
    }
    assert.equal(isSame(one, message(payload)), false);
    assert.equal(isSame(message(payload), one), false);
    const bare = { messageExpiryInterval: 1 };
    assert.equal(isSame(message(payload), message(payload, { properties: bare })), true);
    assert.equal(isSame(message(payload, { properties: {} }), message(payload)), true);
  }
});

Deno.test("LastByTopic is exact whether there is room for payloads or only for digests", () => {
  const last = new LastByTopic({ maxBytes: 100_000 });
  const topics = Array.from({ length: 100 }, (_, i) => `t${i}`);
  const payload = (topic: string): string => topic.repeat(300);
  for (const topic of topics) last.remember(message(payload(topic), { topic }));
  for (const topic of topics) {
    assert.equal(last.isSame(message(payload(topic), { topic })), true, topic);
    assert.equal(last.isSame(message(`${payload(topic)}.`, { topic })), false, topic);
  }
});

Deno.test("LastByTopic forgets the topic that was silent for longest, in bounded memory", () => {
  const last = new LastByTopic({ maxBytes: 100_000 });
  const topic = (i: number): string => `${i}`.padEnd(1_000, "x");
  for (let i = 0; i < 1_000; i++) {
    last.remember(message("1", { topic: topic(i) }));
    last.remember(message("1", { topic: topic(0) }));
  }
  const remembered = Array.from({ length: 1_000 }, (_, i) => i)
    .filter((i) => last.isSame(message("1", { topic: topic(i) })));
  assert.ok(remembered.length >= 40 && remembered.length <= 50, `${remembered.length}`);
  assert.equal(remembered[0], 0);
  assert.equal(remembered.at(-1), 999);
  assert.equal(remembered[1], 1_000 - remembered.length + 1);
});

Deno.test("LastByTopic does not throw, whatever a parser made of the properties", () => {
  const properties = {
    contentType: ["a", "b"],
    correlationData: [new Uint8Array([1]), new Uint8Array([2])],
    userProperties: { a: [["b"]] },
  } as unknown as MessageProperties;
  assert.equal(isSame(message("1", { properties }), message("1", { properties })), true);
  assert.equal(isSame(message("1", { properties }), message("1")), false);
});
