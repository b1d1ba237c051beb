/**
 * Topic filters in an order, as requests and rules have one.
 *
 * @module
 */
import type { Overlap } from "./compare_trees.ts";
import { FilterIndex } from "./filter_index.ts";
import type { Steps } from "./steps.ts";
import { canonicalText, type TopicFilter } from "./topic_filter.ts";

/** A filter and its place in the order. */
export interface Ranked {
  readonly filter: TopicFilter;
  readonly at: number;
}

/** Filters in order, with an index of them. Of those that match the same names the first is kept. */
export class OrderedFilters<T extends Ranked = Ranked> {
  readonly entries: readonly T[];
  readonly index = new FilterIndex<T>();

  /** Takes entries in the order of their `at`. */
  constructor(entries: Iterable<T>, steps?: Steps) {
    const byText = new Map<string, T>();
    for (const entry of entries) {
      const text = canonicalText(entry.filter);
      if (byText.has(text)) continue;
      byText.set(text, entry);
      this.index.add(entry.filter, entry, steps);
    }
    this.entries = [...byText.values()];
  }

  /** The first that matches the name. */
  firstMatching(name: string): T | undefined {
    let first: T | undefined;
    for (const entry of this.index.matching(name)) {
      if (first === undefined || entry.at < first.at) first = entry;
    }
    return first;
  }

  /**
   * Those that are covered, each with the first of `others` that covers it; see
   * {@linkcode FilterIndex.coveredBy}.
   */
  coveredBy<U extends Ranked>(others: OrderedFilters<U>, steps: Steps): Map<T, U> {
    return this.index.coveredBy(others.index, steps);
  }

  /** Those that no other of them covers. */
  widest(steps: Steps): T[] {
    const covered = this.coveredBy(this, steps);
    return this.entries.filter((entry) => !covered.has(entry));
  }

  /** The pairs of overlapping filters; see {@linkcode FilterIndex.overlaps}. */
  overlaps<U extends Ranked>(others: OrderedFilters<U>, steps: Steps): Iterable<Overlap<T, U>> {
    return this.index.overlaps(others.index, steps);
  }

  /** Whether there is such a pair. */
  overlapsAny(others: OrderedFilters, steps: Steps): boolean {
    for (const _ of this.overlaps(others, steps)) return true;
    return false;
  }
}

/** Filters in the order in which they stand. */
export function rank(filters: readonly TopicFilter[]): Ranked[] {
  return filters.map((filter, at) => ({ filter, at }));
}
