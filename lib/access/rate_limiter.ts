/**
 * At most so many writes a minute.
 *
 * @module
 */

const WINDOW_MS = 60_000;

/** Counts writes within a sliding minute. */
export class RateLimiter {
  readonly #perMinute: number;
  readonly #now: () => number;
  /** The times of the writes within the last minute, the oldest first. */
  readonly #times: number[] = [];

  /**
   * @param perMinute 0: no limit.
   * @param now milliseconds of a clock that nobody sets.
   */
  constructor(perMinute: number, now: () => number = () => performance.now()) {
    this.#perMinute = perMinute;
    this.#now = now;
  }

  /**
   * Takes a place for one write.
   *
   * @returns 0 when there is one, else in how many milliseconds the next will be free.
   */
  take(): number {
    if (this.#perMinute === 0) return 0;
    const now = this.#now();
    while (this.#times[0] !== undefined && this.#times[0] <= now - WINDOW_MS) this.#times.shift();
    const oldest = this.#times[0];
    if (oldest !== undefined && this.#times.length >= this.#perMinute) {
      return oldest + WINDOW_MS - now;
    }
    this.#times.push(now);
    return 0;
  }
}
