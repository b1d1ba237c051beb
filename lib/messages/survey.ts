/**
 * What is alive: the topics seen within a time, and what was last said on each.
 *
 * @module
 */
import { type Json, structureOf } from "./json.ts";
import { contentBytes, heldBytes, type Message } from "./message.ts";
import { fitMessage, jsonBytes, type ShownMessage, textOf } from "./payload.ts";

/** How many topics are told apart; a broker may have any number. */
const MAX_TOPICS = 20_000;
/** What all topics with their short messages may take in memory, in bytes. */
const MAX_BYTES = 16 * 1024 * 1024;
/** What the long ones of their last messages may take beside that. */
const MAX_LONG_BYTES = 8 * 1024 * 1024;
/** A message is long when its payload and properties have more bytes. */
const MAX_SHORT_BYTES = 1_024;
/** One with more is not kept: it would take much room, and has no shape. */
const MAX_KEPT_BYTES = 256 * 1024;
/** What the counts of a topic take in memory, about, in bytes. */
const COUNTS_BYTES = 100;
/** How much is shown of the last message of a topic, in bytes of its JSON. */
const MAX_LAST_BYTES = 2_048;
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
  /** The last message, or what is shown of it where there is no room for it. */
  readonly last: Message | ShownMessage;
}

/** What is shown of the last message of a topic. */
export interface ShownLast {
  readonly shown: ShownMessage;
  /** See {@linkcode shapeOf}; not known of every long message. */
  readonly shape: string | undefined;
}

interface Seen extends SeenTopic {
  messages: number;
  live: number;
  retained: boolean;
  last: Message | ShownMessage;
  /** What the last message takes of {@linkcode MAX_BYTES}, and of {@linkcode MAX_LONG_BYTES}. */
  shortBytes: number;
  longBytes: number;
}

/** Gathers what arrives, by topic, in bounded memory. */
export class Survey {
  readonly #previewBytes: number;
  readonly #topics = new Map<string, Seen>();
  #shortBytes = 0;
  #longBytes = 0;
  #passedOver = 0;

  /** @param previewBytes how much is shown of a payload. */
  constructor(previewBytes: number) {
    this.#previewBytes = previewBytes;
  }

  /** How many messages came on topics that found no room. */
  get passedOver(): number {
    return this.#passedOver;
  }

  /** Whether there were more topics than could be told apart. */
  get isIncomplete(): boolean {
    return this.#passedOver > 0;
  }

  /** Takes a message. */
  add(message: Message): void {
    const seen = this.#topics.get(message.topic) ?? this.#begin(message);
    if (seen === undefined) {
      this.#passedOver++;
      return;
    }
    seen.messages++;
    if (message.retain) seen.retained = true;
    else seen.live++;
    this.#setLast(seen, message);
  }

  /** By name, in code unit order. */
  topics(): SeenTopic[] {
    return [...this.#topics.values()].sort((a, b) => a.topic < b.topic ? -1 : 1);
  }

  /** Shows the last message of a topic that was seen. */
  showLast({ last }: SeenTopic): ShownLast {
    if ("received_at" in last) return { shown: last, shape: undefined };
    return { shown: this.#show(last), shape: shapeOf(last.payload) };
  }

  /** A topic that is new, or undefined where there is no room for it. */
  #begin(message: Message): Seen | undefined {
    // The name is held twice: a message that comes later has its own.
    const bytes = COUNTS_BYTES + 2 * message.topic.length + heldBytes(message) -
      contentBytes(message);
    if (this.#topics.size >= MAX_TOPICS || this.#shortBytes + bytes > MAX_BYTES) return undefined;
    this.#shortBytes += bytes;
    const seen: Seen = {
      topic: message.topic,
      messages: 0,
      live: 0,
      retained: false,
      last: message,
      shortBytes: 0,
      longBytes: 0,
    };
    this.#topics.set(message.topic, seen);
    return seen;
  }

  /** Keeps the message if there is room, else what is shown of it, else that there was one. */
  #setLast(seen: Seen, message: Message): void {
    this.#shortBytes -= seen.shortBytes;
    this.#longBytes -= seen.longBytes;
    seen.shortBytes = seen.longBytes = 0;
    const bytes = contentBytes(message);
    const isShort = bytes <= MAX_SHORT_BYTES;
    if (isShort && this.#shortBytes + bytes <= MAX_BYTES) {
      seen.last = message;
      seen.shortBytes = bytes;
    } else if (!isShort && bytes <= MAX_KEPT_BYTES && this.#longBytes + bytes <= MAX_LONG_BYTES) {
      seen.last = message;
      seen.longBytes = bytes;
    } else {
      const shown = this.#show(message);
      // Each character may take two bytes; the topic name is there already.
      const shownBytes = 2 * (jsonBytes(shown) - jsonBytes(shown.topic));
      const hasRoom = this.#shortBytes + shownBytes <= MAX_BYTES;
      seen.last = hasRoom ? shown : barely(message);
      seen.shortBytes = hasRoom ? shownBytes : 0;
    }
    this.#shortBytes += seen.shortBytes;
    this.#longBytes += seen.longBytes;
  }

  #show(message: Message): ShownMessage {
    return fitMessage(message, { previewBytes: this.#previewBytes, maxBytes: MAX_LAST_BYTES });
  }
}

/** Shows that there was a message, and of what size. */
function barely({ properties: _notShown, ...message }: Message): ShownMessage {
  return fitMessage(message, { previewBytes: 0, maxBytes: MAX_LAST_BYTES });
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
