import assert from "node:assert/strict";
import type { DemoBroker } from "../../demo/broker.ts";
import { startHouse } from "../../demo/house.ts";
import type { TestClient } from "../brokers/client.ts";
import { until } from "../brokers/until.ts";
import { houseTest } from "./house.ts";

houseTest("startHouse() measures each room, and the readings move", async (client) => {
  await client.subscribe("sensors/#");
  await client.collect(60);
  const readings = new Map(client.received.map(({ topic }) => [topic, new Set<string>()]));
  for (const { topic, text, retain } of client.received) {
    assert.match(text, /^\d+\.\d$/);
    assert.equal(retain, false);
    readings.get(topic)?.add(text);
  }
  assert.deepEqual([...readings.keys()].sort(), [
    "sensors/bedroom/humidity",
    "sensors/bedroom/temperature",
    "sensors/kitchen/humidity",
    "sensors/kitchen/temperature",
    "sensors/living/humidity",
    "sensors/living/temperature",
  ]);
  for (const values of readings.values()) assert.ok(values.size > 1);
});

houseTest("startHouse() retains the state of the house and of each light", async (client) => {
  await client.subscribe(["status/system", "actuators/lights/+/state"]);
  const retained = await client.collect(4, { pick: ({ retain }) => retain });
  const status = retained.find(({ topic }) => topic === "status/system");
  const { state, uptime_s, rooms } = JSON.parse(status?.text ?? "");
  assert.deepEqual([state, typeof uptime_s, rooms], [
    "ok",
    "number",
    ["kitchen", "living", "bedroom"],
  ]);
  const lights = retained.filter(({ topic }) => topic.startsWith("actuators/"));
  assert.deepEqual(lights.map(({ text }) => JSON.parse(text).on), [false, false, false]);
});

houseTest("a light obeys on and off, whatever the payload", async (client) => {
  await client.subscribe("actuators/lights/kitchen/state");
  const lastIs = (on: boolean): Promise<boolean> =>
    until(() => client.received.length > 0 && JSON.parse(lastText(client)).on === on);
  await client.publish("actuators/lights/kitchen/on", "");
  await lastIs(true);
  await client.publish("actuators/lights/kitchen/off", new Uint8Array([0xff]));
  await lastIs(false);
  await client.publish("actuators/lights/cellar/on", "1");
});

houseTest("a light is set to ON and OFF, and to nothing else", async (client) => {
  await client.subscribe("actuators/lights/living/state");
  await client.collect(1);
  for (const payload of ["on", "1", "", '{"state":"ON"}', "ON", "OFF"]) {
    await client.publish("actuators/lights/living/set", payload);
  }
  const states = (await client.collect(3)).map(({ text }) => JSON.parse(text).on);
  assert.deepEqual(states, [false, true, false]);
});

houseTest("a room answers what it knows, and says so of what it does not", async (client) => {
  const answer = await asker(client);
  const { temperature, ...status } = await answer("get_status");
  assert.equal(typeof temperature, "number");
  assert.equal(status.room, "kitchen");
  assert.equal(status.light, "off");
  assert.deepEqual(await answer('{"command":"ping","id":7}'), {
    id: 7,
    room: "kitchen",
    pong: true,
  });
  const unknown = { room: "kitchen", known: ["get_status", "ping"] };
  for (const request of ["toString", '{"other":1}', "null", ""]) {
    assert.deepEqual(await answer(request), { ...unknown, error: `unknown command: ${request}` });
  }
});

Deno.test("startHouse() gives the same readings for the same seed", async () => {
  const first = await firstReadings(5);
  assert.deepEqual(await firstReadings(5), first);
  assert.notDeepEqual(await firstReadings(6), first);
});

function lastText(client: TestClient): string {
  return client.received.at(-1)?.text ?? "";
}

async function asker(
  client: TestClient,
): Promise<(request: string) => Promise<Record<string, unknown>>> {
  await client.subscribe("commands/kitchen/response");
  let asked = 0;
  return async (request) => {
    await client.publish("commands/kitchen/request", request);
    await client.collect(++asked);
    return JSON.parse(lastText(client));
  };
}

async function firstReadings(seed: number): Promise<string[]> {
  const readings: string[] = [];
  const broker: Pick<DemoBroker, "publish" | "subscribe"> = {
    publish(topic, payload): Promise<void> {
      if (topic.startsWith("sensors/")) readings.push(payload);
      return Promise.resolve();
    },
    subscribe: () => Promise.resolve(),
  };
  using _house = await startHouse(broker, { seed, intervalMs: 1 });
  await until(() => readings.length >= 30);
  return readings.slice(0, 30);
}
