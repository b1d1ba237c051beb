/**
 * Keeps a flood of messages from holding up everything else that the program does.
 *
 * @module
 */

/** How long messages may be handled without a turn of the event loop, in milliseconds. */
const SLICE_MS = 4;
/** The clock is read once for so many messages: reading it costs more than passing one on. */
const MESSAGES_PER_LOOK = 16;

/**
 * Lets messages pass, and makes them wait for a turn of the event loop when its links together have
 * taken a slice of time. mqtt.js goes from message to message, and Deno from one read of a socket to
 * the next, without one: while a broker sends faster than messages are handled, no call would be
 * answered. Who waits does not read, so that the broker is held up in turn.
 */
export class Pacer {
  #passed = 0;
  #sliceStart = performance.now();
  #waiting: Array<() => void> = [];

  /** Calls `next` at once, or after a turn of the event loop. */
  pass(next: () => void): void {
    if (this.#waiting.length === 0 && !this.#isSliceOver()) {
      next();
      return;
    }
    this.#waiting.push(next);
    // Not setImmediate: with that Deno looks after its sockets and pipes now and then only.
    if (this.#waiting.length === 1) setTimeout(() => this.#release(), 0);
  }

  #isSliceOver(): boolean {
    if (++this.#passed % MESSAGES_PER_LOOK !== 0) return false;
    return performance.now() - this.#sliceStart >= SLICE_MS;
  }

  #release(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#sliceStart = performance.now();
    for (const next of waiting) next();
  }
}
