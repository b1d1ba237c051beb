/**
 * What asking the rules costs, with few and with many of them. Run with `deno bench bench/`.
 *
 * @module
 */
import { FilterIndex } from "../lib/topics/filter_index.ts";
import { Permissions, type Rule } from "../lib/topics/permissions.ts";
import { matches, parseTopicFilter } from "../lib/topics/topic_filter.ts";

const NAME = "site/7/device/7/temperature";
const ALL = parseTopicFilter("#");

function patternOf(i: number): string {
  return i % 4 === 0 ? `site/${i}/#` : `site/${i}/device/+/temperature`;
}

function permissionsOf(count: number): Permissions {
  return new Permissions(Array.from({ length: count }, (_, i): Rule => ({
    pattern: parseTopicFilter(patternOf(i)),
    permissions: ["read"],
    deny: [],
    retain: false,
  })));
}

function indexOf(count: number): FilterIndex<number> {
  const index = new FilterIndex<number>();
  for (let i = 0; i < count; i++) index.add(parseTopicFilter(patternOf(i)), i);
  return index;
}

const filter = parseTopicFilter(patternOf(7));
Deno.bench({ name: "matches()", group: "matches", fn: () => void matches(filter, NAME) });

for (const count of [10, 1_000, 10_000]) {
  const rules = `${count.toLocaleString("en")} rules`;
  const permissions = permissionsOf(count);
  const index = indexOf(count);
  Deno.bench({
    name: `decide(), ${rules}`,
    group: "decide",
    fn: () => void permissions.decide(NAME, "read"),
  });
  Deno.bench({
    name: `matching(), ${rules}`,
    group: "matching",
    fn: () => void index.matching(NAME),
  });
  Deno.bench({
    name: `narrow() of #, ${rules}`,
    group: "narrow",
    fn: () => void permissions.narrow([ALL]),
  });
}
