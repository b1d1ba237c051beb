/**
 * What is alive: the topics seen within a time, and what was last said on each.
 *
 * @module
 */
import { fingerprintOf } from "./digest.ts";
import { type Json, structureOf } from "./json.ts";
import type { Message } from "./message.ts";
import { parsed } from "./decoded.ts";
import { namedValuesOf, showLast, type ShownLast, textOf } from "./payload.ts";
import { toNumber } from "./pointer.ts";

/** What all topics may take in memory, about, in bytes. */
const MAX_BYTES = 32 * 1024 * 1024;
/** A longer last payload is not kept, but what is shown of it. */
const MAX_KEPT_BYTES = 1_024;
/** What a topic takes beside its name, about, in bytes. */
const TOPIC_BYTES = 500 + MAX_KEPT_BYTES;
const MAX_SHAPE_DEPTH = 3;
const MAX_SHAPE_KEYS = 24;
const MAX_SHAPE_CHARACTERS = 400;

/** What was seen of one topic. */
export interface SeenTopic {
  readonly topic: string;
  /** All that arrived, the retained one included. */
  readonly messages: number;
  /** What arrived beside the retained one. */
  readonly live: number;
  /** Whether the broker keeps a message for it. */
  readonly retained: boolean;
  /** When the last message arrived, in milliseconds since the epoch. */
  readonly at: number;
  /** What is shown of its payload. */
  readonly last: ShownLast;
  /** See {@linkcode shapeOf}. */
  readonly shape: string | undefined;
  /**
   * Equal for topics that are alike: the same keys and types throughout, beyond what the shape shows,
   * or for payloads without a shape the same kind of text, number or binary.
   */
  readonly kind: string;
}

interface Seen {
  messages: number;
  live: number;
  retained: boolean;
  at: number;
  last: Uint8Array | Described;
}

type Described = Pick<SeenTopic, "last" | "shape" | "kind">;

/** Gathers what arrives, by topic, in bounded memory. */
export class Survey {
  readonly #maxBytes: number;
  readonly #topics = new Map<string, Seen>();
  #bytes = 0;
  #passedOver = 0;

  /** @param options.maxBytes what all topics may take in memory, about; default 32 MiB. */
  constructor({ maxBytes = MAX_BYTES }: { readonly maxBytes?: number } = {}) {
    this.#maxBytes = maxBytes;
  }

  /** How many messages came on topics that found no room. */
  get passedOver(): number {
    return this.#passedOver;
  }

  /** Takes a message. */
  add({ topic, payload, retain, receivedAt }: Message): void {
    const seen = this.#topics.get(topic) ?? this.#begin(topic);
    if (seen === undefined) {
      this.#passedOver++;
      return;
    }
    seen.messages++;
    if (retain) seen.retained = true;
    else seen.live++;
    seen.at = receivedAt;
    seen.last = payload.length > MAX_KEPT_BYTES ? described(payload) : payload;
  }

  /** By name, in code unit order. */
  *topics(): Iterable<SeenTopic> {
    for (const topic of [...this.#topics.keys()].sort()) {
      const seen = this.#topics.get(topic);
      if (seen === undefined) continue;
      const { last } = seen;
      yield { topic, ...seen, ...(last instanceof Uint8Array ? described(last) : last) };
    }
  }

  /** A topic that is new, or undefined where there is no room for it. */
  #begin(topic: string): Seen | undefined {
    // The name is held twice: a message that comes later has its own.
    const bytes = TOPIC_BYTES + 4 * topic.length;
    if (this.#bytes + bytes > this.#maxBytes) return undefined;
    this.#bytes += bytes;
    const seen = { messages: 0, live: 0, retained: false, at: 0, last: new Uint8Array() };
    this.#topics.set(topic, seen);
    return seen;
  }
}

function described(payload: Uint8Array): Described {
  const value = shapedOf(payload);
  return {
    last: showLast(payload),
    shape: value === undefined ? undefined : shownShape(value),
    kind: value === undefined ? kindOf(payload) : fingerprintOf(wholeShape(value)),
  };
}

function kindOf(payload: Uint8Array): string {
  if (payload.length === 0) return "empty";
  const content = payload.length > MAX_KEPT_BYTES ? undefined : textOf(payload);
  if (content !== undefined && toNumber(content) !== undefined) return "number";
  return textOf(payload) === undefined ? "binary" : "text";
}

/**
 * The keys and types of a JSON object or array, or of values of Sparkplug B by their names, in short,
 * as in `{temperature: number}`, in at most 400 characters; undefined for anything else.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { shapeOf } from "./survey.ts";
 *
 * const payload = new TextEncoder().encode('{"on": true, "rgb": [1, 2, 3]}');
 * assert(shapeOf(payload) === "{on: boolean, rgb: [number]}");
 * ```
 */
export function shapeOf(payload: Uint8Array): string | undefined {
  const value = shapedOf(payload);
  return value === undefined ? undefined : shownShape(value);
}

/** What has a shape; undefined for anything else. */
function shapedOf(payload: Uint8Array): Json | undefined {
  return namedValuesOf(payload) ?? parsed(payload, structureOf);
}

function shownShape(value: Json): string {
  const text = shape(value, MAX_SHAPE_DEPTH);
  return text.length <= MAX_SHAPE_CHARACTERS
    ? text
    : `${text.slice(0, MAX_SHAPE_CHARACTERS).toWellFormed()}…`;
}

function shape(value: Json, depth: number): string {
  if (value === null) return "null";
  if (typeof value !== "object") return typeof value;
  if (depth === 0) return Array.isArray(value) ? "[…]" : "{…}";
  if (Array.isArray(value)) {
    const [first] = value;
    return first === undefined ? "[]" : `[${shape(first, depth - 1)}]`;
  }
  const keys = Object.keys(value);
  const shown = keys.slice(0, MAX_SHAPE_KEYS).map((key) =>
    `${/^[A-Za-z_][\w-]*$/.test(key) ? key : JSON.stringify(key)}: ${
      shape(value[key] ?? null, depth - 1)
    }`
  );
  return `{${shown.join(", ")}${keys.length > MAX_SHAPE_KEYS ? ", …" : ""}}`;
}

/** All keys and types of a value, whatever their order, and all that the elements of an array are. */
function wholeShape(value: Json): string {
  if (value === null) return "null";
  if (typeof value !== "object") return typeof value;
  if (Array.isArray(value)) return `[${[...new Set(value.map(wholeShape))].sort().join("|")}]`;
  const members = Object.keys(value).sort().map((key) =>
    `${JSON.stringify(key)}:${wholeShape(value[key] ?? null)}`
  );
  return `{${members.join(",")}}`;
}
