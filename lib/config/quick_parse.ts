/**
 * The value of a JSONC text in which nothing is wrong, without the parser that knows positions:
 * loading that one would take a good part of the server's start.
 *
 * @module
 */

/** The value in a box, so that `undefined` is no value. */
export interface Parsed {
  readonly value: unknown;
}

const MAX_DEPTH = 100;
/** Of what is between tokens only the white space of JSON is passed over. */
const TOKEN =
  /"(?:\\.|[^"\\\n\r])*"|\/\/[^\n\r]*|\/\*[^]*?\*\/|[{}[\],:]|[^ \t\n\r"/{}[\],:]+|[^ \t\n\r]/g;

/**
 * The value of the text; undefined where its syntax is wrong, a key stands twice in one object, or it is nested more
 * than 100 levels deep. What it gives, `parseDocument()` gives too, with no fault.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { quickParse } from "./quick_parse.ts";
 *
 * assert(JSON.stringify(quickParse("[1, 2,] // x")?.value) === "[1,2]");
 * assert(quickParse('{ "a": 1, "a": 2 }') === undefined);
 * ```
 */
export function quickParse(source: string): Parsed | undefined {
  const tokens = significantTokens(source.replace(/^\uFEFF/, ""));
  if (!isFlatEnough(tokens) || hasDuplicateKeys(tokens)) return undefined;
  const json = tokens.filter((token, at) =>
    !isTrailingComma(token, tokens[at - 1], tokens[at + 1])
  );
  try {
    // A line break can never join the ends of two broken texts into one.
    return { value: JSON.parse(json.join("\n")) };
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined;
    throw cause;
  }
}

/** All tokens but comments. */
function significantTokens(text: string): string[] {
  const tokens = text.match(TOKEN) ?? [];
  return tokens.filter((token) => !token.startsWith("//") && !token.startsWith("/*"));
}

function isTrailingComma(
  token: string,
  before: string | undefined,
  after: string | undefined,
): boolean {
  return token === "," && (after === "]" || after === "}") &&
    before !== undefined && !["[", "{", ",", ":"].includes(before);
}

function isFlatEnough(tokens: readonly string[]): boolean {
  let depth = 0;
  return tokens.every((token) => {
    if (token === "{" || token === "[") depth++;
    if (token === "}" || token === "]") depth--;
    return depth <= MAX_DEPTH;
  });
}

/** Holds for texts that `JSON.parse` takes; of others it does not matter. */
function hasDuplicateKeys(tokens: readonly string[]): boolean {
  const objects: Set<string>[] = [];
  return tokens.some((token, at) => {
    if (token === "{" || token === "[") objects.push(new Set());
    if (token === "}" || token === "]") objects.pop();
    if (tokens[at + 1] !== ":") return false;
    const keys = objects.at(-1);
    const key = token.includes("\\") ? unescaped(token) : token.slice(1, -1);
    if (keys?.has(key)) return true;
    keys?.add(key);
    return false;
  });
}

function unescaped(token: string): string {
  try {
    return String(JSON.parse(token));
  } catch {
    return token;
  }
}
