/**
 * Long work that lets others have their turn.
 *
 * @module
 */

/** How long work may go on without a turn of the event loop, in milliseconds. */
const SLICE_MS = 8;

/** Lets the event loop turn in the middle of work on many messages. */
export class Turns {
  #sliceStart = performance.now();

  /** Whether it is time for {@linkcode Turns.others}. */
  get isOver(): boolean {
    return performance.now() - this.#sliceStart >= SLICE_MS;
  }

  /** Settles after a turn of the event loop. */
  async others(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    setTimeout(resolve, 0);
    await promise;
    this.#sliceStart = performance.now();
  }
}
