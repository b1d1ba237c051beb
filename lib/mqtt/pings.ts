/**
 * PINGREQs that ask whether the broker has read what went before them.
 *
 * @module
 */

/**
 * A broker handles what arrives on a connection in order, so that its PINGRESP says that it has read
 * all that was sent before the PINGREQ. Those of the Keep Alive are counted in.
 */
export class Pings {
  readonly #send: () => void;
  /** One for each PINGREQ that has not been answered yet, in the order of sending. */
  readonly #unanswered: Array<PromiseWithResolvers<void>> = [];
  /** The answer to the PINGREQ that follows those. */
  #next: Promise<void> | undefined;

  /** @param send sends a PINGREQ, and has {@linkcode Pings.sent} called. */
  constructor(send: () => void) {
    this.#send = send;
  }

  /** To be called for every PINGREQ. */
  sent(): void {
    this.#unanswered.push(Promise.withResolvers());
  }

  /** To be called for every PINGRESP. */
  answered(): void {
    this.#unanswered.shift()?.resolve();
  }

  /** Settles when the broker has read all that has been sent; never where the connection ends before. */
  allRead(): Promise<void> {
    if (this.#unanswered.length === 0) return this.#ping();
    return this.#next ??= this.#pingAgain();
  }

  #ping(): Promise<void> {
    this.#send();
    // None was sent where the end of the connection is about to be noticed.
    return this.#unanswered.at(-1)?.promise ?? new Promise(() => {});
  }

  /** One is under way: who asks meanwhile shares the next one. */
  async #pingAgain(): Promise<void> {
    for (let last = this.#unanswered.at(-1); last !== undefined; last = this.#unanswered.at(-1)) {
      await last.promise;
    }
    this.#next = undefined;
    await this.#ping();
  }
}
