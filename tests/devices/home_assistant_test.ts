import assert from "node:assert/strict";
import { homeAssistant } from "../../lib/devices/home_assistant.ts";
import { type Config, discovery, entitiesOf, only } from "./discovery.ts";

Deno.test("homeAssistant() names the topics of one component and of a device", () => {
  const { source, filters, isCumulative } = homeAssistant("my/home");
  assert.deepEqual({ source, filters, isCumulative }, {
    source: "homeassistant",
    filters: ["my/home/+/+/config", "my/home/+/+/+/config"],
    isCumulative: false,
  });
});

Deno.test("homeAssistant() takes short names for long ones, the short one first", () => {
  const [entity] = entitiesOf("sensor", {
    stat_t: "a/state",
    state_topic: "not/this",
    val_tpl: "{{ value_json.x }}",
    unit_of_meas: "W",
    ent_cat: "diagnostic",
  });
  assert.deepEqual(entity, {
    name: "X",
    kind: "sensor",
    unit: "W",
    isMinor: true,
    read: { topic: "a/state", path: "/x" },
  });
  const { description } = only({
    name: "T",
    dev_cla: "x",
    en: false,
    "stat_t": "s",
    dev: {
      ids: "one",
      cns: [["mac", "AA:BB:CC:DD:EE:FF"]],
      name: "D",
      mf: "Maker",
      mdl: "M",
      mdl_id: "M-1",
      sa: "Attic",
      sw: "1",
    },
    avty: { t: "a", pl_avail: "up", pl_not_avail: "down", val_tpl: "{{ value_json.s }}" },
    avty_mode: "any",
  });
  assert.deepEqual(description, {
    source: "homeassistant",
    id: "one",
    keys: ["id:one", "mac:aabbccddeeff"],
    name: "D",
    model: "Maker M (M-1)",
    area: "Attic",
    online: { mode: "any", topics: [{ topic: "a", path: "/s", yes: ["up"], no: ["down"] }] },
    entities: [{ name: "T", kind: "sensor", isMinor: true, read: { topic: "s" } }],
  });
});

Deno.test("homeAssistant() knows short names that Home Assistant no longer has", () => {
  const [, humidity] = entitiesOf("humidifier", {
    hum_cmd_t: "h/set",
    hum_stat_t: "h",
    hum_stat_tpl: "{{ value_json.h }}",
    cmd_t: "set",
  });
  assert.deepEqual(humidity?.read, { topic: "h", path: "/h" });
  const white = entitiesOf("light", {
    cmd_t: "set",
    whit_cmd_t: "w/set",
    whit_stat_t: "w",
    whit_val_tpl: "{{ value_json.w }}",
  }).at(-1);
  assert.deepEqual(white?.read, { topic: "w", path: "/w" });
});

Deno.test("homeAssistant() resolves ~ at the beginning or end of topics, and nowhere else", () => {
  const { description, left } = only({
    "~": "base/x",
    name: "~",
    state_topic: "~/state",
    command_topic: "set/~",
    payload_on: "~/on",
    availability: [{ topic: "~/a", payload_available: "~" }, { t: "a/~" }],
    unit_of_measurement: "~",
  }, "switch");
  assert.equal(left, 0);
  assert.deepEqual(description?.entities, [{
    name: "~",
    kind: "switch",
    unit: "~",
    read: { topic: "base/x/state" },
    writes: [{ topic: "set/base/x", payload: "raw", values: { on: "~/on", off: "OFF" } }],
  }]);
  assert.deepEqual(description?.online, {
    mode: "latest",
    topics: [
      { topic: "base/x/a", yes: ["~"], no: ["offline"] },
      { topic: "a/base/x", yes: ["online"], no: ["offline"] },
    ],
  });
  const topicOf = (config: Config) => entitiesOf("sensor", config)[0]?.read?.topic;
  assert.equal(topicOf({ "~": "b", stat_t: "~" }), "b");
  assert.equal(topicOf({ "~": "b", stat_t: "a/~/c" }), "a/~/c");
  assert.equal(topicOf({ stat_t: "~/c" }), "~/c");
  assert.equal(topicOf({ "~": 7, stat_t: "~/c" }), "~/c");
  assert.equal(topicOf({ "~": "b".repeat(256), stat_t: "~/c" }), `${"b".repeat(256)}/c`);
  assert.equal(only({ "~": "b".repeat(257), stat_t: "~/c" }).left, 1);
  assert.equal(only({ "~": "b/#", stat_t: "~/c" }).left, 1);
});

Deno.test("homeAssistant() names entities as Home Assistant does", () => {
  const nameOf = (config: Config, component = "sensor") =>
    only({ state_topic: "s", ...config }, component).description?.entities[0]?.name;
  const device = { identifiers: ["d1"], name: "Lamp" };
  assert.equal(nameOf({ name: "Own", device }), "Own");
  assert.equal(nameOf({ name: 7, device }), "7");
  assert.equal(nameOf({ name: null, device }), "Lamp");
  assert.equal(nameOf({ name: "", device }), "Lamp");
  assert.equal(nameOf({ name: " ", device }), "Lamp");
  assert.equal(nameOf({ name: ["x"], device }), "Lamp");
  assert.equal(nameOf({ name: null, device: { identifiers: "d1" } }), "d1");
  assert.equal(nameOf({ name: null }), "sensor/x");
  assert.equal(nameOf({ device, device_class: "signal_strength" }), "Signal strength");
  assert.equal(nameOf({ device, device_class: null }), "Sensor");
  assert.equal(nameOf({ device }, "binary_sensor"), "Binary sensor");
  assert.equal(nameOf({ name: "x".repeat(200), device })?.length, 100);
  assert.equal(nameOf({ name: "a\u0000b\u202e", device }), String.raw`a\u0000b\u202e`);
});

Deno.test("homeAssistant() says of a device who it is", () => {
  const subject = (config: Config) => {
    const { entities: _, source: __, ...rest } =
      only({ state_topic: "s", ...config }).description ??
        assert.fail();
    return rest;
  };
  assert.deepEqual(subject({}), { id: "sensor/x", keys: ["topic:ha/sensor/x/config"] });
  assert.deepEqual(subject({ name: "N" }), {
    id: "sensor/x",
    keys: ["topic:ha/sensor/x/config"],
    name: "N",
  });
  assert.deepEqual(subject({ device: { name: "D" }, name: "N" }), {
    id: "sensor/x",
    keys: ["topic:ha/sensor/x/config"],
    name: "D",
  });
  assert.deepEqual(subject({ device: ["d1"] }).keys, ["topic:ha/sensor/x/config"]);
  assert.deepEqual(
    subject({
      device: { identifiers: [" d1 ", 7, null, {}, "", "x".repeat(201), "x".repeat(200)] },
    }),
    {
      id: "d1",
      keys: ["id:d1", "id:7", `id:${"x".repeat(200)}`],
    },
  );
  const connections = [
    ["mac", "AA-BB-CC-DD-EE-FF"],
    ["mac", "no mac"],
    ["zigbee", "0x00158d0001e5a1b2"],
    ["upnp"],
    ["a", null],
    [null, "a"],
    "mac",
    7,
  ];
  assert.deepEqual(subject({ device: { connections } }), {
    id: "AA-BB-CC-DD-EE-FF",
    keys: ["mac:aabbccddeeff", "connection:mac:no mac", "connection:zigbee:0x00158d0001e5a1b2"],
  });
  const many = Array.from({ length: 50 }, (_, index) => `d${index}`);
  const { keys } = subject({
    device: { identifiers: many, connections: many.map((one) => ["a", one]) },
  });
  assert.deepEqual([keys.length, keys[19], keys[20], keys[39]], [
    40,
    "id:d19",
    "connection:a:d0",
    "connection:a:d19",
  ]);
  const modelOf = (device: Config) => subject({ device: { identifiers: "d1", ...device } }).model;
  assert.equal(modelOf({}), undefined);
  assert.equal(modelOf({ model: "M" }), "M");
  assert.equal(modelOf({ manufacturer: "Acme" }), "Acme");
  assert.equal(modelOf({ manufacturer: "Acme", model: "M" }), "Acme M");
  assert.equal(modelOf({ manufacturer: "Acme", model: "ACME M" }), "ACME M");
  assert.equal(modelOf({ model_id: "M-1" }), "M-1");
  assert.equal(modelOf({ model: "M", model_id: "M-1" }), "M (M-1)");
  assert.equal(modelOf({ model: "Plug M-1", model_id: "M-1" }), "Plug M-1");
  assert.equal(modelOf({ manufacturer: { a: 1 }, model: ["M"] }), undefined);
});

/** A device in one message, as the documentation of Home Assistant has it. */
const DEVICE: Config = {
  dev: { ids: "ea334450945afc", name: "Kitchen", mf: "Bla electronics", mdl: "xya", sa: "Kitchen" },
  o: { name: "bla2mqtt", sw: "2.1", url: "https://bla2mqtt.example.com/support" },
  cmps: {
    some_unique_component_id1: {
      p: "sensor",
      device_class: "temperature",
      unit_of_measurement: "°C",
      value_template: "{{ value_json.temperature }}",
      unique_id: "temp01ae_t",
    },
    some_unique_id2: {
      p: "sensor",
      device_class: "humidity",
      unit_of_measurement: "%",
      value_template: "{{ value_json.humidity }}",
      unique_id: "temp01ae_h",
      state_topic: "own/state",
      availability_topic: "own/status",
    },
    gone: { p: "sensor" },
    trigger: { platform: "device_automation", automation_type: "trigger", topic: "t" },
    plug: { platform: "switch", name: "Plug", "~": "plug", stat_t: "~/s", cmd_t: "~/set" },
  },
  state_topic: "sensorBedroom/state",
  command_topic: "sensorBedroom/set",
  availability: [{ topic: "~/status" }, { topic: "gateway/status" }],
  "~": "not/for/components",
  qos: 2,
};

Deno.test("homeAssistant() reads all of a device in one message", () => {
  const ha = discovery();
  assert.equal(ha.take("device/0AFFD2", DEVICE), 0);
  const devices = ha.devices();
  for (const { entities: _, online: __, ...rest } of devices) {
    assert.deepEqual(rest, {
      source: "homeassistant",
      id: "ea334450945afc",
      keys: ["id:ea334450945afc"],
      name: "Kitchen",
      model: "Bla electronics xya",
      area: "Kitchen",
    });
  }
  assert.deepEqual(devices.map(({ entities }) => entities), [
    [{
      name: "Temperature",
      kind: "sensor",
      unit: "°C",
      read: { topic: "sensorBedroom/state", path: "/temperature" },
    }],
    [{
      name: "Humidity",
      kind: "sensor",
      unit: "%",
      read: { topic: "own/state", path: "/humidity" },
    }],
    [{
      name: "Plug",
      kind: "switch",
      read: { topic: "plug/s" },
      writes: [{ topic: "plug/set", payload: "raw", values: { on: "ON", off: "OFF" } }],
    }],
  ]);
  const topicsOf = (...topics: string[]) =>
    topics.map((topic) => ({ topic, yes: ["online"], no: ["offline"] }));
  assert.deepEqual(devices.map(({ online }) => online), [
    { mode: "latest", topics: topicsOf("~/status", "gateway/status") },
    { mode: "latest", topics: topicsOf("~/status", "gateway/status", "own/status") },
    { mode: "latest", topics: topicsOf("plug/status", "gateway/status") },
  ]);
});

Deno.test("homeAssistant() takes what a device's message sets for all its components", () => {
  const ha = discovery();
  const root = {
    availability_topic: "a",
    availability_template: "{{ value_json.x }}",
    availability_mode: "all",
    payload_available: "up",
    payload_not_available: "down",
    state_topic: "s",
    command_topic: "c",
    unit_of_measurement: "W",
    value_template: "{{ value_json.y }}",
    device: { identifiers: ["d"] },
  };
  ha.take("device/d", {
    ...root,
    components: { one: { platform: "switch", name: "S", payload_not_available: "gone" } },
  });
  assert.deepEqual(ha.devices(), [{
    source: "homeassistant",
    id: "d",
    keys: ["id:d"],
    online: { mode: "all", topics: [{ topic: "a", path: "/x", yes: ["up"], no: ["gone"] }] },
    entities: [{
      name: "S",
      kind: "switch",
      read: { topic: "s" },
      writes: [{ topic: "c", payload: "raw", values: { on: "ON", off: "OFF" } }],
    }],
  }]);
});

Deno.test("homeAssistant() forgets what is taken back or replaced", () => {
  const ha = discovery();
  const names = () => ha.entities().map(({ name }) => name);
  const sensor = (name: string) => ({ name, state_topic: "s" });
  ha.take("sensor/x", sensor("one"));
  ha.take("sensor/node/x", sensor("two"));
  ha.take("device/0AFFD2", DEVICE);
  const all = ["one", "two", "Temperature", "Humidity", "Plug"];
  assert.deepEqual(names(), all);
  ha.take("sensor/x", sensor("three"));
  assert.deepEqual(names(), ["three", ...all.slice(1)]);
  assert.equal(ha.take("sensor/x", ""), 0);
  assert.equal(ha.take("sensor/y", ""), 0);
  assert.deepEqual(names(), all.slice(1));
  assert.equal(ha.take("sensor/node/x", "{}"), 0);
  assert.deepEqual(names(), all.slice(2));
  ha.take("device/0AFFD2", {
    ...DEVICE,
    cmps: { plug: { p: "switch" }, s: { p: "sensor", stat_t: "s" } },
  });
  assert.deepEqual(names(), ["Sensor"]);
  assert.equal(ha.take("device/0AFFD2", ""), 0);
  assert.deepEqual(names(), []);
  for (const request of [{ migrate_discovery: true }, { migr_discvry: true }]) {
    ha.take("sensor/x", sensor("one"));
    assert.equal(ha.take("sensor/x", request), 0);
    assert.deepEqual(names(), []);
  }
  ha.take("sensor/x", { ...sensor("one"), migrate_discovery: false });
  assert.deepEqual(names(), ["one"]);
  assert.equal(ha.take("sensor/x", "no JSON"), 1);
  assert.deepEqual(names(), []);
});
