/**
 * What the tests hold the code against: MQTT 5.0 §4.7 written down as plainly as can be, and tried
 * on every name of a small world.
 *
 * @module
 */
import fc from "fast-check";
import { parseTopicFilter, type TopicFilter } from "../../lib/topics/topic_filter.ts";

/** Matches as the standard says it, level by level. */
export function obviouslyMatches(filter: string, name: string): boolean {
  if (/^[+#]/.test(filter) && name.startsWith("$")) return false;
  return levelsMatch(filter.split("/"), name.split("/"));
}

function levelsMatch(filter: readonly string[], name: readonly string[]): boolean {
  const [first, ...rest] = filter;
  if (first === "#") return true;
  if (first === undefined || name.length === 0) return first === undefined && name.length === 0;
  return (first === "+" || first === name[0]) && levelsMatch(rest, name.slice(1));
}

/** Every topic name of up to five levels; `z` stands for all that no filter names. */
export const NAMES: readonly string[] = texts(["", "a", "b", "$x", "z"], 5);

/** Every filter of up to three levels, and each of them followed by `#`. */
export const FILTERS: readonly TopicFilter[] = [
  "#",
  ...texts(["", "a", "b", "$x", "+"], 3).flatMap((text) => [text, `${text}/#`]),
  "/#",
].map(parseTopicFilter);

const knownSets = new Map<string, bigint>();

/** The {@linkcode NAMES} that a filter matches, as bits. */
export function namesOf(filter: TopicFilter): bigint {
  const known = knownSets.get(filter.text);
  if (known !== undefined) return known;
  const digits = NAMES.map((name) => obviouslyMatches(filter.text, name) ? "1" : "0").join("");
  const set = BigInt(`0b${digits}`);
  knownSets.set(filter.text, set);
  return set;
}

/** The names that at least one of the filters matches, as bits. */
export function namesOfAny(filters: readonly TopicFilter[]): bigint {
  return filters.reduce((all, filter) => all | namesOf(filter), 0n);
}

/** Whether the names `b` are all among the names `a`. */
export function includes(a: bigint, b: bigint): boolean {
  return (a & b) === b;
}

/** Filters of the small world, those of few letters more often, so that they have to do with each other. */
export const smallFilter: fc.Arbitrary<TopicFilter> = fc.oneof(
  fc.constantFrom(...FILTERS),
  fc.constantFrom(...FILTERS.filter(({ text }) => !/[b$]/.test(text))),
  fc.constantFrom(
    ...["#", "+", "a", "a/#", "a/+", "a/+/#", "+/#", "+/+", "a/+/+", "/#", "/+/#", "/+"]
      .map(parseTopicFilter),
  ),
);

/** Names of the small world. */
export const smallName: fc.Arbitrary<string> = fc.constantFrom(...NAMES);

/** The texts of one to `count` of the levels, without the empty one. */
function texts(levels: readonly string[], count: number): string[] {
  const longer = count === 1 ? [] : texts(levels, count - 1).concat("")
    .flatMap((text) => levels.map((level) => `${level}/${text}`));
  return [...new Set([...levels, ...longer])].filter((text) => text !== "");
}
