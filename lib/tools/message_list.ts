/**
 * The messages of one result, within its limits.
 *
 * @module
 */
import type { Limits } from "../config/config.ts";
import { type Message, propertySize } from "../messages/message.ts";
import { fitMessage, jsonBytes, showMessage, type ShownMessage } from "../messages/payload.ts";

/** Bytes between two messages in a JSON array. */
const SEPARATOR_BYTES = 1;

/** What gives a payload that was cut in a list. */
export const TRUNCATED_HINT = "mqtt_read gives more of a truncated payload";

/** A message of a list; `seq` only in that of a watch. */
export type ListedMessage = { seq?: number } & ShownMessage;

/** Collects shown messages up to a number and a size. */
export class MessageList {
  readonly messages: ListedMessage[] = [];
  /** Messages that arrived and found no room. */
  dropped = 0;
  /** Whether some payload was cut. */
  isTruncated = false;
  readonly #maxMessages: number;
  #maxBytes: number;
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
  add(message: Message, seq?: number): boolean {
    if (this.messages.length >= this.#maxMessages) return false;
    const shown = this.#isCut || this.#surelyFindsNoRoom(message)
      ? undefined
      : this.#show(message, seq);
    const bytes = shown === undefined ? 0 : jsonBytes(shown) + SEPARATOR_BYTES;
    if (shown === undefined || this.#bytes + bytes > this.#maxBytes && this.messages.length > 0) {
      this.#isCut = true;
      this.dropped++;
      return false;
    }
    this.#bytes += bytes;
    this.messages.push(shown);
    if (shown.truncated) this.isTruncated = true;
    return true;
  }

  /**
   * Makes room in the same result for something else, of what no message has taken yet.
   *
   * @param show makes it for a result of so many bytes of JSON
   */
  withRoomFor<T>(show: (maxBytes: number) => T): T {
    const shown = show(this.#bytesLeft);
    this.#maxBytes -= jsonBytes(shown);
    return shown;
  }

  /** Why no more is taken; undefined while there is room. */
  get full(): "max_messages" | "result_size" | undefined {
    if (this.messages.length >= this.#maxMessages) return "max_messages";
    return this.#isCut ? "result_size" : undefined;
  }

  /** Whether topic name and properties alone are too much, found out without writing them. */
  #surelyFindsNoRoom({ topic, properties }: Message): boolean {
    if (this.messages.length === 0) return false;
    const ofProperties = properties === undefined ? 0 : propertySize(properties).shownBytes;
    return topic.length + ofProperties > this.#bytesLeft;
  }

  get #bytesLeft(): number {
    return this.#maxBytes - this.#bytes;
  }

  /** The first message is cut until it finds room, or the caller would never get past it. */
  #show(message: Message, seq: number | undefined): ListedMessage {
    const previewBytes = this.#previewBytes;
    const numbered = seq === undefined ? {} : { seq };
    const maxBytes = this.#maxBytes - jsonBytes(numbered);
    const shown = this.messages.length > 0
      ? showMessage(message, previewBytes)
      : fitMessage(message, { previewBytes, maxBytes });
    return { ...numbered, ...shown };
  }
}
