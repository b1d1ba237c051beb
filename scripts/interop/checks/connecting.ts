/**
 * Getting to the broker, and back to it.
 *
 * @module
 */
import assert from "node:assert/strict";
import { until } from "../../../tests/brokers/until.ts";
import { type Check, collect } from "../check.ts";

/** How long `auto` may take, the fallback included. */
const AUTO_MS = 2_000;
/** For the broker to come up and the program to find it again, jitter included. */
const RESTART_DEADLINE_MS = 90_000;

export const CONNECTING: readonly Check[] = [
  {
    name: "Connects",
    async run(context): Promise<void> {
      await using connection = await context.open();
      assert.equal(connection.status.protocolVersion, context.version);
    },
  },
  {
    name: "`auto` finds the newest version",
    async run(context) {
      const start = performance.now();
      await using connection = await context.open({ version: "auto" });
      assert.equal(connection.status.protocolVersion, context.newest);
      if (context.newest === "5") {
        assert(performance.now() - start < AUTO_MS, "it took longer than 2 s");
        return undefined;
      }
      return performance.now() - start < AUTO_MS ? "fallback" : "silentFallback";
    },
  },
];

/** Asked last: it takes the broker down. */
export const RESTARTING: Check = {
  name: "Restart of the broker: collections go on, each message once",
  deadlineMs: RESTART_DEADLINE_MS,
  async run(context): Promise<void> {
    await using connection = await context.open();
    const topic = context.topic();
    await using collected = await collect(connection, [`${topic}/+`, topic], { resume: true });
    assert.deepEqual(await collected.before(topic), []);
    await context.broker.restart();
    await until(() => connection.status.reconnects > 0 && connection.status.isConnected, {
      deadlineMs: RESTART_DEADLINE_MS,
      what: "the connection to come back",
    });
    await using device = await context.device();
    // The subscription is taken up after the CONNACK, so the first messages may precede it.
    await until(async () => {
      await device.publish(`${topic}/probe`, "probe", { qos: 1 });
      return collected.texts().includes("probe");
    });
    await device.publish(`${topic}/one`, "one", { qos: 1 });
    await device.publish(topic, "two", { qos: 1 });
    await collected.before(`${topic}/last`);
    assert.deepEqual(collected.texts().filter((text) => text !== "probe").sort(), ["one", "two"]);
  },
};
