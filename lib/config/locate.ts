/**
 * From issues at paths to faults at lines and columns.
 *
 * @module
 */

import { type Fault, formatFault, MAX_FAULTS } from "./config.ts";
import type { Document, Position } from "./document.ts";
import type { Issue } from "./issues.ts";
import { formatPath } from "./path.ts";

/** What was found in a config, by path. */
export interface Found {
  /** The name of the file, for the faults. */
  readonly file: string;
  readonly issues: readonly Issue[];
  readonly warnings: readonly Issue[];
}

/** What was found, with lines and columns. */
export interface Located {
  /** In the order of the file, each once. */
  readonly faults: readonly Fault[];
  /** How many there are beside them. */
  readonly more: number;
  readonly warnings: readonly Fault[];
}

/** The first issues with lines and columns, and the first of what is wrong in the text itself. */
export function locateAll(
  document: Document,
  { file, issues, warnings }: Found,
): Located {
  const toFault = (issue: Issue): Fault => ({
    file,
    ...positionOf(issue, document),
    path: formatPath(issue.path),
    message: issue.message,
  });
  const broken = new Set(
    document.faults.filter(({ path }) => path === "").map(({ line }) => line),
  );
  const twice = new Set(document.faults.map(({ path }) => path).filter((path) => path !== ""));
  // Where the syntax is wrong, or a key stands twice, what was meant is not known.
  const isGuess = ({ path }: Issue, { line = 0 }: Fault): boolean =>
    broken.size > 0 && (broken.has(line) || document.positionOf(path) === undefined) ||
    path.some((_, at) => twice.has(formatPath(path.slice(0, at + 1))));
  const faults = [
    ...document.faults.slice(0, MAX_FAULTS).map((fault) => ({ file, ...fault })),
    ...issues.slice(0, MAX_FAULTS).map((issue) => ({ issue, fault: toFault(issue) }))
      .flatMap(({ issue, fault }) => isGuess(issue, fault) ? [] : [fault]),
  ].sort((a: Fault, b: Fault) =>
    (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0)
  );
  const distinct = new Map(faults.map((fault) => [formatFault(fault), fault]));
  const more = [document.faults, issues].map(({ length }) => Math.max(0, length - MAX_FAULTS));
  return {
    faults: [...distinct.values()],
    more: more.reduce((sum, one) => sum + one),
    warnings: warnings.map(toFault),
  };
}

/** Where the key or the value stands, or the innermost object it is missing from. */
function positionOf({ path, at }: Issue, document: Document): Position {
  const position = at === "key" ? document.positionOfKey(path) : document.positionOf(path);
  if (position !== undefined) return position;
  if (path.length === 0) return { line: 1, column: 1 };
  return positionOf({ path: path.slice(0, -1), at: "value", message: "" }, document);
}
