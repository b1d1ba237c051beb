/**
 * Topic filters as a tree over levels: what {@linkcode FilterIndex} is made of, and how all filters
 * of one tree compare with all of another; what begins alike is compared once. No function is
 * recursive, since a filter may have 65,536 levels.
 *
 * @module
 */
import type { Steps } from "./steps.ts";
import { isHidden } from "./topic_filter.ts";

/** How many {@linkcode Steps} a new node costs: it takes some 200 bytes. */
const NODE_STEPS = 10;

/** What follows the levels on the way from the root. A set that is there is not empty. */
export interface Node<T> {
  children: Map<string, Node<T>> | undefined;
  /** The child for `+`. */
  plus: Node<T> | undefined;
  /** Values of the filter that ends here. */
  exact: Set<T> | undefined;
  /** Values of the filter that goes on with `#`. */
  open: Set<T> | undefined;
  /** How many values there are here and below. */
  size: number;
}

/** Some values, and how many. */
export interface Values<T> extends Iterable<T> {
  readonly size: number;
}

/** A node that leads nowhere yet. */
export function createNode<T>(): Node<T> {
  return { children: undefined, plus: undefined, exact: undefined, open: undefined, size: 0 };
}

/** Makes the child for a level. */
export function addChild<T>(node: Node<T>, level: string, steps?: Steps): Node<T> {
  steps?.take(NODE_STEPS);
  const child = createNode<T>();
  if (level === "+") node.plus = child;
  else (node.children ??= new Map()).set(level, child);
  return child;
}

/** The children for literals that `+` matches. In the first level it matches no `$…`. */
export function* visibleChildren<T>(node: Node<T>, isFirst: boolean): Generator<Node<T>> {
  for (const [literal, child] of node.children ?? []) {
    if (!isFirst || !isHidden(literal)) yield child;
  }
}

/** The values at a node and below it, but for `except`, which are some of these. */
export function valuesBelow<T>(top: Node<T>, except?: ReadonlySet<T>): Values<T> {
  return {
    size: top.size - (except?.size ?? 0),
    [Symbol.iterator]: () => listBelow(top, except).values(),
  };
}

function listBelow<T>(top: Node<T>, except: ReadonlySet<T> | undefined): T[] {
  const values: T[] = [];
  const nodes = [top];
  for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
    if (node.open && node.open !== except) { for (const value of node.open) values.push(value); }
    if (node.exact) { for (const value of node.exact) values.push(value); }
    if (node.plus) nodes.push(node.plus);
    if (node.children) { for (const child of node.children.values()) nodes.push(child); }
  }
  return values;
}

/** Values of two trees: every filter on the left overlaps every filter on the right. */
export interface Overlap<A, B> {
  readonly left: Values<A>;
  readonly right: Values<B>;
}

/** A node of one tree, and what of the other covers the filters that pass it. */
interface Place<A, B> {
  readonly node: Node<A>;
  /** The nodes of the other tree on whose way each level covers that on the way to `node`. */
  readonly over: readonly Node<B>[];
  /** The first of those that end with `#` before `node`, and so cover all that passes it. */
  readonly above: B | undefined;
}

/**
 * The pairs of overlapping filters, in groups: a filter that ends with `#` overlaps all that is
 * below its node, which need not be looked at. No pair is in two groups.
 */
export function* overlapsBetween<A, B>(
  roots: readonly [Node<A>, Node<B>],
  steps?: Steps,
): Generator<Overlap<A, B>> {
  const pairs = [roots];
  for (let pair = pairs.pop(); pair !== undefined; pair = pairs.pop()) {
    steps?.take(1);
    const [a, b] = pair;
    if (a.open) yield { left: a.open, right: valuesBelow(b) };
    if (b.open && a.size > (a.open?.size ?? 0)) {
      yield { left: valuesBelow(a, a.open), right: b.open };
    }
    if (a.exact && b.exact) yield { left: a.exact, right: b.exact };
    const isFirst = pair === roots;
    if (a.plus && b.plus) pairs.push([a.plus, b.plus]);
    if (a.plus) { for (const child of visibleChildren(b, isFirst)) pairs.push([a.plus, child]); }
    if (b.plus) { for (const child of visibleChildren(a, isFirst)) pairs.push([child, b.plus]); }
    for (const [, inA, inB] of inBoth(a.children, b.children, steps)) pairs.push([inA, inB]);
  }
}

/**
 * For each value of one tree the first of another, by `at`, whose filter covers that of the value.
 * If the two are one tree, no value covers itself.
 */
export function firstCovering<A, B extends { readonly at: number }>(
  [root, otherRoot]: readonly [Node<A>, Node<B>],
  steps: Steps,
): Map<A, B> {
  const found = new Map<A, B>();
  const note = (values: Iterable<A> | undefined, covering: B | undefined): void => {
    if (values === undefined || covering === undefined) return;
    for (const value of values) found.set(value, covering);
  };
  const places: Place<A, B>[] = [{ node: root, over: [otherRoot], above: undefined }];
  for (let place = places.pop(); place !== undefined; place = places.pop()) {
    const { node, over, above } = place;
    // The first that covers the filter that ends here, that ends here with `#`, all that goes on.
    let exact = above;
    let open = above;
    let below = above;
    const pluses: Node<B>[] = [];
    for (const one of over) {
      if (one.plus) pluses.push(one.plus);
      below = first(below, one.open);
      if (Object.is(one, node)) continue;
      open = first(open, one.open);
      exact = first(exact, one.exact);
    }
    note(node.open, open);
    note(node.exact, first(exact, below && [below]));
    const visit = (child: Node<A>, overChild: readonly Node<B>[]): void => {
      steps.take(1 + overChild.length);
      if (overChild.length > 0) places.push({ node: child, over: overChild, above: below });
      else if (below !== undefined) note(valuesBelow(child), below);
    };
    if (node.plus) visit(node.plus, pluses);
    if (node.children === undefined) continue;
    const alike = childrenByLiteral(over, node.children, steps);
    for (const [literal, child] of node.children) {
      const wild = node === root && isHidden(literal) ? [] : pluses;
      const same = alike.get(literal);
      visit(child, same === undefined ? wild : wild.concat(same));
    }
  }
  return found;
}

/** The children of the nodes for literals, at least for those that `wanted` has too. */
function childrenByLiteral<A, B>(
  nodes: readonly Node<B>[],
  wanted: ReadonlyMap<string, Node<A>>,
  steps: Steps,
): ReadonlyMap<string, Node<B> | Node<B>[]> {
  const [only] = nodes;
  if (only !== undefined && nodes.length === 1) return only.children ?? new Map();
  const found = new Map<string, Node<B>[]>();
  for (const { children } of nodes) {
    for (const [literal, , child] of inBoth(wanted, children, steps)) {
      const known = found.get(literal);
      if (known === undefined) found.set(literal, [child]);
      else known.push(child);
    }
  }
  return found;
}

/** The keys of both maps with their values. It costs as much as the smaller map has keys. */
function* inBoth<A, B>(
  a: ReadonlyMap<string, A> | undefined,
  b: ReadonlyMap<string, B> | undefined,
  steps?: Steps,
): Generator<[key: string, a: A, b: B]> {
  if (a === undefined || b === undefined) return;
  const fewer = a.size < b.size ? a : b;
  steps?.take(fewer.size);
  for (const key of fewer.keys()) {
    const [inA, inB] = [a.get(key), b.get(key)];
    if (inA !== undefined && inB !== undefined) yield [key, inA, inB];
  }
}

/** The one with the least `at`. */
export function first<T extends { readonly at: number }>(
  one: T | undefined,
  others: Iterable<T> | undefined,
): T | undefined {
  if (others === undefined) return one;
  let least = one;
  for (const value of others) {
    if (least === undefined || value.at < least.at) least = value;
  }
  return least;
}
