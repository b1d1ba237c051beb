import assert from "node:assert/strict";
import { recording } from "../devices/recordings.ts";
import { eachServed, type Served, served } from "./served.ts";

const EVERYTHING = [{ pattern: "#", permissions: ["read", "write"] }];

/** Publishes what a producer did; what it did not retain only with `all`. */
async function produce(
  { device }: Served,
  name: string,
  { all = false }: { readonly all?: boolean } = {},
): Promise<void> {
  const last = new Map((await recording(name)).map((one) => [one.topic, one]));
  const messages = all ? await recording(name) : [...last.values()].filter((one) => one.retained);
  for (const { topic, payload, retain } of messages) {
    await device.publish(topic, payload, { retain, qos: 1 });
  }
}

// deno-lint-ignore no-explicit-any -- as a host sees it
type Shown = any;

eachServed(
  "mqtt_devices finds a lamp by its name, with its value, and how it is read and commanded",
  { topics: EVERYTHING },
  async (it) => {
    await produce(it, "zigbee2mqtt");
    const { devices: [lamp], ...about }: Shown = await it.host.expectResult("mqtt_devices", {
      find: "bedroom LAMP",
    });
    assert.deepEqual(about.total, 1);
    assert.equal(about.narrowed, false);
    const { id, name, online, sources } = lamp;
    assert.deepEqual([id, name, online], ["0x000b57fffec6a5b3", "bedroom/lamp", "yes"]);
    assert.deepEqual(sources, ["zigbee2mqtt", "homeassistant"]);
    const state = lamp.entities.find((one: Shown) => one.kind === "light");
    assert.deepEqual(state.read, { topic: "zigbee2mqtt/bedroom/lamp", path: "/state" });
    assert.equal(state.write.topic, "zigbee2mqtt/bedroom/lamp/set");
    assert.deepEqual(state.write.values.on, { state: "ON" });
    // It does not retain its state: the value is known once it has come.
    assert.equal(state.value, undefined);
    assert.match(about.hint, /neither retained nor sent/);
    // At QoS 0 the question could overtake it on its way to the broker.
    await it.device.publish("zigbee2mqtt/bedroom/lamp", '{"state":"ON","brightness":7}', {
      qos: 1,
    });
    const again: Shown = await it.host.expectResult("mqtt_devices", { device: id });
    const known = again.devices[0].entities.find((one: Shown) => one.kind === "light");
    assert.equal(known.value, "ON");
    assert.equal(known.retained, undefined);
    assert.ok(Date.parse(known.at) > Date.now() - 60_000);
  },
);

eachServed(
  "a device that is named by mqtt_devices is commanded, with proof, by mqtt_query",
  { topics: EVERYTHING },
  async (it) => {
    await produce(it, "zigbee2mqtt");
    const { devices: [{ entities }] }: Shown = await it.host.expectResult("mqtt_devices", {
      find: "kitchen plug",
    });
    const { read, write, value } = entities.find((one: Shown) => one.kind === "switch");
    assert.equal(value, "ON");
    await it.device.respond(write.topic, ({ text }: Shown) => ({
      topic: read.topic,
      payload: JSON.stringify({ power: 0, ...JSON.parse(text) }),
    }));
    const answer: Shown = await it.host.expectResult("mqtt_query", {
      request_topic: write.topic,
      payload: write.values.off,
      response_topic: read.topic,
      where: { path: read.path, op: "eq", value: "OFF" },
      timeout: 10,
    });
    assert.equal(answer.responses[0].payload.state, "OFF");
  },
);

served(
  "mqtt_devices lists several devices by a line for each entity, and goes on with its cursor",
  { topics: EVERYTHING },
  async (it) => {
    await produce(it, "zigbee2mqtt");
    await produce(it, "ha_mqtt_discoverable");
    await produce(it, "homie4");
    const all: Shown = await it.host.expectResult("mqtt_devices", {});
    const names = all.devices.map((one: Shown) => one.name);
    assert.equal(all.total, names.length);
    for (const name of ["Büro", "Cellar", "Living room", "all lights", "kitchen plug"]) {
      assert.ok(names.includes(name), name);
    }
    for (const { entities } of all.devices) {
      for (const entity of entities) assert.equal(typeof entity, "string");
    }
    const room = all.devices.find((one: Shown) => one.name === "Living room");
    assert.ok(room.entities.some((line: string) => line.endsWith(": 21.5 °C")), room.entities);
    const paged: string[] = [];
    let cursor: string | undefined;
    do {
      const page: Shown = await it.host.expectResult("mqtt_devices", { limit: 2, cursor });
      assert.equal(page.total, all.total);
      paged.push(...page.devices.map((one: Shown) => one.name));
      cursor = page.cursor;
    } while (cursor !== undefined);
    assert.deepEqual(paged, names);
    const buro: Shown = await it.host.expectResult("mqtt_devices", { find: "buro" });
    assert.deepEqual(buro.devices.map((one: Shown) => one.name), ["Büro"]);
    const bare: Shown = await it.host.expectResult("mqtt_devices", { values: false });
    for (const line of bare.devices.flatMap((one: Shown) => one.entities)) {
      assert.doesNotMatch(line, /: /);
    }
    await it.host.expectError("not_found", "mqtt_devices", { device: "no such" });
    await it.host.expectError("invalid_argument", "mqtt_devices", { cursor: "rubbish" });
    const none: Shown = await it.host.expectResult("mqtt_devices", { find: "no such thing" });
    assert.deepEqual(none.devices, []);
    assert.match(none.hint, /none of \d+ devices/);
  },
);

served(
  "mqtt_devices tells nothing that may not be read, and no command that may not be given",
  {
    topics: [
      { pattern: "zigbee2mqtt/bridge/devices", permissions: ["read"] },
      { pattern: "zigbee2mqtt/bridge/state", permissions: ["read"] },
      { pattern: "zigbee2mqtt/kitchen plug", permissions: ["read"] },
      { pattern: "zigbee2mqtt/kitchen plug/set/+", permissions: ["write"] },
      { pattern: "zigbee2mqtt/attic blind/set", permissions: ["write"] },
      { pattern: "zigbee2mqtt/bedroom/lamp", permissions: ["read"] },
    ],
  },
  async (it) => {
    await produce(it, "zigbee2mqtt", { all: true });
    const by = async (find: string): Promise<Shown> => {
      const found: Shown = await it.host.expectResult("mqtt_devices", { find });
      assert.equal(found.narrowed, true);
      return found.devices[0].entities;
    };
    // The first way to command it is not granted, the second is.
    const plug = (await by("kitchen plug")).find((one: Shown) => one.kind === "switch");
    assert.deepEqual([plug.value, plug.write.topic, plug.write.payload], [
      "ON",
      "zigbee2mqtt/kitchen plug/set/state",
      "raw",
    ]);
    for (const { read, value, write } of await by("attic blind")) {
      assert.deepEqual([read, value, write.topic], [
        undefined,
        undefined,
        "zigbee2mqtt/attic blind/set",
      ]);
    }
    for (const { read, write } of await by("lamp")) {
      assert.deepEqual([read.topic, write], ["zigbee2mqtt/bedroom/lamp", undefined]);
    }
    assert.deepEqual(await by("Büro"), []);
  },
);

served(
  "mqtt_devices shows no command where the server is read-only",
  { topics: EVERYTHING, config: { read_only: true } },
  async (it) => {
    await produce(it, "homie4");
    const { devices: [{ entities }], left_out }: Shown = await it.host.expectResult(
      "mqtt_devices",
      { find: "living room" },
    );
    assert.ok(entities.length >= 4);
    assert.ok(entities.every((one: Shown) => one.write === undefined));
    assert.equal(left_out.not_writable, 3);
  },
);

served(
  "mqtt_devices is forbidden where no description may be read",
  { topics: [{ pattern: "sensors/#", permissions: ["read"] }] },
  async ({ host }) => {
    const { message } = await host.expectError("forbidden", "mqtt_devices", {});
    assert.match(message, /no rule grants read on "homeassistant/);
  },
);

served(
  "mqtt_devices looks where the config says, and leaves out what it switches off",
  {
    topics: EVERYTHING,
    config: { devices: { homie: ["home", "devices"], homeassistant: null, zigbee2mqtt: [] } },
  },
  async (it) => {
    await produce(it, "zigbee2mqtt");
    for (const { topic, payload, retain } of await recording("homie4")) {
      await it.device.publish(topic.replace("homie/", "home/"), payload, { retain, qos: 1 });
    }
    const { devices }: Shown = await it.host.expectResult("mqtt_devices", {});
    assert.deepEqual(devices.map((one: Shown) => one.name), ["Attic", "Living room"]);
  },
);

eachServed(
  "mqtt_devices follows what is added, renamed and removed",
  { topics: EVERYTHING },
  async ({ host, device }) => {
    const names = async (): Promise<string[]> => {
      const { devices }: Shown = await host.expectResult("mqtt_devices", {});
      return devices.map((one: Shown) => one.name);
    };
    const announce = (id: string, payload: object | ""): Promise<void> =>
      device.publish(
        `homeassistant/sensor/${id}/config`,
        payload === "" ? "" : JSON.stringify(payload),
        { retain: true, qos: 1 },
      );
    const one = (id: string, name: string): object => ({
      state_topic: `s/${id}`,
      name: "T",
      device: { identifiers: [id], name },
    });
    assert.deepEqual(await names(), []);
    await announce("a", one("a", "Attic"));
    await announce("b", one("b", "Bath"));
    assert.deepEqual(await names(), ["Attic", "Bath"]);
    await announce("a", one("a", "Attica"));
    await announce("b", "");
    assert.deepEqual(await names(), ["Attica"]);
  },
);
