/**
 * Messages collected in the background, to be read and re-read by number.
 *
 * @module
 */
import type { McpMqttError } from "../errors.ts";
import { heldBytes, type Message } from "./message.ts";

/** What one watch holds, unless it is told otherwise. */
const MAX_BYTES = 16 * 1024 * 1024;

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
  readonly #maxBytes: number;
  /** By their numbers, which have no gaps. */
  readonly #held = new Map<number, Message>();
  #bytes = 0;
  #received = 0;
  #neverRead = 0;
  #droppedTold = 0;
  #position = 0;
  #lookedAt = 0;
  #interruptions = 0;
  /** Made when somebody waits: most messages arrive while nobody does. */
  #arrival: PromiseWithResolvers<void> | undefined;

  /**
   * @param options.maxBytes what all messages together may take in memory, see {@linkcode heldBytes};
   * the last one is held in any case. Default 16 MiB.
   */
  constructor(
    about: { readonly id: string; readonly filters: readonly string[]; readonly narrowed: boolean },
    maxMessages: number,
    { maxBytes = MAX_BYTES }: { readonly maxBytes?: number } = {},
  ) {
    this.id = about.id;
    this.filters = about.filters;
    this.narrowed = about.narrowed;
    this.#maxMessages = maxMessages;
    this.#maxBytes = maxBytes;
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
   * How often a connection was lost since this was asked last. One that is still lost counts again
   * the next time: messages may be missed until it is back.
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
    this.#held.set(++this.#received, message);
    this.#bytes += heldBytes(message);
    while (
      this.#held.size > this.#maxMessages || this.#bytes > this.#maxBytes && this.#held.size > 1
    ) {
      this.#letGo();
    }
    this.wake();
  }

  /** Wakes whoever waits for {@linkcode arrival}. */
  wake(): void {
    this.#arrival?.resolve();
    this.#arrival = undefined;
  }

  /**
   * What is held after number `seq`, the oldest first. What arrives meanwhile is not among it, and
   * what is let go before its turn is passed over.
   */
  *held(seq = 0): Iterable<Numbered> {
    const last = this.#received;
    for (let i = seq + 1; i <= last; i++) {
      i = Math.max(i, this.#oldest);
      const message = this.#held.get(i);
      if (message !== undefined && i <= last) yield { seq: i, message };
    }
  }

  /** How many messages after number `seq` are held. */
  heldAfter(seq: number): number {
    return Math.min(this.#held.size, Math.max(0, this.#received - seq));
  }

  /** The number of the oldest message that is held. */
  get #oldest(): number {
    return this.#received - this.#held.size + 1;
  }

  #letGo(): void {
    const seq = this.#oldest;
    const message = this.#held.get(seq);
    if (message === undefined) return;
    this.#held.delete(seq);
    this.#bytes -= heldBytes(message);
    if (seq > this.#lookedAt) this.#neverRead++;
  }
}
