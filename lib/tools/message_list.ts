/**
 * The messages of one result, within its limits.
 *
 * @module
 */
import type { Limits } from "../config/config.ts";
import type { Message } from "../mqtt/message.ts";
import { showMessage, type ShownMessage } from "../mqtt/payload.ts";

/** Bytes between two messages in a JSON array. */
const SEPARATOR_BYTES = 1;

/** Collects shown messages up to a number and a size. */
export class MessageList {
  readonly messages: ShownMessage[] = [];
  /** Messages that arrived and found no room. */
  dropped = 0;
  readonly #maxMessages: number;
  readonly #maxBytes: number;
  readonly #previewBytes: number;
  #bytes = 0;
  #isCut = false;

  constructor(maxMessages: number, limits: Limits) {
    this.#maxMessages = maxMessages;
    this.#maxBytes = limits.maxResultBytes;
    this.#previewBytes = Math.min(limits.payloadPreviewBytes, limits.maxResultBytes);
  }

  /**
   * Takes a message, or counts it as dropped where it would make the result too large.
   *
   * @returns whether it was taken.
   */
  add(message: Message): boolean {
    if (this.messages.length >= this.#maxMessages) return false;
    const shown = this.#isCut ? undefined : showMessage(message, this.#previewBytes);
    const bytes = shown === undefined ? 0 : jsonBytes(shown) + SEPARATOR_BYTES;
    // One message always finds room, or the caller would never get past it.
    if (shown === undefined || this.#bytes + bytes > this.#maxBytes && this.messages.length > 0) {
      this.#isCut = true;
      this.dropped++;
      return false;
    }
    this.#bytes += bytes;
    this.messages.push(shown);
    return true;
  }

  /** Why no more is taken; undefined while there is room. */
  get full(): "max_messages" | "result_size" | undefined {
    if (this.messages.length >= this.#maxMessages) return "max_messages";
    return this.#isCut ? "result_size" : undefined;
  }
}

/** The UTF-8 bytes of a value's JSON. */
export function jsonBytes(value: unknown): number {
  return new TextEncoder().encode(JSON.stringify(value)).length;
}
