/**
 * What a device says of itself, whatever convention it follows.
 *
 * @module
 */
import type { Json } from "../messages/json.ts";
import type { Message } from "../messages/message.ts";

/** The conventions; what stands first is believed first if two tell of one device. */
export const SOURCES = [
  "zigbee2mqtt",
  "tasmota",
  "homie",
  "sparkplug",
  "shelly",
  "homeassistant",
] as const;

/** A convention by which devices describe themselves. */
export type Source = typeof SOURCES[number];

/** Whether a device can be reached; `unknown` if nothing says so. */
export type Online = "yes" | "no" | "unknown";

/** Where a value is. */
export interface Place {
  /** A topic name. */
  readonly topic: string;
  /** A JSON Pointer into the payload; absent for the whole of it. */
  readonly path?: string;
}

/** Where the value of an entity is read. */
export interface Reading extends Place {
  /** What is at the place is converted by a template, which is not evaluated. */
  readonly converted?: true;
  /** A template that uses several places or none: there is no value. */
  readonly template?: string;
}

/** How an entity is commanded: a payload, or what payloads are made of. */
export interface Command {
  /** A topic name. */
  readonly topic: string;
  /** `raw`: the payload is the text itself; `json`: it is the JSON of the value. */
  readonly payload: "raw" | "json";
  /** The payload is published with this encoding; absent for text. */
  readonly encoding?: "sparkplug";
  /** Payloads by what they do, as in `{ "on": "ON", "off": "OFF" }`. */
  readonly values?: Readonly<Record<string, Json>>;
  readonly min?: number;
  readonly max?: number;
  readonly step?: number;
  readonly options?: readonly string[];
  /**
   * The payload is what this template makes of a value, whole and with one placeholder; it is not
   * evaluated. `values`, `options` and bounds are then of what it takes.
   */
  readonly template?: string;
  /** A whole payload. */
  readonly example?: Json;
}

/** What payloads a command takes, whatever its topic; `raw` if nothing else is said. */
export type CommandPayload = Omit<Command, "topic" | "payload"> & Partial<Pick<Command, "payload">>;

/** A value as it was heard. */
export interface Heard {
  readonly value: Json;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
  readonly retain: boolean;
}

/** One thing that a device measures or does. Texts have been through {@linkcode label}. */
export interface Entity {
  readonly name: string;
  /** As in `sensor`, `binary_sensor`, `switch`, `light`, `number`, `select`, `button`. */
  readonly kind: string;
  readonly unit?: string;
  /** Configuration and diagnosis, which are told of last. */
  readonly isMinor?: boolean;
  readonly read?: Reading;
  /** Further places of the same value: what came last counts. */
  readonly also?: readonly Place[];
  /** Ways to command it, all to the same effect: the first that is granted is told. */
  readonly writes?: readonly Command[];
  /** What the convention itself has heard, where messages tell only what has changed. */
  readonly heard?: Heard;
}

/** Where it is said whether a device is online. */
export interface AvailabilityTopic extends Place {
  /** The values that say yes and no, compared as text; any other says nothing. */
  readonly yes: readonly string[];
  readonly no: readonly string[];
  /** Whether it need not be there: without a message it is left out of account. */
  readonly isOptional?: true;
}

/** Availability topics together: all must say yes, any may, or what came last counts. */
export interface Availability {
  readonly mode: "all" | "any" | "latest";
  readonly topics: readonly AvailabilityTopic[];
}

/** What one convention says of a device, or of a part of it. */
export interface Description {
  readonly source: Source;
  /** The identifier that is shown. */
  readonly id: string;
  /**
   * All identifiers, as in `id:0x00158d0001`, `mac:aabbccddeeff`: descriptions that share one are of
   * one device.
   */
  readonly keys: readonly string[];
  readonly name?: string | undefined;
  readonly model?: string | undefined;
  readonly area?: string | undefined;
  /** Absent if the convention says nothing of it. */
  readonly online?: Availability | Online | undefined;
  readonly entities: readonly Entity[];
}

/** Reads what one convention says. */
export interface Convention {
  readonly source: Source;
  /** Topic filters of all that describes devices; no two overlap. */
  readonly filters: readonly string[];
  /** Whether each message adds to those before it; else the last of a topic replaces them. */
  readonly isCumulative: boolean;
  /**
   * Takes a message that one of the filters matches. An empty payload takes back what was said on its
   * topic. Yields now and then in long work.
   *
   * @returns how many descriptions in it could not be understood
   */
  take(message: Message): Generator<void, number>;
  /** What is known now. */
  devices(): Iterable<Description>;
}
