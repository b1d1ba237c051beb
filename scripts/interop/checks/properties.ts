/**
 * The properties of MQTT 5, in both directions.
 *
 * @module
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { until } from "../../../tests/brokers/until.ts";
import { McpMqttError } from "../../../lib/errors.ts";
import { type Check, collect, Deviation, publication, waiting } from "../check.ts";

const EXPIRY_SECONDS = 1;
/** Longer than the expiry, for brokers that look once a second. */
const EXPIRED_MS = 4_000;

const PROPERTIES = {
  contentType: "application/json",
  responseTopic: "answers/here",
  userProperties: { unit: "°C", tag: ["b", "a"] },
  messageExpiryInterval: 3_600,
} as const;
const CORRELATION = [0, 255, 1, 128];

export const PROPERTIES_KEPT: readonly Check[] = [
  {
    name: "Properties sent arrive at a device",
    only: "5",
    async run(context): Promise<void> {
      await using connection = await context.open();
      await using device = await context.device();
      const topic = context.topic();
      await device.subscribe(topic, { qos: 1 });
      const properties = { ...PROPERTIES, correlationData: new Uint8Array(CORRELATION) };
      const published = connection.publish(publication(topic, "{}", { properties }), waiting());
      published.catch(() => {});
      const [message] = await device.collect(1);
      const { correlationData, userProperties, messageExpiryInterval = 0, ...rest } =
        message?.packet.properties ?? {};
      assert.deepEqual([...correlationData ?? []], CORRELATION);
      assert.deepEqual({ ...userProperties }, PROPERTIES.userProperties);
      assert(messageExpiryInterval > 3_590 && messageExpiryInterval <= 3_600);
      assert.equal(rest.contentType, PROPERTIES.contentType);
      assert.equal(rest.responseTopic, PROPERTIES.responseTopic);
      await published.catch((error) => {
        if (!(error instanceof McpMqttError) || error.outcome !== "unknown") throw error;
        throw new Deviation("unreadableAcknowledgement");
      });
    },
  },
  {
    name: "Payload Format Indicator arrives at a device",
    only: "5",
    async run(context): Promise<void> {
      await using connection = await context.open();
      await using device = await context.device();
      const topic = context.topic();
      await device.subscribe(topic, { qos: 1 });
      await connection.publish(publication(topic, "text"), waiting());
      await connection.publish(publication(topic, new Uint8Array([255])), waiting());
      const indicators = (await device.collect(2)).map(({ packet }) =>
        packet.properties?.payloadFormatIndicator ?? false
      );
      assert.deepEqual(indicators, [true, false]);
    },
  },
  {
    name: "Properties of a device arrive here",
    only: "5",
    async run(context): Promise<void> {
      await using connection = await context.open();
      await using device = await context.device();
      const topic = context.topic();
      await using collected = await collect(connection, topic);
      const { userProperties, ...rest } = PROPERTIES;
      await device.publish(topic, "{}", {
        properties: {
          ...rest,
          userProperties: { unit: userProperties.unit, tag: [...userProperties.tag] },
          correlationData: Buffer.from(CORRELATION),
        },
      });
      await until(() => collected.messages.length > 0);
      const { messageExpiryInterval = 0, ...properties } = collected.messages[0]?.properties ?? {};
      assert(messageExpiryInterval > 3_590 && messageExpiryInterval <= 3_600);
      const received = {
        ...properties,
        userProperties: { ...properties.userProperties },
        messageExpiryInterval: 3_600,
      };
      assert.deepEqual(received, {
        ...PROPERTIES,
        correlationData: new Uint8Array(CORRELATION),
      });
    },
  },
  {
    name: "An expired retained message is not replayed",
    only: "5",
    async run(context): Promise<void> {
      await using connection = await context.open();
      const topic = context.topic();
      const properties = { messageExpiryInterval: EXPIRY_SECONDS };
      await connection.publish(
        publication(topic, "old", { retain: true, properties }),
        waiting(),
      );
      await new Promise((resolve) => setTimeout(resolve, EXPIRED_MS));
      await using collected = await collect(connection, topic);
      assert.deepEqual(await collected.before(topic), []);
    },
  },
];
