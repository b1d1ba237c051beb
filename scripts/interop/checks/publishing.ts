/**
 * Messages on their way out and back.
 *
 * @module
 */
import assert from "node:assert/strict";
import { until } from "../../../tests/brokers/until.ts";
import { McpMqttError } from "../../../lib/errors.ts";
import type { QoS } from "../../../lib/messages/message.ts";
import { type Check, collect, Deviation, publication, waiting } from "../check.ts";

const BURST = 500;
const BIG_BYTES = 1 << 20;
const LEVELS: readonly QoS[] = [0, 1, 2];

export const PUBLISHING: readonly Check[] = [
  ...LEVELS.map((qos): Check => ({
    name: `QoS ${qos} is delivered as QoS ${qos}`,
    async run(context): Promise<void> {
      await using connection = await context.open();
      const topic = context.topic();
      await using collected = await collect(connection, topic);
      await connection.publish(publication(topic, "x", { qos }), waiting());
      await until(() => collected.messages.length > 0);
      assert.deepEqual(collected.texts(), ["x"]);
      const delivered = collected.messages[0]?.qos;
      if (qos === 2 && delivered === 1) throw new Deviation("qosLowered");
      if (qos < 2 && delivered === 2) throw new Deviation("qosRaised");
      assert.equal(delivered, qos);
    },
  })),
  ...LEVELS.map((qos): Check => ({
    name: `${BURST} messages at once at QoS ${qos}: all, once, in order`,
    async run(context): Promise<void> {
      await using connection = await context.open();
      const topic = context.topic();
      await using collected = await collect(connection, topic);
      const sent = Array.from({ length: BURST }, (_, i) => String(i));
      await Promise.all(
        sent.map((text) => connection.publish(publication(topic, text, { qos }), waiting())),
      );
      // Some brokers let a message of another QoS overtake, so the last one proves nothing alone.
      await until(() => collected.messages.length >= BURST).catch(() => {});
      const got = await collected.before(topic);
      assert.equal(new Set(got).size, BURST, `${new Set(got).size} of ${BURST} arrived`);
      assert.equal(got.length, BURST, `${got.length - BURST} arrived more than once`);
      if (got.join() !== sent.join()) throw new Deviation("unordered");
    },
  })),
  {
    name: "A payload of 1 MB",
    async run(context): Promise<void> {
      await using connection = await context.open();
      const topic = context.topic();
      await using collected = await collect(connection, topic);
      const payload = Uint8Array.from({ length: BIG_BYTES }, (_, i) => i * 31 % 251);
      try {
        await connection.publish(publication(topic, payload), waiting());
      } catch (error) {
        if (!(error instanceof McpMqttError) || error.code !== "payload_too_large") throw error;
        throw new Deviation("packetTooLarge", "n/a");
      }
      await until(() => collected.messages.length > 0);
      assert(
        Uint8Array.from(collected.messages[0]?.payload ?? []).every((b, i) => b === payload[i]),
      );
      assert.equal(collected.messages[0]?.payload.length, BIG_BYTES);
    },
  },
  {
    name: "Says that nobody is subscribed",
    only: "5",
    async run(context): Promise<void> {
      await using connection = await context.open();
      const topic = context.topic();
      const { noSubscribers } = await connection.publish(publication(topic, "x"), waiting());
      if (!noSubscribers) throw new Deviation("noSubscribersNotTold", "n/a");
      await using _collected = await collect(connection, topic);
      const heard = await connection.publish(publication(topic, "x"), waiting());
      assert.equal(heard.noSubscribers, false);
    },
  },
];
