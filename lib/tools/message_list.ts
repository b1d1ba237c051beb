/**
 * The messages of one result, within its limits.
 *
 * @module
 */
import type { Limits } from "../config/config.ts";
import type { Fields } from "../messages/fields.ts";
import { type Message, propertySize } from "../messages/message.ts";
import { fitMessage, jsonBytes, showMessage, type ShownMessage } from "../messages/payload.ts";

/** Bytes between two messages in a JSON array. */
const SEPARATOR_BYTES = 1;

/** What gives a payload that was cut in a list. */
export const TRUNCATED_HINT = "mqtt_read gives more of a truncated payload";

/**
 * A message of a list; `seq` only in that of a watch, `topic` only where the list could have several.
 */
export type ListedMessage =
  & { seq?: number; topic?: string }
  & Omit<ShownMessage, "topic" | "qos">;

/** What is shown of each message. */
export interface Shown {
  /** Default: true. */
  readonly withTopic?: boolean;
  /** Values instead of payloads; every message has one of them. */
  readonly fields?: Fields | undefined;
}

/** Whether messages of several topics can come for topic filters. */
export function giveSeveral(filters: readonly string[]): boolean {
  return filters.length > 1 || filters.some((filter) => /[+#]/.test(filter));
}

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
  readonly #withTopic: boolean;
  readonly #fields: Fields | undefined;
  #bytes = 0;
  #isCut = false;

  constructor(maxMessages: number, limits: Limits, { withTopic = true, fields }: Shown = {}) {
    this.#maxMessages = maxMessages;
    this.#withTopic = withTopic;
    this.#fields = fields;
    this.#maxBytes = limits.maxResultBytes;
    this.#previewBytes = Math.min(limits.payloadPreviewBytes, limits.maxResultBytes);
  }

  /**
   * Takes a message, or counts it as dropped where it would make the result too large.
   *
   * @returns whether there was room for it.
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
    const shown = show(this.bytesLeft);
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
    return topic.length + ofProperties > this.bytesLeft;
  }

  /** How much room there is, in bytes of JSON. */
  get bytesLeft(): number {
    return this.#maxBytes - this.#bytes;
  }

  /** The first message is cut until it finds room, or the caller would never get past it. */
  #show(message: Message, seq: number | undefined): ListedMessage {
    const previewBytes = this.#previewBytes;
    const fields = this.#fields;
    const numbered = seq === undefined ? {} : { seq };
    const maxBytes = this.#maxBytes - jsonBytes(numbered);
    const { topic, qos: _onlyOfOne, ...shown } = this.messages.length > 0
      ? showMessage(message, previewBytes, fields)
      : fitMessage(message, { previewBytes, maxBytes, fields });
    return { ...numbered, ...(this.#withTopic ? { topic } : {}), ...shown };
  }
}

/** Of the last one an error shows so much, in bytes of its payload and in bytes of JSON in all. */
const LAST_PREVIEW_BYTES = 512;
const MAX_LAST_BYTES = 2_048;

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
      fitMessage(this.#last, { previewBytes: LAST_PREVIEW_BYTES, maxBytes: MAX_LAST_BYTES });
  }

  /** How many there were, as the end of a sentence; else nothing. */
  get inWords(): string {
    if (this.count === 0) return "";
    return this.count === 1 ? "; 1 other arrived" : `; ${this.count} others arrived`;
  }
}
