/**
 * The rest of long listings, so that a cursor goes on without listening again.
 *
 * @module
 */
import { McpMqttError } from "../errors.ts";
import type { ShownTopics } from "../messages/fold.ts";
import { jsonBytes } from "../messages/payload.ts";

/** So many are held at most. */
const MAX_HELD = 4;
/** What all that are held may take, in bytes of JSON; the last one is held in any case. */
const MAX_BYTES = 16 * 1024 * 1024;
/** How long one is held, in milliseconds. */
const MAX_AGE_MS = 10 * 60_000;

/** What was found in one survey. */
export interface Found {
  /** What is listed, in its order. */
  readonly entries: readonly ShownTopics[];
  /** What every page of it has beside. */
  readonly about: {
    readonly total: number;
    readonly narrowed: boolean;
    readonly filters?: string[];
    readonly filters_omitted?: number;
    readonly incomplete?: true;
    readonly passed_over?: number;
    readonly disconnected?: true;
  };
}

interface Held {
  readonly found: Found;
  readonly bytes: number;
  readonly heldSince: number;
}

/** The surveys of one client that it may go on with; the oldest go first. */
export class Surveys {
  readonly #held = new Map<string, Held>();
  readonly #maxAgeMs: number;
  #number = 0;

  /** @param options.maxAgeMs how long one is held, in milliseconds; default 10 minutes. */
  constructor({ maxAgeMs = MAX_AGE_MS }: { readonly maxAgeMs?: number } = {}) {
    this.#maxAgeMs = maxAgeMs;
  }

  /**
   * Holds a survey.
   *
   * @returns its id, for {@linkcode Surveys.get}
   */
  hold(found: Found): string {
    const id = `s${++this.#number}`;
    this.#held.set(id, { found, bytes: jsonBytes(found), heldSince: performance.now() });
    let bytes = [...this.#held.values()].reduce((sum, one) => sum + one.bytes, 0);
    for (const [oldest, one] of this.#held) {
      if (oldest === id || this.#held.size <= MAX_HELD && bytes <= MAX_BYTES) break;
      this.#held.delete(oldest);
      bytes -= one.bytes;
    }
    return id;
  }

  /**
   * A survey to go on with at an entry, counted from 0.
   *
   * @throws {McpMqttError} `invalid_argument` if it is held no more, never was, or has no such entry.
   */
  get(id: string, at: number): Found {
    const held = this.#held.get(id);
    const isFresh = held !== undefined && performance.now() - held.heldSince < this.#maxAgeMs;
    if (isFresh && at < held.found.entries.length) return held.found;
    if (!isFresh) this.#held.delete(id);
    throw new McpMqttError(
      "invalid_argument",
      `the cursor is none that mqtt_topics gave, or its listing is held no more: the last ${MAX_HELD} are, for ${
        this.#maxAgeMs / 60_000
      } minutes`,
      { hint: "Leave it out to listen again." },
    );
  }
}
