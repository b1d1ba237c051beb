/**
 * Finds, among many topic filters, those that have to do with a name or with other filters.
 *
 * @module
 */
import { firstCovering, type Overlap, overlapsBetween } from "./compare_trees.ts";
import {
  addChild,
  childAt,
  createNode,
  type Node,
  removeChild,
  visibleChildren,
} from "./filter_tree.ts";
import type { Steps } from "./steps.ts";
import { isHidden, isOpen, leastLevels, levelAt, type TopicFilter } from "./topic_filter.ts";

/** A node, and how far the name or filter is used up there. */
interface Place<T> {
  readonly node: Node<T>;
  readonly at: number;
}

/**
 * A set of pairs of a topic filter and a value, as a tree over levels. A look-up costs as much as
 * there are levels and branches on the way, however many filters there are. Filters that match the
 * same names (`#` and `+/#`) are one filter here. Methods that may take too long count
 * {@linkcode Steps}.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { FilterIndex } from "./filter_index.ts";
 * import { parseTopicFilter } from "./topic_filter.ts";
 *
 * const index = new FilterIndex<number>();
 * index.add(parseTopicFilter("a/+"), 1);
 * index.add(parseTopicFilter("a/#"), 2);
 * assert.equal(index.matching("a").join(), "2");
 * assert.equal(index.overlapping(parseTopicFilter("a/b")).length, 2);
 * ```
 */
export class FilterIndex<T> {
  readonly #root: Node<T> = createNode();

  /** How many pairs it has. */
  get size(): number {
    return this.#root.size;
  }

  /** Adds a pair. Does nothing if it has it already. */
  add(filter: TopicFilter, value: T, steps?: Steps): void {
    const path = [this.#root];
    const count = leastLevels(filter);
    let node = this.#root;
    for (let i = 0; i < count; i++) {
      const level = levelAt(filter, i);
      node = childAt(node, level) ?? addChild(node, level, steps);
      path.push(node);
    }
    const values = isOpen(filter) ? node.open ??= new Set() : node.exact ??= new Set();
    if (values.has(value)) return;
    values.add(value);
    for (const one of path) one.size++;
  }

  /** Takes a pair out, and says whether it had it. */
  delete(filter: TopicFilter, value: T): boolean {
    const path = [this.#root];
    const count = leastLevels(filter);
    let node = this.#root;
    for (let i = 0; i < count; i++) {
      const next = childAt(node, levelAt(filter, i));
      if (next === undefined) return false;
      path.push(next);
      node = next;
    }
    const values = isOpen(filter) ? node.open : node.exact;
    if (values === undefined || !values.delete(value)) return false;
    if (values.size === 0) {
      if (isOpen(filter)) node.open = undefined;
      else node.exact = undefined;
    }
    for (const [i, one] of path.entries()) {
      one.size--;
      const parent = path[i - 1];
      if (one.size > 0 || parent === undefined) continue;
      removeChild(parent, levelAt(filter, i - 1));
      break;
    }
    return true;
  }

  /**
   * The values whose filter matches the name, once for each such filter. The order depends on the
   * filters alone; the values of one filter come in the order in which they were added.
   */
  matching(name: string): T[] {
    const found: T[] = [];
    this.#match(name, found);
    return found;
  }

  /** Whether some filter matches the name. */
  anyMatch(name: string): boolean {
    return this.#match(name, undefined);
  }

  /** The values whose filter has a name in common with `filter`, if names of any length count. */
  overlapping(filter: TopicFilter): T[] {
    return [...this.#overlapping(filter)];
  }

  /** Whether {@linkcode overlapping} would give something. */
  anyOverlapping(filter: TopicFilter): boolean {
    return !this.#overlapping(filter).next().done;
  }

  /**
   * The pairs of a value of this index and one of another whose filters have a name in common, if
   * names of any length count. They come in groups, so that they can be counted without being made.
   */
  overlaps<U>(other: FilterIndex<U>, steps: Steps): Iterable<Overlap<T, U>> {
    return overlapsBetween([this.#root, other.#root], steps);
  }

  /**
   * The values whose filters are covered by filters of `other`, each with that value of `other` that
   * covers it and has the least `at`. If `other` is this very index, no value covers itself.
   */
  coveredBy<U extends { readonly at: number }>(other: FilterIndex<U>, steps: Steps): Map<T, U> {
    return firstCovering([this.#root, other.#root], steps);
  }

  /**
   * Whether all filters together match every name that `filter` matches, if names of any length
   * count: `a` and `a/+/#` together do so for `a/#`. No part of the tree is looked at twice.
   */
  coversJointly(filter: TopicFilter, steps?: Steps): boolean {
    // Think of names that have, for each level that `filter` leaves open, a text that is in no
    // filter here. Only `+` and `#` match that. If all such names are covered, so are all others.
    let nodes = [this.#root];
    const count = leastLevels(filter);
    for (let at = 0; at < count; at++) {
      const level = levelAt(filter, at);
      nodes = nodes.flatMap((node) => coveringChildren(node, level, at === 0));
      steps?.take(1 + nodes.length);
      if (nodes.length === 0) return false;
      if (nodes.some((node) => node.open)) return true;
    }
    if (!isOpen(filter)) return nodes.some((node) => node.exact);
    // So far the shortest names. Now those that are one level longer, two levels longer …
    while (nodes.some((node) => node.exact)) {
      nodes = nodes.flatMap(({ plus }) => plus ?? []);
      steps?.take(1 + nodes.length);
      if (nodes.some((node) => node.open)) return true;
    }
    return false;
  }

  /** Adds to `found`; without it, stops at the first. Says whether something was found. */
  #match(name: string, found: T[] | undefined): boolean {
    if (name === "") return false;
    const others: Place<T>[] = [];
    let node = this.#root;
    let at = 0;
    let any = false;
    while (true) {
      const slash = name.indexOf("/", at);
      const isLast = slash < 0;
      const literal = node.children?.get(isLast ? name.slice(at) : name.slice(at, slash));
      const plus = at === 0 && isHidden(name) ? undefined : node.plus;
      if (literal !== undefined && collect(literal, isLast, found)) any = true;
      if (plus !== undefined && collect(plus, isLast, found)) any = true;
      if (any && found === undefined) return true;
      const next = isLast ? undefined : literal ?? plus;
      if (next !== undefined) {
        at = slash + 1;
        node = next;
        if (literal !== undefined && plus !== undefined) others.push({ node: plus, at });
        continue;
      }
      const other = others.pop();
      if (other === undefined) return any;
      ({ node, at } = other);
    }
  }

  *#overlapping(filter: TopicFilter): Generator<T> {
    const count = leastLevels(filter);
    const places: Place<T>[] = [{ node: this.#root, at: 0 }];
    for (let place = places.pop(); place !== undefined; place = places.pop()) {
      const { node, at } = place;
      if (node.open) yield* node.open;
      if (at === count && node.exact) yield* node.exact;
      if (at === count && !isOpen(filter)) continue;
      const level = at < count ? levelAt(filter, at) : "+";
      const next = Math.min(at + 1, count);
      for (const child of coveringChildren(node, level, at === 0)) {
        places.push({ node: child, at: next });
      }
      if (level !== "+") continue;
      for (const child of visibleChildren(node, at === 0)) places.push({ node: child, at: next });
    }
  }
}

/** The children that match all of what `level` matches: at most two. */
function coveringChildren<T>(node: Node<T>, level: string, isFirst: boolean): Node<T>[] {
  const plus = isFirst && isHidden(level) ? undefined : node.plus;
  const literal = level === "+" ? undefined : node.children?.get(level);
  return [plus, literal].filter((child) => child !== undefined);
}

/** Adds the values of a node to `found`, and says whether there are some. */
function collect<T>(node: Node<T>, isLast: boolean, found: T[] | undefined): boolean {
  const exact = isLast ? node.exact : undefined;
  if (found !== undefined) {
    if (node.open) { for (const value of node.open) found.push(value); }
    if (exact) { for (const value of exact) found.push(value); }
  }
  return node.open !== undefined || exact !== undefined;
}
