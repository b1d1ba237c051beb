/**
 * From issues at paths to faults at lines and columns.
 *
 * @module
 */

import type { Fault } from "./config.ts";
import type { Document } from "./document.ts";
import type { Issue } from "./issues.ts";
import { formatPath, type Path } from "./path.ts";

/** What was found in a config, by path. */
export interface Found {
  /** The name of the file, for the faults. */
  readonly file: string;
  readonly issues: readonly Issue[];
  readonly warnings: readonly Issue[];
}

/** The same with lines and columns, and with what is wrong in the text itself. */
export function locateAll(
  document: Document,
  { file, issues, warnings }: Found,
): { readonly faults: readonly Fault[]; readonly warnings: readonly Fault[] } {
  return {
    faults: locateFaults(document, file, issues),
    warnings: warnings.map((issue) => locate(document, file, issue)),
  };
}

/** The faults in the order of the file, each once. */
function locateFaults(document: Document, file: string, issues: readonly Issue[]): Fault[] {
  const syntax = document.faults.map(({ offset, path, message }) => ({
    file,
    ...document.position(offset),
    path,
    message,
  }));
  const broken = new Set<number | undefined>(
    syntax.filter((fault) => fault.path === "").map((fault) => fault.line),
  );
  const seen = new Set<string>();
  const found = issues.flatMap((issue) => {
    const fault = locate(document, file, issue);
    const key = `${fault.path}: ${fault.message}`;
    const bogus = broken.size > 0 &&
      (broken.has(fault.line) || document.offsetOf(issue.path) === undefined);
    if (bogus || seen.has(key)) return [];
    seen.add(key);
    return [fault];
  });
  const order = (a: Fault, b: Fault): number =>
    (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);
  return [...firstOfEachLine(syntax), ...found].sort(order);
}

/** One slip makes the parser stumble more than once in its line. */
function firstOfEachLine(faults: readonly Fault[]): Fault[] {
  const lines = new Set<number | undefined>();
  return faults.filter((fault) => {
    if (fault.path !== "") return true;
    const isFirst = !lines.has(fault.line);
    lines.add(fault.line);
    return isFirst;
  });
}

function locate(document: Document, file: string, issue: Issue): Fault {
  const offset = issue.at === "key"
    ? document.keyOffsetOf(issue.path)
    : nearestOffset(document, issue.path);
  return {
    file,
    ...document.position(offset ?? 0),
    path: formatPath(issue.path),
    message: issue.message,
  };
}

/** Where the value stands, or the innermost object it is missing from. */
function nearestOffset(document: Document, path: Path): number | undefined {
  for (let length = path.length; length >= 0; length--) {
    const offset = document.offsetOf(path.slice(0, length));
    if (offset !== undefined) return offset;
  }
  return undefined;
}
