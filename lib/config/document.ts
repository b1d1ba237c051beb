/**
 * A JSONC text and where each of its values stands.
 *
 * @module
 */

import {
  type Node,
  type ParseError,
  type ParseErrorCode,
  parseTree,
  printParseErrorCode,
} from "jsonc-parser";
import { formatPath, type Path } from "./path.ts";

/** Where something begins, both from 1, the column in UTF-16 code units. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A fault that is known by its place in the text. */
export interface DocumentFault {
  readonly offset: number;
  readonly path: string;
  readonly message: string;
}

/** A parsed JSONC text. */
export interface Document {
  /** The value, as `JSON.parse` would give it; undefined where there is none. */
  readonly value: unknown;
  /** What is wrong with the text itself: its syntax, and keys that stand twice. */
  readonly faults: readonly DocumentFault[];
  /** The line and column of an offset. */
  position(offset: number): Position;
  /** Where the value at `path` begins, or undefined where there is none. */
  offsetOf(path: Path): number | undefined;
  /** Where the key at the end of `path` begins, or undefined where there is none. */
  keyOffsetOf(path: Path): number | undefined;
}

/**
 * Parses JSON with comments and trailing commas. A byte order mark at the start is passed over.
 * Nothing is thrown: what is wrong is in `faults`.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseDocument } from "./document.ts";
 *
 * const document = parseDocument('{\n  "port": 1883, // the usual one\n}');
 * assert(document.faults.length === 0);
 * const { line, column } = document.position(document.offsetOf(["port"]) ?? 0);
 * assert(line === 2 && column === 11);
 * ```
 */
export function parseDocument(source: string): Document {
  const text = source.replace(/^\uFEFF/, "");
  const errors: ParseError[] = [];
  const faults: DocumentFault[] = [];
  const root = parse(text, errors, faults);
  const lineStarts = [0, ...[...text.matchAll(/\r\n|\r|\n/g)].map((m) => m.index + m[0].length)];
  faults.push(...errors.map(({ error, offset }) => ({ offset, path: "", message: syntax(error) })));
  if (root !== undefined) collectDuplicates(root, [], faults);
  return {
    value: root === undefined ? undefined : valueOf(root),
    faults,
    position: (offset) => positionIn(lineStarts, offset),
    offsetOf: (path) => find(root, path)?.offset,
    keyOffsetOf: (path) => find(root, path)?.parent?.children?.[0]?.offset,
  };
}

const MAX_DEPTH = 100;

function parse(text: string, errors: ParseError[], faults: DocumentFault[]): Node | undefined {
  const deep = tooDeepAt(text);
  if (deep === undefined) return parseTree(text, errors, { allowTrailingComma: true });
  faults.push({ offset: deep, path: "", message: `is nested more than ${MAX_DEPTH} levels deep` });
  return undefined;
}

/** Where the nesting passes what the recursive parser should be given; strings and comments do not count. */
function tooDeepAt(text: string): number | undefined {
  let depth = 0;
  for (const match of text.matchAll(/"(?:\\.|[^"\\\n])*"?|\/\/.*|\/\*[^]*?\*\/|[[\]{}]/g)) {
    if (match[0] === "[" || match[0] === "{") depth++;
    else if (match[0] === "]" || match[0] === "}") depth--;
    if (depth > MAX_DEPTH) return match.index;
  }
  return undefined;
}

function positionIn(lineStarts: readonly number[], offset: number): Position {
  let low = 0;
  let high = lineStarts.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((lineStarts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return { line: low + 1, column: offset - (lineStarts[low] ?? 0) + 1 };
}

function find(root: Node | undefined, path: Path): Node | undefined {
  let node = root;
  for (const step of path) {
    if (node === undefined) return undefined;
    node = node.type === "array"
      ? node.children?.[Number(step)]
      : properties(node).findLast(({ key }) => key === step)?.value;
  }
  return node;
}

interface Property {
  readonly key: string;
  readonly keyNode: Node;
  readonly value: Node | undefined;
}

function properties(node: Node): Property[] {
  if (node.type !== "object") return [];
  return (node.children ?? []).flatMap(({ children: [keyNode, value] = [] }) =>
    keyNode === undefined ? [] : [{ key: String(keyNode.value), keyNode, value }]
  );
}

function valueOf(node: Node): unknown {
  if (node.type === "array") return (node.children ?? []).map(valueOf);
  if (node.type !== "object") return node.value;
  return Object.fromEntries(
    properties(node).flatMap(({ key, value }) =>
      value === undefined ? [] : [[key, valueOf(value)]]
    ),
  );
}

function collectDuplicates(node: Node, path: Path, faults: DocumentFault[]): void {
  const seen = new Set<string>();
  for (const { key, keyNode, value } of properties(node)) {
    const here = [...path, key];
    if (seen.has(key)) {
      const message = `stands twice in one object; leave one`;
      faults.push({ offset: keyNode.offset, path: formatPath(here), message });
    }
    seen.add(key);
    if (value !== undefined) collectDuplicates(value, here, faults);
  }
  if (node.type === "array") {
    node.children?.forEach((child, at) => collectDuplicates(child, [...path, at], faults));
  }
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

function syntax(error: ParseErrorCode): string {
  return SYNTAX[printParseErrorCode(error)] ?? "not valid JSON";
}
