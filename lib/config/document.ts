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

/** Faults and warnings at their places, in the order of the file, each once. */
export interface Located {
  readonly faults: readonly Fault[];
  /** How many there are beside them. */
  readonly more: number;
  readonly warnings: readonly Fault[];
}

/**
 * JSON with comments and trailing commas. Nothing is thrown: what is wrong is in `faults`.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { Document } from "./document.ts";
 *
 * const document = new Document('{\n  "port": 0, // the usual one\n}', "a.json");
 * const { faults } = document.locate([{ path: ["port"], message: "is wrong" }]);
 * assert(faults[0]?.line === 2 && faults[0].column === 11);
 * ```
 */
export class Document {
  /** As far as it could be understood; undefined where there is none. */
  readonly value: unknown;
  /** Wrong syntax, once for each line and without a path, and keys that stand twice. */
  readonly faults: readonly Fault[];
  readonly #file: string;
  readonly #root: Node | undefined;
  readonly #lineStarts: readonly number[];

  constructor(text: string, file: string) {
    this.#file = file;
    this.#lineStarts = lineStarts(text);
    const deep = tooDeepAt(text);
    const errors: ParseError[] = [];
    if (deep === undefined) this.#root = parseTree(text, errors, { allowTrailingComma: true });
    this.value = this.#root && getNodeValue(this.#root);
    const syntax = errors.map(({ error, offset }) => {
      const message = text[offset] === "'" ? SINGLE_QUOTE : SYNTAX[printParseErrorCode(error)];
      return this.#fault(offset, [], message ?? "not valid JSON");
    });
    if (deep !== undefined) {
      syntax.push(this.#fault(deep, [], `is nested more than ${MAX_DEPTH} levels deep`));
    }
    // One slip makes the parser stumble more than once in its line.
    const stumbles = syntax.filter(({ line }, at) => line !== syntax[at - 1]?.line);
    this.faults = [...stumbles, ...this.#duplicates(this.#root, [])];
  }

  /** The faults of the text, and the issues that were found in its value. */
  locate(issues: readonly Issue[]): Located {
    const toFault = (issue: Issue): Fault =>
      this.#fault(this.#offsetOf(issue), issue.path, issue.message);
    const wrong = issues.filter(({ isWarning }) => !isWarning);
    const lines = new Set(this.faults.filter(({ path }) => path === "").map(({ line }) => line));
    const twice = new Set(this.faults.map(({ path }) => path).filter((path) => path !== ""));
    // Where the syntax is wrong, or a key stands twice, what was meant is not known.
    const isGuess = ({ path }: Issue, { line }: Fault): boolean =>
      lines.size > 0 && (lines.has(line) || this.#find(path) === undefined) ||
      path.some((_, at) => twice.has(formatPath(path.slice(0, at + 1))));
    const found = wrong.slice(0, MAX_FAULTS).flatMap((issue) => {
      const fault = toFault(issue);
      return isGuess(issue, fault) ? [] : [fault];
    });
    const all = [...this.faults.slice(0, MAX_FAULTS), ...found].sort((a, b) =>
      (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0)
    );
    const left = (list: readonly unknown[]): number => Math.max(0, list.length - MAX_FAULTS);
    return {
      faults: [...new Map(all.map((fault) => [formatFault(fault), fault])).values()],
      more: left(this.faults) + left(wrong),
      warnings: issues.filter(({ isWarning }) => isWarning).map(toFault),
    };
  }

  #find(path: Path): Node | undefined {
    return this.#root && findNodeAtLocation(this.#root, [...path]);
  }

  /** Of the key, of the value, or of the innermost object it is missing from. */
  #offsetOf({ path, isOfKey }: Issue): number {
    const node = this.#find(path);
    const place = isOfKey ? node?.parent?.children?.[0] : node;
    if (place !== undefined || path.length === 0) return place?.offset ?? 0;
    return this.#offsetOf({ path: path.slice(0, -1), message: "" });
  }

  #fault(offset: number, path: Path, message: string): Fault {
    return { file: this.#file, ...this.#position(offset), path: formatPath(path), message };
  }

  #position(offset: number): Position {
    let [low, high] = [0, this.#lineStarts.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((this.#lineStarts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return { line: low + 1, column: offset - (this.#lineStarts[low] ?? 0) + 1 };
  }

  #duplicates(node: Node | undefined, path: Path): Fault[] {
    const seen = new Map<string, Node>();
    return (node?.children ?? []).flatMap((child, at) => {
      if (child.type !== "property") return this.#duplicates(child, [...path, at]);
      const [key = child, value] = child.children ?? [];
      const here = [...path, String(key.value)];
      const below = this.#duplicates(value, here);
      const first = seen.get(key.value);
      if (first === undefined) {
        seen.set(key.value, key);
        return below;
      }
      const { line, column } = this.#position(first.offset);
      const message = `stands twice in one object, first at ${line}:${column}; leave one`;
      return [this.#fault(key.offset, here, message), ...below];
    });
  }
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

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "\n" || text[at] === "\r" && text[at + 1] !== "\n") starts.push(at + 1);
  }
  return starts;
}

const SINGLE_QUOTE = "not JSON; text stands in double quotes, not in single ones";
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
