/**
 * A map of bounded size.
 *
 * @module
 */

/** What an entry takes beside its key and value, about, in bytes. */
const ENTRY_OVERHEAD_BYTES = 200;

/** Remembers a value for each key, in a bounded number of bytes: what was set longest ago goes first. */
export class BoundedMap<Value extends string | Uint8Array> {
  readonly #maxBytes: number;
  readonly #entries = new Map<string, Value>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** How many keys are remembered. */
  get size(): number {
    return this.#entries.size;
  }

  /** How much of the room is taken, from 0 to 1. */
  get fullness(): number {
    return this.#bytes / this.#maxBytes;
  }

  /** The value of a key, while it is remembered. */
  get(key: string): Value | undefined {
    return this.#entries.get(key);
  }

  /** Remembers a value, and forgets others where there is no room. */
  set(key: string, value: Value): void {
    this.#forget(key);
    this.#entries.set(key, value);
    this.#bytes += bytesOf(key, value);
    if (this.#bytes <= this.#maxBytes) return;
    for (const oldest of this.#entries.keys()) {
      this.#forget(oldest);
      if (this.#bytes <= this.#maxBytes) return;
    }
  }

  #forget(key: string): void {
    const value = this.#entries.get(key);
    if (value === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= bytesOf(key, value);
  }
}

function bytesOf(key: string, value: string | Uint8Array): number {
  const bytes = typeof value === "string" ? 2 * value.length : value.length;
  return ENTRY_OVERHEAD_BYTES + 2 * key.length + bytes;
}
