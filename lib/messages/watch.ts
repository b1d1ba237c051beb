/**
 * Messages collected in the background, to be read and re-read by number.
 *
 * @module
 */
import type { McpMqttError } from "../errors.ts";
import type { Message } from "./message.ts";

/** Beside the number of messages, this bounds what one watch holds. */
const MAX_BUFFER_BYTES = 16 * 1024 * 1024;

/** A message and its place in the watch, counted from 1. */
export interface Numbered {
  readonly seq: number;
  readonly message: Message;
}

/** A bounded buffer that knows what it had to let go. */
export class Watch {
  readonly id: string;
  readonly filters: readonly string[];
  readonly narrowed: boolean;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** When it was last asked for, in milliseconds since the epoch. */
  lastReadAt: number;
  /** Why it collects no more. */
  failure: McpMqttError | undefined;
  /** Whether a connection of it is lost now. */
  isInterrupted: () => boolean = () => false;
  readonly #maxMessages: number;
  #buffer: Numbered[] = [];
  /** Where the buffer begins; what is before it is cut off now and then. */
  #first = 0;
  #bytes = 0;
  #received = 0;
  #neverRead = 0;
  #droppedTold = 0;
  #position = 0;
  #lookedAt = 0;
  #interruptions = 0;
  /** Made when somebody waits: most messages arrive while nobody does. */
  #arrival: PromiseWithResolvers<void> | undefined;

  constructor(
    about: { readonly id: string; readonly filters: readonly string[]; readonly narrowed: boolean },
    maxMessages: number,
  ) {
    this.id = about.id;
    this.filters = about.filters;
    this.narrowed = about.narrowed;
    this.#maxMessages = maxMessages;
    this.startedAt = Date.now();
    this.lastReadAt = this.startedAt;
  }

  /** How many messages have arrived. */
  get received(): number {
    return this.#received;
  }

  /** How many messages were let go before any read got to them. */
  get dropped(): number {
    return this.#neverRead;
  }

  /** Where the last read ended. */
  get position(): number {
    return this.#position;
  }

  /** A read has looked at everything up to number `seq`, whether it gave it or not. */
  lookedAt(seq: number): void {
    this.#lookedAt = Math.max(this.#lookedAt, seq);
  }

  /**
   * A read has ended at number `seq`.
   *
   * @returns how many messages were let go since the read before, without any read having got to them.
   */
  endRead(seq: number): number {
    this.#position = seq;
    this.lookedAt(seq);
    const dropped = this.#neverRead - this.#droppedTold;
    this.#droppedTold = this.#neverRead;
    return dropped;
  }

  /** A connection of it was lost. `isFurther`: that counts as one with another that still is lost. */
  interrupted(isFurther: boolean): void {
    if (!isFurther) this.#interruptions++;
    this.wake();
  }

  /**
   * How often a connection was lost since the last time, one that was lost before and still is
   * included: more may be missed after what was told of it.
   */
  takeInterruptions(): number {
    const interruptions = this.#interruptions;
    this.#interruptions = this.isInterrupted() ? 1 : 0;
    return interruptions;
  }

  /** Settles at the next message, interruption or failure. */
  get arrival(): Promise<void> {
    this.#arrival ??= Promise.withResolvers<void>();
    return this.#arrival.promise;
  }

  /** Takes a message, and lets the oldest go where there is no room. */
  push(message: Message): void {
    this.#received++;
    this.#buffer.push({ seq: this.#received, message });
    this.#bytes += message.payload.length;
    while (this.#size > this.#maxMessages || this.#bytes > MAX_BUFFER_BYTES && this.#size > 1) {
      this.#letGo();
    }
    this.wake();
  }

  /** Wakes whoever waits for {@linkcode arrival}. */
  wake(): void {
    this.#arrival?.resolve();
    this.#arrival = undefined;
  }

  /** What is held, the oldest first. */
  held(): readonly Numbered[] {
    return this.#buffer.slice(this.#first);
  }

  /** How many messages after number `seq` are held. */
  heldAfter(seq: number): number {
    return Math.min(this.#size, Math.max(0, this.#received - seq));
  }

  get #size(): number {
    return this.#buffer.length - this.#first;
  }

  #letGo(): void {
    const oldest = this.#buffer[this.#first];
    if (oldest === undefined) return;
    this.#first++;
    this.#bytes -= oldest.message.payload.length;
    if (oldest.seq > this.#lookedAt) this.#neverRead++;
    // Moving the rest for each message would cost more than the message.
    if (this.#first > this.#maxMessages) {
      this.#buffer = this.#buffer.slice(this.#first);
      this.#first = 0;
    }
  }
}
