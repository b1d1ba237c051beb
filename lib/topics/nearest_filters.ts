/**
 * Finds the topic filters that were probably meant.
 *
 * @module
 */
import type { TopicFilter } from "./topic_filter.ts";

/** How many characters and levels of a topic are compared. */
const MAX_COMPARED_CHARACTERS = 64;
/** How many candidates are compared character by character. */
const MAX_COMPARED_FILTERS = 1_000;

/** How near a filter is. */
interface Nearness {
  readonly filter: TopicFilter;
  /** How many leading levels are literally the same. A `+` counts for nothing, but ends nothing. */
  readonly shared: number;
  readonly edits: number;
}

/**
 * The filters nearest to a topic name or filter: those that share the most leading levels, of these
 * those that fewest edits make the same, of these the first. At most 1,000 filters are compared
 * character by character, and of each the first 64 characters.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { nearestFilters } from "./nearest_filters.ts";
 * import { parseTopicFilter } from "./topic_filter.ts";
 *
 * const filters = ["status", "sensors/+/temperature"].map(parseTopicFilter);
 * const [nearest] = nearestFilters("sensor/attic/temperature", filters, 1);
 * assert.equal(nearest?.text, "sensors/+/temperature");
 * ```
 */
export function nearestFilters(
  text: string,
  filters: readonly TopicFilter[],
  limit: number,
): TopicFilter[] {
  const levels = text.split("/", MAX_COMPARED_CHARACTERS);
  const wanted = text.slice(0, MAX_COMPARED_CHARACTERS);
  return filters
    .map((filter) => ({ filter, shared: sharedLevels(levels, filter) }))
    .sort((a, b) => b.shared - a.shared)
    .slice(0, MAX_COMPARED_FILTERS)
    .map(({ filter, shared }): Nearness => {
      return { filter, shared, edits: editDistance(wanted, fillIn(filter, levels)) };
    })
    .sort((a, b) => b.shared - a.shared || a.edits - b.edits)
    .slice(0, limit)
    .map(({ filter }) => filter);
}

function sharedLevels(levels: readonly string[], filter: TopicFilter): number {
  let shared = 0;
  for (const [i, level] of filter.levels.entries()) {
    if (i >= levels.length || level === "#") break;
    if (level === levels[i]) shared++;
    else if (level !== "+") break;
  }
  return shared;
}

/** The filter with the levels of the topic in place of its wildcards. */
function fillIn(filter: TopicFilter, levels: readonly string[]): string {
  return filter.levels
    .slice(0, MAX_COMPARED_CHARACTERS)
    .flatMap((level, i) => {
      if (level === "#") return levels.slice(i);
      return level === "+" ? levels[i] ?? level : level;
    })
    .join("/")
    .slice(0, MAX_COMPARED_CHARACTERS);
}

/**
 * How many insertions, deletions, replacements and swaps of neighbours turn `a` into `b`, of less than
 * 256 characters.
 */
export function editDistance(a: string, b: string): number {
  // The usual table, of which three rows are kept: the edits that turn the first `i` characters of `a`
  // into the first `j` of `b`.
  let before = new Uint8Array(b.length + 1);
  let above = new Uint8Array(b.length + 1);
  let row = Uint8Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    [before, above, row] = [above, row, before];
    const [last, code] = [a.charCodeAt(i - 2), a.charCodeAt(i - 1)];
    let left = row[0] = i;
    for (let j = 1; j <= b.length; j++) {
      const isSame = code === b.charCodeAt(j - 1);
      const diagonal = above[j - 1] ?? 0;
      left = Math.min(left + 1, (above[j] ?? 0) + 1, isSame ? diagonal : diagonal + 1);
      const isSwap = code === b.charCodeAt(j - 2) && last === b.charCodeAt(j - 1);
      if (isSwap) left = Math.min(left, (before[j - 2] ?? 0) + 1);
      row[j] = left;
    }
  }
  return row[b.length] ?? 0;
}
