/**
 * What it costs to know of 500 devices with 5,000 entities, which Zigbee2MQTT tells of in one message of
 * 3 MB and once more in 5,000 messages for Home Assistant.
 *
 * @module
 */
import process from "node:process";
import { Session } from "../lib/access/session.ts";
import { brokerSettings, grantsOf } from "../lib/cli/setup.ts";
import { loadConfig } from "../lib/config/load.ts";
import { quietLogger } from "../lib/cli/quiet_logger.ts";
import { Connection } from "../lib/mqtt/connection.ts";
import { mqttDevices } from "../lib/tools/mqtt_devices.ts";
import { connectClient } from "../tests/brokers/client.ts";
import { startBroker } from "./brokers.ts";
import { atMost, type BenchOptions, formatMs, type Section } from "./report.ts";

const ENTITIES = 10;
const MB = 1024 * 1024;
/** How often the event loop is looked at, in milliseconds. */
const TICK_MS = 2;

/** The first answer, later ones, how long the event loop is held, bytes and memory. */
export async function describing({ quick }: BenchOptions): Promise<Section> {
  const count = quick ? 50 : 500;
  await using broker = await startBroker();
  await using device = await connectClient(broker, {});
  const list = JSON.stringify(Array.from({ length: count }, (_, i) => bridgeDevice(i)));
  await device.publish("zigbee2mqtt/bridge/state", '{"state":"online"}', { retain: true, qos: 1 });
  await device.publish("zigbee2mqtt/bridge/devices", list, { retain: true, qos: 1 });
  for (let i = 0; i < count; i++) {
    const announced = Array.from({ length: ENTITIES }, (_, n) => announcement(i, n));
    await Promise.all([
      ...announced.map(([topic, payload]) =>
        device.publish(topic, payload, { retain: true, qos: 1 })
      ),
      device.publish(`zigbee2mqtt/lamp ${i}`, state(i), { retain: true, qos: 1 }),
    ]);
  }

  // What it takes to get and parse the same, and do nothing with it.
  const bareMs = await timed(async () => {
    await using bare = await connectClient(broker, {});
    await bare.subscribe(["homeassistant/+/+/+/config", "zigbee2mqtt/+", "zigbee2mqtt/bridge/+"]);
    const all = await bare.collect(count * (ENTITIES + 1) + 2, { deadlineMs: 60_000 });
    for (const { text } of all) JSON.parse(text);
  });

  const text = JSON.stringify({
    mqtt: { host: broker.host, port: broker.port },
    topics: [{ pattern: "#", permissions: ["read", "write"] }],
  });
  const config = await loadConfig({
    path: "bench",
    effects: { readTextFile: () => Promise.resolve(text), env: () => undefined },
  });
  await using connection = new Connection(brokerSettings(config), quietLogger);
  await using session = new Session({
    connection,
    grants: grantsOf(config),
    configSource: "",
    log: quietLogger,
  });
  connection.start();
  const { signal } = new AbortController();
  await connection.ready({ waitMs: 10_000, signal });
  const ask = (args: object): Promise<Record<string, unknown>> =>
    mqttDevices.run(args, { ...session, access: session.access, signal });
  const heapBefore = Deno.memoryUsage().heapUsed;
  const loop = watchLoop();
  let first: Record<string, unknown> = {};
  const firstMs = await timed(async () => void (first = await ask({})));
  const heldMs = loop.end();
  const heap = (Deno.memoryUsage().heapUsed - heapBefore) / MB;
  const againMs = await timed(() => ask({ find: `lamp ${count - 1}` }));
  const bytes = new TextEncoder().encode(JSON.stringify(first)).length;
  return {
    title: `${first.total} devices, ${
      (count * ENTITIES).toLocaleString("en")
    } entities, each told twice`,
    baseline: "a bare client that gets and parses the same retained messages; lower is faster",
    lines: [
      {
        name: "first answer",
        ratio: firstMs / bareMs,
        measured: `${formatMs(firstMs)}, bare ${formatMs(bareMs)}`,
        goal: atMost(2_000, firstMs - bareMs, " ms more"),
      },
      { name: "one of them, found again", ratio: againMs / bareMs, measured: formatMs(againMs) },
      {
        name: "the event loop is held",
        measured: `${formatMs(heldMs)} of processor time at most`,
        goal: atMost(50, heldMs, " ms"),
      },
      {
        name: `a list of ${(first.devices as unknown[]).length}`,
        measured: `${bytes.toLocaleString("en")} bytes`,
        goal: atMost(12_000, bytes, " bytes"),
      },
      { name: "heap that it holds", measured: `${heap.toFixed(0)} MB` },
    ],
    notes: [`bridge/devices has ${(list.length / MB).toFixed(1)} MB`],
  };
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

/** Finds out how much of the processor was used, at most, until others had their turn. */
function watchLoop(): { end(): number } {
  const usedMs = (): number => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000;
  };
  let last = usedMs();
  let longest = 0;
  const timer = setInterval(() => {
    const now = usedMs();
    longest = Math.max(longest, now - last);
    last = now;
  }, TICK_MS);
  return {
    end(): number {
      clearInterval(timer);
      return longest;
    },
  };
}

function state(i: number): string {
  const values = Array.from({ length: ENTITIES }, (_, n) => [`value_${n}`, i + n / 10]);
  return JSON.stringify(Object.fromEntries(values));
}

function ieee(i: number): string {
  return `0x${i.toString(16).padStart(16, "0")}`;
}

/** A device of some 6 KB, as large ones are. */
function bridgeDevice(i: number): object {
  return {
    ieee_address: ieee(i),
    friendly_name: `lamp ${i}`,
    type: "Router",
    supported: true,
    disabled: false,
    definition: {
      vendor: "Example",
      model: "L1",
      description: "A lamp",
      exposes: Array.from({ length: ENTITIES }, (_, n) => ({
        type: "numeric",
        name: `value_${n}`,
        label: `Value ${n}`,
        property: `value_${n}`,
        description: "What this value means, at some length, as Zigbee2MQTT does. ".repeat(6),
        access: n % 2 === 0 ? 1 : 7,
        unit: "lx",
        value_min: 0,
        value_max: 254,
      })),
      options: [],
    },
  };
}

function announcement(i: number, n: number): [topic: string, payload: string] {
  const name = `zigbee2mqtt/lamp ${i}`;
  return [
    `homeassistant/sensor/${ieee(i)}/value_${n}/config`,
    JSON.stringify({
      availability: [{
        topic: "zigbee2mqtt/bridge/state",
        value_template: "{{ value_json.state }}",
      }],
      device: {
        identifiers: [`zigbee2mqtt_${ieee(i)}`],
        manufacturer: "Example",
        model: "A lamp (L1)",
        name: `lamp ${i}`,
        via_device: "zigbee2mqtt_bridge_0x00124b0000000001",
      },
      name: `Value ${n}`,
      object_id: `lamp_${i}_value_${n}`,
      origin: { name: "Zigbee2MQTT", sw: "2.14.1", url: "https://www.zigbee2mqtt.io" },
      state_topic: name,
      unique_id: `${ieee(i)}_value_${n}_zigbee2mqtt`,
      unit_of_measurement: "lx",
      value_template: `{{ value_json.value_${n} }}`,
    }),
  ];
}
