/**
 * At most so many writes in a time.
 *
 * @module
 */

/** So many writes in so many milliseconds. */
export interface Rate {
  readonly writes: number;
  readonly windowMs: number;
}

/** Counts writes within a sliding window of time. */
export class RateLimiter {
  readonly #rate: Rate;
  readonly #now: () => number;
  /** The writes within the window, the oldest first. */
  readonly #writes: Array<{ readonly at: number }> = [];

  /** @param now milliseconds of a clock that nobody sets. */
  constructor(rate: Rate, now: () => number = () => performance.now()) {
    this.#rate = rate;
    this.#now = now;
  }

  /** In how many milliseconds a place for a write is free; 0: it is now. */
  get waitMs(): number {
    const { writes, windowMs } = this.#rate;
    const now = this.#now();
    while (this.#writes[0] !== undefined && this.#writes[0].at <= now - windowMs) {
      this.#writes.shift();
    }
    const [oldest] = this.#writes;
    return oldest === undefined || this.#writes.length < writes ? 0 : oldest.at + windowMs - now;
  }

  /**
   * Takes a place, which has to be free.
   *
   * @returns gives it back: nothing was sent.
   */
  take(): () => void {
    const write = { at: this.#now() };
    this.#writes.push(write);
    return () => {
      const place = this.#writes.indexOf(write);
      if (place >= 0) this.#writes.splice(place, 1);
    };
  }
}
