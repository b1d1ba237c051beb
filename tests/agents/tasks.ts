/**
 * Thirteen tasks as people give them to an agent, each with the fixed sequence of calls that solves it
 * on the house of the demo, and the proof that the answer is right.
 */

import assert from "node:assert/strict";
import { ROOMS } from "../../demo/room.ts";
import { zigbeeAtStart } from "../../demo/zigbee.ts";
import { utf8Bytes } from "./agent.ts";
import type { AgentTask } from "./task.ts";
import { assertConsecutive, LIVE_TOPICS, tickOf } from "./expected_house.ts";

const ROOM_NAMES: readonly string[] = ROOMS.map(({ name }) => name);

/** In the order of the docs. */
export const TASKS: readonly AgentTask[] = [
  {
    title: "Which room is the hottest?",
    async solve(agent) {
      const { messages } = await agent.call("mqtt_subscribe", {
        topic: "sensors/+/temperature",
        max_messages: 3,
        timeout: 5,
      });
      assertConsecutive(messages, (topic) => topic.endsWith("/temperature"));
      assert.equal(new Set(messages.map(({ topic }: Told) => topic)).size, ROOM_NAMES.length);
      const [hottest] = messages.toSorted((a: Told, b: Told) =>
        Number(b.payload) - Number(a.payload)
      );
      assert.equal(hottest.topic, "sensors/kitchen/temperature");
    },
  },
  {
    title: "Switch the bedroom light off, and make sure that it is.",
    async prepare(host) {
      await host.expectResult("mqtt_publish", {
        topic: "actuators/lights/bedroom/on",
        payload: "1",
      });
      await host.expectResult("mqtt_read", {
        topic: "actuators/lights/bedroom/state",
        where: { path: "/on", op: "eq", value: true },
      });
    },
    async solve(agent) {
      const start = new Date().toISOString();
      const { responses } = await agent.call("mqtt_query", {
        request_topic: "actuators/lights/bedroom/off",
        response_topic: "actuators/lights/bedroom/state",
        payload: "1",
      });
      const [{ payload }] = responses;
      assert.equal(payload.on, false);
      assert.ok(payload.since >= start, `it was off before: since ${payload.since}`);
    },
    async prove(host) {
      const { payload } = await host.readResource(
        "mcpmqtt://message/actuators/lights/bedroom/state",
      );
      assert.equal(payload.on, false);
    },
  },
  {
    title: "Dim the bedroom lamp to a half. (No topic is known.)",
    async solve(agent) {
      const { devices: [{ entities }] } = await agent.call("mqtt_devices", {
        find: "bedroom lamp",
      });
      const { read, write } = entities.find(({ name }: { name: string }) => name === "Brightness");
      const half = Math.round((write.min + write.max) / 2);
      const { responses: [{ payload }] } = await agent.call("mqtt_query", {
        request_topic: write.topic,
        payload: { brightness: half },
        response_topic: read.topic,
        where: { path: read.path, op: "eq", value: half },
      });
      assert.deepEqual([payload.brightness, payload.state], [127, "ON"]);
    },
    async prove(host) {
      const { payload } = await host.readResource("mcpmqtt://message/zigbee2mqtt/bedroom%20lamp");
      assert.equal(payload.brightness, 127);
    },
  },
  {
    title: "Tell me when the humidity in the bathroom is above 70 %.",
    async solve(agent) {
      const { topic, payload, retain } = await agent.call("mqtt_read", {
        topic: "zigbee/bathroom",
        where: { path: "/humidity", op: "gt", value: 70 },
        timeout: 60,
      });
      assert.deepEqual([topic, retain], ["zigbee/bathroom", undefined]);
      assert.ok([75, 80].includes(payload.humidity), `${payload.humidity} %RH`);
    },
  },
  {
    title: "Which battery device does not report any more?",
    async solve(agent) {
      const { topics } = await agent.call("mqtt_topics", { filter: "zigbee/+" });
      const silent = topics.filter(({ rate = 0 }: { rate?: number }) => rate === 0);
      assert.deepEqual(silent.map(({ topic }: Told) => topic), ["zigbee/cellar_leak"]);
      assert.equal(topics.length, 4);
      const heardOf = Date.parse(silent[0].last.last_seen);
      const days = (Date.now() - heardOf) / (24 * 60 * 60_000);
      assert.ok(days > 2.9 && days < 3.1, `${days} days`);
    },
  },
  {
    title: "Ask every room for its status.",
    async solve(agent) {
      const { responses } = await agent.call("mqtt_query", {
        request_topic: "commands/all/request",
        response_topic: "commands/+/response",
        payload: "get_status",
        max_responses: 3,
      });
      const rooms = new Map<string, { temperature: string; humidity: string }>();
      for (const { topic, payload } of responses) {
        assert.equal(topic, `commands/${payload.room}/response`);
        assert.equal(payload.light, "off");
        const { temperature, humidity } = payload;
        rooms.set(payload.room, {
          temperature: temperature.toFixed(1),
          humidity: humidity.toFixed(1),
        });
      }
      assert.equal(responses.length, ROOM_NAMES.length);
      assert.equal(tickOf(rooms).length, ROOM_NAMES.length);
    },
  },
  {
    title: "What is alive here? (No topic name is known.)",
    async solve(agent) {
      const { topics, total } = await agent.call("mqtt_topics", {
        duration: 3,
        exclude: "homeassistant/#",
      });
      assert.deepEqual(topics.map(({ topic }: Told) => topic), LIVE_TOPICS);
      assert.equal(total, LIVE_TOPICS.length);
    },
  },
  {
    title: "Switch the living room light on, and show what that causes.",
    async solve(agent) {
      const { watch_id } = await agent.call("mqtt_watch", {
        topic: "actuators/lights/+/state",
        include_retained: false,
      });
      await agent.call("mqtt_publish", {
        topic: "actuators/lights/living/on",
        payload: "1",
        qos: 1,
      });
      const { messages, dropped } = await agent.call("mqtt_watch_read", { watch_id, timeout: 5 });
      const { received } = await agent.call("mqtt_watch_stop", { watch_id });
      assert.deepEqual([messages.length, dropped, received], [1, 0, 1]);
      const [{ topic, payload, seq }] = messages;
      assert.deepEqual([topic, payload.on, seq], ["actuators/lights/living/state", true, 1]);
    },
  },
  {
    title: "Which window is opened or closed next?",
    async solve(agent) {
      const { messages, ended } = await agent.call("mqtt_subscribe", {
        topic: "zigbee/+",
        where: { path: "/contact", op: "changed" },
        max_messages: 1,
      });
      assert.equal(ended, "max_messages");
      const [{ topic, payload, retain }] = messages;
      assert.deepEqual([topic, payload.contact, retain], [
        "zigbee/kitchen_window",
        false,
        undefined,
      ]);
    },
  },
  {
    title: "Give me the next six readings of the kitchen, none left out.",
    async solve(agent) {
      const { messages, dropped } = await agent.call("mqtt_subscribe", {
        topic: "sensors/kitchen/+",
        max_messages: 6,
      });
      assert.deepEqual([messages.length, dropped], [6, 0]);
      assertConsecutive(messages, (topic) => topic.startsWith("sensors/kitchen/"));
    },
  },
  {
    title: "Read the kitchen temperature, with the topic misspelt at first.",
    async solve(agent) {
      const { text } = await agent.refused("mqtt_read", { topic: "sensor/kitchen/temperature" });
      const [, nearest = ""] = /\nhint: .*?"([^"]+)"/.exec(text) ?? [];
      const topic = nearest.replace("+", "kitchen");
      const message = await agent.call("mqtt_read", { topic });
      assert.equal(message.topic, "sensors/kitchen/temperature");
      assertConsecutive([message], (one) => one === "sensors/kitchen/temperature");
    },
  },
  {
    title: "How large is the list of devices, and what is in it? (Without reading it all.)",
    async solve(agent) {
      const { payload, truncated, size } = await agent.call("mqtt_read", {
        topic: "zigbee/bridge/devices",
        max_payload_bytes: 150,
      });
      const [devices] = zigbeeAtStart(0);
      const whole = JSON.stringify(devices?.payload);
      assert.deepEqual([truncated, size], [true, utf8Bytes(whole)]);
      assert.equal(payload, whole.slice(0, 150));
    },
  },
  {
    title: "Switch the whole house off. (It is not granted: say why.)",
    async solve(agent) {
      const { text, error } = await agent.refused("mqtt_publish", {
        topic: "status/system",
        payload: "off",
      });
      assert.deepEqual([error.code, error.outcome], ["forbidden", "not_sent"]);
      assert.match(text, /^forbidden: no rule grants write on "status\/system"/);
      assert.match(text, /\nhint: .*"actuators\/lights\/\+\/set"/);
    },
    async prove(host) {
      const { payload } = await host.readResource("mcpmqtt://message/status/system");
      assert.equal(payload.state, "ok");
    },
  },
];

/** What a task looks at in a message. */
interface Told {
  readonly topic: string;
  readonly payload: unknown;
}
