import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { startDemoBroker } from "../../demo/broker.ts";
import { startHouse } from "../../demo/house.ts";
import { connectClient, type TestClient } from "../brokers/client.ts";
import { recording } from "../devices/recordings.ts";
import { until } from "../brokers/until.ts";
import { houseTest, INTERVAL_MS } from "./house.ts";

const LAMP = "zigbee2mqtt/bedroom lamp";
const PLUG = "zigbee2mqtt/kitchen plug";
const DOOR = "zigbee2mqtt/front door";

// deno-lint-ignore no-explicit-any
type Json = any;

/** What is retained on `filter`, by topic. */
async function retained(client: TestClient, filter: string): Promise<Map<string, Json>> {
  await client.subscribe(filter);
  // What the broker keeps comes before what is published after the subscription.
  await client.publish("test/fence", "");
  await client.subscribe("test/fence");
  await client.publish("test/fence", "");
  await client.collect(1, { pick: ({ topic }) => topic === "test/fence" });
  await client.unsubscribe([filter, "test/fence"]);
  const kept = client.received.filter(({ retain }) => retain);
  return new Map(kept.map(({ topic, text }) => [topic, JSON.parse(text)]));
}

/** The keys of an object, sorted. */
const keys = (value: object): string[] => Object.keys(value).sort();

houseTest("startHouse() retains what a Zigbee2MQTT bridge retains", async (client) => {
  const messages = await retained(client, "zigbee2mqtt/#");
  const online = { state: "online" };
  messages.delete("zigbee2mqtt/bridge/devices");
  assert.deepEqual(
    messages,
    new Map<string, unknown>([
      ["zigbee2mqtt/bridge/state", online],
      [`${LAMP}/availability`, online],
      [LAMP, { brightness: 120, linkquality: 132, state: "OFF" }],
      [`${PLUG}/availability`, online],
      [`${DOOR}/availability`, online],
    ]),
  );
});

houseTest("the bridge describes each device with the keys of a real one", async (client) => {
  const topic = "zigbee2mqtt/bridge/devices";
  const ours = (await retained(client, topic)).get(topic);
  const real = (await recording("zigbee2mqtt")).find((message) => message.topic === topic);
  assert(Array.isArray(ours) && real);
  const [coordinator, , , plug] = JSON.parse(real.text);
  assert.equal(plug.friendly_name, "kitchen plug");
  assert.deepEqual(keys(ours[0]), keys(coordinator));
  assert.deepEqual(ours.map(({ friendly_name }) => friendly_name), [
    "Coordinator",
    "bedroom lamp",
    "kitchen plug",
    "front door",
  ]);
  for (const device of ours.slice(1)) {
    assert.deepEqual(keys(device), keys(plug));
    assert.deepEqual(keys(device.definition), keys(plug.definition));
    assert.deepEqual(keys(device.endpoints[1]), keys(plug.endpoints[1]));
  }
  assert.equal(new Set(ours.map(({ ieee_address }) => ieee_address)).size, ours.length);
});

houseTest("the bridge exposes just what is in a state", async (client) => {
  const devices = (await retained(client, "zigbee2mqtt/bridge/devices")).values().next().value;
  await client.subscribe("zigbee2mqtt/+");
  for (const { friendly_name, definition } of (devices as Described[]).slice(1)) {
    const features = definition.exposes.flatMap((one) => one.features ?? [one]);
    const [state] = await client.collect(1, {
      pick: ({ topic }) => topic === `zigbee2mqtt/${friendly_name}`,
    });
    const values: Record<string, unknown> = JSON.parse(state?.text ?? "");
    assert.deepEqual(features.map(({ property }) => property).sort(), keys(values));
    for (const feature of features) assert.ok(isOf(feature, values[feature.property]));
  }
});

houseTest("a device that is not told to retain tells its state again and again", async (client) => {
  await client.subscribe([PLUG, DOOR]);
  await client.collect(24);
  assert.ok(client.received.every(({ retain }) => !retain));
  const said = (topic: string): string[] =>
    client.received.filter((one) => one.topic === topic).map(({ text }) => text);
  const powers = said(PLUG).map((text) => JSON.parse(text).power);
  assert.ok(powers.every((power) => power >= 60 && power < 70), `${powers}`);
  assert.ok(new Set(powers).size > 1);
  assert.deepEqual(new Set(said(DOOR).map((text) => JSON.parse(text).contact)).size, 2);
});

/** Commands to the lamp, one after the other, and what is to be seen after each. */
const COMMANDS: ReadonlyArray<readonly [string, string, { state: string; brightness: number }]> = [
  ["set", '{"state":"ON"}', { state: "ON", brightness: 120 }],
  ["set", '{"brightness":200}', { state: "ON", brightness: 200 }],
  ["set", '{"state":"TOGGLE"}', { state: "OFF", brightness: 200 }],
  ["set", '{"brightness":40,"transition":2}', { state: "ON", brightness: 40 }],
  ["set", '{"brightness":0}', { state: "OFF", brightness: 0 }],
  ["set", '{"state":"on"}', { state: "ON", brightness: 40 }],
  ["set", '{"state":"OFF","brightness":90}', { state: "OFF", brightness: 40 }],
  ["set", '{"state":"ON","brightness":0}', { state: "ON", brightness: 1 }],
  ["set", '{"brightness":"255"}', { state: "ON", brightness: 254 }],
  ["set", "off", { state: "OFF", brightness: 254 }],
  ["set/state", "TOGGLE", { state: "ON", brightness: 254 }],
  ["set/state", '"OFF"', { state: "OFF", brightness: 254 }],
  ["set/brightness", "77", { state: "ON", brightness: 77 }],
];

houseTest("the lamp obeys as a real one does, and retains its state", async (client) => {
  await client.subscribe(LAMP);
  const [before] = await client.collect(1);
  assert.ok(before?.retain);
  for (const [suffix, payload] of COMMANDS) await client.publish(`${LAMP}/${suffix}`, payload);
  const [, ...after] = await client.collect(1 + COMMANDS.length);
  assert.deepEqual(
    after.map(({ text }) => JSON.parse(text)),
    COMMANDS.map(([, , expected]) => ({ ...expected, linkquality: 132 })),
  );
  const last = (await retained(client, LAMP)).get(LAMP);
  assert.deepEqual(last, { brightness: 77, linkquality: 132, state: "ON" });
});

houseTest("the lamp takes its time", async (client) => {
  await client.subscribe([LAMP, `${LAMP}/set`]);
  await client.collect(1);
  const sent = performance.now();
  await client.publish(`${LAMP}/set`, '{"state":"ON"}');
  await client.collect(3);
  const tookMs = performance.now() - sent;
  assert.ok(tookMs >= 5 * INTERVAL_MS, `${tookMs} ms`);
});

/** What no lamp understands. */
const NONSENSE: ReadonlyArray<readonly [string, string]> = [
  ...[
    "",
    "{",
    "null",
    "1",
    '"ON"',
    '["ON"]',
    "{}",
    "brighter",
    '{"state":"BRIGHT"}',
    '{"state":true}',
    '{"state":null}',
    '{"brightness":-1}',
    '{"brightness":256}',
    '{"brightness":1.5}',
    '{"brightness":""}',
    '{"brightness":"much"}',
    '{"state":"ON","brightness":"much"}',
    '{"state":"BRIGHT","brightness":9}',
    '{"colour":"red"}',
  ].map((payload) => [`${LAMP}/set`, payload] as const),
  [`${LAMP}/set/state`, ""],
  [`${LAMP}/set/brightness`, "ON"],
  [`${LAMP}/set/colour`, "red"],
  [`${LAMP}/set/state/now`, "ON"],
  [`${LAMP}/set/__proto__`, '{"state":"ON"}'],
  ["zigbee2mqtt/attic lamp/set", '{"state":"ON"}'],
  ["zigbee2mqtt/bridge/request/restart", ""],
];

houseTest("the lamp ignores what it does not understand", async (client) => {
  await client.subscribe("zigbee2mqtt/+");
  for (const [topic, payload] of NONSENSE) await client.publish(topic, payload);
  await client.publish(`${LAMP}/set`, '{"brightness":3}');
  const states = await client.collect(2, { pick: ({ topic }) => topic === LAMP });
  const { brightness } = JSON.parse(states[1]?.text ?? "");
  assert.equal(brightness, 3);
});

houseTest("the plug is switched, and the door is not", async (client) => {
  await client.publish(`${DOOR}/set`, '{"state":"ON"}');
  await client.publish(`${PLUG}/set`, '{"state":"OFF"}');
  await client.subscribe([PLUG, DOOR]);
  const plugs = (): unknown[] =>
    client.received.filter(({ topic }) => topic === PLUG).map(({ text }) => JSON.parse(text));
  const off = { linkquality: 132, power: 0, state: "OFF" };
  await until(() => isDeepStrictEqual(plugs().at(-1), off));
  await client.publish(`${PLUG}/set/state`, "sideways");
  await client.publish(`${PLUG}/set/state`, "ON");
  await until(() => !isDeepStrictEqual(plugs().at(-1), off));
  const doors = client.received.filter(({ topic }) => topic === DOOR);
  for (const { text } of doors) {
    assert.deepEqual(keys(JSON.parse(text)), ["battery", "contact", "linkquality"]);
  }
});

houseTest("a house that has ended obeys no more", async (client, house) => {
  await client.publish(`${LAMP}/set`, '{"state":"ON"}', { qos: 1 });
  house[Symbol.dispose]();
  await client.publish(`${LAMP}/set`, '{"state":"ON"}', { qos: 1 });
  await new Promise((resolve) => setTimeout(resolve, 10 * INTERVAL_MS));
  assert.equal((await retained(client, LAMP)).get(LAMP)?.state, "OFF");
});

Deno.test("a house that starts again retains the same", async () => {
  await using broker = await startDemoBroker();
  const filters = ["zigbee2mqtt/#", "homeassistant/#"];
  const lookAround = async (): Promise<unknown[]> => {
    await using client = await connectClient(broker);
    return await Array.fromAsync(filters, (filter) => retained(client, filter));
  };
  let first: unknown[];
  {
    using _house = await startHouse(broker);
    first = await lookAround();
    await using client = await connectClient(broker);
    await client.subscribe(LAMP);
    await client.publish(`${LAMP}/set`, '{"state":"ON"}');
    await client.collect(2);
    await client.publish(`${LAMP}/set`, '{"brightness":9}', { qos: 1 });
  }
  using _again = await startHouse(broker);
  assert.deepEqual(await lookAround(), first);
});

/** What is looked at in a description. */
interface Described {
  readonly friendly_name: string;
  readonly definition: { readonly exposes: ReadonlyArray<Partial<Grouped> & Feature> };
}

/** A light or a switch. */
interface Grouped {
  readonly features: readonly Feature[];
}

/** A property. */
interface Feature {
  readonly property: string;
  readonly type: string;
  readonly value_on?: unknown;
  readonly value_off?: unknown;
}

function isOf({ type, value_on, value_off }: Feature, value: unknown): boolean {
  return type === "binary" ? [value_on, value_off].includes(value) : typeof value === "number";
}
