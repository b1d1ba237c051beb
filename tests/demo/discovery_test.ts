import assert from "node:assert/strict";
import { startDemo } from "../../demo/demo.ts";
import { roomDiscovery } from "../../demo/discovery.ts";
import { ROOMS } from "../../demo/room.ts";
import { Permissions } from "../../lib/topics/permissions.ts";
import { connectClient } from "../brokers/client.ts";
import { houseTest } from "./house.ts";

/** The full names of the short ones, from Home Assistant's list. */
const FULL: Readonly<Record<string, string>> = {
  avty_t: "availability_topic",
  avty_tpl: "availability_template",
  cmd_t: "command_topic",
  dev: "device",
  dev_cla: "device_class",
  pl_avail: "payload_available",
  stat_cla: "state_class",
  stat_t: "state_topic",
  stat_val_tpl: "state_value_template",
  uniq_id: "unique_id",
  unit_of_meas: "unit_of_measurement",
};

/** A description with full names, as Home Assistant reads it. */
type Entity = Readonly<Record<string, unknown>>;

/** All of the house, by topic. */
function entities(): Map<string, Entity> {
  const messages = ROOMS.flatMap(({ name }) => roomDiscovery(name));
  return new Map(messages.map(({ topic, payload }) => {
    const { "~": base, ...rest } = payload as Record<string, unknown>;
    const full = Object.entries(rest).map(([key, value]) => [
      FULL[key] ?? key,
      typeof value === "string" && base !== undefined ? value.replace(/^~/, String(base)) : value,
    ]);
    return [topic, Object.fromEntries(full)];
  }));
}

houseTest("startHouse() retains the discovery of each room", async (client) => {
  await client.subscribe("homeassistant/#");
  const messages = await client.collect(9, { pick: ({ retain }) => retain });
  assert.deepEqual(messages.map(({ topic }) => topic).sort(), [...entities().keys()].sort());
  for (const { topic } of messages) {
    assert.match(topic, /^homeassistant\/(?:sensor|light)\/[a-z_]+\/config$/);
  }
  const sent = ROOMS.flatMap(({ name }) => roomDiscovery(name));
  for (const { topic, text } of messages) {
    assert.deepEqual(JSON.parse(text), sent.find((one) => one.topic === topic)?.payload);
  }
});

Deno.test("roomDiscovery() says what a temperature sensor is", () => {
  const topic = "homeassistant/sensor/living_temperature/config";
  assert.deepEqual(entities().get(topic), {
    availability_template: "{{ value_json.state }}",
    availability_topic: "status/system",
    device: {
      ids: "demo_living",
      name: "Living room",
      mf: "Demo",
      mdl: "room",
      sa: "Living room",
    },
    device_class: "temperature",
    name: "Temperature",
    payload_available: "ok",
    state_class: "measurement",
    state_topic: "sensors/living/temperature",
    unique_id: "demo_living_temperature",
    unit_of_measurement: "°C",
  });
});

Deno.test("roomDiscovery() gives each entity an id of its own, and a room one device", () => {
  const all = [...entities().values()];
  assert.equal(new Set(all.map(({ unique_id }) => unique_id)).size, 9);
  assert.equal(new Set(all.map(({ device }) => JSON.stringify(device))).size, 3);
});

Deno.test("what the house describes may be read and written, and is there", async () => {
  await using demo = await startDemo();
  await using client = await connectClient(demo.config.mqtt);
  const told = [...entities().values()];
  const readTopics = told.flatMap((entity) => [
    String(entity["state_topic"]),
    String(entity["availability_topic"]),
  ]);
  await client.subscribe([...new Set(readTopics)]);
  for (const topic of readTopics) {
    await client.collect(1, { pick: (message) => message.topic === topic });
  }
  const permissions = new Permissions(demo.config.rules);
  for (const topic of readTopics) assert.ok(permissions.decide(topic, "read").allowed, topic);
  for (const [topic, entity] of entities()) {
    assert.ok(permissions.decide(topic, "read").allowed, topic);
    const { command_topic: written = "" } = entity;
    if (topic.startsWith("homeassistant/light/")) {
      assert.ok(permissions.decide(String(written), "write").allowed, String(written));
    } else {
      assert.equal(written, "");
    }
  }
  assert.ok(permissions.decide("zigbee2mqtt/bedroom lamp/set", "write").allowed);
  for (const topic of ["bridge/request/restart", "bridge/devices", "bedroom lamp"]) {
    assert.ok(!permissions.decide(`zigbee2mqtt/${topic}`, "write").allowed, topic);
  }
});
