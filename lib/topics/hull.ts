/**
 * One topic filter in place of many.
 *
 * @module
 */
import {
  canonicalText,
  isHidden,
  isOpen,
  leastLevels,
  levelAt,
  parseTopicFilter,
  type TopicFilter,
} from "./topic_filter.ts";
import { fitsTopic } from "./topic_text.ts";

/**
 * The narrowest topic filter that covers all of `filters`: of each level what they have in common,
 * else `+`, and `#` at the end if they differ in length. It mostly matches names that none of them
 * does.
 *
 * @returns undefined if no filter covers them all: if some but not all begin with the same `$…`,
 * which no wildcard matches [MQTT-4.7.2-1], if the filter would have more than 65,535 bytes, or if
 * there are none.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { hull } from "./hull.ts";
 * import { parseTopicFilter } from "./topic_filter.ts";
 *
 * const filters = ["home/+/lamp", "home/attic/lamp/on"].map(parseTopicFilter);
 * assert.equal(hull(filters)?.text, "home/+/lamp/#");
 * ```
 */
export function hull(filters: readonly TopicFilter[]): TopicFilter | undefined {
  const [first, ...others] = filters;
  if (first === undefined) return undefined;
  let open = isOpen(first);
  let levels = Array.from({ length: leastLevels(first) }, (_, i) => levelAt(first, i));
  for (const other of others) {
    const count = leastLevels(other);
    open ||= isOpen(other) || count !== levels.length;
    levels = levels.slice(0, count).map((level, i) => level === levelAt(other, i) ? level : "+");
  }
  if (levels[0] === "+" && filters.some(({ text }) => isHidden(text))) return undefined;
  const text = [...levels, ...open ? ["#"] : []].join("/");
  const given = filters.find((filter) => canonicalText(filter) === text);
  if (given !== undefined) return given;
  if (!fitsTopic(text)) return undefined;
  return parseTopicFilter(text.replace(/^(\/?)\+\/#$/, "$1#"));
}
