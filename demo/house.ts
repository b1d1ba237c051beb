/**
 * The small house of `--demo`. Its devices are on the broker in this process; what a client sees of
 * them is what it would see of real ones.
 *
 * @module
 */

import type { DemoBroker } from "./broker.ts";
import { roomDiscovery } from "./discovery.ts";
import { seededRandom } from "./random.ts";
import { Room, ROOMS } from "./room.ts";
import { zigbeeAtStart, zigbeeReadings } from "./zigbee.ts";
import { startZigbee2mqtt } from "./zigbee2mqtt/bridge.ts";

/** What the house needs of the broker. */
export type HouseBroker = Pick<DemoBroker, "publish" | "subscribe">;

/** How the house lives. */
export interface HouseOptions {
  /** The same seed gives the same readings; default 1. */
  readonly seed?: number;
  /** Between two readings of a sensor; default 1000. */
  readonly intervalMs?: number;
}

/** A house that lives until it is disposed. */
export interface House extends Disposable {
  readonly rooms: readonly string[];
}

const STATUS_EVERY = 10;
/** In place of a room's name: all rooms are asked. */
const EVERY_ROOM = "all";
/** Characters of an unknown command that the answer repeats. */
const MAX_ECHO = 64;

/**
 * Moves in: publishes what is retained, listens to what is commanded, and measures once at once and
 * then with each interval.
 */
export async function startHouse(
  broker: HouseBroker,
  { seed = 1, intervalMs = 1_000 }: HouseOptions = {},
): Promise<House> {
  const random = seededRandom(seed);
  const rooms = ROOMS.map((climate) => new Room(climate, random));
  const roomOf = (topic: string): Room | undefined =>
    rooms.find(({ name }) => name === topic.split("/")[2]);
  const started = performance.now();
  let ticks = 0;

  const send = (topic: string, payload: unknown, options?: { retain: boolean }): void => {
    const text = typeof payload === "string" ? payload : JSON.stringify(payload);
    // It fails only where the broker is closing, and then nobody is there to miss it.
    broker.publish(topic, text, options).catch(() => {});
  };
  const sendLight = ({ name, light }: Room): void =>
    send(`actuators/lights/${name}/state`, light, { retain: true });
  const sendStatus = (): void => {
    const uptime = Math.round((performance.now() - started) / 1_000);
    const status = { state: "ok", uptime_s: uptime, rooms: rooms.map(({ name }) => name) };
    send("status/system", status, { retain: true });
  };
  const measure = (): void => {
    for (const room of rooms) {
      send(`sensors/${room.name}/temperature`, room.temperature);
      send(`sensors/${room.name}/humidity`, room.humidity);
      room.pass();
    }
    for (const { topic, payload } of zigbeeReadings(ticks, Date.now())) {
      send(topic, payload, { retain: true });
    }
    bridge.report(ticks);
  };
  const switchLight = (topic: string, on: boolean): void => {
    const room = roomOf(topic);
    if (!room) return;
    if (room.light.on !== on) room.light = { on, since: new Date().toISOString() };
    sendLight(room);
  };

  await broker.subscribe("actuators/lights/+/on", (topic) => switchLight(topic, true));
  await broker.subscribe("actuators/lights/+/off", (topic) => switchLight(topic, false));
  await broker.subscribe("actuators/lights/+/set", (topic, payload) => {
    if (payload === "ON" || payload === "OFF") switchLight(topic, payload === "ON");
  });
  await broker.subscribe("commands/+/request", (topic, payload) => {
    const asked = topic.split("/")[1];
    for (const room of rooms) {
      if (asked !== room.name && asked !== EVERY_ROOM) continue;
      send(`commands/${room.name}/response`, answer(room, payload));
    }
  });
  const bridge = await startZigbee2mqtt(broker, send);
  sendStatus();
  rooms.forEach(sendLight);
  const described = rooms.flatMap(({ name }) => roomDiscovery(name));
  for (const { topic, payload } of [...zigbeeAtStart(Date.now()), ...described]) {
    send(topic, payload, { retain: true });
  }
  measure();

  const timer = setInterval(() => {
    ticks++;
    measure();
    if (ticks % STATUS_EVERY === 0) sendStatus();
  }, intervalMs);
  return {
    rooms: rooms.map(({ name }) => name),
    [Symbol.dispose](): void {
      clearInterval(timer);
      bridge[Symbol.dispose]();
    },
  };
}

const COMMANDS: Readonly<Record<string, (room: Room) => object>> = {
  get_status: (room) => ({
    temperature: Number(room.temperature),
    humidity: Number(room.humidity),
    light: room.light.on ? "on" : "off",
  }),
  ping: () => ({ pong: true }),
};

/**
 * The answer to a request: a command as plain text, or as JSON `{"command": …, "id": …}`. The `id`
 * is echoed, for MQTT 3.1.1 knows no Correlation Data.
 */
function answer(room: Room, payload: string): object {
  const { command, id } = parseRequest(payload);
  const known = Object.keys(COMMANDS);
  const run = known.includes(command) ? COMMANDS[command] : undefined;
  const echoed = id === undefined ? {} : { id };
  return run ? { ...echoed, room: room.name, ...run(room) } : {
    ...echoed,
    room: room.name,
    error: `unknown command: ${command.slice(0, MAX_ECHO)}`,
    known,
  };
}

function parseRequest(payload: string): { command: string; id?: unknown } {
  try {
    const value: unknown = JSON.parse(payload);
    if (typeof value === "string") return { command: value };
    if (typeof value === "object" && value !== null && "command" in value) {
      const { command } = value;
      return { command: String(command), ..."id" in value ? { id: value.id } : {} };
    }
  } catch {
    // Plain text is a command too.
  }
  return { command: payload.trim() };
}
