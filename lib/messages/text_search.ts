/**
 * Finds a text in another in linear time, whatever the two are.
 *
 * @module
 */

/** Up to so many comparisons String.includes() is fast enough even at its worst. */
const MAX_COMPARISONS = 1_000_000;

/**
 * Makes a test of whether a text contains `pattern`. String.includes() takes seconds where both
 * repeat themselves; this never compares more than twice per character (Knuth, Morris and Pratt).
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { textFinder } from "./text_search.ts";
 *
 * assert(textFinder("err")("an error"));
 * ```
 */
export function textFinder(pattern: string): (text: string) => boolean {
  let borders: Int32Array | undefined;
  return (text) => {
    if (text.length * pattern.length <= MAX_COMPARISONS) return text.includes(pattern);
    if (text.length < pattern.length) return false;
    return includes(text, pattern, borders ??= bordersOf(pattern));
  };
}

function includes(text: string, pattern: string, borders: Int32Array): boolean {
  let matched = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    while (matched > 0 && pattern.charCodeAt(matched) !== code) matched = borders[matched - 1] ?? 0;
    if (pattern.charCodeAt(matched) === code) matched++;
    if (matched === pattern.length) return true;
  }
  return false;
}

/** For each beginning of a text the length of the longest shorter beginning that it ends with. */
function bordersOf(pattern: string): Int32Array {
  const borders = new Int32Array(pattern.length);
  let border = 0;
  for (let i = 1; i < pattern.length; i++) {
    const code = pattern.charCodeAt(i);
    while (border > 0 && pattern.charCodeAt(border) !== code) border = borders[border - 1] ?? 0;
    if (pattern.charCodeAt(border) === code) border++;
    borders[i] = border;
  }
  return borders;
}
