/**
 * Much at once: retained messages, devices.
 *
 * @module
 */
import assert from "node:assert/strict";
import { until } from "../../../tests/brokers/until.ts";
import { type Check, Deviation } from "../check.ts";
import { publishAll, startProgram } from "../program.ts";

const RETAINED = 1_500;
const DEVICES = 2_000;
const RETAIN = { retain: true };
const DEADLINE_MS = 90_000;

export const AMOUNTS: readonly Check[] = [
  {
    name: `Over MCP: ${RETAINED} retained messages at QoS 1, all by \`retained_only\``,
    deadlineMs: DEADLINE_MS,
    async run(context): Promise<void> {
      await using host = await startProgram(context);
      await using device = await context.device();
      const topic = context.topic();
      await publishAll(device, RETAINED, {
        ...RETAIN,
        of: (i) => [`${topic}/${i}`, `{"n": ${i}}`],
      });
      const asked = { retained_only: true };
      const { total } = await host.expectResult("mqtt_topics", { filter: `${topic}/#`, ...asked });
      if (total === 0) throw new Deviation("noReplayToWildcards");
      assert.equal(total, RETAINED, "mqtt_topics");
      const all = { topic: `${topic}/#`, max_messages: RETAINED * 2, ...asked };
      const { messages, ended } = await host.expectResult("mqtt_subscribe", all);
      assert.equal(ended, "retained");
      assert.equal(messages.length, RETAINED, "mqtt_subscribe");
      const topics = new Set(messages.map((one: { topic: string }) => one.topic));
      assert.equal(topics.size, RETAINED, "different topics");
      const where = { path: "/n", op: "eq", value: RETAINED - 1 };
      const last = await host.expectResult("mqtt_read", {
        topic: `${topic}/+`,
        where,
        timeout: 20,
      });
      assert.deepEqual(last.payload, { n: RETAINED - 1 });
      await publishAll(device, RETAINED, { ...RETAIN, of: (i) => [`${topic}/${i}`, ""] });
    },
  },
  {
    name: `Over MCP: \`mqtt_devices\` with ${DEVICES} devices and their values`,
    deadlineMs: DEADLINE_MS,
    async run(context): Promise<void> {
      await using host = await startProgram(context);
      await using device = await context.device();
      const topic = context.topic();
      const configTopic = (i: number): string =>
        `homeassistant/sensor/${topic.slice(8)}-${i}/config`;
      await publishAll(device, DEVICES, {
        ...RETAIN,
        of: (i) => [
          configTopic(i),
          JSON.stringify({
            name: "temperature",
            unique_id: `${topic}-${i}`,
            state_topic: `${topic}/${i}/state`,
            unit_of_measurement: "°C",
            device: { identifiers: [`${topic}-${i}`], name: `device ${i}` },
          }),
        ],
      });
      const options = { timeoutMs: 60_000 };
      try {
        const { total } = await host.expectResult("mqtt_devices", { limit: 5 }, options);
        if (total === 0) throw new Deviation("noReplayToWildcards");
        assert.equal(total, DEVICES);
        for (const i of [0, 999, DEVICES - 1]) {
          await device.publish(`${topic}/${i}/state`, `${i}.5`, { qos: 1 });
        }
        for (const i of [0, 999, DEVICES - 1]) {
          await until(async () => {
            const { devices } = await host.expectResult("mqtt_devices", {
              device: `${topic}-${i}`,
            }, options);
            return JSON.stringify(devices).includes(`"value":${i}.5`);
          }, { what: `the value of device ${i}` });
        }
      } finally {
        await publishAll(device, DEVICES, { ...RETAIN, of: (i) => [configTopic(i), ""] });
      }
    },
  },
];
