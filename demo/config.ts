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
    description: "State of the house, retained JSON; its rooms are listed in it",
    payload: {
      examples: ['{"state":"ok","uptime_s":12,"rooms":["kitchen","living","bedroom"]}'],
    },
  },
  {
    pattern: "actuators/lights/+/on",
    permissions: ["write"],
    description: "Switches the light of a room on, whatever the payload",
    payload: { examples: ["1"] },
  },
  {
    pattern: "actuators/lights/+/off",
    permissions: ["write"],
    description: "Switches the light of a room off, whatever the payload",
    payload: { examples: ["1"] },
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
      "Asks a room, or every room as commands/all/request, by text or JSON with command and id; it knows get_status and ping and answers on commands/+/response",
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
      "Battery devices, retained JSON with battery in % and last_seen, every second; zigbee/bridge/devices lists them at length",
    payload: { examples: ['{"humidity":55,"battery":93,"last_seen":"2026-07-28T12:00:00.000Z"}'] },
  },
];

/** The config for the broker at `address`, which is aedes and speaks 3.1.1 only. */
export function demoConfig(
  { host, port }: { readonly host: string; readonly port: number },
): DemoConfig {
  return { mqtt: { host, port, protocol_version: "3.1.1" }, topics: RULES };
}
