import assert from "node:assert/strict";
import fc from "fast-check";
import { tasmota } from "../../lib/devices/tasmota.ts";
import { deviceOf, entitiesOf, entityOf, HOSTILE, jsonLike, take, takeAll, told } from "./told.ts";

const PREFIX = "tasmota/discovery";
const MAC = "5CCF7F0A1B2C";
const CONFIG = `${PREFIX}/${MAC}/config`;
const SENSORS = `${PREFIX}/${MAC}/sensors`;

/** A plug with one relay. */
const PLUG = {
  ip: "192.168.1.20",
  dn: "Heater",
  fn: ["Heater plug", null, "", null, null, null, null, null],
  hn: "tasmota-0A1B2C-6956",
  mac: MAC,
  md: "Sonoff S31",
  ty: 0,
  if: 0,
  ofln: "Offline",
  onln: "Online",
  state: ["OFF", "ON", "TOGGLE", "HOLD"],
  sw: "15.0.0",
  t: "tasmota_0A1B2C",
  ft: "%prefix%/%topic%/",
  tp: ["cmnd", "stat", "tele"],
  rl: [1, 0, 0, 0, 0, 0, 0, 0],
  swc: [-1, -1, -1, -1, -1, -1, -1, -1],
  swn: [null, null, null, null, null, null, null, null],
  btn: [0, 0, 0, 0, 0, 0, 0, 0],
  so: { "4": 0, "11": 0, "13": 0, "17": 0, "20": 0, "30": 0, "68": 0, "73": 0, "82": 0, "114": 0 },
  lk: 1,
  lt_st: 0,
  bat: 0,
  dslp: 0,
  sho: [0, 0, 0, 0],
  sht: [[0, 0, 0], [0, 0, 0]],
  ver: 1,
};

/** A device whose config differs from that of the plug. */
function device(changes: object, readings?: object) {
  const convention = tasmota(PREFIX);
  assert.equal(take(convention, told(CONFIG, { ...PLUG, ...changes })), 0);
  if (readings !== undefined) {
    assert.equal(take(convention, told(SENSORS, { sn: readings, ver: 1 })), 0);
  }
  return deviceOf(convention, MAC);
}

Deno.test("tasmota() reads the two messages of each device", () => {
  const { filters, isCumulative, source } = tasmota("my/prefix");
  assert.deepEqual(filters, ["my/prefix/+/config", "my/prefix/+/sensors"]);
  assert.deepEqual([isCumulative, source], [false, "tasmota"]);
});

Deno.test("tasmota() gives a plug in full, in whichever order its messages come", () => {
  const readings = {
    Time: "2026-11-24T10:00:00",
    ENERGY: { TotalStartTime: "2024-01-01T00:00:00", Total: 12.3, Power: [5, 6], Factor: 0.9 },
    DS18B20: { Id: "0114", Temperature: 21.5 },
    TempUnit: "C",
  };
  const messages = [told(CONFIG, PLUG), told(SENSORS, { sn: readings, ver: 1 })];
  const place = (path: string) => ({
    read: { topic: "tele/tasmota_0A1B2C/SENSOR", path },
    also: [{ topic: "stat/tasmota_0A1B2C/STATUS10", path: `/StatusSNS${path}` }],
  });
  for (const order of [messages, messages.toReversed()]) {
    const convention = tasmota(PREFIX);
    assert.equal(takeAll(convention, order), 0);
    assert.deepEqual([...convention.devices()], [{
      source: "tasmota",
      id: MAC,
      keys: ["mac:5ccf7f0a1b2c"],
      name: "Heater",
      model: "Sonoff S31",
      online: {
        mode: "all",
        topics: [{ topic: "tele/tasmota_0A1B2C/LWT", yes: ["Online"], no: ["Offline"] }],
      },
      entities: [
        {
          name: "Heater plug",
          kind: "switch",
          read: { topic: "stat/tasmota_0A1B2C/POWER" },
          also: [
            { topic: "tele/tasmota_0A1B2C/STATE", path: "/POWER" },
            { topic: "stat/tasmota_0A1B2C/RESULT", path: "/POWER" },
          ],
          writes: [{
            topic: "cmnd/tasmota_0A1B2C/POWER",
            payload: "raw",
            values: { on: "ON", off: "OFF", toggle: "TOGGLE" },
          }],
        },
        {
          name: "ENERGY TotalStartTime",
          kind: "sensor",
          isMinor: true,
          ...place("/ENERGY/TotalStartTime"),
        },
        { name: "ENERGY Total", kind: "sensor", unit: "kWh", ...place("/ENERGY/Total") },
        { name: "ENERGY Power 0", kind: "sensor", unit: "W", ...place("/ENERGY/Power/0") },
        { name: "ENERGY Power 1", kind: "sensor", unit: "W", ...place("/ENERGY/Power/1") },
        { name: "ENERGY Factor", kind: "sensor", ...place("/ENERGY/Factor") },
        { name: "DS18B20 Id", kind: "sensor", isMinor: true, ...place("/DS18B20/Id") },
        {
          name: "DS18B20 Temperature",
          kind: "sensor",
          unit: "°C",
          ...place("/DS18B20/Temperature"),
        },
      ],
    }]);
  }
});

Deno.test("tasmota() fills the full topic's placeholders, in any order and only once", () => {
  const topics = (changes: object) => device(changes).entities[0]?.writes?.[0]?.topic;
  assert.equal(topics({ ft: "home/%topic%/%prefix%/" }), "home/tasmota_0A1B2C/cmnd/POWER");
  assert.equal(topics({ ft: "%prefix%/%topic%" }), "cmnd/tasmota_0A1B2C/POWER");
  assert.equal(
    topics({ ft: "%hostname%/%id%/%prefix%/" }),
    "tasmota-0A1B2C-6956/0A1B2C/cmnd/POWER",
  );
  assert.equal(topics({ t: "%prefix%" }), "cmnd/%prefix%/POWER");
  assert.equal(topics({ tp: ["c", "s", "t"] }), "c/tasmota_0A1B2C/POWER");
  assert.equal(topics({ tp: null }), "cmnd/tasmota_0A1B2C/POWER");
  assert.deepEqual(device({ tp: ["c", "s", "t"] }).entities[0]?.also?.map(({ topic }) => topic), [
    "t/tasmota_0A1B2C/STATE",
    "s/tasmota_0A1B2C/RESULT",
  ]);
});

Deno.test("tasmota() takes the device's own texts for its states and for online", () => {
  const { entities, online } = device({
    state: ["aus", "an", "um"],
    onln: "da",
    ofln: "weg",
  });
  assert.deepEqual(entities[0]?.writes?.[0]?.values, { on: "an", off: "aus", toggle: "um" });
  assert.deepEqual(online, {
    mode: "all",
    topics: [{ topic: "tele/tasmota_0A1B2C/LWT", yes: ["da"], no: ["weg"] }],
  });
  const { online: usual, entities: [relay] } = device({
    state: null,
    onln: "a\u0000",
    ofln: undefined,
  });
  assert.deepEqual(relay?.writes?.[0]?.values, { on: "ON", off: "OFF", toggle: "TOGGLE" });
  assert.deepEqual(typeof usual === "object" && usual.topics[0]?.yes, ["Online"]);
  assert.deepEqual(typeof usual === "object" && usual.topics[0]?.no, ["Offline"]);
});

Deno.test("tasmota() does not say that a device is gone that sleeps between readings", () => {
  const { online } = device({ dslp: 1 });
  assert.deepEqual(typeof online === "object" && online.topics, [
    { topic: "tele/tasmota_0A1B2C/LWT", yes: ["Online"], no: [] },
  ]);
});

Deno.test("tasmota() numbers relays where there are several, or the option says so", () => {
  const relays = (changes: object) =>
    device(changes).entities.map(({ name, kind, read }) => [name, kind, read?.topic.slice(20)]);
  assert.deepEqual(relays({ rl: [1, 0, 2], fn: ["a", "b", null] }), [
    ["a", "switch", "POWER1"],
    ["POWER3", "light", "POWER3"],
  ]);
  assert.deepEqual(relays({ so: { "26": 1 } }), [["Heater plug", "switch", "POWER1"]]);
  assert.equal(device({ rl: Array.from({ length: 100 }, () => 1) }).entities.length, 64);
});

Deno.test("tasmota() gives a light what its kind can do", () => {
  const names = (changes: object) =>
    device({ rl: [2], ...changes }).entities.slice(1).map(({ name }) => name);
  assert.deepEqual(names({ lt_st: 0 }), []);
  assert.deepEqual(names({ lt_st: 1 }), ["Dimmer"]);
  assert.deepEqual(names({ lt_st: 2 }), ["Dimmer", "CT"]);
  assert.deepEqual(names({ lt_st: 3 }), ["Dimmer", "Color"]);
  assert.deepEqual(names({ lt_st: 4 }), ["Dimmer", "White", "Color"]);
  assert.deepEqual(names({ lt_st: 5 }), ["Dimmer", "CT", "White", "Color"]);
  assert.deepEqual(names({ lt_st: 6 }), []);
  assert.deepEqual(names({ lt_st: 3, rl: [1] }), []);
  const topic = "tasmota_0A1B2C";
  const light = device({ rl: [2], lt_st: 5 });
  assert.deepEqual(entityOf(light, "CT"), {
    name: "CT",
    kind: "number",
    unit: "mired",
    read: { topic: `tele/${topic}/STATE`, path: "/CT" },
    also: [{ topic: `stat/${topic}/RESULT`, path: "/CT" }],
    writes: [{ topic: `cmnd/${topic}/CT`, payload: "raw", min: 153, max: 500, example: "500" }],
  });
  const { kind, writes, read } = entityOf(light, "Color");
  assert.deepEqual([kind, read?.path], ["text", "/Color"]);
  assert.deepEqual(writes, [
    { topic: `cmnd/${topic}/Color2`, payload: "raw", example: "255,128,0" },
  ]);
  assert.equal(entityOf(light, "Dimmer").unit, "%");
  assert.equal(entityOf(light, "Dimmer").writes?.[0]?.max, 100);
  const reduced = device({ rl: [2], lt_st: 2, so: { "82": 1 } });
  const [command] = entityOf(reduced, "CT").writes ?? [];
  assert.deepEqual([command?.min, command?.max, command?.example], [200, 380, "380"]);
  assert.equal(entityOf(reduced, "Dimmer").writes?.[0]?.max, 100);
});

Deno.test("tasmota() gives the fan of an iFan, and its light", () => {
  const fan = device({ if: 1, rl: [2, 0, 0, 0], lt_st: 1 });
  assert.deepEqual(fan.entities.map(({ name, kind }) => [name, kind]), [
    ["Heater plug", "light"],
    ["FanSpeed", "fan"],
  ]);
  const [command] = entityOf(fan, "FanSpeed").writes ?? [];
  assert.deepEqual([command?.topic, command?.max], ["cmnd/tasmota_0A1B2C/FanSpeed", 3]);
  // It counts four relays, of which its config tells the first.
  const light = entityOf(fan, "Heater plug");
  assert.equal(light.read?.topic, "stat/tasmota_0A1B2C/POWER1");
  assert.deepEqual(light.also?.map(({ path }) => path), ["/POWER1", "/POWER1"]);
  assert.equal(light.writes?.[0]?.topic, "cmnd/tasmota_0A1B2C/POWER1");
  assert.equal(device({ if: 1, rl: [1] }).entities[0]?.kind, "light");
});

Deno.test("tasmota() gives shutters, of two relays each, and not again as sensors", () => {
  const shutters = device(
    { rl: [3, 3, 1, 3, 3], fn: ["Left", null, "Lamp", null, null] },
    { Shutter1: { Position: 40 }, Shutter2: { Position: 0 }, Switch1: "ON" },
  );
  assert.deepEqual(shutters.entities.map(({ name, kind }) => [name, kind]), [
    ["Left", "cover"],
    ["Left stop", "button"],
    ["Lamp", "switch"],
    ["Shutter2", "cover"],
    ["Shutter2 stop", "button"],
    ["Switch1", "binary_sensor"],
  ]);
  const topic = "tasmota_0A1B2C";
  assert.equal(entityOf(shutters, "Lamp").read?.topic, `stat/${topic}/POWER3`);
  assert.deepEqual(entityOf(shutters, "Left"), {
    name: "Left",
    kind: "cover",
    unit: "%",
    read: { topic: `tele/${topic}/SENSOR`, path: "/Shutter1/Position" },
    also: [{ topic: `stat/${topic}/RESULT`, path: "/Shutter1/Position" }],
    writes: [{
      topic: `cmnd/${topic}/ShutterPosition1`,
      payload: "raw",
      values: { open: "100", close: "0" },
      min: 0,
      max: 100,
      example: "50",
    }],
  });
  assert.deepEqual(entityOf(shutters, "Shutter2 stop").writes, [
    { topic: `cmnd/${topic}/ShutterStop2`, payload: "raw", values: { press: "" } },
  ]);
  // One relay alone is no shutter, and then its readings are sensors.
  const odd = device({ rl: [3, 1, 3] }, { Shutter1: { Position: 40 } });
  assert.deepEqual(odd.entities.map(({ kind }) => kind), ["switch", "sensor"]);
});

Deno.test("tasmota() knows units by names, and those that the device tells", () => {
  const { entities } = device({ rl: [] }, {
    BME280: { Temperature: 70.1, Humidity: 40, DewPoint: 50, Pressure: 760, SeaPressure: 761 },
    TX23: { Speed: { Act: 3, Max: 9 }, Dir: { Card: "WSW", Deg: 247.5 } },
    ENERGY: { Voltage: 230, Current: 1, ApparentPower: 7, ReactivePower: 3, Frequency: 50 },
    SENSEAIR: { CarbonDioxide: 400 },
    Temperature: { Id: "text" },
    Switch: "ON",
    PN532: { UID: "04" },
    TempUnit: "F",
    PressureUnit: "mmHg",
    SpeedUnit: "km/h",
  });
  assert.deepEqual(entities.map(({ name, unit }) => [name, unit]), [
    ["BME280 Temperature", "°F"],
    ["BME280 Humidity", "%"],
    ["BME280 DewPoint", "°F"],
    ["BME280 Pressure", "mmHg"],
    ["BME280 SeaPressure", "mmHg"],
    ["TX23 Speed Act", "km/h"],
    ["TX23 Speed Max", "km/h"],
    ["TX23 Dir Card", undefined],
    ["TX23 Dir Deg", undefined],
    ["ENERGY Voltage", "V"],
    ["ENERGY Current", "A"],
    ["ENERGY ApparentPower", "VA"],
    ["ENERGY ReactivePower", "var"],
    ["ENERGY Frequency", "Hz"],
    ["SENSEAIR CarbonDioxide", "ppm"],
    ["Temperature Id", undefined],
    ["Switch", undefined],
  ]);
  assert.equal(entities.at(-1)?.kind, "sensor");
  assert.equal(device({}, { A: { Temperature: 1 } }).entities[1]?.unit, undefined);
  assert.equal(device({}, { A: { Temperature: 1 }, TempUnit: "K" }).entities[1]?.unit, "K");
});

Deno.test("tasmota() names a device by the first name that it has", () => {
  assert.equal(device({ dn: "" }).name, "Heater plug");
  assert.equal(device({ dn: "", fn: null }).name, "tasmota-0A1B2C-6956");
  assert.equal(device({ dn: "a\nb" }).name, "a\\nb");
});

Deno.test("tasmota() forgets a device by an empty config, and its sensors by an empty list", () => {
  const convention = tasmota(PREFIX);
  takeAll(convention, [told(CONFIG, PLUG), told(SENSORS, { sn: { Switch1: "ON" } })]);
  assert.equal(deviceOf(convention, MAC).entities.length, 2);
  assert.equal(take(convention, told(SENSORS, "")), 0);
  assert.equal(deviceOf(convention, MAC).entities.length, 1);
  take(convention, told(SENSORS, { sn: { Switch1: "ON" } }));
  assert.equal(take(convention, told(CONFIG, "")), 0);
  assert.deepEqual([...convention.devices()], []);
  take(convention, told(CONFIG, PLUG));
  assert.equal(deviceOf(convention, MAC).entities.length, 2);
});

Deno.test("tasmota() counts what it cannot understand, in place of what was there", () => {
  const bad = [
    { ...PLUG, mac: "5CCF7F0A1B2D" },
    { ...PLUG, mac: 5 },
    { ...PLUG, ft: undefined },
    { ...PLUG, ft: "%prefix%/#/" },
    { ...PLUG, ft: "%prefix%/\u0000/" },
    { ...PLUG, t: "+" },
    { ...PLUG, t: "t".repeat(100), ft: "%prefix%/%topic%/%topic%/%topic%/" },
    { ...PLUG, ft: `%prefix%/${"a".repeat(300)}/` },
    { ...PLUG, tp: ["#", "s", "t"] },
    [PLUG],
    {},
  ];
  for (const config of bad) {
    const convention = tasmota(PREFIX);
    take(convention, told(CONFIG, PLUG));
    assert.equal(take(convention, told(CONFIG, config)), 1, JSON.stringify(config));
    assert.deepEqual([...convention.devices()], []);
  }
  const convention = tasmota(PREFIX);
  takeAll(convention, [told(CONFIG, PLUG), told(SENSORS, { sn: { Switch1: "ON" } })]);
  for (const sensors of [{}, { sn: [] }, { sn: "a" }, { sn: null }, []]) {
    assert.equal(take(convention, told(SENSORS, sensors)), 1, JSON.stringify(sensors));
    assert.equal(deviceOf(convention, MAC).entities.length, 1);
  }
  assert.equal(take(convention, told(`${PREFIX}/none/config`, PLUG)), 1);
  assert.equal(take(convention, told(`${PREFIX}/none/config`, "")), 0);
});

Deno.test("tasmota() is bounded: entities of a device, levels of its sensors", () => {
  const readings = Object.fromEntries(Array.from({ length: 2_500 }, (_, at) => [`s${at}`, at]));
  assert.equal(device({ rl: [] }, readings).entities.length, 2_000);
  assert.equal(device({ rl: [1] }, readings).entities.length, 2_000);
  let deep: object = { leaf: 1 };
  for (let level = 0; level < 10; level++) deep = { deep, n: 1 };
  assert.equal(device({ rl: [] }, deep).entities.length, 4);
});

Deno.test("tasmota() throws for no JSON, and what it gives can be written as JSON", () => {
  const names = [...Object.keys(PLUG), "sn", "TempUnit", "Temperature", "Power", MAC, "%topic%"];
  fc.assert(
    fc.property(jsonLike(names), fc.constantFrom(...Object.keys(PLUG)), (value, key) => {
      const convention = tasmota(PREFIX);
      takeAll(convention, [
        told(CONFIG, JSON.stringify({ ...PLUG, rl: [2, 3, 3], lt_st: 5, [key]: value })),
        told(SENSORS, JSON.stringify({ sn: value })),
      ]);
      for (const { entities } of convention.devices()) {
        for (const { read, also = [], writes = [] } of entities) {
          for (const { topic } of [...(read ? [read] : []), ...also, ...writes]) {
            assert.doesNotMatch(topic, /[+#\p{Cc}]/u);
          }
        }
      }
      JSON.stringify([...convention.devices()]);
    }),
  );
});

for (const [what, payload] of HOSTILE) {
  Deno.test(`tasmota() has no device by ${what}`, () => {
    const convention = tasmota(PREFIX);
    assert.equal(take(convention, told(CONFIG, payload)), 1);
    assert.equal(take(convention, told(SENSORS, payload)), 1);
    assert.deepEqual([...convention.devices()], []);
  });
}

Deno.test("tasmota() shows names of sensors as they are, or escaped", () => {
  const entities = device({ rl: [] }, {
    "__proto__x": 1,
    ["__proto__"]: { Power: 5 },
    "a\u202eb": 1,
    "a/b": 1,
  }).entities;
  assert.deepEqual(entities.map(({ name, read }) => [name, read?.path]), [
    ["__proto__x", "/__proto__x"],
    ["__proto__ Power", "/__proto__/Power"],
    ["a/b", "/a~1b"],
  ]);
  assert.equal(entitiesOf({ source: "tasmota", id: "", keys: [], entities }, "a/b").length, 1);
});
