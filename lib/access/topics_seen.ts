/**
 * The topic names that a client has received messages on, for completions.
 *
 * @module
 */

/** More are not remembered; a name may have 65,535 bytes. */
const MAX_NAMES = 5_000;
const MAX_CHARACTERS = 500_000;

/** A bounded set of names. */
export class TopicsSeen {
  readonly #names = new Set<string>();
  #characters = 0;

  /** Remembers a name while there is room. */
  add(name: string): void {
    if (this.#names.has(name) || this.#names.size >= MAX_NAMES) return;
    if (this.#characters + name.length > MAX_CHARACTERS) return;
    this.#characters += name.length;
    this.#names.add(name);
  }

  /** In the order in which they were first seen. */
  [Symbol.iterator](): IterableIterator<string> {
    return this.#names.values();
  }
}
