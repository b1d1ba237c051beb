/**
 * Messages that came while something else was waited for.
 *
 * @module
 */
import type { Message } from "./message.ts";
import { fitMessage, type ShownMessage } from "./payload.ts";

/** Of the last one an error shows so much, in bytes of its payload and in bytes of JSON in all. */
const PREVIEW_BYTES = 512;
const MAX_BYTES = 2_048;

/** Counts messages that do not meet a condition, and keeps the last of them. */
export class PassedOver {
  count = 0;
  #last: Message | undefined;

  add(message: Message): void {
    this.count++;
    this.#last = message;
  }

  /** The last of them, as an error carries it. */
  get last(): ShownMessage | undefined {
    return this.#last &&
      fitMessage(this.#last, { previewBytes: PREVIEW_BYTES, maxBytes: MAX_BYTES });
  }

  /** How many there were, as the end of a sentence; else nothing. */
  get inWords(): string {
    if (this.count === 0) return "";
    return this.count === 1 ? "; another one arrived" : `; ${this.count} others arrived`;
  }
}
