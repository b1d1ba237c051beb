/**
 * Finds, among many topic filters, those that have to do with a name or with other filters.
 *
 * @module
 */
import {
  addChild,
  createNode,
  firstCovering,
  type Node,
  type Overlap,
  overlapsBetween,
} from "./filter_tree.ts";
import type { Steps } from "./steps.ts";
import { isHidden, isOpen, leastLevels, levelAt, type TopicFilter } from "./topic_filter.ts";

/** A node, and how far the name is used up there. */
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
    const path = this.#path(filter, (node, level) => addChild(node, level, steps));
    const node = path.at(-1) ?? this.#root;
    const values = isOpen(filter) ? node.open ??= new Set() : node.exact ??= new Set();
    if (values.has(value)) return;
    values.add(value);
    for (const one of path) one.size++;
  }

  /** Takes a pair out, and says whether it had it. */
  delete(filter: TopicFilter, value: T): boolean {
    const path = this.#path(filter, () => undefined);
    const node = path[leastLevels(filter)];
    const kind = isOpen(filter) ? "open" : "exact";
    if (!node?.[kind]?.delete(value)) return false;
    if (node[kind].size === 0) node[kind] = undefined;
    for (const [i, one] of path.entries()) {
      one.size--;
      const parent = path[i - 1];
      if (one.size > 0 || parent === undefined) continue;
      const level = levelAt(filter, i - 1);
      if (level === "+") parent.plus = undefined;
      else parent.children?.delete(level);
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
    return [...this.overlaps(alone(filter))].flatMap(({ left }) => [...left]);
  }

  /** Whether {@linkcode overlapping} would give something. */
  anyOverlapping(filter: TopicFilter): boolean {
    return this.overlapsAny(alone(filter));
  }

  /**
   * The pairs of a value of this index and one of another whose filters have a name in common, if
   * names of any length count. They come in groups, so that they can be counted without being made.
   */
  overlaps<U>(other: FilterIndex<U>, steps?: Steps): Iterable<Overlap<T, U>> {
    return overlapsBetween([this.#root, other.#root], steps);
  }

  /** Whether there is such a pair. */
  overlapsAny(other: FilterIndex<unknown>, steps?: Steps): boolean {
    for (const _ of this.overlaps(other, steps)) return true;
    return false;
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

  /** The nodes on the way to where a filter ends; those that `grow` gives are new. */
  #path(
    filter: TopicFilter,
    grow: (node: Node<T>, level: string) => Node<T> | undefined,
  ): Node<T>[] {
    const path = [this.#root];
    const count = leastLevels(filter);
    let node = this.#root;
    for (let i = 0; i < count; i++) {
      const level = levelAt(filter, i);
      const next = (level === "+" ? node.plus : node.children?.get(level)) ?? grow(node, level);
      if (next === undefined) break;
      path.push(node = next);
    }
    return path;
  }
}

/** An index of one filter. */
function alone(filter: TopicFilter): FilterIndex<true> {
  const index = new FilterIndex<true>();
  index.add(filter, true);
  return index;
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
