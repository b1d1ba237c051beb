/**
 * Finds the name that was probably meant.
 *
 * @module
 */

/**
 * The candidate nearest to `name` by edit distance, or undefined where none is near: at most a third
 * of the characters may differ, and two in short names. Case, `-` and `_` do not count.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { nearest } from "./nearest_key.ts";
 *
 * assert(nearest("pasword", ["host", "password"]) === "password");
 * assert(nearest("keepAlive", ["keepalive"]) === "keepalive");
 * assert(nearest("zzz", ["host"]) === undefined);
 * ```
 */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  const wanted = plain(name).slice(0, 100);
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of candidates) {
    const known = plain(candidate);
    const distance = editDistance(wanted, known);
    if (distance < bestDistance && distance < Math.max(wanted.length, known.length) - 1) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[-_]/g, "");
}

/** Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let least = Math.min(
        cell(last, j) + 1,
        cell(row, j - 1) + 1,
        cell(last, j - 1) + (same ? 0 : 1),
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, cell(beforeLast, j - 2) + 1);
      }
      row.push(least);
    }
    beforeLast = last;
    last = row;
  }
  return cell(last, b.length);
}

function cell(row: readonly number[], at: number): number {
  return row[at] ?? Infinity;
}
