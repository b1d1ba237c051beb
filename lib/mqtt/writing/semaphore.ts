/**
 * Places that are taken in turn.
 *
 * @module
 */

/** A bounded number of places; whoever finds none waits in line. */
export class Semaphore {
  #free: number;
  readonly #line: Array<() => void> = [];

  constructor(places: number) {
    this.#free = places;
  }

  /**
   * Takes a place, in the order of the calls.
   *
   * @returns a function that gives the place back; further calls of it do nothing.
   * @throws the signal's reason when it is aborted while in line.
   */
  async acquire(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#free > 0) {
      this.#free--;
      return this.#releaser();
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = (): void => {
      const at = this.#line.indexOf(resolve);
      // If it is not in line any more the place is its own already.
      if (at >= 0) {
        this.#line.splice(at, 1);
        reject(signal.reason);
      }
    };
    this.#line.push(resolve);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
    return this.#releaser();
  }

  #releaser(): () => void {
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      const next = this.#line.shift();
      if (next === undefined) this.#free++;
      else next();
    };
  }
}
