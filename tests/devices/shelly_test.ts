import assert from "node:assert/strict";
import fc from "fast-check";
import { shelly } from "../../lib/devices/shelly.ts";
import { deviceOf, entityOf, HOSTILE, jsonLike, RECEIVED_AT, take, takeAll, told } from "./told.ts";

const BASE = "shellyplus2pm-441793d69718";

/** A notification as on the page Notifications. */
const notified = (params: object, method = "NotifyStatus", base = BASE) =>
  told(`${base}/events/rpc`, {
    src: BASE,
    dst: `${base}/events`,
    method,
    params: { ts: 1631186545.04, ...params },
  });

/** What is known of the device by messages. */
function known(...messages: Parameters<typeof takeAll>[1][]) {
  const convention = shelly(BASE);
  for (const some of messages) assert.equal(takeAll(convention, some), 0);
  return deviceOf(convention, BASE);
}

const heard = (value: unknown) => ({ value, receivedAt: RECEIVED_AT, retain: true });

Deno.test("shelly() reads three kinds of topics below a prefix, each message of them", () => {
  const { filters, isCumulative, source } = shelly("home/attic");
  assert.deepEqual(filters, ["home/attic/online", "home/attic/events/rpc", "home/attic/status/+"]);
  assert.deepEqual([isCumulative, source], [true, "shelly"]);
});

Deno.test("shelly() gives a switch in full by its notifications", () => {
  const device = known([
    told(`${BASE}/online`, "true"),
    notified({ "switch:0": { id: 0, output: true, apower: 8.9, aenergy: { total: 11.679 } } }),
    notified({ "switch:0": { id: 0, apower: 12.5 } }),
  ]);
  const place = (path: string) => ({
    read: { topic: `${BASE}/events/rpc`, path: `/params/switch:0${path}` },
  });
  assert.deepEqual(device, {
    source: "shelly",
    id: BASE,
    keys: [`id:shelly_${BASE}`, "mac:441793d69718"],
    model: "shellyplus2pm",
    online: { mode: "all", topics: [{ topic: `${BASE}/online`, yes: ["true"], no: ["false"] }] },
    entities: [
      {
        name: "switch:0",
        kind: "switch",
        heard: heard(true),
        ...place("/output"),
        writes: [{
          topic: `${BASE}/command/switch:0`,
          payload: "raw",
          values: { on: "on", off: "off", toggle: "toggle" },
        }],
      },
      {
        name: "switch:0 power",
        kind: "sensor",
        unit: "W",
        heard: heard(12.5),
        ...place("/apower"),
      },
      {
        name: "switch:0 energy",
        kind: "sensor",
        unit: "Wh",
        heard: heard(11.679),
        ...place("/aenergy/total"),
      },
    ],
  });
});

Deno.test("shelly() gives a cover and a light with their commands", () => {
  const device = known([notified({
    "cover:0": { id: 0, state: "stopped", current_pos: 40 },
    "light:1": { id: 1, output: false, brightness: 30 },
  }, "NotifyFullStatus")]);
  const cover = entityOf(device, "cover:0");
  assert.deepEqual([cover.kind, cover.heard?.value], ["cover", "stopped"]);
  assert.deepEqual(cover.writes?.[0]?.values, { open: "open", close: "close", stop: "stop" });
  const position = entityOf(device, "cover:0 position");
  assert.deepEqual(position.writes, [
    { topic: `${BASE}/command/cover:0`, payload: "raw", min: 0, max: 100, example: "pos,50" },
  ]);
  assert.deepEqual([position.unit, position.heard?.value], ["%", 40]);
  const light = entityOf(device, "light:1");
  assert.equal(light.kind, "light");
  assert.deepEqual(light.writes?.[0]?.values, {
    on: "set,true",
    off: "set,false",
    toggle: "toggle",
  });
  assert.equal(entityOf(device, "light:1 brightness").writes?.[0]?.example, "set,true,50");
});

Deno.test("shelly() gives what a component is for even before it has told of it", () => {
  const device = known([notified({ "switch:0": { id: 0, apower: 1 }, "input:0": { id: 0 } })]);
  assert.deepEqual(device.entities.map(({ name }) => name), ["switch:0", "switch:0 power"]);
  assert.equal(device.entities[0]?.heard, undefined);
});

Deno.test("shelly() reads from the component's own topic where the device has it", () => {
  const status = told(`${BASE}/status/switch:0`, { id: 0, output: false });
  const own = { topic: `${BASE}/status/switch:0`, path: "/output" };
  const { read, heard } = entityOf(known([status]), "switch:0");
  assert.deepEqual([read, heard?.value], [own, false]);
  const later = entityOf(
    known([status, notified({ "switch:0": { id: 0, output: true } })]),
    "switch:0",
  );
  assert.deepEqual([later.read, later.heard?.value], [own, true]);
});

Deno.test("shelly() hears events of inputs, and no others", () => {
  const events = [
    { component: "input:1", id: 1, event: "single_push", ts: 1 },
    { component: "sys", event: "config_changed", ts: 1 },
    { component: "switch:0", event: "x" },
    { event: "y" },
    null,
  ];
  const device = known([notified({ events }, "NotifyEvent")]);
  const event = entityOf(device, "input:1 event");
  assert.deepEqual([event.kind, event.heard?.value], ["event", "single_push"]);
  assert.deepEqual(event.read, { topic: `${BASE}/events/rpc`, path: "/params/events/0/event" });
  assert.deepEqual(device.entities.map(({ name }) => name), ["input:1 event"]);
});

Deno.test("shelly() knows units of sensors", () => {
  const { entities } = known([notified({
    "temperature:0": { id: 0, tC: 21.5, tF: 70.7 },
    "humidity:0": { id: 0, rh: 40 },
    "devicepower:0": { id: 0, battery: { V: 5.9, percent: 80 }, external: { present: false } },
    "em:0": { id: 0, a_voltage: 230, total_act_power: 5 },
    "em1:0": { id: 0, act_power: 5 },
    "flood:0": { id: 0, alarm: false },
    "wifi": { rssi: -50 },
    "sys": { uptime: 5 },
  })]);
  assert.deepEqual(
    entities.map(({ name, kind, unit, isMinor }) => [name, kind, unit, isMinor ?? false]),
    [
      ["temperature:0", "sensor", "°C", false],
      ["humidity:0", "sensor", "%", false],
      ["devicepower:0 battery", "sensor", "%", false],
      ["devicepower:0 voltage", "sensor", "V", true],
      ["em:0 a voltage", "sensor", "V", false],
      ["em:0 power", "sensor", "W", false],
      ["em1:0 power", "sensor", "W", false],
      ["flood:0", "binary_sensor", undefined, false],
      ["wifi signal", "sensor", "dBm", true],
    ],
  );
});

Deno.test("shelly() sets lights of colours by RPC, as they have no topic of their own", () => {
  const device = known([notified({
    "rgbw:1": { id: 1, output: true, brightness: 40, rgb: [255, 0, 0], white: 10, apower: 3 },
    "cct:0": { id: 0, output: false, ct: 3000 },
    "rgb:0": { id: 0, output: false },
  })]);
  const set = (method: string, params: object) =>
    ({ id: 1, src: "mcpmqtt", method, params }) as const;
  assert.deepEqual(entityOf(device, "rgbw:1"), {
    name: "rgbw:1",
    kind: "light",
    heard: heard(true),
    read: { topic: `${BASE}/events/rpc`, path: "/params/rgbw:1/output" },
    writes: [{
      topic: `${BASE}/rpc`,
      payload: "json",
      values: {
        on: set("RGBW.Set", { id: 1, on: true }),
        off: set("RGBW.Set", { id: 1, on: false }),
      },
    }],
  });
  const color = entityOf(device, "rgbw:1 color");
  assert.deepEqual(color.heard?.value, [255, 0, 0]);
  assert.deepEqual(
    color.writes?.[0]?.example,
    set("RGBW.Set", { id: 1, on: true, rgb: [255, 128, 0] }),
  );
  const [white] = entityOf(device, "rgbw:1 white").writes ?? [];
  assert.deepEqual([white?.min, white?.max], [0, 255]);
  assert.deepEqual(white?.example, set("RGBW.Set", { id: 1, on: true, white: 128 }));
  assert.equal(entityOf(device, "rgbw:1 brightness").heard?.value, 40);
  assert.equal(entityOf(device, "rgbw:1 power").unit, "W");
  const temperature = entityOf(device, "cct:0 color temperature");
  assert.equal(temperature.unit, "K");
  assert.deepEqual(
    temperature.writes?.[0]?.example,
    set("CCT.Set", { id: 0, on: true, ct: 3000 }),
  );
  assert.deepEqual(
    entityOf(device, "rgb:0").writes?.[0]?.values?.["off"],
    set("RGB.Set", { id: 0, on: false }),
  );
});

Deno.test("shelly() reads what users and gateways add to a device", () => {
  const { entities } = known([notified({
    "boolean:200": { value: true },
    "number:200": { value: 12.5 },
    "text:200": { value: "hello" },
    "enum:200": { value: "auto" },
    "bthomesensor:200": { value: 21.3 },
    "voltmeter:100": { voltage: 4.3 },
    "thermostat:0": { target_C: 21, current_C: 20.5, output: true },
  })]);
  assert.deepEqual(
    entities.map(({ name, kind, unit, heard }) => [name, kind, unit, heard?.value]),
    [
      ["boolean:200", "binary_sensor", undefined, true],
      ["number:200", "sensor", undefined, 12.5],
      ["text:200", "sensor", undefined, "hello"],
      ["enum:200", "sensor", undefined, "auto"],
      ["bthomesensor:200", "sensor", undefined, 21.3],
      ["voltmeter:100", "sensor", "V", 4.3],
      ["thermostat:0", "climate", "°C", 20.5],
      ["thermostat:0 target", "sensor", "°C", 21],
      ["thermostat:0 output", "binary_sensor", undefined, true],
    ],
  );
});

Deno.test("shelly() takes model and MAC from the prefix, until a notification has the device's own name", () => {
  const aboutOf = (prefix: string, messages: Parameters<typeof takeAll>[1]) => {
    const convention = shelly(prefix);
    assert.equal(takeAll(convention, messages), 0);
    return [...convention.devices()].map(({ id, keys, model }) => [id, keys, model]);
  };
  const prefix = "home/shelly1-aabbccddeeff";
  assert.deepEqual(aboutOf(prefix, [told(`${prefix}/online`, "false")]), [
    [prefix, [`id:shelly_${prefix}`, "mac:aabbccddeeff"], "shelly1"],
  ]);
  const messages = [
    told("home/attic/online", "true"),
    notified({ "switch:0": { output: true } }, "NotifyStatus", "home/attic"),
  ];
  assert.deepEqual(aboutOf("home/attic", messages), [
    ["home/attic", ["id:shelly_home/attic", "mac:441793d69718"], "shellyplus2pm"],
  ]);
});

Deno.test("shelly() forgets a device by an empty online, a component by its empty status", () => {
  const convention = shelly(BASE);
  takeAll(convention, [
    told(`${BASE}/online`, "true"),
    told(`${BASE}/status/switch:0`, { id: 0, output: true }),
    told(`${BASE}/status/switch:1`, { id: 1, output: true }),
  ]);
  assert.equal(take(convention, told(`${BASE}/status/switch:0`, "")), 0);
  assert.deepEqual(deviceOf(convention, BASE).entities.map(({ name }) => name), ["switch:1"]);
  assert.equal(take(convention, told(`${BASE}/events/rpc`, "")), 0);
  assert.equal(deviceOf(convention, BASE).entities.length, 1);
  assert.equal(take(convention, told(`${BASE}/online`, "")), 0);
  assert.deepEqual([...convention.devices()], []);
  assert.equal(take(convention, told(`${BASE}/status/switch:0`, "")), 0);
});

Deno.test("shelly() counts what it cannot understand, and makes no device of it", () => {
  const convention = shelly(BASE);
  const bad = [
    told(`${BASE}/online`, "online"),
    told(`${BASE}/online`, "untrue"),
    told(`${BASE}/online`, "trueish"),
    told(`${BASE}/online`, "1"),
    told(`${BASE}/online`, new Uint8Array([0xFF])),
    told(`${BASE}/events/rpc`, { method: "NotifyStatus", params: {} }),
    told(`${BASE}/events/rpc`, { src: ["a"], params: {} }),
    told(`${BASE}/status/switch:0`, "true"),
    told(`${BASE}/status/switch:0`, []),
    told(`${BASE}/status/switch:0`, "no JSON"),
  ];
  for (const message of bad) assert.equal(take(convention, message), 1);
  assert.deepEqual([...convention.devices()], []);
  // What is none of the components that it knows is not its business.
  assert.equal(take(convention, told(`${BASE}/status/mqtt`, { connected: true })), 0);
  assert.equal(take(convention, told(`${BASE}/status/constructor`, { id: 1 })), 0);
  assert.deepEqual([...convention.devices()], []);
});

Deno.test("shelly() knows a device by a notification that tells nothing", () => {
  for (const params of [null, "switch:0", 5, [], undefined]) {
    const convention = shelly(BASE);
    const message = told(`${BASE}/events/rpc`, { src: BASE, method: "NotifyStatus", params });
    assert.equal(take(convention, message), 0);
    assert.deepEqual(deviceOf(convention, BASE).entities, []);
  }
});

Deno.test("shelly() keeps null, which says that a value is not known, and no parts or long texts", () => {
  const device = known([notified({
    "temperature:0": { tC: null },
    "humidity:0": { rh: [40] },
    "cover:0": { state: "x".repeat(201) },
    "switch:0": ["output"],
    "light:0": null,
    "__proto__": { output: true },
    "switch:0:1": { output: true },
  })]);
  assert.deepEqual(device.entities.map(({ name, heard }) => [name, heard?.value]), [
    ["temperature:0", null],
    ["humidity:0", undefined],
    ["cover:0", undefined],
    ["switch:0", undefined],
    ["light:0", undefined],
  ]);
});

Deno.test("shelly() is bounded in components", () => {
  const components = Object.fromEntries(
    Array.from({ length: 100 }, (_, at) => [`switch:${at}`, { output: true }]),
  );
  const device = known([
    notified(components),
    notified({ "switch:0": { output: false }, "switch:99": { output: true } }),
  ]);
  assert.equal(device.entities.length, 64);
  assert.equal(device.entities[0]?.heard?.value, false);
});

Deno.test("shelly() throws for no JSON, and what it gives can be written as JSON", () => {
  const names = [
    "src",
    "method",
    "params",
    "NotifyEvent",
    "events",
    "component",
    "event",
    "switch:0",
  ]
    .concat(["cover:0", "input:0", "output", "state", "id", "aenergy", "total", "ts"]);
  fc.assert(
    fc.property(jsonLike(names), jsonLike(names), (value, params) => {
      const convention = shelly(BASE);
      takeAll(convention, [
        told(`${BASE}/events/rpc`, JSON.stringify(value)),
        told(`${BASE}/events/rpc`, JSON.stringify({ src: "a", method: "NotifyStatus", params })),
        told(`${BASE}/events/rpc`, JSON.stringify({ src: "a", method: "NotifyEvent", params })),
        told(`${BASE}/status/switch:0`, JSON.stringify(value)),
      ]);
      JSON.stringify([...convention.devices()]);
    }),
  );
});

for (const [what, payload] of HOSTILE) {
  Deno.test(`shelly() has no device by ${what}`, () => {
    const convention = shelly(BASE);
    assert.equal(take(convention, told(`${BASE}/online`, payload)), 1);
    assert.equal(take(convention, told(`${BASE}/events/rpc`, payload)), 1);
    assert.equal(take(convention, told(`${BASE}/status/switch:0`, payload)), 1);
    assert.deepEqual([...convention.devices()], []);
  });
}
