/**
 * A JSONC text, and where in it what was found wrong stands. Loaded only when something has to be
 * located.
 *
 * @module
 */

import {
  createScanner,
  findNodeAtLocation,
  getNodeValue,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from "jsonc-parser";
import { type Fault, formatFault, MAX_FAULTS } from "./config.ts";
import type { Issue } from "./issues.ts";
import { formatPath, MAX_DEPTH, type Path } from "./path.ts";
import type { Position } from "./read_text.ts";

/** What is wrong with the text itself. */
export interface TextFault extends Position {
  /** Of a key that stands twice; empty where the syntax is wrong. */
  readonly path: string;
  readonly message: string;
}

/** Faults and warnings at their places, in the order of the file, each once. */
export interface Located {
  readonly faults: readonly Fault[];
  /** How many there are beside the first that were located. */
  readonly more: number;
  readonly warnings: readonly Fault[];
}

/** A parsed JSONC text. */
export interface Document {
  /** The value, as far as it could be understood; undefined where there is none. */
  readonly value: unknown;
  /** Wrong syntax, once for each line, and keys that stand twice. */
  readonly faults: readonly TextFault[];
  /** The faults of the text and the issues found in its value, as faults of `file`. */
  locate(issues: readonly Issue[], file: string): Located;
}

/**
 * Parses JSON with comments and trailing commas. Nothing is thrown: what is wrong is in `faults`.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseDocument } from "./document.ts";
 *
 * const document = parseDocument('{\n  "port": 0, // the usual one\n}');
 * const { faults } = document.locate([{ path: ["port"], message: "is wrong" }], "a.json");
 * assert(faults[0]?.line === 2 && faults[0].column === 11);
 * ```
 */
export function parseDocument(text: string): Document {
  const errors: ParseError[] = [];
  const deep = tooDeepAt(text);
  const root = deep === undefined
    ? parseTree(text, errors, { allowTrailingComma: true })
    : undefined;
  const position = positions(text);
  const syntax = errors.map(({ error, offset }) => ({
    ...position(offset),
    path: "",
    message: SYNTAX[printParseErrorCode(error)] ?? "not valid JSON",
  }));
  if (deep !== undefined) {
    const message = `is nested more than ${MAX_DEPTH} levels deep`;
    syntax.push({ ...position(deep), path: "", message });
  }
  // One slip makes the parser stumble more than once in its line.
  const stumbles = syntax.filter(({ line }, at) => line !== syntax[at - 1]?.line);
  const faults = [...stumbles, ...duplicates(root, [], position)];
  const find = (path: Path): Node | undefined => root && findNodeAtLocation(root, [...path]);
  return {
    value: root && getNodeValue(root),
    faults,
    locate: (issues, file) => locate(issues, { file, faults, find, position }),
  };
}

function locate(
  issues: readonly Issue[],
  { file, faults, find, position }: {
    file: string;
    faults: readonly TextFault[];
    find: (path: Path) => Node | undefined;
    position: (offset: number) => Position;
  },
): Located {
  const placeOf = ({ path, isOfKey = false }: Issue): Position => {
    const node = find(path);
    const place = isOfKey ? node?.parent?.children?.[0] : node;
    if (place !== undefined || path.length === 0) return position(place?.offset ?? 0);
    return placeOf({ path: path.slice(0, -1), message: "" });
  };
  const brokenLines = new Set(faults.filter(({ path }) => path === "").map(({ line }) => line));
  const twice = new Set(faults.map(({ path }) => path).filter((path) => path !== ""));
  // Where the syntax is wrong, or a key stands twice, what was meant is not known.
  const isGuess = (issue: Issue): boolean =>
    brokenLines.size > 0 &&
      (find(issue.path) === undefined || brokenLines.has(placeOf(issue).line)) ||
    issue.path.some((_, at) => twice.has(formatPath(issue.path.slice(0, at + 1))));
  const toFault = (issue: Issue): Fault => {
    const { path, message } = issue;
    return { file, ...placeOf(issue), path: formatPath(path), message };
  };
  const wrong = issues.filter(({ isWarning }) => !isWarning);
  const all = [
    ...faults.slice(0, MAX_FAULTS).map((fault) => ({ file, ...fault })),
    ...wrong.slice(0, MAX_FAULTS).filter((issue) => !isGuess(issue)).map(toFault),
  ].sort((a: Fault, b: Fault) =>
    (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0)
  );
  return {
    faults: [...new Map(all.map((fault) => [formatFault(fault), fault])).values()],
    more: Math.max(0, faults.length - MAX_FAULTS) + Math.max(0, wrong.length - MAX_FAULTS),
    warnings: issues.filter(({ isWarning }) => isWarning).map(toFault),
  };
}

/** Where the nesting passes what the recursive parser should be given. */
function tooDeepAt(text: string): number | undefined {
  const scanner = createScanner(text, true);
  for (let depth = 0; scanner.scan(), scanner.getTokenOffset() < text.length;) {
    const first = text[scanner.getTokenOffset()];
    if (first === "[" || first === "{") depth++;
    else if (first === "]" || first === "}") depth--;
    if (depth > MAX_DEPTH) return scanner.getTokenOffset();
  }
  return undefined;
}

/** From offsets in the text to positions. */
function positions(text: string): (offset: number) => Position {
  const starts = [0];
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "\n" || text[at] === "\r" && text[at + 1] !== "\n") starts.push(at + 1);
  }
  return (offset) => {
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  };
}

function duplicates(
  node: Node | undefined,
  path: Path,
  position: (offset: number) => Position,
): TextFault[] {
  const seen = new Map<string, Node>();
  return (node?.children ?? []).flatMap((child, at) => {
    if (child.type !== "property") return duplicates(child, [...path, at], position);
    const [keyNode = child, value] = child.children ?? [];
    const key = String(keyNode.value);
    const here = [...path, key];
    const below = duplicates(value, here, position);
    const first = seen.get(key);
    if (first === undefined) {
      seen.set(key, keyNode);
      return below;
    }
    const { line, column } = position(first.offset);
    const message = `stands twice in one object, first at ${line}:${column}; leave one`;
    return [{ ...position(keyNode.offset), path: formatPath(here), message }, ...below];
  });
}

/** By the names of jsonc-parser, whose enum of them is lost at run time. */
const SYNTAX: Readonly<Record<string, string>> = {
  InvalidSymbol: "not JSON; a word here must be true, false, null or text in double quotes",
  InvalidNumberFormat: "not a number as JSON writes it",
  PropertyNameExpected: "a key in double quotes is expected here",
  ValueExpected: "a value is expected here",
  ColonExpected: 'a ":" is expected here, between a key and its value',
  CommaExpected: 'a "," is expected here, after the value before',
  CloseBraceExpected: 'a "}" is expected here',
  CloseBracketExpected: 'a "]" is expected here',
  EndOfFileExpected: "nothing more is expected here, after the end of the config",
  InvalidCommentToken: "a comment is // or /* … */",
  UnexpectedEndOfComment: "the comment that begins here has no end; write */",
  UnexpectedEndOfString: 'the text that begins here has no end; write "',
  UnexpectedEndOfNumber: "the number here has no end",
  InvalidUnicode: "\\u takes four hexadecimal digits",
  InvalidEscapeCharacter: "a backslash in text is written \\\\",
  InvalidCharacter: "a control character in text is written as an escape, such as \\n or \\t",
};
