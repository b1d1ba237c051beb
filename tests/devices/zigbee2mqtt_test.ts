import assert from "node:assert/strict";
import fc from "fast-check";
import type { Command } from "../../lib/devices/device.ts";
import { zigbee2mqtt } from "../../lib/devices/zigbee2mqtt.ts";
import { retainedOf } from "./recordings.ts";
import { deviceOf, entitiesOf, entityOf, HOSTILE, jsonLike, take, takeAll, told } from "./told.ts";

const BASE = "zigbee2mqtt";
const DEVICES = `${BASE}/bridge/devices`;
const GROUPS = `${BASE}/bridge/groups`;
const ADDRESS = "0x00158d0001e5a1b2";

/** The bridge of the recording. */
async function recorded() {
  const convention = zigbee2mqtt(BASE);
  const messages = (await retainedOf("zigbee2mqtt"))
    .filter(({ topic }) => convention.filters.includes(topic));
  assert.equal(messages.length, 3);
  assert.equal(takeAll(convention, messages.map(({ topic, payload }) => told(topic, payload))), 0);
  return convention;
}

/** A bridge with one device, of these exposes. */
function withExposes(...exposes: unknown[]) {
  const convention = zigbee2mqtt(BASE);
  const definition = { model: "M", vendor: "V", exposes };
  const device = { ieee_address: ADDRESS, friendly_name: "d", type: "Router", definition };
  assert.equal(take(convention, told(DEVICES, [device])), 0);
  return deviceOf(convention, ADDRESS);
}

const sign = (topic: string) => ({ topic, path: "/state", yes: ["online"], no: ["offline"] });

Deno.test("zigbee2mqtt() names the topics of the bridge that describe, and no others", () => {
  const { filters, isCumulative, source } = zigbee2mqtt("home/z2m");
  assert.deepEqual(filters, [
    "home/z2m/bridge/devices",
    "home/z2m/bridge/groups",
    "home/z2m/bridge/state",
  ]);
  assert.equal(isCumulative, false);
  assert.equal(source, "zigbee2mqtt");
});

Deno.test("zigbee2mqtt() gives the devices of a real bridge without its coordinator", async () => {
  const names = [...(await recorded()).devices()].map(({ id, name, model }) => [id, name, model]);
  assert.deepEqual(names, [
    ["0x000b57fffec6a5b3", "bedroom/lamp", "IKEA LED1924G9"],
    ["0x00158d0001e5a1b2", "Büro", "Aqara WSDCGQ11LM"],
    ["0x70b3d52b6009c7d4", "kitchen plug", "Innr SP 120"],
    ["0x84fd27fffe1a2b3c", "attic blind", "IKEA E1757"],
    ["zigbee2mqtt_group_1", "all lights", "Group"],
  ]);
});

Deno.test("zigbee2mqtt() gives a plug of a real bridge in full", async () => {
  const topic = "zigbee2mqtt/kitchen plug";
  const sensor = (name: string, unit: string) => ({
    name,
    kind: "sensor",
    unit,
    read: { topic, path: `/${name.toLowerCase()}` },
  });
  assert.deepEqual(deviceOf(await recorded(), "0x70b3d52b6009c7d4"), {
    source: "zigbee2mqtt",
    id: "0x70b3d52b6009c7d4",
    keys: ["id:zigbee2mqtt_0x70b3d52b6009c7d4"],
    name: "kitchen plug",
    model: "Innr SP 120",
    online: {
      mode: "all",
      topics: [sign("zigbee2mqtt/bridge/state"), {
        ...sign(`${topic}/availability`),
        isOptional: true,
      }],
    },
    entities: [
      {
        name: "State",
        kind: "switch",
        read: { topic, path: "/state" },
        writes: [
          {
            topic: `${topic}/set`,
            payload: "json",
            values: { on: { state: "ON" }, off: { state: "OFF" }, toggle: { state: "TOGGLE" } },
          },
          {
            topic: `${topic}/set/state`,
            payload: "raw",
            values: { on: "ON", off: "OFF", toggle: "TOGGLE" },
          },
        ],
      },
      sensor("Power", "W"),
      sensor("Voltage", "V"),
      sensor("Current", "A"),
      sensor("Energy", "kWh"),
      { ...sensor("Linkquality", "lqi"), isMinor: true },
    ],
  });
});

Deno.test("zigbee2mqtt() gives the colour lamp of a real bridge, composites with all of their parts", async () => {
  const lamp = deviceOf(await recorded(), "0x000b57fffec6a5b3");
  const topic = "zigbee2mqtt/bedroom/lamp";
  assert.equal(entityOf(lamp, "State").kind, "light");
  const range = { min: 250, max: 454 };
  assert.deepEqual(entityOf(lamp, "Color temp"), {
    name: "Color temp",
    kind: "number",
    unit: "mired",
    read: { topic, path: "/color_temp" },
    writes: [
      { topic: `${topic}/set`, payload: "json", example: { color_temp: 352 }, ...range },
      { topic: `${topic}/set/color_temp`, payload: "raw", example: "352", ...range },
    ],
  });
  assert.deepEqual(entityOf(lamp, "Color (X/Y)"), {
    name: "Color (X/Y)",
    kind: "text",
    read: { topic, path: "/color" },
    writes: [
      { topic: `${topic}/set`, payload: "json", example: { color: { x: 0.31, y: 0.33 } } },
      { topic: `${topic}/set/color`, payload: "raw", example: '{"x":0.31,"y":0.33}' },
    ],
  });
  const whole = { execute_if_off: true, current_level_startup: 127 };
  assert.deepEqual(
    entityOf(lamp, "Level config").writes?.map(({ example }) => example),
    [{ level_config: whole }, JSON.stringify(whole)],
  );
  const options = entityOf(lamp, "Power-on behavior");
  assert.equal(options.kind, "select");
  assert.equal(options.isMinor, true);
  assert.deepEqual(options.writes?.[0]?.options, ["off", "on", "toggle", "previous"]);
  assert.deepEqual(options.writes?.[0]?.example, { power_on_behavior: "off" });
  assert.equal(entityOf(lamp, "Color options").isMinor, true);
  const identify = entityOf(lamp, "Identify");
  assert.equal(identify.kind, "button");
  assert.deepEqual(identify.writes?.[1], {
    topic: `${topic}/set/identify`,
    payload: "raw",
    values: { press: "identify" },
  });
});

Deno.test("zigbee2mqtt() gives the blind of a real bridge with what it can be told", async () => {
  const blind = deviceOf(await recorded(), "0x84fd27fffe1a2b3c");
  const state = entityOf(blind, "State");
  assert.equal(state.kind, "cover");
  assert.deepEqual(state.writes?.[1]?.values, { open: "OPEN", close: "CLOSE", stop: "STOP" });
  assert.equal(state.writes?.[0]?.options, undefined);
  assert.equal(entityOf(blind, "Position").kind, "number");
});

Deno.test("zigbee2mqtt() gives a group what its members have, under the identifier of its twin", async () => {
  const group = deviceOf(await recorded(), "zigbee2mqtt_group_1");
  const discovery = (await retainedOf("zigbee2mqtt")).find(({ topic }) =>
    topic === "homeassistant/light/1221051039810110150109113116116_1/light/config"
  );
  const [twin] = JSON.parse(discovery?.text ?? "").device.identifiers;
  assert.deepEqual(group.keys, [`id:${twin}`]);
  assert.deepEqual(group.entities.map(({ name, kind, read }) => [name, kind, read?.path]), [
    ["State", "light", "/state"],
    ["Brightness", "number", "/brightness"],
    ["Color temp", "number", "/color_temp"],
    ["Color (X/Y)", "text", "/color"],
  ]);
  assert.equal(group.entities[0]?.writes?.[0]?.topic, "zigbee2mqtt/all lights/set");
  const { online } = group;
  assert.deepEqual(online, {
    mode: "all",
    topics: [sign("zigbee2mqtt/bridge/state"), {
      ...sign("zigbee2mqtt/all lights/availability"),
      isOptional: true,
    }],
  });
});

Deno.test("zigbee2mqtt() tells endpoints apart, and gives a group one state of them", () => {
  const side = (endpoint: string) => ({
    type: "switch",
    endpoint,
    features: [{
      type: "binary",
      name: "state",
      label: "State",
      property: `state_${endpoint}`,
      endpoint,
      access: 7,
      value_on: "ON",
      value_off: "OFF",
    }],
  });
  const convention = zigbee2mqtt(BASE);
  const definition = { exposes: [side("left"), side("right")] };
  take(convention, told(DEVICES, [{ ieee_address: ADDRESS, friendly_name: "d", definition }]));
  const { entities } = deviceOf(convention, ADDRESS);
  assert.deepEqual(entities.map(({ name, kind, read }) => [name, kind, read?.path]), [
    ["State (left)", "switch", "/state_left"],
    ["State (right)", "switch", "/state_right"],
  ]);
  assert.deepEqual(entities[1]?.writes?.[0]?.values, {
    on: { state_right: "ON" },
    off: { state_right: "OFF" },
  });
  const group = { id: 1, friendly_name: "g", members: [{ ieee_address: ADDRESS }] };
  take(convention, told(GROUPS, [group]));
  const [state] = deviceOf(convention, "zigbee2mqtt_group_1").entities;
  assert.deepEqual([state?.name, state?.read?.path], ["State", "/state"]);
});

Deno.test("zigbee2mqtt() knows the kinds of exposes by type and access", () => {
  const leaf = (type: string, access: number) => ({
    type,
    access,
    name: `${type}${access}`,
    property: `${type}${access}`,
    values: ["a", "b"],
  });
  const types = ["binary", "numeric", "enum", "text", "list", "other"];
  const device = withExposes(
    ...types.flatMap((type) => [1, 2, 3, 4, 5].map((access) => leaf(type, access))),
  );
  const kinds = types.map((type) =>
    [1, 2, 3, 4, 5].map((access) => entitiesOf(device, `${type}${access}`)[0]?.kind)
  );
  assert.deepEqual(kinds, [
    ["binary_sensor", "switch", "switch", undefined, "binary_sensor"],
    ["sensor", "number", "number", undefined, "sensor"],
    ["sensor", "select", "select", undefined, "sensor"],
    ["sensor", "text", "text", undefined, "sensor"],
    ["sensor", "text", "text", undefined, "sensor"],
    ["sensor", "text", "text", undefined, "sensor"],
  ]);
  assert.equal(entityOf(device, "numeric1").writes, undefined);
  assert.equal(entityOf(device, "numeric2").read, undefined);
});

Deno.test("zigbee2mqtt() knows a lock, a fan, a climate and a cover without a state", () => {
  const feature = (name: string, type: string, more: object = {}) => ({
    type,
    name,
    property: name,
    access: 7,
    ...more,
  });
  const lock = { value_on: "LOCK", value_off: "UNLOCK" };
  const device = withExposes(
    { type: "lock", features: [feature("state", "binary", lock)] },
    {
      type: "climate",
      features: [
        feature("local_temperature", "numeric", { access: 1, unit: "°C" }),
        feature("occupied_heating_setpoint", "numeric", { value_min: 5.5, value_max: 30 }),
        feature("system_mode", "enum", { values: ["off", "heat"] }),
      ],
    },
    { type: "cover", features: [feature("position", "numeric"), feature("tilt", "numeric")] },
    { type: "fan", features: [feature("mode", "enum", { values: ["low"] })] },
  );
  assert.deepEqual(device.entities.map(({ name, kind }) => [name, kind]), [
    ["state", "lock"],
    ["local_temperature", "sensor"],
    ["occupied_heating_setpoint", "number"],
    ["system_mode", "climate"],
    ["position", "cover"],
    ["tilt", "number"],
    ["mode", "select"],
  ]);
  assert.deepEqual(device.entities[0]?.writes?.[1]?.values, { lock: "LOCK", unlock: "UNLOCK" });
  assert.deepEqual(device.entities[2]?.writes?.[0]?.example, { occupied_heating_setpoint: 17.75 });
  assert.deepEqual(device.entities[3]?.writes?.[0]?.options, ["off", "heat"]);
});

Deno.test("zigbee2mqtt() writes by property what Zigbee2MQTT reads as the same value", () => {
  const raw = (value_on: unknown): unknown => {
    const expose = { type: "binary", property: "p", access: 2, value_on };
    return entityOf(withExposes(expose), "p").writes?.[1]?.values?.["on"];
  };
  assert.equal(raw("ON"), "ON");
  assert.equal(raw(true), "true");
  assert.equal(raw(1), "1");
  assert.equal(raw("1"), '"1"');
  for (const text of ["true", "false", "null", "[x", "{x", '"x', "-1"]) {
    assert.equal(raw(text), JSON.stringify(text));
  }
  assert.equal(raw(null), undefined);
});

Deno.test("zigbee2mqtt() gives choices that are numbers, and the one that is empty", () => {
  const device = withExposes(
    { type: "enum", property: "mode", access: 3, values: [1, 2] },
    { type: "enum", property: "selftest", access: 2, values: [""] },
  );
  const [mode, selftest] = device.entities;
  assert.deepEqual(mode?.writes, [
    { topic: "zigbee2mqtt/d/set", payload: "json", example: { mode: 1 }, options: ["1", "2"] },
    { topic: "zigbee2mqtt/d/set/mode", payload: "raw", example: "1", options: ["1", "2"] },
  ]);
  assert.equal(selftest?.kind, "button");
  assert.deepEqual(selftest?.writes?.[0]?.values, { press: { selftest: "" } });
});

Deno.test("zigbee2mqtt() gives a composite as one entity, with an example of all of it", () => {
  const leaf = (property?: string) => ({ type: "numeric", property, name: "n", access: 3 });
  const composite = (property: string | undefined, ...features: object[]) => ({
    type: "composite",
    property,
    name: property ?? "unnamed",
    access: 3,
    features,
  });
  const list = { type: "list", property: "l", access: 3 };
  const choice = { type: "enum", property: "e", access: 3 };
  const device = withExposes(
    composite("a", composite("b", leaf("c")), leaf("d"), leaf(), list, choice),
    composite(undefined, leaf("e")),
  );
  assert.deepEqual(
    device.entities.map(({ name, read, writes }) => [name, read?.path, writes?.[0]?.example]),
    [["a", "/a", { a: { b: { c: 0 }, d: 0, l: [] } }]],
  );
});

Deno.test("zigbee2mqtt() takes the kind of a group from the first member that has one", () => {
  const convention = zigbee2mqtt(BASE);
  const feature = { type: "binary", name: "state", property: "state", access: 7 };
  const device = (at: number, exposes: object[]) => ({
    ieee_address: `0x${at}`,
    friendly_name: `d${at}`,
    definition: { exposes },
  });
  take(
    convention,
    told(DEVICES, [
      device(1, [{ type: "numeric", property: "p", access: 1 }]),
      device(2, [{ type: "lock", features: [feature] }]),
    ]),
  );
  const kinds = (...members: number[]) => {
    const group = { id: 1, friendly_name: "g", members: members.map((at) => device(at, [])) };
    take(convention, told(GROUPS, [group]));
    return deviceOf(convention, "zigbee2mqtt_group_1").entities.map(({ kind }) => kind);
  };
  assert.deepEqual(kinds(1), []);
  assert.deepEqual(kinds(1, 2), ["lock"]);
  const unknown = Array.from({ length: 100 }, () => 9);
  assert.deepEqual(kinds(...unknown.slice(1), 2), ["lock"]);
  assert.deepEqual(kinds(...unknown, 2), []);
});

Deno.test("zigbee2mqtt() takes of a place that is named twice the one that can be set", () => {
  const expose = (access: number) => ({
    type: "numeric",
    property: "p",
    access,
    label: `${access}`,
  });
  const names = (...accesses: number[]) =>
    withExposes(...accesses.map(expose)).entities.map(({ name }) => name);
  assert.deepEqual(names(1, 7, 3), ["7"]);
  assert.deepEqual(names(7, 1), ["7"]);
});

Deno.test("zigbee2mqtt() says that a disabled device is not online", () => {
  const convention = zigbee2mqtt(BASE);
  const device = { ieee_address: ADDRESS, friendly_name: "d", disabled: true, definition: null };
  assert.equal(take(convention, told(DEVICES, [device])), 0);
  const { online, entities, model } = deviceOf(convention, ADDRESS);
  assert.deepEqual([online, entities, model], ["no", [], undefined]);
});

Deno.test("zigbee2mqtt() calls a device without a definition by what it says of itself", () => {
  const convention = zigbee2mqtt(BASE);
  const device = { ieee_address: ADDRESS, friendly_name: "d", manufacturer: "LUMI", model_id: "x" };
  take(convention, told(DEVICES, [device]));
  assert.equal(deviceOf(convention, ADDRESS).model, "LUMI x");
});

Deno.test("zigbee2mqtt() forgets what a later message leaves out, and all by an empty one", () => {
  const convention = zigbee2mqtt(BASE);
  const device = (ieee_address: string) => ({ ieee_address, friendly_name: ieee_address });
  const ids = () => [...convention.devices()].map(({ id }) => id);
  take(convention, told(DEVICES, [device("0x1"), device("0x2")]));
  take(convention, told(GROUPS, [{ id: 1, friendly_name: "g" }]));
  assert.deepEqual(ids(), ["0x1", "0x2", "zigbee2mqtt_group_1"]);
  take(convention, told(DEVICES, [device("0x2")]));
  assert.deepEqual(ids(), ["0x2", "zigbee2mqtt_group_1"]);
  assert.equal(take(convention, told(DEVICES, "")), 0);
  assert.deepEqual(ids(), ["zigbee2mqtt_group_1"]);
  assert.equal(take(convention, told(GROUPS, "")), 0);
  assert.deepEqual(ids(), []);
});

Deno.test("zigbee2mqtt() keeps what it knows until a message is taken as a whole", () => {
  const convention = zigbee2mqtt(BASE);
  take(convention, told(DEVICES, [{ ieee_address: "0x1", friendly_name: "a" }]));
  const work = convention.take(told(DEVICES, [{ ieee_address: "0x2", friendly_name: "b" }]));
  assert.equal(work.next().done, false);
  assert.deepEqual([...convention.devices()].map(({ id }) => id), ["0x1"]);
  work.return(0);
  assert.deepEqual([...convention.devices()].map(({ id }) => id), ["0x1"]);
});

Deno.test("zigbee2mqtt() counts what it cannot understand, and takes the rest", () => {
  const convention = zigbee2mqtt(BASE);
  const device = { ieee_address: "0x1", friendly_name: "good" };
  const bad = [
    [],
    null,
    1,
    {},
    { ieee_address: "0x2" },
    { friendly_name: "b" },
    { ieee_address: "0x2; rm", friendly_name: "b" },
    { ieee_address: ["0x2"], friendly_name: "b" },
    { ieee_address: "0x2", friendly_name: "a+" },
    { ieee_address: "0x2", friendly_name: "#" },
    { ieee_address: "0x2", friendly_name: "a\u0000b" },
    { ieee_address: "0x2", friendly_name: " " },
    { ieee_address: "0x2", friendly_name: "a".repeat(257) },
    { ieee_address: "0x1", friendly_name: "the same" },
  ];
  assert.equal(take(convention, told(DEVICES, [device, ...bad])), bad.length);
  assert.deepEqual([...convention.devices()].map(({ name }) => name), ["good"]);
  const longest = { ieee_address: "0x2", friendly_name: "a".repeat(256) };
  assert.equal(take(convention, told(DEVICES, [device, longest])), 0);
  const groups = [{ id: 1, friendly_name: "g" }, { id: "1", friendly_name: "g" }, { id: 2 }, {
    id: 1.5,
    friendly_name: "g",
  }];
  assert.equal(take(convention, told(GROUPS, groups)), 3);
  const half = JSON.stringify([device, device]).slice(0, -3);
  assert.equal(take(convention, told(DEVICES, half)), 1);
  assert.equal([...convention.devices()].length, 2);
});

Deno.test("zigbee2mqtt() is bounded: entities of a device and of a list, choices", () => {
  const numeric = (name: string) => ({ type: "numeric", property: name, access: 1 });
  const many = withExposes(...Array.from({ length: 3_000 }, (_, at) => numeric(`p${at}`)));
  assert.equal(many.entities.length, 2_000);
  const convention = zigbee2mqtt(BASE);
  const exposes = Array.from({ length: 2_000 }, (_, at) => numeric(`p${at}`));
  const devices = Array.from({ length: 28 }, (_, at) => ({
    ieee_address: `0x${at}`,
    friendly_name: `d${at}`,
    definition: { exposes },
  }));
  assert.equal(take(convention, told(DEVICES, devices)), 3);
  const choices = Array.from({ length: 60 }, (_, at) => `c${at}`);
  const select = withExposes({ type: "enum", property: "p", access: 2, values: choices });
  assert.equal(select.entities[0]?.writes?.[0]?.options?.length, 50);
});

Deno.test("zigbee2mqtt() takes no names and values that would be shown otherwise than they are", () => {
  const device = withExposes(
    { type: "numeric", property: "a\u202eb", access: 1 },
    { type: "numeric", property: "__proto__", access: 3 },
    { type: "numeric", property: "a/b+", access: 3, label: "x\u0007y" },
    {
      type: "enum",
      property: "e",
      access: 3,
      values: ["a\nb", "ok", "x".repeat(101), []],
    },
    {
      type: "composite",
      property: "prototype",
      access: 3,
      features: [
        { type: "numeric", property: "constructor", access: 3 },
        { type: "numeric", property: "__proto__", access: 3 },
      ],
    },
  );
  assert.deepEqual(device.entities.map(({ name, read }) => [name, read?.path]), [
    ["__proto__", "/__proto__"],
    ["x\\u0007y", "/a~1b+"],
    ["e", "/e"],
    ["prototype", "/prototype"],
  ]);
  const [proto, slash, choice, composite] = device.entities.map(({ writes = [] }) => writes);
  assert.equal(JSON.stringify(proto?.[0]?.example), '{"__proto__":0}');
  assert.deepEqual(slash?.map(({ topic }) => topic), ["zigbee2mqtt/d/set"]);
  assert.deepEqual(choice?.[0]?.options, ["ok"]);
  assert.equal(
    JSON.stringify(composite?.[0]?.example),
    '{"prototype":{"constructor":0,"__proto__":0}}',
  );
});

const NAMES = [
  ..."ieee_address friendly_name type definition exposes features property name label access".split(
    " ",
  ),
  ..."values value_on value_min value_max unit endpoint members id light composite numeric".split(
    " ",
  ),
  ..."enum binary list state color_xy category config 0x1".split(" "),
];

Deno.test("zigbee2mqtt() throws for no JSON, and what it gives can be written as JSON", () => {
  fc.assert(
    fc.property(jsonLike(NAMES), fc.boolean(), (value, isExposes) => {
      const convention = zigbee2mqtt(BASE);
      const device = { ieee_address: "0x1", friendly_name: "d", definition: { exposes: value } };
      take(convention, told(DEVICES, JSON.stringify(isExposes ? [device] : [value])));
      take(
        convention,
        told(
          GROUPS,
          JSON.stringify([value, {
            id: 1,
            friendly_name: "g",
            members: [device],
          }]),
        ),
      );
      for (const { id, entities } of convention.devices()) {
        assert(id.length > 0);
        for (const { name, writes = [], read } of entities) {
          assert.equal(name, name.trim());
          const topics: Pick<Command, "topic">[] = read === undefined ? [] : [read];
          for (const { topic } of [...writes, ...topics]) assert.doesNotMatch(topic, /[+#\p{Cc}]/u);
        }
      }
      JSON.stringify([...convention.devices()]);
    }),
  );
});

for (const [what, payload] of HOSTILE) {
  Deno.test(`zigbee2mqtt() has no devices by ${what}`, () => {
    const convention = zigbee2mqtt(BASE);
    assert(take(convention, told(DEVICES, payload)) > 0);
    assert(take(convention, told(GROUPS, payload)) > 0);
    assert.deepEqual([...convention.devices()], []);
  });
}

Deno.test("zigbee2mqtt() yields between the devices of 3 MB", async () => {
  const [, ...devices]: object[] = JSON.parse(
    (await retainedOf("zigbee2mqtt")).find(({ topic }) => topic === DEVICES)?.text ?? "",
  );
  const many = Array.from({ length: 700 }, (_, at) => ({
    ...devices[at % devices.length],
    ieee_address: `0x${at}`,
  }));
  const message = told(DEVICES, many);
  assert(message.payload.length > 3_000_000);
  const convention = zigbee2mqtt(BASE);
  assert.equal([...convention.take(message)].length, 700);
  assert.equal([...convention.devices()].length, 700);
});

Deno.test("zigbee2mqtt() takes the bridge's state for no description", () => {
  const convention = zigbee2mqtt(BASE);
  assert.equal(take(convention, told(`${BASE}/bridge/state`, "online")), 0);
  assert.equal(take(convention, told(`${BASE}/bridge/state`, [])), 0);
  assert.deepEqual([...convention.devices()], []);
});
