/**
 * What is alive: the topics seen within a time, and what was last said on each.
 *
 * @module
 */
import type { Message } from "./message.ts";
import { type Json, structureOf } from "./json.ts";
import { fitMessage, type ShownMessage, textOf } from "./payload.ts";

/** How many topics are told apart; a broker may have any number. */
const MAX_TOPICS = 20_000;
/** Messages with a longer payload, in bytes, are not kept, only what is to be shown of them. */
const MAX_KEPT_BYTES = 4_096;
/** How much is shown of the last message of a topic, in bytes of its JSON. */
export const MAX_LAST_BYTES = 2_048;
const MAX_SHAPE_DEPTH = 3;
const MAX_SHAPE_KEYS = 24;
const MAX_SHAPE_CHARACTERS = 400;

/** What was seen of one topic. */
export interface SeenTopic {
  readonly topic: string;
  /** All that arrived, the retained one included. */
  messages: number;
  /** What arrived beside the retained one. */
  live: number;
  /** Whether the broker keeps a message for it. */
  retained: boolean;
  /** The last message, or of a long one what is shown. */
  last: Message | ShownLast;
}

/** What is shown of a message that is too long to be kept. */
export interface ShownLast {
  readonly shown: ShownMessage;
  /** See {@linkcode shapeOf}. */
  readonly shape: string | undefined;
}

/** Gathers what arrives, by topic. */
export class Survey {
  /** Whether there were more topics than could be told apart. */
  isIncomplete = false;
  readonly #previewBytes: number;
  readonly #topics = new Map<string, SeenTopic>();

  /** @param previewBytes how much is shown of the payload of a long message. */
  constructor(previewBytes: number) {
    this.#previewBytes = previewBytes;
  }

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
      };
      this.#topics.set(message.topic, seen);
    }
    seen.messages++;
    if (message.retain) seen.retained = true;
    else seen.live++;
    seen.last = message.payload.length <= MAX_KEPT_BYTES ? message : {
      shown: fitMessage(message, { previewBytes: this.#previewBytes, maxBytes: MAX_LAST_BYTES }),
      shape: shapeOf(message.payload),
    };
  }

  /** By name, in code unit order. */
  topics(): SeenTopic[] {
    return [...this.#topics.values()].sort((a, b) => a.topic < b.topic ? -1 : 1);
  }
}

/**
 * The keys and types of a JSON object or array in short, as in `{temperature: number}`, in at most
 * 400 characters; undefined for anything else.
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
  const value = structureOf(textOf(payload) ?? "");
  if (value === undefined) return undefined;
  const text = shape(value, MAX_SHAPE_DEPTH);
  return text.length <= MAX_SHAPE_CHARACTERS ? text : `${text.slice(0, MAX_SHAPE_CHARACTERS)}…`;
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
