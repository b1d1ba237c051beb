/**
 * Keeps a flood of messages from holding up everything else that the program does.
 *
 * @module
 */

/** How long messages may be handled without a turn of the event loop, in milliseconds. */
const SLICE_MS = 4;
/** The clock is read once for so many units: reading it costs more than passing a message on. */
const UNITS_PER_LOOK = 16;
/** A unit is a message, or so many bytes of one: what is done with it may cost by its size. */
const UNIT_BYTES = 4_096;

/**
 * Lets messages pass, and makes them wait for a turn of the event loop when its links together have
 * taken a slice of time. mqtt.js goes from message to message, and Deno from one read of a socket to
 * the next, without one: while a broker sends faster than messages are handled, no call would be
 * answered. Who waits does not read, so that the broker is held up in turn.
 */
export class Pacer {
  #units = 0;
  #sliceStart = performance.now();
  #waiting: Array<() => void> = [];

  /**
   * Calls `next` at once, or after a turn of the event loop.
   *
   * @param bytes of the message that was handled
   */
  pass(next: () => void, bytes = 0): void {
    if (this.#waiting.length === 0 && !this.#isSliceOver(bytes)) {
      next();
      return;
    }
    this.#waiting.push(next);
    // Not setImmediate: with that Deno looks after its sockets and pipes now and then only.
    if (this.#waiting.length === 1) setTimeout(() => this.#release(), 0);
  }

  #isSliceOver(bytes: number): boolean {
    this.#units += 1 + Math.floor(bytes / UNIT_BYTES);
    if (this.#units < UNITS_PER_LOOK) return false;
    this.#units = 0;
    return performance.now() - this.#sliceStart >= SLICE_MS;
  }

  #release(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#sliceStart = performance.now();
    for (const next of waiting) next();
  }
}
