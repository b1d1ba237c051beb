import assert from "node:assert/strict";
import type { Publication } from "../../lib/mqtt/link/link.ts";
import { packets, publishSize } from "../../lib/mqtt/link/packet_size.ts";
import { parseTopicFilter } from "../../lib/topics/topic_filter.ts";
import { until } from "../brokers/until.ts";
import { openConnection, publication, waiting } from "./connections.ts";
import { connack, CONNECT, PUBLISH, ScriptedBroker } from "./scripted_broker.ts";

const PUBLICATIONS: readonly Publication[] = [
  publication("a", ""),
  publication("tö/pic", "x".repeat(100), { isText: false }),
  publication("a", "x".repeat(130), { qos: 1 }),
  publication("a", "x".repeat(20_000), { retain: true }),
  publication("a", new Uint8Array(2_100_000), { qos: 2 }),
];
const PROPERTIES: Publication["properties"] = {
  contentType: "text/plain; charset=ü",
  responseTopic: "r/e",
  correlationData: new Uint8Array(7),
  messageExpiryInterval: 60,
  userProperties: { a: ["1", "2"], bö: "3" },
};

for (const version of ["5", "3.1.1"] as const) {
  Deno.test(`publishSize() is what is sent, in MQTT ${version}`, async () => {
    const sizes: number[] = [];
    await using broker = new ScriptedBroker(({ type, body }, client) => {
      if (type === CONNECT) client.send(...connack(version));
      if (type !== PUBLISH) return;
      const { length } = body;
      sizes.push(
        1 + (length < 128 ? 1 : length < 16_384 ? 2 : length < 2_097_152 ? 3 : 4) + length,
      );
    });
    await using connection = await openConnection(broker, { version });
    const all = version === "5"
      ? [...PUBLICATIONS, publication("p", "x", { properties: PROPERTIES })]
      : PUBLICATIONS;
    for (const [i, one] of all.entries()) {
      connection.publish(one, waiting()).catch(() => {});
      await until(() => sizes.length > i);
    }
    assert.deepEqual(sizes, all.map((one) => publishSize(one, version)));
  });
}

Deno.test("packets() keeps to 100 filters and to the bytes that the broker takes", () => {
  const subscriptions = Array.from({ length: 250 }, (_, i) => ({
    filter: parseTopicFilter(`level/${String(i).padStart(4, "0")}`),
  }));
  assert.deepEqual([...packets(subscriptions)].map(({ length }) => length), [100, 100, 50]);
  // 8 bytes before the filters, 13 for each.
  const small = [...packets(subscriptions, 8 + 3 * 13)];
  assert.ok(small.every(({ length }) => length <= 3));
  assert.deepEqual(small.flat(), subscriptions);
  assert.equal([...packets(subscriptions, 1)].length, 250);
  assert.equal([...packets([])].length, 0);
});
