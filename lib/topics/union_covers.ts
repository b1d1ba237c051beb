/**
 * Whether several filters together match all that one matches.
 *
 * @module
 */
import { covers, type TopicFilter } from "./topic_filter.ts";

/** How many steps are taken before the question is given up. */
const MAX_STEPS = 20_000;

interface Walk {
  readonly filter: TopicFilter;
  readonly known: Map<string, boolean>;
  steps: number;
}

/** A set of names by their first levels: those levels as the patterns tell them apart. */
interface Prefix {
  readonly length: number;
  /** Whether the levels so far are a topic name: a single empty level is none. */
  readonly isName: boolean;
  /** The patterns that match the levels so far, by number. */
  readonly active: ReadonlyMap<number, TopicFilter>;
}

/**
 * Whether every topic name that `filter` matches is matched by one of `patterns`. Exact, but where
 * it would take more than 20,000 steps: then false.
 *
 * ```ts
 * import { parseTopicFilter } from "./topic_filter.ts";
 * import { unionCovers } from "./union_covers.ts";
 *
 * const patterns = ["a", "a/+/#"].map(parseTopicFilter);
 * console.assert(unionCovers(patterns, parseTopicFilter("a/#")));
 * ```
 */
export function unionCovers(patterns: readonly TopicFilter[], filter: TopicFilter): boolean {
  if (patterns.some((pattern) => covers(pattern, filter))) return true;
  return isCovered({ filter, known: new Map(), steps: 0 }, {
    length: 0,
    isName: false,
    active: new Map(patterns.entries()),
  });
}

/** Whether every name of the filter that begins with the prefix is matched. */
function isCovered(walk: Walk, prefix: Prefix): boolean {
  const { length, isName, active } = prefix;
  if (active.size === 0 || ++walk.steps > MAX_STEPS) return false;
  // In the first level `#` matches no name that begins with `$`; only the next step can tell.
  if (length > 0 && some(active, ({ levels }) => levels[length] === "#")) return true;
  const { levels } = walk.filter;
  const hash = levels.at(-1) === "#" ? levels.length - 1 : Infinity;
  const mayEnd = isName && (length === levels.length || length >= hash);
  if (mayEnd && !some(active, (pattern) => pattern.levels.length === length)) return false;
  if (length >= levels.length && length < hash) return true;
  const key = `${length} ${isName} ${[...active.keys()].join()}`;
  const known = walk.known.get(key);
  if (known !== undefined) return known;
  const level = length >= hash ? "#" : levels[length] ?? "#";
  const result = symbolsOf(level, prefix).every((symbol) =>
    isCovered(walk, extend(prefix, symbol))
  );
  walk.known.set(key, result);
  return result;
}

/** Stands for a level that no pattern names. */
const OTHER = "\0";

/** The next levels that the patterns tell apart, the one that fails soonest first. */
function symbolsOf(level: string, { length, active }: Prefix): string[] {
  if (level !== "+" && level !== "#") return [level];
  const named = new Set<string>();
  for (const { levels } of active.values()) {
    const own = levels[length];
    if (own === undefined || own === "+" || own === "#") continue;
    if (length > 0 || !own.startsWith("$")) named.add(own);
  }
  // The empty level is told apart in the first place, where alone it is no name.
  return [OTHER, ...(length === 0 ? named.add("") : named)];
}

function extend({ length, active }: Prefix, symbol: string): Prefix {
  const next = new Map<number, TopicFilter>();
  for (const [i, pattern] of active) {
    const own = pattern.levels[length];
    const isWildcard = own === "+" || own === "#";
    if (isWildcard ? length > 0 || !symbol.startsWith("$") : own === symbol) next.set(i, pattern);
  }
  return { length: length + 1, isName: length > 0 || symbol !== "", active: atHash(next, length) };
}

/** A pattern that has matched with `#` goes on matching: its `#` is moved along. */
function atHash(active: Map<number, TopicFilter>, length: number): Map<number, TopicFilter> {
  for (const [i, { text, levels }] of active) {
    if (levels[length] === "#") {
      active.set(i, { text, levels: [...levels.slice(0, length), "+", "#"] });
    }
  }
  return active;
}

function some(
  active: ReadonlyMap<number, TopicFilter>,
  test: (pattern: TopicFilter) => boolean,
): boolean {
  for (const pattern of active.values()) if (test(pattern)) return true;
  return false;
}
