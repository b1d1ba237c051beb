import assert from "node:assert/strict";
import fc from "fast-check";
import { hull } from "../../lib/topics/hull.ts";
import { canonicalText, covers, matches, parseTopicFilter } from "../../lib/topics/topic_filter.ts";
import { FILTERS, includes, namesOf, namesOfAny, smallFilter } from "./oracle.ts";
import { TIMED_RETRIES } from "../brokers/until.ts";

const smallFilters = fc.array(smallFilter, { minLength: 1, maxLength: 5 });

Deno.test("hull() matches every name that one of the filters matches", () => {
  fc.assert(
    fc.property(smallFilters, (filters) => {
      const one = hull(filters);
      fc.pre(one !== undefined);
      assert.ok(includes(namesOf(one), namesOfAny(filters)), one.text);
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("hull() is covered by every other filter that covers them all", () => {
  fc.assert(fc.property(smallFilters, (filters) => {
    const one = hull(filters);
    for (const other of FILTERS) {
      if (!filters.every((filter) => covers(other, filter))) continue;
      assert.ok(one !== undefined && covers(other, one), `${one?.text} and ${other.text}`);
    }
  }));
});

Deno.test("hull() does not depend on the order of the filters, nor on how often one is given", () => {
  const twoOrders = smallFilters.chain((filters) =>
    fc.tuple(
      fc.constant(filters),
      fc.shuffledSubarray([...filters, ...filters], { minLength: filters.length * 2 }),
    )
  );
  fc.assert(fc.property(twoOrders, ([filters, shuffled]) => {
    const [one, other] = [hull(filters), hull(shuffled)];
    assert.equal(one && canonicalText(one), other && canonicalText(other));
  }));
});

Deno.test("hull() of one filter is that filter", () => {
  for (const filter of FILTERS) assert.equal(hull([filter]), filter);
});

const HULLS: readonly [filters: string[], expected: string | undefined][] = [
  [["a/b", "a/c"], "a/+"],
  [["a/b/x", "a/c/x"], "a/+/x"],
  [["a/b", "a/+"], "a/+"],
  [["a/b", "a/b/c"], "a/b/#"],
  [["a/b", "a"], "a/#"],
  [["a/b/#", "a/b"], "a/b/#"],
  [["a/b/#", "a/c"], "a/+/#"],
  [["a/#", "b/c/#"], "#"],
  [["a", "b/c"], "#"],
  [["+/#", "b/c"], "+/#"],
  [["/a", "/b/c"], "/#"],
  [["/+/#", "/b/c"], "/+/#"],
  [["/a", "a"], "#"],
  [["a/b/c/d", "a/x/c/e/f"], "a/+/c/+/#"],
  [["$SYS/a", "$SYS/b/c"], "$SYS/+/#"],
  [["$SYS/a", "a/b"], undefined],
  [["$SYS/a", "$x/a"], undefined],
  [["#", "$SYS/#"], undefined],
  [["a/$x", "a/b"], "a/+"],
  [[], undefined],
];

for (const [filters, expected] of HULLS) {
  Deno.test(`hull() of ${JSON.stringify(filters)} is ${JSON.stringify(expected)}`, () => {
    const one = hull(filters.map(parseTopicFilter));
    assert.equal(one?.text, expected);
    assert.ok(one === undefined || Object.isFrozen(one));
  });
}

Deno.test("hull() that would have more than 65,535 bytes is undefined", () => {
  const rest = "x".repeat(65_532);
  const filters = [`/b/${rest}`, `a//${rest}`].map(parseTopicFilter);
  assert.equal(hull(filters), undefined);
  assert.equal(hull(filters.slice(1))?.text.length, 65_535);
});

Deno.test("hull() of a hundred filters of 32,768 levels takes little time", {
  retry: TIMED_RETRIES,
}, () => {
  const levels = "+/".repeat(32_766);
  const filters = Array.from({ length: 100 }, (_, i) => parseTopicFilter(`${levels}${i % 10}`));
  const start = performance.now();
  const one = hull(filters);
  const elapsedMs = performance.now() - start;
  assert.equal(one?.text, `${levels}+`);
  assert.ok(matches(one, "/".repeat(32_766)));
  assert.ok(elapsedMs < 3_000, `${elapsedMs} ms`);
});
