/**
 * What messages say in sum: for each topic how many there were, and the least, the greatest and the
 * mean of their numbers.
 *
 * @module
 */
import { fingerprintOf } from "./digest.ts";
import type { Fields } from "./fields.ts";
import { type Json, parseExactly } from "./json.ts";
import type { Message } from "./message.ts";
import { contentOf, cutJson, namedValuesOf, showLast, type ShownLast } from "./payload.ts";
import { toNumber } from "./pointer.ts";

/** Of a payload whose fields were not named so many numbers are taken. */
const MAX_NUMBERS = 16;
/** Of a value that is no number so much is shown, in bytes of JSON. */
const MAX_VALUE_BYTES = 128;
/** Significant digits of a mean: its last ones come from the rounding of each addition. */
const MEAN_DIGITS = 12;
/** A longer last payload is not kept, but what is shown of it. */
const MAX_KEPT_BYTES = 1024;
/** What all entries together may take in memory, about, in bytes. */
const MAX_BYTES = 16 * 1024 * 1024;
const ENTRY_BYTES = 400 + MAX_KEPT_BYTES;
const VALUE_BYTES = 250 + 2 * MAX_VALUE_BYTES;

/** What was said at one place of the payloads of a topic. */
export type ShownValue =
  /** Of numbers; `others`: so many values were none. */
  | { min: number; max: number; mean: number; first: number; last: number; others?: number }
  /** Of anything else; `changes`: so often it differed from the one before. */
  | { first: Json; last: Json; changes: number };

/** One topic in a summary. Times are ISO 8601, UTC, milliseconds. */
export type SummaryEntry = {
  topic: string;
  count: number;
  first_at: string;
  last_at: string;
  /** By JSON Pointer. `count`: in so many messages, if not in all. */
  values?: Record<string, { count?: number } & ShownValue>;
} & ShownLast;

interface Topic {
  count: number;
  firstAt: number;
  lastAt: number;
  last: Uint8Array | ShownLast;
  readonly values: Map<string, Value>;
}

/** Sums up messages in one pass. */
export class Summary {
  readonly #fields: Fields | undefined;
  readonly #maxBytes: number;
  readonly #topics = new Map<string, Topic>();
  #bytes = 0;
  #count = 0;
  #passedOver = 0;
  #hasMoreNumbers = false;

  /**
   * @param fields which values are summed up; default: the first 16 numbers of each topic's payloads
   * @param options.maxBytes what may be held in all, about; default 16 MiB. Messages of a topic for
   * which there is no room are only counted.
   */
  constructor(
    fields: Fields | undefined,
    { maxBytes = MAX_BYTES }: { readonly maxBytes?: number } = {},
  ) {
    this.#fields = fields;
    this.#maxBytes = maxBytes;
  }

  /** How many messages were summed up. */
  get count(): number {
    return this.#count;
  }

  /** How many messages there were of topics for which there was no room. */
  get passedOver(): number {
    return this.#passedOver;
  }

  /** Whether some payload had more numbers than are taken of one whose fields were not named. */
  get hasMoreNumbers(): boolean {
    return this.#hasMoreNumbers;
  }

  /** Takes a message. */
  add({ topic: name, payload, receivedAt }: Message): void {
    const topic = this.#topic(name, receivedAt);
    if (topic === undefined) {
      this.#passedOver++;
      return;
    }
    this.#count++;
    topic.count++;
    topic.lastAt = receivedAt;
    topic.last = payload.length > MAX_KEPT_BYTES ? showLast(payload) : payload;
    if (this.#fields === undefined) return this.#addNumbers(topic, payload);
    for (const [pointer, value] of this.#fields.of(payload)) {
      this.#value(topic, pointer)?.add(value);
    }
  }

  /** The entries, by topic name. */
  *entries(): Iterable<SummaryEntry> {
    for (const name of [...this.#topics.keys()].sort()) {
      const topic = this.#topics.get(name);
      if (topic === undefined) continue;
      const { count, firstAt, lastAt, last, values } = topic;
      yield {
        topic: name.toWellFormed(),
        count,
        first_at: new Date(firstAt).toISOString(),
        last_at: new Date(lastAt).toISOString(),
        ...(last instanceof Uint8Array ? showLast(last) : last),
        ...(values.size === 0 ? {} : {
          values: Object.fromEntries(
            [...values].map(([pointer, value]) => [
              pointer.toWellFormed(),
              { ...(value.count === count ? {} : { count: value.count }), ...value.shown },
            ]),
          ),
        }),
      };
    }
  }

  /** The topic of that name, if there is one or room for one. */
  #topic(name: string, at: number): Topic | undefined {
    const known = this.#topics.get(name);
    if (known !== undefined || !this.#takes(ENTRY_BYTES + 2 * name.length)) return known;
    const topic: Topic = {
      count: 0,
      firstAt: at,
      lastAt: at,
      last: new Uint8Array(),
      values: new Map(),
    };
    this.#topics.set(name, topic);
    return topic;
  }

  #value({ values }: Topic, pointer: string): Value | undefined {
    const known = values.get(pointer);
    if (known !== undefined) return known;
    if (!this.#takes(VALUE_BYTES + 2 * pointer.length)) return undefined;
    const value = new Value();
    values.set(pointer, value);
    return value;
  }

  #takes(bytes: number): boolean {
    if (this.#bytes + bytes > this.#maxBytes) return false;
    this.#bytes += bytes;
    return true;
  }

  /** Takes the numbers of a payload: those of places that are known, and new ones up to 16. */
  #addNumbers(topic: Topic, payload: Uint8Array): void {
    const content = namedValuesOf(payload) ?? contentOf(payload, parseExactly);
    if (content === undefined) return;
    eachNumber(content, (pointer, number) => {
      const isTaken = topic.values.size < MAX_NUMBERS || topic.values.has(pointer);
      if (isTaken) this.#value(topic, pointer)?.add(number);
      else this.#hasMoreNumbers = true;
    });
  }
}

/** Tells of each number in a value with its place; a whole payload may be a text that reads as one. */
function eachNumber(
  value: Json,
  found: (pointer: string, number: number) => void,
  pointer = "",
): void {
  const number = pointer === "" ? toNumber(value) : value;
  if (typeof number === "number") return found(pointer, number);
  if (typeof value !== "object" || value === null) return;
  for (const [key, part] of Object.entries(value)) {
    if (typeof part !== "number" && typeof part !== "object") continue;
    eachNumber(part, found, `${pointer}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`);
  }
}

/** What is said at one place, as it comes. */
class Value {
  count = 0;
  #numbers: { min: number; max: number; mean: number; first: number; last: number } | undefined;
  #numberCount = 0;
  #first: Json = null;
  #last: Json = null;
  #fingerprint = "";
  #changes = 0;

  add(value: Json): void {
    this.count++;
    const number = toNumber(value);
    if (number !== undefined) return this.#addNumber(number);
    const now = fingerprintOf(value);
    this.#last = cutJson(value, MAX_VALUE_BYTES).value;
    if (this.#fingerprint === "") this.#first = this.#last;
    else if (this.#fingerprint !== now) this.#changes++;
    this.#fingerprint = now;
  }

  get shown(): ShownValue {
    const numbers = this.#numbers;
    if (numbers === undefined) {
      return { first: this.#first, last: this.#last, changes: this.#changes };
    }
    const others = this.count - this.#numberCount;
    return {
      ...numbers,
      mean: Number(numbers.mean.toPrecision(MEAN_DIGITS)),
      ...(others > 0 ? { others } : {}),
    };
  }

  #addNumber(number: number): void {
    this.#numberCount++;
    const numbers = this.#numbers ??= {
      min: number,
      max: number,
      mean: 0,
      first: number,
      last: number,
    };
    numbers.min = Math.min(numbers.min, number);
    numbers.max = Math.max(numbers.max, number);
    // Not a sum: it would overflow where no number does.
    numbers.mean += number / this.#numberCount - numbers.mean / this.#numberCount;
    numbers.last = number;
  }
}
