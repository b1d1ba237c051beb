/**
 * A JSONC text and where each of its values stands. Loaded only when something has to be located.
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
import { formatPath, MAX_DEPTH, type Path } from "./path.ts";

/** Where something begins, both from 1, the column in UTF-16 code units. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** What is wrong with the text itself. */
export interface TextFault extends Position {
  /** Of a key that stands twice; empty where the syntax is wrong. */
  readonly path: string;
  readonly message: string;
}

/** A parsed JSONC text. */
export interface Document {
  /** The value, as far as it could be understood; undefined where there is none. */
  readonly value: unknown;
  /** Wrong syntax, once for each line, and keys that stand twice. */
  readonly faults: readonly TextFault[];
  /** Where the value at `path` begins, or undefined where there is none. */
  positionOf(path: Path): Position | undefined;
  /** Where the key at the end of `path` begins, or undefined where there is none. */
  positionOfKey(path: Path): Position | undefined;
}

/**
 * Parses JSON with comments and trailing commas. Nothing is thrown: what is wrong is in `faults`.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseDocument } from "./document.ts";
 *
 * const document = parseDocument('{\n  "port": 1883, // the usual one\n}');
 * assert(document.faults.length === 0);
 * assert.deepEqual(document.positionOf(["port"]), { line: 2, column: 11 });
 * ```
 */
export function parseDocument(text: string): Document {
  const errors: ParseError[] = [];
  const deep = tooDeepAt(text);
  const root = deep === undefined
    ? parseTree(text, errors, { allowTrailingComma: true })
    : undefined;
  const position = positions(text);
  const at = (node: Node | undefined): Position | undefined => node && position(node.offset);
  const find = (path: Path): Node | undefined => root && findNodeAtLocation(root, [...path]);
  const syntax = errors.map(({ error, offset }) => ({
    ...position(offset),
    path: "",
    message: SYNTAX[printParseErrorCode(error)] ?? "not valid JSON",
  }));
  if (deep !== undefined) {
    const message = `is nested more than ${MAX_DEPTH} levels deep`;
    syntax.push({ ...position(deep), path: "", message });
  }
  return {
    value: root && getNodeValue(root),
    faults: [...firstOfEachLine(syntax), ...duplicates(root, [], position)],
    positionOf: (path) => at(find(path)),
    positionOfKey: (path) => at(find(path)?.parent?.children?.[0]),
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

/** One slip makes the parser stumble more than once in its line. */
function firstOfEachLine(faults: readonly TextFault[]): TextFault[] {
  return faults.filter(({ line }, at) => line !== faults[at - 1]?.line);
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
