/**
 * The elements of a JSON array that is too long to be parsed at once.
 *
 * @module
 */
import { type Json, parseJson } from "../messages/json.ts";

/**
 * What has more bytes is longer than `parseJson` takes, as each code unit has at most three. Its end is
 * not looked for: that would take long.
 */
const MAX_ELEMENT_BYTES = 3 * 256 * 1024;

const QUOTE = 0x22;
const COMMA = 0x2C;
const OPENING_BRACKET = 0x5B;
const BACKSLASH = 0x5C;
const CLOSING_BRACKET = 0x5D;
const OPENING_BRACE = 0x7B;
const CLOSING_BRACE = 0x7D;

/**
 * Yields each element of the array that a payload is the JSON of; undefined for one that is no JSON
 * or beyond the bounds of {@linkcode parseJson}. What is no array, ends too early, or has an element of
 * more than 768 KiB yields undefined at last.
 */
export function* jsonElements(payload: Uint8Array): Generator<Json | undefined, void> {
  let at = afterSpace(payload, 0);
  if (payload[at] !== OPENING_BRACKET) {
    yield undefined;
    return;
  }
  at = afterSpace(payload, at + 1);
  if (payload[at] === CLOSING_BRACKET) return;
  const decoder = new TextDecoder("utf-8", { fatal: true });
  while (at < payload.length) {
    const end = elementEnd(payload, at);
    if (end === undefined) break;
    let value: Json | undefined;
    try {
      value = parseJson(decoder.decode(payload.subarray(at, end)));
    } catch {
      // No UTF-8.
    }
    yield value;
    if (payload[end] === CLOSING_BRACKET) return;
    at = end + 1;
  }
  yield undefined;
}

/** Where an element ends: at a comma or the closing bracket of the array; undefined if far away. */
function elementEnd(bytes: Uint8Array, start: number): number | undefined {
  const limit = Math.min(bytes.length, start + MAX_ELEMENT_BYTES);
  let depth = 0;
  let inString = false;
  for (let at = start; at < limit; at++) {
    const byte = bytes[at];
    if (inString) {
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) {
      inString = true;
    } else if (byte === OPENING_BRACE || byte === OPENING_BRACKET) {
      depth++;
    } else if (depth === 0 && (byte === COMMA || byte === CLOSING_BRACKET)) {
      return at;
    } else if (byte === CLOSING_BRACE || byte === CLOSING_BRACKET) {
      depth--;
    }
  }
  return undefined;
}

function afterSpace(bytes: Uint8Array, start: number): number {
  let at = start;
  const limit = start + MAX_ELEMENT_BYTES;
  while (
    at < limit &&
    (bytes[at] === 0x20 || bytes[at] === 0x09 || bytes[at] === 0x0A || bytes[at] === 0x0D)
  ) at++;
  return at;
}
