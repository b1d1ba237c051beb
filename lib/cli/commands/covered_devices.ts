/**
 * Which devices a rule covers.
 *
 * @module
 */
import { Access } from "../../access/access.ts";
import { Devices } from "../../access/devices.ts";
import type { Config } from "../../config/config.ts";
import type { Device } from "../../devices/directory.ts";
import { McpMqttError } from "../../errors.ts";
import { Connection } from "../../mqtt/connection.ts";
import type { Action, Permissions } from "../../topics/permissions.ts";
import { matches, type TopicFilter } from "../../topics/topic_filter.ts";
import { quietLogger } from "../quiet_logger.ts";
import { brokerSettings, grantsOf } from "../setup.ts";

/** How long the broker is waited for, in milliseconds. */
const WAIT_MS = 2_000;
/** So many devices are named, with so many of their entities each. */
const MAX_DEVICES = 20;
const MAX_ENTITIES = 5;

/**
 * The devices that describe themselves where the config lets it be read; undefined if the broker
 * cannot be reached, or nothing of that may be read.
 */
export async function describedDevices(config: Config): Promise<readonly Device[] | undefined> {
  await using connection = new Connection(brokerSettings(config), quietLogger);
  await using access = new Access(connection, grantsOf(config));
  await using devices = new Devices(access);
  if (!devices.isReadable) return undefined;
  const { signal } = new AbortController();
  try {
    await connection.attempted({ waitMs: WAIT_MS, signal });
    if (!access.status.isConnected) return undefined;
    return (await devices.known(signal)).devices;
  } catch (error) {
    if (error instanceof McpMqttError) return undefined;
    throw error;
  }
}

/** The devices that are read or written below filters, as in `bedroom lamp (state, brightness)`. */
export function coveredBy(
  filters: readonly TopicFilter[],
  { action, devices, permissions }: {
    readonly action: Action;
    readonly devices: readonly Device[];
    readonly permissions: Permissions;
  },
): string[] {
  const isCovered = (topic: string): boolean =>
    filters.some((one) => matches(one, topic)) && permissions.decide(topic, action).allowed;
  const covered = devices.flatMap(({ name, entities }) => {
    const names = entities.filter(({ read, writes = [] }) =>
      action === "read"
        ? read !== undefined && isCovered(read.topic)
        : writes.some(({ topic }) => isCovered(topic))
    ).map((one) => one.name);
    if (names.length === 0) return [];
    const more = names.length > MAX_ENTITIES ? ", …" : "";
    return [`${name} (${names.slice(0, MAX_ENTITIES).join(", ")}${more})`];
  });
  const left = covered.length - MAX_DEVICES;
  return left > 0 ? [...covered.slice(0, MAX_DEVICES), `and ${left} more`] : covered;
}
