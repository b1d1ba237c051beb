/**
 * A Zigbee2MQTT bridge with three devices, under its usual base topic. It describes them, tells of
 * them and takes commands for them as Zigbee2MQTT 2 does.
 *
 * @module
 */

import type { DemoBroker } from "../broker.ts";
import { bridgeDevices } from "./description.ts";
import { type Command, devicesAtStart, type Zigbee2mqttDevice } from "./devices.ts";

/** A bridge that obeys until it is disposed. */
export interface Zigbee2mqttBridge extends Disposable {
  /** A reading: now and then each device that retains nothing tells its state. */
  report(tick: number): void;
}

/** Publishes JSON, and does not wait for it. */
type Send = (topic: string, payload: unknown, options?: { retain: boolean }) => void;

const BASE = "zigbee2mqtt";
/** Readings from one report of a device to the next. */
const REPORT_TICKS = 2;
/** How long a command takes over the air and its answer back. */
const RADIO_MS = 150;
/** What `/set` takes without JSON around it. */
const PLAIN_STATE = /^(?:on|off|toggle)$/i;

/** Publishes what a bridge retains, and listens to commands. */
export async function startZigbee2mqtt(
  broker: Pick<DemoBroker, "subscribe">,
  send: Send,
): Promise<Zigbee2mqttBridge> {
  const devices = devicesAtStart();
  const onAir = new Set<ReturnType<typeof setTimeout>>();
  let lastTick = 0;
  let isOver = false;

  const sendState = (device: Zigbee2mqttDevice): void =>
    send(`${BASE}/${device.name}`, device.state(lastTick), { retain: device.isRetained });
  const carry = (device: Zigbee2mqttDevice, command: Command): void => {
    const timer = setTimeout(() => {
      onAir.delete(timer);
      if (device.obey(command)) sendState(device);
    }, RADIO_MS);
    onAir.add(timer);
  };

  // The filter matches `…/set` as well as `…/set/PROPERTY`, since `#` matches its parent too.
  await broker.subscribe(`${BASE}/+/set/#`, (topic, payload) => {
    const [, name, , property, ...more] = topic.split("/");
    const device = devices.find((one) => one.name === name);
    const command = parseCommand(payload, property);
    if (device && command && more.length === 0 && !isOver) carry(device, command);
  });
  send(`${BASE}/bridge/state`, { state: "online" }, { retain: true });
  send(`${BASE}/bridge/devices`, bridgeDevices(), { retain: true });
  for (const device of devices) {
    send(`${BASE}/${device.name}/availability`, { state: "online" }, { retain: true });
    if (device.isRetained) sendState(device);
  }
  return {
    report(tick): void {
      lastTick = tick;
      if (tick % REPORT_TICKS !== 0) return;
      devices.filter(({ isRetained }) => !isRetained).forEach(sendState);
    },
    [Symbol.dispose](): void {
      isOver = true;
      onAir.forEach((timer) => clearTimeout(timer));
    },
  };
}

/** The command in a payload, of one property or of several; undefined if there is none. */
function parseCommand(payload: string, property: string | undefined): Command | undefined {
  const value = parseJson(payload);
  if (property !== undefined) return { [property]: value === undefined ? payload : value };
  if (value === undefined) return PLAIN_STATE.test(payload) ? { state: payload } : undefined;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return { ...value };
}

/** Undefined if it is no JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
