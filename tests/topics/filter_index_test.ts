import assert from "node:assert/strict";
import fc from "fast-check";
import { FilterIndex } from "../../lib/topics/filter_index.ts";
import { rank, type Ranked } from "../../lib/topics/ordered_filters.ts";
import { attempt, Steps } from "../../lib/topics/steps.ts";
import {
  canonicalText,
  parseTopicFilter,
  type TopicFilter,
} from "../../lib/topics/topic_filter.ts";
import {
  includes,
  namesOf,
  namesOfAny,
  obviouslyMatches,
  smallFilter,
  smallName,
} from "./oracle.ts";
import { TIMED_RETRIES } from "../brokers/until.ts";

function indexOf(filters: readonly TopicFilter[]): FilterIndex<number> {
  const index = new FilterIndex<number>();
  filters.forEach((filter, i) => index.add(filter, i));
  return index;
}

/** The places of the filters that pass. */
function scan(
  filters: readonly TopicFilter[],
  test: (filter: TopicFilter) => boolean,
): number[] {
  return filters.flatMap((filter, i) => test(filter) ? i : []);
}

function sorted(list: readonly number[]): number[] {
  return list.toSorted((a, b) => a - b);
}

const smallFilters = fc.array(smallFilter, { maxLength: 20, size: "max" });

Deno.test("matching() and anyMatch() are what a linear scan finds", () => {
  fc.assert(fc.property(smallFilters, smallName, (filters, name) => {
    const index = indexOf(filters);
    const expected = scan(filters, ({ text }) => obviouslyMatches(text, name));
    assert.deepEqual(sorted(index.matching(name)), expected);
    assert.equal(index.anyMatch(name), expected.length > 0);
  }));
});

Deno.test("overlapping() and anyOverlapping() are what a linear scan finds", () => {
  fc.assert(fc.property(smallFilters, smallFilter, (filters, filter) => {
    const index = indexOf(filters);
    const expected = scan(filters, (one) => (namesOf(one) & namesOf(filter)) !== 0n);
    assert.deepEqual(sorted(index.overlapping(filter)), expected);
    assert.equal(index.anyOverlapping(filter), expected.length > 0);
  }));
});

/** Filters, the index of which has each with its place. */
function rankedIndexOf(entries: readonly Ranked[]): FilterIndex<Ranked> {
  const index = new FilterIndex<Ranked>();
  for (const entry of entries) index.add(entry.filter, entry);
  return index;
}

Deno.test("overlaps() gives each pair of overlapping filters once, and counts them right", () => {
  fc.assert(fc.property(smallFilters, smallFilters, (left, right) => {
    const groups = indexOf(left).overlaps(indexOf(right), new Steps());
    const pairs: string[] = [];
    for (const group of groups) {
      const before = pairs.length;
      for (const i of group.left) for (const j of group.right) pairs.push(`${i} ${j}`);
      assert.ok(pairs.length > before);
      assert.equal(pairs.length - before, group.left.size * group.right.size);
    }
    const expected = left.flatMap((a, i) =>
      scan(right, (b) => (namesOf(a) & namesOf(b)) !== 0n).map((j) => `${i} ${j}`)
    );
    assert.deepEqual(pairs.sort(), expected.sort());
  }));
});

Deno.test("coveredBy() gives for each filter the first that covers it", () => {
  fc.assert(
    fc.property(
      smallFilters,
      smallFilters,
      fc.infiniteStream(fc.nat(9)),
      (some, others, places) => {
        const entries = rank(some);
        const covering = others.map((filter) => ({ filter, at: places.next().value ?? 0 }));
        const found = rankedIndexOf(entries).coveredBy(rankedIndexOf(covering), new Steps());
        for (const entry of entries) {
          const all = covering.filter(({ filter }) =>
            includes(namesOf(filter), namesOf(entry.filter))
          );
          const least = all.length === 0 ? undefined : Math.min(...all.map(({ at }) => at));
          assert.equal(found.get(entry)?.at, least, entry.filter.text);
          const one = found.get(entry);
          assert.ok(one === undefined || all.includes(one));
        }
        assert.ok([...found.keys()].every((entry) => entries.includes(entry)));
      },
    ),
    { numRuns: 1_000 },
  );
});

Deno.test("coveredBy() of an index itself finds another filter, where there is one", () => {
  const distinct = fc.uniqueArray(smallFilter, { maxLength: 20, selector: canonicalText });
  fc.assert(
    fc.property(distinct, (filters) => {
      const entries = rank(filters);
      const index = rankedIndexOf(entries);
      const found = index.coveredBy(index, new Steps());
      for (const entry of entries) {
        const expected = entries.find((one) =>
          one !== entry && includes(namesOf(one.filter), namesOf(entry.filter))
        );
        assert.equal(found.get(entry), expected, entry.filter.text);
      }
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("coversJointly() exactly when every name of the filter is matched by some filter", () => {
  fc.assert(
    fc.property(smallFilters, smallFilter, (filters, filter) => {
      assert.equal(
        indexOf(filters).coversJointly(filter),
        includes(namesOfAny(filters), namesOf(filter)),
      );
    }),
    { numRuns: 2_000 },
  );
});

/** Each text of `count` levels that are `a` or `+`: they cover each other in 3 ** count ways. */
function allOfAAndPlus(count: number): string[] {
  if (count === 0) return [""];
  return allOfAAndPlus(count - 1).flatMap((rest) => [`a/${rest}`, `+/${rest}`]);
}

Deno.test("add() takes steps for the nodes that it makes", () => {
  const filters = Array.from(
    { length: 20 },
    (_, i) => parseTopicFilter(`${i}${"/".repeat(32_000)}`),
  );
  const fill = (steps: Steps): number => {
    const index = new FilterIndex<number>();
    for (const filter of filters) index.add(filter, 0, steps);
    return index.size;
  };
  assert.equal(attempt(fill, () => "too many steps"), "too many steps");
});

Deno.test("coveredBy() takes steps for all that it compares", () => {
  const everyWay = rankedIndexOf(rank(allOfAAndPlus(14).map(parseTopicFilter)));
  const manyUnderMany = rankedIndexOf(rank([
    ...allOfAAndPlus(12).map((text) => parseTopicFilter(`${text}+`)),
    ...Array.from({ length: 2_000 }, (_, i) => parseTopicFilter(`${"a/".repeat(12)}x${i}`)),
  ]));
  for (const index of [everyWay, manyUnderMany]) {
    const found = attempt((steps) => index.coveredBy(index, steps).size, () => "too many steps");
    assert.equal(found, "too many steps");
  }
});

Deno.test("overlaps() takes steps for all that it compares", () => {
  const [left, right] = ["x", "y"].map((literal) =>
    indexOf(
      allOfAAndPlus(8).flatMap((text) =>
        Array.from({ length: 100 }, (_, i) => parseTopicFilter(`${text}${literal}${i}`))
      ),
    )
  );
  assert(left !== undefined && right !== undefined);
  const found = attempt((steps) => [...left.overlaps(right, steps)], () => "too many steps");
  assert.equal(found, "too many steps");
});

const JOINTLY: readonly [filters: string[], filter: string, expected: boolean][] = [
  [["a", "a/+/#"], "a/#", true],
  [["a", "a/+", "a/+/+/#"], "a/#", true],
  [["a", "a/+", "a/+/+"], "a/#", false],
  [["a/+/#"], "a/#", false],
  [["+", "+/+/#"], "#", true],
  [["/+", "/+/+/#"], "/#", true],
  [["/", "/a/#"], "/#", false],
  [["a/b", "a/c"], "a/+", false],
  [["+/+/#", "+"], "$x/#", false],
  [["$x/+/#", "$x"], "$x/#", true],
  [[], "a", false],
];

for (const [filters, filter, expected] of JOINTLY) {
  Deno.test(`coversJointly() of ${JSON.stringify(filters)} for "${filter}" is ${expected}`, () => {
    const index = indexOf(filters.map(parseTopicFilter));
    assert.equal(index.coversJointly(parseTopicFilter(filter)), expected);
  });
}

const change = fc.record({ adds: fc.boolean(), filter: smallFilter, value: fc.nat(2) });

Deno.test("add() and delete() keep a set of pairs of a filter and a value", () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60, size: "max" }), smallName, (changes, name) => {
      const index = new FilterIndex<number>();
      const model = new Map<string, { filter: TopicFilter; value: number }>();
      for (const { adds, filter, value } of changes) {
        const key = `${canonicalText(filter)} ${value}`;
        if (adds) {
          index.add(filter, value);
          model.set(key, { filter, value });
        } else assert.equal(index.delete(filter, value), model.delete(key));
        assert.equal(index.size, model.size);
      }
      const pairs = [...model.values()];
      const matching = pairs.filter(({ filter }) => obviouslyMatches(filter.text, name));
      assert.deepEqual(sorted(index.matching(name)), sorted(matching.map(({ value }) => value)));
      assert.equal(index.anyMatch(name), matching.length > 0);
      assert.equal(index.anyOverlapping(parseTopicFilter(name)), matching.length > 0);
      assert.equal(index.coversJointly(parseTopicFilter(name)), matching.length > 0);
      for (const { filter, value } of pairs) assert.ok(index.delete(filter, value));
      assert.equal(index.size, 0);
      assert.equal(index.anyOverlapping(parseTopicFilter("#")), false);
    }),
  );
});

Deno.test("matching() gives an order that does not depend on that of adding", () => {
  const twoOrders = fc.uniqueArray(smallFilter, { maxLength: 20, selector: canonicalText })
    .chain((filters) =>
      fc.tuple(fc.constant(filters), fc.shuffledSubarray(filters, { minLength: filters.length }))
    );
  fc.assert(fc.property(twoOrders, smallName, ([filters, shuffled], name) => {
    const indices = [filters, shuffled].map((list) => {
      const index = new FilterIndex<string>();
      for (const filter of list) index.add(filter, filter.text);
      return index.matching(name);
    });
    assert.deepEqual(indices[0], indices[1]);
  }));
});

Deno.test("matching() gives a value once for each of its filters, in order of adding", () => {
  const index = new FilterIndex<string>();
  for (const value of ["first", "second", "first"]) index.add(parseTopicFilter("a"), value);
  index.add(parseTopicFilter("+"), "first");
  assert.deepEqual(index.matching("a"), ["first", "second", "first"]);
  assert.equal(index.size, 3);
});

Deno.test("matching() takes wildcards in what is given as a name literally", () => {
  const index = indexOf(["a/+", "a/b"].map(parseTopicFilter));
  assert.deepEqual(index.matching("a/+"), [0]);
  assert.deepEqual(index.matching("+/b"), []);
  assert.deepEqual(index.matching("#"), []);
  assert.deepEqual(index.matching(""), []);
});

Deno.test("FilterIndex keeps to properties of its own, whatever the levels are called", () => {
  const index = indexOf(["constructor/__proto__", "toString"].map(parseTopicFilter));
  assert.deepEqual(index.matching("constructor/__proto__"), [0]);
  assert.deepEqual(index.matching("valueOf"), []);
});

Deno.test("FilterIndex works with 65,535 levels", () => {
  const texts = ["/".repeat(65_534), "+/".repeat(32_767) + "#", "/".repeat(65_534) + "+"];
  const filters = texts.map(parseTopicFilter);
  const index = indexOf(filters);
  const [deep = parseTopicFilter("#")] = filters;
  assert.deepEqual(sorted(index.matching(deep.text)), [0, 1, 2]);
  assert.deepEqual(sorted(index.overlapping(parseTopicFilter("#"))), [0, 1, 2]);
  assert.equal(index.coversJointly(parseTopicFilter("+/#")), false);
  assert.equal(index.coversJointly(deep), true);
  const ranked = rankedIndexOf(rank(filters));
  assert.equal(ranked.coveredBy(ranked, new Steps()).size, 2);
  const overlaps = [...ranked.overlaps(ranked, new Steps())];
  assert.equal(overlaps.reduce((sum, { left, right }) => sum + left.size * right.size, 0), 9);
  filters.forEach((filter, i) => assert.ok(index.delete(filter, i)));
  assert.equal(index.size, 0);
});

Deno.test("delete() of the last value of a filter leaves those of longer filters", () => {
  const index = indexOf(["a", "a/#", "a/b"].map(parseTopicFilter));
  assert.ok(index.delete(parseTopicFilter("a"), 0) && index.delete(parseTopicFilter("a/#"), 1));
  assert.equal(index.anyMatch("a") || index.anyMatch("a/c"), false);
  assert.equal(index.anyOverlapping(parseTopicFilter("+")), false);
  assert.deepEqual(index.matching("a/b"), [2]);
});

Deno.test(
  "delete() leaves nothing behind that would have to be searched",
  { retry: TIMED_RETRIES },
  () => {
    const index = new FilterIndex<number>();
    const filters = Array.from({ length: 10_000 }, (_, i) => parseTopicFilter(`${i}/+/a`));
    for (const filter of filters) index.add(filter, 0);
    for (const filter of filters) index.delete(filter, 0);
    const all = parseTopicFilter("#");
    const start = performance.now();
    for (let i = 0; i < 1_000; i++) assert.equal(index.anyOverlapping(all), false);
    const elapsedMs = performance.now() - start;
    assert.ok(elapsedMs < 1_000, `${elapsedMs} ms`);
  },
);
