/**
 * At most so many writes in a time.
 *
 * @module
 */

/** A place for one write, or how long to wait for one. */
export interface RatePlace {
  /** 0 if it was taken; else in how many milliseconds the next one will be free. */
  readonly waitMs: number;
  /** Gives it back: nothing was sent. */
  giveBack(): void;
}

const FREE: RatePlace = { waitMs: 0, giveBack(): void {} };

/** Counts writes within a sliding window of time. */
export class RateLimiter {
  readonly #limit: { readonly writes: number; readonly windowMs: number };
  readonly #now: () => number;
  /** The writes within the window, the oldest first. */
  readonly #writes: Array<{ readonly at: number }> = [];

  /**
   * @param limit 0 writes: no limit.
   * @param now milliseconds of a clock that nobody sets.
   */
  constructor(
    limit: { readonly writes: number; readonly windowMs: number },
    now: () => number = () => performance.now(),
  ) {
    this.#limit = limit;
    this.#now = now;
  }

  /** Takes a place for one write if one is free. */
  take(): RatePlace {
    const { writes, windowMs } = this.#limit;
    if (writes === 0) return FREE;
    const now = this.#now();
    while (this.#writes[0] !== undefined && this.#writes[0].at <= now - windowMs) {
      this.#writes.shift();
    }
    const [oldest] = this.#writes;
    if (oldest !== undefined && this.#writes.length >= writes) {
      return { waitMs: oldest.at + windowMs - now, giveBack(): void {} };
    }
    const write = { at: now };
    this.#writes.push(write);
    return {
      waitMs: 0,
      giveBack: () => {
        const place = this.#writes.indexOf(write);
        if (place >= 0) this.#writes.splice(place, 1);
      },
    };
  }
}
