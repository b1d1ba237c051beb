/**
 * What the broker's own rules forbid, and what is left behind.
 *
 * @module
 */
import assert from "node:assert/strict";
import { within } from "../../../tests/brokers/until.ts";
import { McpMqttError } from "../../../lib/errors.ts";
import type { Connection } from "../../../lib/mqtt/connection.ts";
import { PROHIBITED } from "../broker.ts";
import { type Check, collect, Deviation, publication, waiting } from "../check.ts";
import { openTap } from "../tap.ts";

/** More than everything else that a broker says in the meantime. */
const TELLING_BYTES = 10_000;
/** For the broker to acknowledge what a device publishes. */
const ANSWER_DEADLINE_MS = 5_000;

export const REFUSALS: readonly Check[] = [
  {
    name: "A forbidden SUBSCRIBE is told",
    async run(context): Promise<void> {
      await using connection = await context.open();
      const error = await failureOf(async () => {
        await using _collected = await collect(connection, PROHIBITED);
      });
      if (error === undefined) throw new Deviation("silentSubscribe");
      await stillWorks(connection, context.topic());
      if (error.code === "not_connected") throw new Deviation("closedOnSubscribe");
      assert.equal(error.code, "broker_refused", error.message);
    },
  },
  {
    name: "A forbidden PUBLISH is told",
    async run(context): Promise<void> {
      await using connection = await context.open();
      const error = await failureOf(() =>
        connection.publish(publication(PROHIBITED, "x"), waiting())
      );
      await stillWorks(connection, context.topic());
      if (error === undefined) throw new Deviation("silentPublish");
      if (error.code === "not_connected") throw new Deviation("closedOnPublish");
      if (error.code === "timeout") throw new Deviation("noAnswerToPublish");
      assert.equal(error.code, "broker_refused", error.message);
      if (error.outcome === "unknown") throw new Deviation("disconnectedOnPublish");
    },
  },
  {
    name: "Nothing stays subscribed",
    async run(context): Promise<void> {
      await using tap = openTap(context.broker);
      await using connection = await context.open({ port: tap.port });
      await using device = await context.device();
      const topic = context.topic();
      for (let round = 0; round < 3; round++) {
        await using first = await collect(connection, [`${topic}/+`, `${topic}/#`]);
        await using _second = await collect(connection, [`${topic}/a`, `${topic}/#`]);
        await first.before(`${topic}/a`);
      }
      const before = tap.receivedBytes();
      const payload = "x".repeat(TELLING_BYTES);
      await within(
        device.publish(`${topic}/a`, payload, { qos: 1 }),
        ANSWER_DEADLINE_MS,
        "the answer to the device's publish",
      );
      // What the broker had to send for that message it sends before this one.
      await stillWorks(connection, context.topic());
      assert(tap.receivedBytes() - before < TELLING_BYTES, "a message still arrived");
    },
  },
];

async function failureOf(action: () => Promise<unknown>): Promise<McpMqttError | undefined> {
  try {
    await action();
    return undefined;
  } catch (error) {
    if (error instanceof McpMqttError) return error;
    throw error;
  }
}

async function stillWorks(connection: Connection, topic: string): Promise<void> {
  await using collected = await collect(connection, topic);
  assert.deepEqual(await collected.before(topic), []);
}
