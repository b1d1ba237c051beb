import assert from "node:assert/strict";
import { parseTopicFilter } from "../../lib/topics/topic_filter.ts";
import { startAedes } from "../brokers/aedes.ts";
import type { TestBroker } from "../brokers/broker.ts";
import { connectClient } from "../brokers/client.ts";
import { mosquittoAvailable, startMosquitto } from "../brokers/mosquitto.ts";
import { until } from "../brokers/until.ts";
import { Gathering, heapBytes, openConnection, publication, waiting } from "./connections.ts";

const MESSAGES = 20_000;
const TOPICS = 1_000;
const COLLECTIONS = 3;
const BATCH = 500;

const startPatientMosquitto = (): Promise<TestBroker> =>
  startMosquitto({
    // Every packet in the log would be most of the work.
    config: ["max_queued_messages 0", "log_type none", "log_type notice", "log_type information"],
  });

for (
  const { name, start, version, ignore } of [
    { name: "aedes, 3.1.1", start: startAedes, version: "3.1.1", ignore: false },
    {
      name: "mosquitto, 5",
      start: startPatientMosquitto,
      version: "5",
      ignore: !mosquittoAvailable(),
    },
  ] as const
) {
  Deno.test({
    name: `${COLLECTIONS} collections at once each count ${MESSAGES} messages (${name})`,
    ignore,
    fn: async () => {
      await using broker = await start();
      await using connection = await openConnection(broker, { version });
      const counted = Array.from({ length: COLLECTIONS }, () => new Uint8Array(MESSAGES));
      const wrong: string[] = [];
      const collections = await Promise.all(
        counted.map((counts) =>
          connection.collect([parseTopicFilter("load/#")], {
            ...waiting(),
            includeRetained: true,
            resume: false,
            onMessage: ({ topic, payload }) => {
              const number = new DataView(payload.buffer).getUint32(0);
              if (topic !== `load/${number % TOPICS}` || payload.length !== 200) wrong.push(topic);
              counts[number] = (counts[number] ?? 0) + 1;
            },
          })
        ),
      );
      await using client = await connectClient(broker);
      let answeredMs = 0;
      for (let first = 0; first < MESSAGES; first += BATCH) {
        for (let number = first; number < first + BATCH; number++) {
          const payload = new Uint8Array(200);
          new DataView(payload.buffer).setUint32(0, number);
          client.mqtt.publish(`load/${number % TOPICS}`, payload as never);
        }
        if (first === MESSAGES / 2) {
          const asked = performance.now();
          await connection.publish(publication("other", "x", { qos: 1 }), waiting());
          answeredMs = performance.now() - asked;
        }
      }
      const isWhole = (counts: Uint8Array): boolean => counts.every((count) => count === 1);
      await until(() => counted.every(isWhole), {
        deadlineMs: 30_000,
        what: () => counted.map((counts) => counts.filter((count) => count !== 1).length).join(),
      });
      assert.deepEqual(wrong, []);
      assert.ok(answeredMs < 5_000, `a publish in the middle took ${answeredMs} ms`);
      await Promise.all(collections.map((one) => one[Symbol.asyncDispose]()));
    },
  });
}

Deno.test("collections and connections that come and go leave nothing in memory", async () => {
  await using broker = await startAedes();
  const use = async (rounds: number): Promise<void> => {
    for (let i = 0; i < rounds; i++) {
      await using connection = await openConnection(broker, { version: "3.1.1" });
      for (let j = 0; j < 20; j++) {
        const all = await Promise.all(
          ["a/#", "a/+", "b"].map((one) => Gathering.open(connection, one, { resume: true })),
        );
        await Promise.all(all.map((one) => one[Symbol.asyncDispose]()));
      }
    }
  };
  await use(10);
  const before = await heapBytes();
  await use(30);
  const growth = await heapBytes() - before;
  assert.ok(growth < 1_500_000, `the heap grew by ${growth} bytes`);
});
