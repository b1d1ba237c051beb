import assert from "node:assert/strict";
import * as fc from "fast-check";
import { topicName } from "../../lib/devices/described.ts";
import type { Entity } from "../../lib/devices/device.ts";
import { homeAssistant } from "../../lib/devices/home_assistant.ts";
import type { Json } from "../../lib/messages/json.ts";
import { type Config, discovery, only } from "./discovery.ts";
import { TIMED_RETRIES } from "../brokers/until.ts";

Deno.test("homeAssistant() counts what is no description", () => {
  const nested = (levels: number) =>
    `{"state_topic":"s","name":${"[".repeat(levels - 1)}${"]".repeat(levels - 1)}}`;
  const payloads: (string | Uint8Array)[] = [
    "online",
    "[]",
    '[{"state_topic":"s"}]',
    "null",
    "7",
    "true",
    '"text"',
    '{"state_topic":"s"',
    nested(65),
    `{"state_topic":"s","name":"${"x".repeat(256 * 1024)}"}`,
    Uint8Array.of(0x7B, 0xFF, 0x7D),
    '{"name":"without a topic"}',
    '{"state_topic":""}',
    '{"state_topic":null,"device":{"identifiers":["d"]}}',
    '{"state_topic":["s"]}',
    '{"state_topic":"a/+/b"}',
    '{"state_topic":"#"}',
    '{"state_topic":"a\\u0000b"}',
    '{"state_topic":"\\ud800"}',
    `{"state_topic":"${"x".repeat(65_536)}"}`,
    '{"__proto__":{"state_topic":"s"}}',
    '{"constructor":{"state_topic":"s"}}',
  ];
  for (const payload of payloads) {
    for (const component of ["sensor", "switch", "climate", "light", "__proto__"]) {
      const ha = discovery();
      assert.equal(ha.take(`${component}/x`, payload), 1, String(payload).slice(0, 60));
      assert.deepEqual(ha.devices(), []);
    }
  }
  assert.equal(only(JSON.parse(nested(64))).left, 0);
  assert.deepEqual(only({ command_topic: "c" }, "sensor"), { left: 1 });
  // They carry no state.
  for (const component of ["tag", "device_automation"]) {
    assert.deepEqual(only({ topic: "t" }, component), { left: 0 });
  }
});

Deno.test("homeAssistant() leaves out a part that could not be used", () => {
  const partly = (component: string, config: Config) => {
    const { description, left } = only({ name: "X", ...config }, component);
    assert.equal(left, 0, JSON.stringify(config));
    return description?.entities.map(({ name: _, kind: __, ...rest }) => rest);
  };
  assert.deepEqual(partly("switch", { state_topic: "s", command_topic: "c/#" }), [
    { read: { topic: "s" } },
  ]);
  const write = { topic: "c", payload: "raw", values: { on: "ON", off: "OFF" } };
  assert.deepEqual(partly("switch", { state_topic: "s/+", command_topic: "c" }), [
    { writes: [write] },
  ]);
  assert.deepEqual(partly("fan", { command_topic: "c", percentage_state_topic: 7 }), [
    { writes: [write] },
  ]);
  for (const payload_on of [{}, ["ON"], "x".repeat(501), "O\u202eN", "ON\n"]) {
    assert.deepEqual(partly("switch", { command_topic: "c", payload_on }), [
      { writes: [{ ...write, values: { off: "OFF" } }] },
    ]);
  }
  const longest = "x".repeat(500);
  const { description, left } = only({ command_topic: "c", payload_on: longest }, "switch");
  assert.equal(left, 0);
  assert.equal(description?.entities[0]?.writes?.[0]?.values?.["on"], longest);
});

Deno.test("homeAssistant() counts the components of a device that are none", () => {
  const ha = discovery();
  const device = { identifiers: ["d"] };
  const left = ha.take("device/d", {
    device,
    state_topic: "s",
    components: {
      a: { platform: "sensor", name: "A" },
      b: 7,
      c: ["platform"],
      d: { name: "no platform" },
      e: { platform: { a: 1 } },
      f: { platform: null, name: "F" },
      g: { platform: 7, name: "G" },
      h: {},
      i: { platform: "sensor", state_topic: "#" },
    },
  });
  assert.equal(left, 7);
  assert.deepEqual(ha.entities().map(({ name, kind }) => [name, kind]), [
    ["A", "sensor"],
    ["G", "7"],
  ]);
  for (const components of [null, [], ["x"], "x", 7]) {
    assert.equal(ha.take("device/d", { device, components }), 1, JSON.stringify(components));
    assert.deepEqual(ha.devices(), []);
  }
  for (const config of [{}, { device }, { device, components: {} }]) {
    assert.equal(ha.take("device/d", config), 0, JSON.stringify(config));
  }
  const text = '{"cmps":{"__proto__":{"p":"sensor","name":"P","stat_t":"s"},"t":{"p":"sensor",' +
    '"stat_t":"t"},"topic":{"p":"sensor","stat_t":"topic"}}}';
  assert.equal(ha.take("device/d", text), 0);
  assert.deepEqual(ha.entities().map(({ read }) => read?.topic), ["s", "t", "topic"]);
  assert.deepEqual(ha.devices().map(({ id, keys }) => [id, keys]), [
    ...Array(3).fill(["device/d", ["topic:ha/device/d/config"]]),
  ]);
});

Deno.test("homeAssistant() tells of no more than 2,000 entities of a message, and counts the rest", () => {
  const ha = discovery();
  const components = Object.fromEntries(
    Array.from({ length: 5_000 }, (_, index) => [`c${index}`, { p: "sensor", stat_t: `${index}` }]),
  );
  assert.equal(ha.take("device/d", { dev: { ids: ["d"] }, cmps: components }), 3_000);
  assert.equal(ha.entities().length, 2_000);
  assert.equal(ha.entities().at(-1)?.read?.topic, "1999");
  const climates = Object.fromEntries(
    Array.from({ length: 1_000 }, (_, index) => [
      `c${index}`,
      { p: "climate", curr_temp_t: "t", curr_hum_t: "h", act_t: "a" },
    ]),
  );
  assert.equal(ha.take("device/d", { dev: { ids: ["d"] }, cmps: climates }), 334);
  assert.equal(ha.entities().length, 1_998);
});

/** How long taking a message keeps others waiting: the longest time without a yield, in ms. */
function longestMs(topic: string, payload: Json): number {
  const bytes = new TextEncoder().encode(JSON.stringify(payload));
  const taking = homeAssistant("ha").take({
    topic: `ha/${topic}/config`,
    payload: bytes,
    qos: 0,
    retain: true,
    receivedAt: 0,
  });
  let longest = 0;
  for (;;) {
    const startedAt = performance.now();
    const { done } = taking.next();
    longest = Math.max(longest, performance.now() - startedAt);
    if (done === true) return longest;
  }
}

Deno.test("homeAssistant() takes large messages in short steps, and keeps little of them", {
  retry: TIMED_RETRIES,
}, () => {
  const many = <T>(length: number, one: (index: number) => T): T[] =>
    Array.from({ length }, (_, index) => one(index));
  const members = <T>(length: number, one: (index: number) => T) =>
    Object.fromEntries(many(length, (index) => [`k${index}`, one(index)]));
  const long = "x".repeat(200_000);
  const template = `{{ ${"value_json[".repeat(350)}`;
  const messages: [topic: string, payload: Json][] = [
    ["sensor/x", { state_topic: "s", name: long, device: { identifiers: ["d"], name: "D" } }],
    ["sensor/x", {
      state_topic: "s",
      device: { identifiers: many(20_000, (index) => `${index}`) },
    }],
    ["sensor/x", {
      state_topic: "s",
      device: { connections: many(5_000, (i) => ["mac", `${i}`]) },
    }],
    ["select/x", { command_topic: "s", options: many(20_000, (index) => `${index}`) }],
    ["sensor/x", { state_topic: "s", availability: many(5_000, (index) => ({ t: `${index}` })) }],
    ["sensor/x", { state_topic: "s", ...members(15_000, () => "~") }],
    ["light/x", { schema: "json", command_topic: "c", sup_clrm: many(20_000, () => "rgb") }],
    ["device/x", {
      cmps: members(2_000, () => ({ p: "sensor" as Json, a: 0 })),
      availability: many(5_000, (index) => ({ t: `${index}` })),
      state_topic: "s",
    }],
    ["device/x", {
      cmps: members(2_000, () => ({ p: "text", "~": "b".repeat(60), stat_t: "~/s" })),
    }],
    ["device/x", { "cmps": members(60, () => ({ p: "number", val_tpl: template, stat_t: "s" })) }],
    ["device/x", { cmps: members(16_000, () => 7) }],
    ["device/x", { dev: { name: long }, cmps: members(1_500, () => ({ p: "x", stat_t: "s" })) }],
  ];
  for (const [topic, payload] of messages) {
    const ms = longestMs(topic, payload);
    const text = JSON.stringify(payload).slice(0, 80);
    assert(ms < 200, `${topic} ${text} takes ${ms} ms`);
    const ha = discovery();
    ha.take(topic, payload);
    for (const { entities, keys, name, online } of ha.devices()) {
      const size = JSON.stringify([entities, keys, name, online]).length;
      assert(size < 5_000, `${topic} ${text} keeps ${size} characters`);
    }
  }
});

const NAMES = [
  ..."name ~ device dev availability avty availability_topic avty_mode state_topic stat_t".split(
    " ",
  ),
  ..."command_topic cmd_t value_template val_tpl cmd_tpl schema options modes components".split(
    " ",
  ),
  ..."cmps platform p topic t identifiers ids connections unit_of_meas".split(" "),
  ..."payload_on pl_off payload_press supported_color_modes effect effect_list brightness".split(
    " ",
  ),
  ..."brightness_scale min max step min_temp position_open set_pos_t tilt_cmd_t pct_cmd_t".split(
    " ",
  ),
  ..."set_fan_spd_t fanspd_lst supported_features reports_position available_tones".split(" "),
  ..."__proto__ constructor toString migrate_discovery enabled_by_default device_class".split(" "),
];
const COMPONENTS = [
  ..."alarm_control_panel binary_sensor button camera climate cover date datetime".split(" "),
  ..."device device_automation device_tracker event fan humidifier image infrared".split(" "),
  ..."lawn_mower light lock notify number scene select sensor siren switch tag text time".split(
    " ",
  ),
  ..."update vacuum valve water_heater __proto__ constructor other".split(" "),
];
const TEXTS = [
  "",
  " ",
  "s",
  "a/b",
  "~/c",
  "c/~",
  "#",
  "json",
  "template",
  "sensor",
  "light",
  "rgb",
];
const TEMPLATES = ["{{ value_json.a }}", "{{ value }}", "{{", "{{ a }}{{ b }}", "\u202e", "\0"];

function anything(): fc.Arbitrary<Json> {
  const { value } = fc.letrec<{ value: Json }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4, depthSize: "small" },
      fc.constantFrom<Json>(...TEXTS, ...TEMPLATES, ...COMPONENTS, null, true, false, 0, 1, -1e300),
      fc.array(tie("value"), { maxLength: 4 }),
      fc.array(fc.tuple(fc.constantFrom(...NAMES, ...COMPONENTS), tie("value")), { maxLength: 12 })
        // Not fromEntries() of an object literal: `__proto__` has to be a key.
        .map((pairs) => Object.fromEntries(pairs)),
      fc.jsonValue() as fc.Arbitrary<Json>,
    ),
  }));
  return value;
}

/** What holds of every entity, whatever it was made of. */
function assertSound({ name, kind, unit, read, writes = [] }: Entity): void {
  for (const text of [name, kind, unit ?? "x", read?.template ?? "x"]) {
    assert(text !== "" && text.length <= 1_300 && !/[\p{Cc}\u202e]/u.test(text), text);
  }
  for (const { topic } of [...read === undefined ? [] : [read], ...writes]) {
    assert.equal(topicName(topic), topic);
  }
  for (const { payload, min = 0, max = 0, step = 0, options = [], values = {} } of writes) {
    assert(payload === "raw" || payload === "json");
    assert([min, max, step].every(Number.isFinite));
    assert(options.length <= 50 && options.every((option) => option !== ""));
    assert(Object.values(values).every((value) => payload === "json" || typeof value !== "object"));
  }
}

Deno.test("homeAssistant() throws for no JSON, and tells only what is sound", () => {
  fc.assert(
    fc.property(fc.constantFrom(...COMPONENTS), anything(), (component, payload) => {
      const ha = discovery();
      const left = ha.take(`${component}/x`, JSON.stringify(payload));
      assert(Number.isInteger(left) && left >= 0);
      for (const { source, id, keys, entities, online } of ha.devices()) {
        assert(source === "homeassistant" && id !== "" && keys.length > 0 && entities.length > 0);
        entities.forEach(assertSound);
        if (typeof online === "object") assert(online.topics.length > 0);
      }
    }),
    { numRuns: 2_000 },
  );
});
