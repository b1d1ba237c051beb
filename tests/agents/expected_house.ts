/** What the house of the demo says, known without asking it: it goes by its seed. */

import assert from "node:assert/strict";
import { seededRandom } from "../../demo/random.ts";
import { Room, ROOMS } from "../../demo/room.ts";

/** One room at one reading. */
export interface Reading {
  readonly room: string;
  readonly temperature: string;
  readonly humidity: string;
}

const SEED = 1;
/** More readings than any task lives to see. */
const TICKS = 120;

/** The readings of all rooms, one list for each second. */
export const TICK_READINGS: readonly (readonly Reading[])[] = readings();

/** The topics on which something is to be seen within three seconds, but for descriptions of rooms. */
export const LIVE_TOPICS: readonly string[] = [
  ...ROOMS.flatMap(({ name }) => [
    `sensors/${name}/temperature`,
    `sensors/${name}/humidity`,
    `actuators/lights/${name}/state`,
  ]),
  "status/system",
  "zigbee/bathroom",
  "zigbee/bridge/devices",
  "zigbee/cellar_leak",
  "zigbee/hall_motion",
  "zigbee/kitchen_window",
  "zigbee2mqtt/bridge/devices",
  "zigbee2mqtt/bridge/state",
  ...["bedroom lamp", "front door", "kitchen plug"].flatMap((name) => [
    `zigbee2mqtt/${name}`,
    `zigbee2mqtt/${name}/availability`,
  ]),
].sort();

/** Fails unless the messages are what the sensors have sent to matching topics, with none left out. */
export function assertConsecutive(
  messages: readonly { readonly topic: string; readonly payload: unknown }[],
  isMatching: (topic: string) => boolean,
): void {
  const sent = TICK_READINGS.flat().flatMap(({ room, temperature, humidity }) => [
    `sensors/${room}/temperature ${temperature}`,
    `sensors/${room}/humidity ${humidity}`,
  ]).filter((line) => isMatching(line.split(" ")[0] ?? ""));
  const got = messages.map(({ topic, payload }) => `${topic} ${payload}`);
  const isPartOfIt = got.length > 0 &&
    sent.some((_, at) => got.every((line, i) => line === sent[at + i]));
  assert.ok(isPartOfIt, `the sensors never sent this: ${got.join(", ")}`);
}

/** The second in which the rooms had these values; fails where they never had them together. */
export function tickOf(values: ReadonlyMap<string, Omit<Reading, "room">>): readonly Reading[] {
  const tick = TICK_READINGS.find((rooms) =>
    rooms.every(({ room, temperature, humidity }) => {
      const value = values.get(room);
      return value?.temperature === temperature && value.humidity === humidity;
    })
  );
  assert.ok(tick, `the rooms never had these values: ${JSON.stringify([...values])}`);
  return tick;
}

function readings(): Reading[][] {
  const random = seededRandom(SEED);
  const rooms = ROOMS.map((climate) => new Room(climate, random));
  return Array.from({ length: TICKS }, () =>
    rooms.map((room) => {
      const { name, temperature, humidity } = room;
      room.pass();
      return { room: name, temperature, humidity };
    }));
}
