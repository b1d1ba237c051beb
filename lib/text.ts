/**
 * Text that stays on its line and cannot paint over a terminal.
 *
 * @module
 */

/**
 * What moves the cursor, breaks the line, turns its direction around, or is not seen: control
 * characters, line and paragraph separator, bidirectional and zero-width formatting, the byte order
 * mark, and lone surrogates.
 */
const UNSEEN = /[\p{Cc}\p{Cs}\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu;

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
    (character) =>
      SHORT[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
