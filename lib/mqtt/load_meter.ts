/**
 * How much arrives on a connection.
 *
 * @module
 */

/** The clock is read once for so many units: reading it costs more than counting. */
const UNITS = 128;
/** A unit is a message, or so many bytes of one. */
const UNIT_BYTES = 2_048;
/** {@linkcode UNITS} within this time are a load, in milliseconds. */
const WITHIN_MS = 250;
/** For how long that says that more is coming, in milliseconds. */
const HOLD_MS = 500;

/**
 * Tells when so much arrives that the broker may have more than that in its queue: from some 500
 * messages or 1 MB per second. What it then answers comes behind that queue.
 */
export class LoadMeter {
  readonly #now: () => number;
  #units = 0;
  #since: number;
  #loadedUntil = -Infinity;

  /** @param now a clock in milliseconds that never goes back. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#since = now();
  }

  /** Counts a message with a payload of so many bytes. */
  add(bytes: number): void {
    this.#units += 1 + Math.floor(bytes / UNIT_BYTES);
    if (this.#units < UNITS) return;
    const now = this.#now();
    if (now - this.#since <= WITHIN_MS) this.#loadedUntil = now + HOLD_MS;
    this.#since = now;
    this.#units = 0;
  }

  /** Whether there was a load within the last half second. */
  get isLoaded(): boolean {
    return this.#now() < this.#loadedUntil;
  }
}
