/**
 * When to try again.
 *
 * @module
 */

/** Milliseconds. */
const FIRST_DELAY_MS = 250;
const MAX_DELAY_MS = 30_000;
/** A connection that held this long starts the series anew. */
const STABLE_MS = 10_000;

/** Jittered exponential backoff to a cap. */
export class Backoff {
  readonly #random: () => number;
  #failures = 0;

  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /**
   * The next delay in milliseconds: doubling from 250 ms to 30 s, of which a random half is taken
   * away so that many clients of one broker do not come back at once.
   */
  next(): number {
    const full = Math.min(FIRST_DELAY_MS * 2 ** this.#failures, MAX_DELAY_MS);
    this.#failures = Math.min(this.#failures + 1, 30);
    return full * (0.5 + this.#random() / 2);
  }

  /** The longest that a delay may become while somebody waits, in milliseconds. */
  static readonly waitedForMs = 1_000;

  /** The delay after the Client Identifier was taken over by another client, in milliseconds. */
  static readonly takenOverMs = MAX_DELAY_MS;

  /**
   * A connection has ended that held for `heldMs`.
   *
   * @returns whether that was so short that the series of delays goes on.
   */
  ended(heldMs: number): boolean {
    if (heldMs < STABLE_MS) return true;
    this.#failures = 0;
    return false;
  }
}
