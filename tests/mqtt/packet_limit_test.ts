import assert from "node:assert/strict";
import fc from "fast-check";
import { PacketLimit } from "../../lib/mqtt/link/packet_limit.ts";

const MAX_BYTES = 200;

/** A packet as bytes; a PUBLISH has a topic name and above QoS 0 a Packet Identifier. */
function packet(first: number, body: Uint8Array): Uint8Array {
  const size: number[] = [];
  for (let left = body.length;; left >>= 7) {
    size.push(left > 127 ? (left & 127) | 128 : left);
    if (left < 128) break;
  }
  return Uint8Array.from([first, ...size, ...body]);
}

function publish(
  { qos, topic, payload }: { qos: number; topic: number; payload: number },
  isMqtt5: boolean,
): Uint8Array {
  const identifier = qos > 0 ? [0x12, 0x34] : [];
  const properties = isMqtt5 ? [0] : [];
  const body = new Uint8Array(2 + topic + identifier.length + properties.length + payload);
  body.set([topic >> 8, topic & 255]);
  body.fill(0x74, 2, 2 + topic);
  body.set([...identifier, ...properties], 2 + topic);
  body.fill(0xFF, 2 + topic + identifier.length + properties.length);
  return packet(0x30 | qos << 1, body);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

const anyPublish = fc.record({
  qos: fc.constantFrom(0, 1, 2),
  topic: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 700 })),
  payload: fc.oneof(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 20_000 })),
});

Deno.test("PacketLimit passes small packets on as they are, and a small PUBLISH for each too large", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(anyPublish, fc.constantFrom(0xD0, 0x40, 0x90)), { maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1 }),
      fc.boolean(),
      (wanted, cuts, isMqtt5) => {
        const sent = wanted.map((one) =>
          typeof one === "number"
            ? packet(one, new Uint8Array(one === 0xD0 ? 0 : 2))
            : publish(one, isMqtt5)
        );
        const limit = new PacketLimit({
          maxBytes: MAX_BYTES,
          isMqtt5,
          onFault: () => assert.fail("no fault"),
        });
        const bytes = concat(sent);
        const passed: Uint8Array[] = [];
        let at = 0;
        for (let i = 0; at < bytes.length; i++) {
          const size = cuts[i % cuts.length] ?? 1;
          passed.push(limit.pass(bytes.subarray(at, at + size)).slice());
          at += size;
        }
        const expected = sent.map((one, i) => {
          const about = wanted[i];
          if (one.length <= MAX_BYTES || typeof about !== "object") return one;
          const identifier = about.qos > 0 ? [0x12, 0x34] : [];
          return packet(
            0x30 | about.qos << 1,
            Uint8Array.from([0, 1, 0, ...identifier, ...(isMqtt5 ? [0] : [])]),
          );
        });
        assert.deepEqual(concat(passed), concat(expected));
      },
    ),
    { numRuns: 300 },
  );
});

Deno.test("PacketLimit gives a chunk back itself where nothing is to be changed", () => {
  const limit = new PacketLimit({ maxBytes: MAX_BYTES, isMqtt5: true, onFault: () => {} });
  const chunk = concat([
    publish({ qos: 1, topic: 3, payload: 9 }, true),
    packet(0xD0, new Uint8Array()),
  ]);
  assert.equal(limit.pass(chunk), chunk);
});

Deno.test("PacketLimit ends a connection on which another packet is too large", () => {
  let faults = 0;
  const limit = new PacketLimit({ maxBytes: MAX_BYTES, isMqtt5: true, onFault: () => faults++ });
  assert.equal(limit.pass(packet(0x90, new Uint8Array(300))).length, 0);
  assert.equal(limit.pass(new Uint8Array(300)).length, 0);
  assert.equal(faults, 1);
});

Deno.test("PacketLimit leaves a malformed length to the parser", () => {
  const limit = new PacketLimit({ maxBytes: MAX_BYTES, isMqtt5: true, onFault: () => {} });
  const malformed = Uint8Array.from([0x30, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3]);
  assert.deepEqual(limit.pass(malformed), malformed);
});

Deno.test("PacketLimit holds nothing of a packet that is too large", () => {
  const limit = new PacketLimit({ maxBytes: MAX_BYTES, isMqtt5: false, onFault: () => {} });
  // 256 MB less one byte, the largest that MQTT has.
  limit.pass(Uint8Array.from([0x30, 0xFF, 0xFF, 0xFF, 0x7F]));
  const chunk = new Uint8Array(65_536);
  for (let i = 0; i < 4_000; i++) assert.equal(limit.pass(chunk).length, 0);
});
