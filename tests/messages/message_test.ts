import assert from "node:assert/strict";
import {
  heldBytes,
  type Message,
  type MessageProperties,
  propertySize,
} from "../../lib/messages/message.ts";

function bytesOf(topic: string, size: number, properties?: MessageProperties): number {
  const payload = new Uint8Array(size);
  const one: Message = { topic, payload, qos: 0, retain: false, receivedAt: 0 };
  return heldBytes(properties === undefined ? one : { ...one, properties });
}

Deno.test("heldBytes() counts payload, topic name and a fixed overhead", () => {
  assert.equal(bytesOf("", 0), 400);
  assert.equal(bytesOf("a/b", 1_000), 1_406);
  assert.equal(bytesOf("x".repeat(65_535), 0), 131_470);
});

Deno.test("heldBytes() counts every property, and something for each value", () => {
  const none = bytesOf("t", 0, {});
  assert.equal(none, bytesOf("t", 0));
  const text = "x".repeat(1_000);
  const counted: ReadonlyArray<readonly [MessageProperties, number]> = [
    [{ contentType: text }, 2_000],
    [{ responseTopic: text }, 2_000],
    [{ correlationData: new Uint8Array(1_000) }, 1_000],
    [{ userProperties: { [text]: text } }, 4_000],
    [{ userProperties: { a: [text, text, text] } }, 6_002],
  ];
  for (const [properties, least] of counted) {
    const more = bytesOf("t", 0, properties) - none;
    assert.ok(more > least && more < least + 500, `${more} for ${least}`);
  }
  // Thousands of values that are empty are not for nothing.
  const empty = { userProperties: { a: new Array(5_000).fill("") } };
  assert.ok(bytesOf("t", 0, empty) > 100_000);
});

Deno.test("propertySize() counts no more than showing takes", () => {
  const userProperties = { a: ["bc", "d"], e: "" };
  const properties = { contentType: "ü", correlationData: new Uint8Array(3), userProperties };
  assert.equal(propertySize(properties).shownBytes, 1 + 3 + 4 + 1);
});

Deno.test("heldBytes() counts what a parser made of properties that were sent twice", () => {
  const twice = {
    contentType: ["x".repeat(1_000), "y".repeat(1_000)],
    correlationData: [new Uint8Array(1_000), null],
    userProperties: { a: [["z".repeat(1_000)]] },
  } as unknown as MessageProperties;
  assert.ok(bytesOf("t", 0, twice) > 7_400);
});
