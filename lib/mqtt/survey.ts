/**
 * What is alive: the topics seen within a time, and what was last said on each.
 *
 * @module
 */
import type { Message } from "./message.ts";
import { type Json, structureOf, textOf } from "./payload.ts";

/** How many topics are told apart; a broker may have any number. */
const MAX_TOPICS = 20_000;
/** How much of a payload is kept, in bytes; longer ones are cut. */
const MAX_KEPT_BYTES = 4_096;
const MAX_SHAPE_DEPTH = 3;
const MAX_SHAPE_KEYS = 24;

/** What was seen of one topic. */
export interface SeenTopic {
  readonly topic: string;
  /** All that arrived, the retained one included. */
  messages: number;
  /** What arrived beside the retained one. */
  live: number;
  /** Whether the broker keeps a message for it. */
  retained: boolean;
  last: Message;
  /** Bytes of the last payload before it was cut. */
  lastSize: number;
  /** See {@linkcode shapeOf}. */
  shape: string | undefined;
}

/** Gathers what arrives, by topic. */
export class Survey {
  /** Whether there were more topics than could be told apart. */
  isIncomplete = false;
  readonly #topics = new Map<string, SeenTopic>();

  /** Takes a message. */
  add(message: Message): void {
    let seen = this.#topics.get(message.topic);
    if (seen === undefined) {
      if (this.#topics.size >= MAX_TOPICS) {
        this.isIncomplete = true;
        return;
      }
      seen = {
        topic: message.topic,
        messages: 0,
        live: 0,
        retained: false,
        last: message,
        lastSize: 0,
        shape: undefined,
      };
      this.#topics.set(message.topic, seen);
    }
    seen.messages++;
    if (message.retain) seen.retained = true;
    else seen.live++;
    const { payload } = message;
    const isLong = payload.length > MAX_KEPT_BYTES;
    seen.lastSize = payload.length;
    seen.shape = isLong ? shapeOf(payload) : undefined;
    seen.last = isLong ? { ...message, payload: payload.slice(0, MAX_KEPT_BYTES) } : message;
  }

  /** By name, in code unit order. */
  topics(): SeenTopic[] {
    return [...this.#topics.values()].sort((a, b) => a.topic < b.topic ? -1 : 1);
  }
}

/**
 * The keys and types of a JSON object or array in short, as in `{temperature: number}`; undefined
 * for anything else.
 *
 * ```ts
 * import { shapeOf } from "./survey.ts";
 *
 * const payload = new TextEncoder().encode('{"on": true, "rgb": [1, 2, 3]}');
 * console.assert(shapeOf(payload) === "{on: boolean, rgb: [number]}");
 * ```
 */
export function shapeOf(payload: Uint8Array): string | undefined {
  const value = structureOf(textOf(payload) ?? "");
  return value === undefined ? undefined : shape(value, MAX_SHAPE_DEPTH);
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
