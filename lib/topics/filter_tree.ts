/**
 * Topic filters as a tree over levels: what {@linkcode FilterIndex} is made of. No function is
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

/** The child for a level: for a literal, or for `+`. */
export function childAt<T>(node: Node<T>, level: string): Node<T> | undefined {
  return level === "+" ? node.plus : node.children?.get(level);
}

/** Makes the child for a level. */
export function addChild<T>(node: Node<T>, level: string, steps?: Steps): Node<T> {
  steps?.take(NODE_STEPS);
  const child = createNode<T>();
  if (level === "+") node.plus = child;
  else (node.children ??= new Map()).set(level, child);
  return child;
}

/** Takes the child for a level away. */
export function removeChild<T>(node: Node<T>, level: string): void {
  if (level === "+") node.plus = undefined;
  else node.children?.delete(level);
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
