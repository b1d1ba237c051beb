/**
 * The current values of devices, and whether they are online.
 *
 * @module
 */
import { type Json, parseExactly } from "../messages/json.ts";
import type { Message } from "../messages/message.ts";
import { placesOf } from "../messages/payload.ts";
import { parsePointer } from "../messages/pointer.ts";
import type { Availability, AvailabilityTopic, Entity, Heard, Online, Place } from "./device.ts";

/** What is known of topics. */
export interface Known {
  /** The last message of a topic, if there is one, and if it may be read. */
  last(topic: string): Message | undefined;
  mayRead(topic: string): boolean;
}

/** Looks values up; each payload is read once. */
export class Values {
  readonly #known: Known;
  readonly #read = new Map<string, ((tokens: readonly string[]) => Json | undefined) | undefined>();

  constructor(known: Known) {
    this.#known = known;
  }

  /** The current value of an entity: of all places the one that was heard last. */
  of({ kind, read, also = [], heard }: Entity): Heard | undefined {
    const places = read === undefined || read.template !== undefined ? also : [read, ...also];
    let current = heard;
    for (const place of places) {
      const one = this.#at(place);
      if (one !== undefined && !(current !== undefined && current.receivedAt >= one.receivedAt)) {
        current = one;
      }
    }
    // An event that is retained is over.
    return kind === "event" && current?.retain === true ? undefined : current;
  }

  /** Whether a device is online: what the first description says that says anything. */
  online(said: readonly (Availability | Online)[]): Online {
    for (const one of said) {
      const online = typeof one === "object" ? this.#judge(one) : one;
      if (online !== "unknown") return online;
    }
    return "unknown";
  }

  #judge({ mode, topics }: Availability): Online {
    let latest = -Infinity;
    let last: Online = "unknown";
    const all = new Set<Online>();
    for (const one of topics) {
      const heard = this.#availability(one);
      if (heard === undefined && one.isOptional && this.#known.mayRead(one.topic)) continue;
      const online = heard === undefined ? "unknown" : meaning(heard.value, one);
      all.add(online);
      if (heard !== undefined && online !== "unknown" && heard.receivedAt >= latest) {
        latest = heard.receivedAt;
        last = online;
      }
    }
    if (mode === "latest") return last;
    const order = mode === "any" ? ["yes", "unknown", "no"] : ["no", "unknown", "yes"];
    return (order as Online[]).find((one) => all.has(one)) ?? "unknown";
  }

  /** The value at its place; of a payload without such a place the whole. */
  #availability({ topic, path }: AvailabilityTopic): Heard | undefined {
    const whole = { topic };
    return path === undefined ? this.#at(whole) : this.#at({ topic, path }) ?? this.#at(whole);
  }

  #at({ topic, path = "" }: Place): Heard | undefined {
    const message = this.#known.last(topic);
    if (message === undefined) return undefined;
    if (!this.#read.has(topic)) this.#read.set(topic, placesOf(message.payload, parseExactly));
    const value = this.#read.get(topic)?.(parsePointer(path, "path"));
    if (value === undefined) return undefined;
    const { receivedAt, retain } = message;
    return { value, receivedAt, retain };
  }
}

function meaning(value: Json, { yes, no }: AvailabilityTopic): Online {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  if (yes.includes(text)) return "yes";
  return no.includes(text) ? "no" : "unknown";
}
