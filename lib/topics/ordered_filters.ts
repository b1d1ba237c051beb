/**
 * Topic filters in an order, as requests and rules have one.
 *
 * @module
 */
import { FilterIndex } from "./filter_index.ts";
import { first } from "./filter_tree.ts";
import type { Steps } from "./steps.ts";
import { canonicalText, type TopicFilter } from "./topic_filter.ts";

/** A filter and its place in the order. */
export interface Ranked {
  readonly filter: TopicFilter;
  readonly at: number;
}

/** An index of filters in order. Of those that match the same names the first is kept. */
export class OrderedFilters<T extends Ranked = Ranked> extends FilterIndex<T> {
  readonly entries: readonly T[];

  /** Takes entries in the order of their `at`. */
  constructor(entries: Iterable<T>, steps?: Steps) {
    super();
    const byText = new Map<string, T>();
    for (const entry of entries) {
      const text = canonicalText(entry.filter);
      if (byText.has(text)) continue;
      byText.set(text, entry);
      this.add(entry.filter, entry, steps);
    }
    this.entries = [...byText.values()];
  }

  /** The first that matches the name. */
  firstMatching(name: string): T | undefined {
    return first(undefined, this.matching(name));
  }

  /** Those that no other of them covers. */
  widest(steps: Steps): T[] {
    const covered = this.coveredBy(this, steps);
    return this.entries.filter((entry) => !covered.has(entry));
  }
}

/** Filters in the order in which they stand. */
export function rank(filters: readonly TopicFilter[]): Ranked[] {
  return filters.map((filter, at) => ({ filter, at }));
}
