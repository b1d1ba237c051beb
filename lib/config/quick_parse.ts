/**
 * The value of a JSONC text in which nothing is wrong, without the parser that knows positions:
 * loading that one would take a good part of the server's start.
 *
 * @module
 */

import { MAX_DEPTH, sizeOf } from "./path.ts";

/** The value in a box, so that `undefined` is no value. */
export interface Parsed {
  readonly value: unknown;
}

/** A comment, or a text, in which nothing is one; either may be without an end. */
const COMMENT = /"[^"\\\n\r]*(?:\\.[^"\\\n\r]*)*"?|\/\/[^\n\r]*|\/\*(?:[^]*?\*\/|[^]*)/g;
/** A colon, a comma after a value and before a closing bracket, or a text, in which nothing is one. */
const MARK = /"[^"\\\n\r]*(?:\\.[^"\\\n\r]*)*"?|:|(?<=[^ \t\n\r[{][ \t\n\r]*),(?=[ \t\n\r]*[\]}])/g;

/**
 * The value of the text; undefined where its syntax is wrong, a key stands twice in one object, or it
 * is nested more than 100 levels deep. What it gives, `Document` gives too, with no fault.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { quickParse } from "./quick_parse.ts";
 *
 * assert(JSON.stringify(quickParse("[1, 2,] // x")?.value) === "[1,2]");
 * assert(quickParse('{ "a": 1, "a": 2 }') === undefined);
 * ```
 */
export function quickParse(text: string): Parsed | undefined {
  try {
    let colons = 0;
    const json = text.replace(COMMENT, withoutComment).replace(MARK, (mark) => {
      if (mark === ":") colons++;
      return mark === "," ? "" : mark;
    });
    const value: unknown = JSON.parse(json);
    const { keys, depth } = sizeOf(value);
    // Of keys that stand twice JSON.parse keeps one.
    return keys === colons && depth <= MAX_DEPTH ? { value } : undefined;
  } catch (cause) {
    // A RangeError is the regular expressions' on texts of some 100,000 escapes.
    if (cause instanceof SyntaxError || cause instanceof RangeError) return undefined;
    throw cause;
  }
}

/** White space for a comment; one without an end stays, and is no JSON. */
function withoutComment(token: string): string {
  const isComment = token.startsWith("//") || /^\/\*[^]*\*\/$/.test(token);
  return isComment ? " " : token;
}
