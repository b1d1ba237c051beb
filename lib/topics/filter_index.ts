/**
 * Finds, among many topic filters, those that have to do with a name or with another filter.
 *
 * @module
 */
import { isHidden, isOpen, leastLevels, levelAt, type TopicFilter } from "./topic_filter.ts";

/** What follows the levels on the way from the root. A set that is there is not empty. */
interface Node<T> {
  children: Map<string, Node<T>> | undefined;
  /** The child for `+`. */
  plus: Node<T> | undefined;
  /** Values of the filter that ends here. */
  exact: Set<T> | undefined;
  /** Values of the filter that goes on with `#`. */
  open: Set<T> | undefined;
}

/** A node, and how far the name or filter is used up there. */
interface Place<T> {
  readonly node: Node<T>;
  readonly at: number;
}

/**
 * A set of pairs of a topic filter and a value, as a trie over levels. What is looked up costs as
 * much as there are levels and branches on the way, however many filters there are. Filters that
 * match the same names (`#` and `+/#`) are one filter here. No recursion: a filter may have 65,536
 * levels.
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
 * assert.equal(index.covering(parseTopicFilter("a/b")).length, 2);
 * ```
 */
export class FilterIndex<T> {
  readonly #root: Node<T> = createNode();
  #size = 0;

  /** How many pairs there are. */
  get size(): number {
    return this.#size;
  }

  /** Adds a pair; does nothing where it is there already. */
  add(filter: TopicFilter, value: T): void {
    let node = this.#root;
    const count = leastLevels(filter);
    for (let i = 0; i < count; i++) node = childFor(node, levelAt(filter, i));
    const values = isOpen(filter) ? node.open ??= new Set() : node.exact ??= new Set();
    if (values.has(value)) return;
    values.add(value);
    this.#size++;
  }

  /** Takes a pair out, and says whether it was there. */
  delete(filter: TopicFilter, value: T): boolean {
    const path = [this.#root];
    const count = leastLevels(filter);
    let node = this.#root;
    for (let i = 0; i < count; i++) {
      const level = levelAt(filter, i);
      const next = level === "+" ? node.plus : node.children?.get(level);
      if (next === undefined) return false;
      path.push(next);
      node = next;
    }
    const values = isOpen(filter) ? node.open : node.exact;
    if (values === undefined || !values.delete(value)) return false;
    this.#size--;
    if (values.size === 0) {
      if (isOpen(filter)) node.open = undefined;
      else node.exact = undefined;
      prune(path, filter);
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

  /** The values whose filter has a name in common with `filter`, were names of any length allowed. */
  overlapping(filter: TopicFilter): T[] {
    return [...this.#overlapping(filter)];
  }

  /** Whether {@linkcode overlapping} would give something. */
  anyOverlapping(filter: TopicFilter): boolean {
    return !this.#overlapping(filter).next().done;
  }

  /** The values whose filter matches every name that `filter` matches. */
  covering(filter: TopicFilter): T[] {
    return [...this.#covering(filter)];
  }

  /** Whether {@linkcode covering} would give something. */
  anyCovering(filter: TopicFilter): boolean {
    return !this.#covering(filter).next().done;
  }

  /**
   * Whether all filters together match every name that `filter` matches, were names of any length
   * allowed: `a` and `a/+/#` together do so for `a/#`.
   */
  coversJointly(filter: TopicFilter): boolean {
    // A level in which no filter has a literal is the hardest to match where `+` or `#` allow any,
    // since only `+` and `#` match it. So it stands for all of them.
    let nodes = [this.#root];
    const count = leastLevels(filter);
    for (let i = 0; i < count; i++) {
      nodes = nodes.flatMap((node) => [...coveringChildren(node, levelAt(filter, i), i === 0)]);
      if (nodes.some((node) => node.open)) return true;
    }
    if (!isOpen(filter)) return nodes.some((node) => node.exact);
    while (nodes.some((node) => node.exact)) {
      nodes = nodes.flatMap(({ plus }) => plus ?? []);
      if (nodes.some((node) => node.open)) return true;
    }
    return false;
  }

  /** Every value, once for each of its filters. */
  values(): T[] {
    const found: T[] = [];
    const nodes = [this.#root];
    for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
      found.push(...node.open ?? [], ...node.exact ?? []);
      for (const child of overlappingChildren(node, "+", false)) nodes.push(child);
    }
    return found;
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
      if (at < count) {
        for (const child of overlappingChildren(node, levelAt(filter, at), at === 0)) {
          places.push({ node: child, at: at + 1 });
        }
        continue;
      }
      if (node.exact) yield* node.exact;
      if (!isOpen(filter)) continue;
      for (const child of overlappingChildren(node, "+", false)) places.push({ node: child, at });
    }
  }

  *#covering(filter: TopicFilter): Generator<T> {
    const count = leastLevels(filter);
    const places: Place<T>[] = [{ node: this.#root, at: 0 }];
    for (let place = places.pop(); place !== undefined; place = places.pop()) {
      const { node, at } = place;
      if (node.open) yield* node.open;
      if (at < count) {
        for (const child of coveringChildren(node, levelAt(filter, at), at === 0)) {
          places.push({ node: child, at: at + 1 });
        }
      } else if (node.exact && !isOpen(filter)) yield* node.exact;
    }
  }
}

/** The children that match some of what `level` matches. */
function* overlappingChildren<T>(
  node: Node<T>,
  level: string,
  isFirst: boolean,
): Generator<Node<T>> {
  if (level !== "+") {
    yield* coveringChildren(node, level, isFirst);
    return;
  }
  if (node.plus) yield node.plus;
  for (const [literal, child] of node.children ?? []) {
    if (!isFirst || !isHidden(literal)) yield child;
  }
}

/** The children that match all of what `level` matches. */
function* coveringChildren<T>(node: Node<T>, level: string, isFirst: boolean): Generator<Node<T>> {
  if (node.plus && !(isFirst && isHidden(level))) yield node.plus;
  if (level === "+") return;
  const child = node.children?.get(level);
  if (child) yield child;
}

function collect<T>(node: Node<T>, isLast: boolean, found: T[] | undefined): boolean {
  const exact = isLast ? node.exact : undefined;
  if (found !== undefined) {
    if (node.open) { for (const value of node.open) found.push(value); }
    if (exact) { for (const value of exact) found.push(value); }
  }
  return node.open !== undefined || exact !== undefined;
}

function createNode<T>(): Node<T> {
  return { children: undefined, plus: undefined, exact: undefined, open: undefined };
}

function childFor<T>(node: Node<T>, level: string): Node<T> {
  if (level === "+") return node.plus ??= createNode();
  const children = node.children ??= new Map();
  const child = children.get(level) ?? createNode<T>();
  children.set(level, child);
  return child;
}

/** Takes out the nodes at the end of the path of `filter` that lead nowhere any more. */
function prune<T>(path: Node<T>[], filter: TopicFilter): void {
  for (let i = path.length - 1; i > 0; i--) {
    const node = path[i];
    const parent = path[i - 1];
    if (!node || !parent || node.children || node.plus || node.exact || node.open) return;
    const level = levelAt(filter, i - 1);
    if (level === "+") parent.plus = undefined;
    else parent.children?.delete(level);
    if (parent.children?.size === 0) parent.children = undefined;
  }
}
