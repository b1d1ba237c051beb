/**
 * Cuts a stream of bytes into lines.
 *
 * @module
 */

const NEWLINE = 0x0A;

/** Gives whole lines of UTF-8, and bounds what it holds. */
export class LineSplitter {
  readonly #maxBytes: number;
  readonly #decoder = new TextDecoder();
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #isTooLong = false;

  /** @param maxBytes longer lines are passed over. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * Takes a chunk.
   *
   * @returns the lines that it completes; undefined for one that was too long.
   */
  *push(chunk: Uint8Array): Generator<string | undefined> {
    let start = 0;
    while (true) {
      const end = chunk.indexOf(NEWLINE, start);
      this.#hold(chunk.subarray(start, end < 0 ? undefined : end));
      if (end < 0) return;
      yield this.#take();
      start = end + 1;
    }
  }

  #hold(part: Uint8Array): void {
    this.#bytes += part.length;
    if (this.#bytes > this.#maxBytes) {
      this.#isTooLong = true;
      this.#parts = [];
    } else if (part.length > 0) {
      this.#parts.push(part.slice());
    }
  }

  #take(): string | undefined {
    const line = this.#isTooLong ? undefined : this.#decoder.decode(joined(this.#parts));
    this.#parts = [];
    this.#bytes = 0;
    this.#isTooLong = false;
    return line;
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
