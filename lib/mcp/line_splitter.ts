/**
 * Cuts a stream of bytes into lines.
 *
 * @module
 */
import { Buffer } from "node:buffer";

const NEWLINE = 0x0A;

/** A line, or why it cannot be had: it is longer than allowed, or is no UTF-8. */
export type Line = { readonly text: string } | { readonly fault: "too_long" | "not_utf8" };

/** Gives whole lines of UTF-8, and bounds what it holds. */
export class LineSplitter {
  readonly #maxBytes: number;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #isTooLong = false;

  /** @param maxBytes longer lines are passed over. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Takes a chunk, and gives the lines that it completes. */
  *push(chunk: Uint8Array): Generator<Line> {
    let start = 0;
    while (true) {
      const end = chunk.indexOf(NEWLINE, start);
      this.#hold(chunk.subarray(start, end < 0 ? undefined : end));
      if (end < 0) return;
      yield this.#take();
      start = end + 1;
    }
  }

  /** What is left at the end of input, where the last line does not end in a line break. */
  end(): Line | undefined {
    return this.#bytes === 0 ? undefined : this.#take();
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

  #take(): Line {
    const line = this.#isTooLong ? { fault: "too_long" as const } : this.#decoded();
    this.#parts = [];
    this.#bytes = 0;
    this.#isTooLong = false;
    return line;
  }

  #decoded(): Line {
    try {
      return { text: this.#decoder.decode(Buffer.concat(this.#parts)) };
    } catch {
      return { fault: "not_utf8" };
    }
  }
}
