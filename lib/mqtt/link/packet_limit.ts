/**
 * Keeps packets from being held that are larger than they may be: a parser holds all of a packet
 * before it gives it away, so what arrives passes here first.
 *
 * @module
 */
import { Buffer } from "node:buffer";

const PUBLISH = 3;
/** A fixed header has at most so many bytes, §2.1. */
const MAX_HEADER_BYTES = 5;
/** Topic name of a PUBLISH that stands for one that was too large; no other has it [MQTT-4.7.3-2]. */
export const TOO_LARGE_TOPIC = "\0";
/** The length of a topic name, the longest one, and a Packet Identifier. */
const MAX_HEAD_BYTES = 2 + 65_535 + 2;

/** What {@linkcode PacketLimit} is made of. */
export interface PacketLimitOptions {
  /** Bytes of a whole packet. */
  readonly maxBytes: number;
  readonly isMqtt5: boolean;
  /** Another packet than a PUBLISH is too large: the broker is none. */
  readonly onFault: () => void;
}

/** A fixed header: how many bytes it has, and how many follow it. */
interface Header {
  readonly bytes: number;
  readonly remaining: number;
}

/**
 * Passes the bytes of a connection on. A PUBLISH that is too large becomes a small one with the same
 * Packet Identifier, so that it is acknowledged as usual and the broker does not wait for it.
 */
export class PacketLimit {
  readonly #options: PacketLimitOptions;
  /** The beginning of a fixed header whose rest has not arrived. */
  #carried = new Uint8Array();
  /** Bytes of the current packet that are still to come. */
  #left = 0;
  /** The PUBLISH whose bytes are passed over. */
  #tooLarge: TooLarge | undefined;

  constructor(options: PacketLimitOptions) {
    this.#options = options;
  }

  /** What is to be read instead of `chunk`; mostly `chunk` itself. */
  pass(chunk: Uint8Array): Uint8Array {
    const bytes = this.#carried.length === 0 ? chunk : Buffer.concat([this.#carried, chunk]);
    this.#carried = new Uint8Array();
    const parts: Uint8Array[] = [];
    // All from `from` to `at` is passed on as it is.
    let from = 0;
    let at = 0;
    while (at < bytes.length) {
      if (this.#left > 0) {
        const size = Math.min(this.#left, bytes.length - at);
        this.#tooLarge?.take(bytes.subarray(at, at + size));
        at += size;
        this.#left -= size;
        if (this.#tooLarge === undefined) continue;
        from = at;
        if (this.#left > 0) continue;
        parts.push(this.#tooLarge.instead());
        this.#tooLarge = undefined;
        continue;
      }
      const header = readHeader(bytes.subarray(at));
      if (header === undefined) {
        this.#carried = new Uint8Array(bytes.subarray(at));
        parts.push(bytes.subarray(from, at));
        return Buffer.concat(parts);
      }
      const isKept = this.#begin(bytes[at] ?? 0, header);
      if (!isKept) parts.push(bytes.subarray(from, at));
      at += header.bytes;
      if (!isKept) from = at;
    }
    if (from === 0 && parts.length === 0) return bytes;
    parts.push(bytes.subarray(from));
    return Buffer.concat(parts);
  }

  /** Says whether the packet that begins is passed on. */
  #begin(first: number, { bytes, remaining }: Header): boolean {
    this.#left = remaining;
    const { maxBytes, isMqtt5, onFault } = this.#options;
    if (bytes + remaining <= maxBytes || !Number.isFinite(remaining)) return true;
    if (first >> 4 !== PUBLISH) {
      onFault();
      this.#left = Infinity;
    }
    this.#tooLarge = new TooLarge(first, isMqtt5);
    return false;
  }
}

/** A PUBLISH that is passed over, of which only what stands before its properties is kept. */
class TooLarge {
  readonly #first: number;
  readonly #isMqtt5: boolean;
  readonly #head = Buffer.alloc(MAX_HEAD_BYTES);
  #headBytes = 0;

  constructor(first: number, isMqtt5: boolean) {
    this.#first = first;
    this.#isMqtt5 = isMqtt5;
  }

  /** Takes bytes of its body: the length of the topic name, that, the Packet Identifier, the rest. */
  take(bytes: Uint8Array): void {
    const kept = bytes.subarray(0, MAX_HEAD_BYTES - this.#headBytes);
    this.#head.set(kept, this.#headBytes);
    this.#headBytes += kept.length;
  }

  /** A PUBLISH of the same QoS and Packet Identifier without a payload, §3.3. */
  instead(): Uint8Array {
    const at = 2 + this.#head.readUInt16BE(0);
    const hasIdentifier = (this.#first & 0b0110) !== 0;
    const body = [
      0,
      1,
      TOO_LARGE_TOPIC.charCodeAt(0),
      ...(hasIdentifier ? this.#head.subarray(at, at + 2) : []),
      ...(this.#isMqtt5 ? [0] : []),
    ];
    return Uint8Array.from([this.#first, body.length, ...body]);
  }
}

/** Undefined if more bytes are needed. A malformed one is left to the parser. */
function readHeader(start: Uint8Array): Header | undefined {
  let remaining = 0;
  for (let i = 1; i < MAX_HEADER_BYTES; i++) {
    const byte = start[i];
    if (byte === undefined) return undefined;
    remaining += (byte & 0x7F) * 128 ** (i - 1);
    if (byte < 0x80) return { bytes: i + 1, remaining };
  }
  return { bytes: 1, remaining: Infinity };
}
