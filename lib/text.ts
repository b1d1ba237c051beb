/**
 * Text that stays on its line and cannot paint over a terminal.
 *
 * @module
 */

/**
 * What moves the cursor, breaks the line, turns its direction around, or is not seen: control and
 * format characters, line and paragraph separators, lone surrogates, fillers, and variation selectors
 * but for the two that emojis have.
 */
const UNSEEN =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u034f\u115f\u1160\u180b-\u180f\u2065\u3164\ufe00-\ufe0d\uffa0\u{e0000}-\u{e0fff}]/gu;

const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/**
 * The text on one line, with an escape such as `\u202e` in place of each character that is not seen.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { escapeUnseen } from "./text.ts";
 *
 * assert(escapeUnseen("a\r\n\u001b[2K\u202eb") === "a\\r\\n\\u001b[2K\\u202eb");
 * ```
 */
export function escapeUnseen(text: string): string {
  return text.replace(
    UNSEEN,
    (character) => SHORT[character] ?? escapeUnits(character),
  );
}

/** Each code unit as an escape; the halves of a surrogate pair one by one, as JSON does. */
export function escapeUnits(text: string): string {
  return text.replace(
    /[^]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
