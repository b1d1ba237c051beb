/**
 * What `--demo` grants.
 *
 * @module
 */

/** A config as it would stand in a file. */
export interface DemoConfig {
  readonly mqtt: {
    readonly host: string;
    readonly port: number;
    readonly protocol_version: "3.1.1";
  };
  readonly topics: readonly DemoRule[];
}

/** An entry of its `topics`. */
export interface DemoRule {
  readonly pattern: string;
  readonly permissions: readonly ("read" | "write")[];
  readonly description: string;
  readonly payload?: { readonly unit?: string; readonly examples?: readonly string[] };
}

const RULES: readonly DemoRule[] = [
  {
    pattern: "sensors/+/temperature",
    permissions: ["read"],
    description: "Temperature of a room, every second",
    payload: { unit: "°C", examples: ["21.4"] },
  },
  {
    pattern: "sensors/+/humidity",
    permissions: ["read"],
    description: "Relative humidity of a room, every second",
    payload: { unit: "%RH", examples: ["47.9"] },
  },
  {
    pattern: "status/system",
    permissions: ["read"],
    description: "State of the house, retained JSON",
    payload: {
      examples: ['{"state":"ok","uptime_s":12,"rooms":["kitchen","living","bedroom"]}'],
    },
  },
  {
    pattern: "actuators/lights/+/on",
    permissions: ["write"],
    description: "Switches the light of a room on",
    payload: { examples: ["1"] },
  },
  {
    pattern: "actuators/lights/+/off",
    permissions: ["write"],
    description: "Switches it off",
    payload: { examples: ["1"] },
  },
  {
    pattern: "actuators/lights/+/set",
    permissions: ["write"],
    description: "The same by payload: ON or OFF",
  },
  {
    pattern: "actuators/lights/+/state",
    permissions: ["read"],
    description: "Whether the light of a room is on, retained JSON",
    payload: { examples: ['{"on":true,"since":"2026-07-28T12:00:00.000Z"}'] },
  },
  {
    pattern: "commands/+/request",
    permissions: ["write"],
    description:
      "Asks a room (all: every room) by text or JSON with command and id; knows get_status and ping",
    payload: { examples: ["get_status", '{"command":"get_status","id":7}'] },
  },
  {
    pattern: "commands/+/response",
    permissions: ["read"],
    description: "The room's answer to a request, JSON",
  },
  {
    pattern: "zigbee/#",
    permissions: ["read"],
    description:
      "Battery devices, retained JSON with battery in %, every second; zigbee/bridge/devices is long",
    payload: { examples: ['{"humidity":55,"battery":93}'] },
  },
  {
    pattern: "zigbee2mqtt/#",
    permissions: ["read"],
    description: "Zigbee2MQTT: the state of each device",
  },
  {
    pattern: "zigbee2mqtt/+/set",
    permissions: ["write"],
    description: "Command to such a device",
    payload: { examples: ['{"state":"ON"}', '{"brightness":120}'] },
  },
  {
    pattern: "homeassistant/#",
    permissions: ["read"],
    description: "Home Assistant discovery",
  },
];

/** The config for the broker at `address`, which is aedes and speaks 3.1.1 only. */
export function demoConfig(
  { host, port }: { readonly host: string; readonly port: number },
): DemoConfig {
  return { mqtt: { host, port, protocol_version: "3.1.1" }, topics: RULES };
}
