/**
 * The topic names that a client has received messages on, for completions.
 *
 * @module
 */

/** More are not remembered. */
const MAX_NAMES = 5_000;

/** A bounded set of names. */
export class TopicsSeen {
  readonly #names = new Set<string>();

  /** Remembers a name while there is room. */
  add(name: string): void {
    if (this.#names.size < MAX_NAMES) this.#names.add(name);
  }

  /** In the order in which they were first seen. */
  [Symbol.iterator](): IterableIterator<string> {
    return this.#names.values();
  }
}
