/**
 * The elements of a JSON array that is too long to be parsed at once.
 *
 * @module
 */
import type { Json } from "../messages/json.ts";
import { jsonOf, MAX_JSON_BYTES } from "./described.ts";

const [QUOTE, COMMA, BACKSLASH] = [0x22, 0x2C, 0x5C];
const [OPENING_BRACKET, CLOSING_BRACKET] = [0x5B, 0x5D];
const [OPENING_BRACE, CLOSING_BRACE] = [0x7B, 0x7D];
const SPACE = [0x20, 0x09, 0x0A, 0x0D];

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
  while (at < payload.length) {
    const end = elementEnd(payload, at);
    if (end === undefined) break;
    yield jsonOf(payload.subarray(at, end));
    if (payload[end] === CLOSING_BRACKET) return;
    at = end + 1;
  }
  yield undefined;
}

/**
 * Where an element ends: at a comma or the closing bracket of the array; undefined if that is farther
 * away than `jsonOf` takes.
 */
function elementEnd(bytes: Uint8Array, start: number): number | undefined {
  const limit = Math.min(bytes.length, start + MAX_JSON_BYTES);
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
  while (at < start + MAX_JSON_BYTES && SPACE.includes(bytes[at] ?? 0)) at++;
  return at;
}
