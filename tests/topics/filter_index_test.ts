import assert from "node:assert/strict";
import fc from "fast-check";
import { FilterIndex } from "../../lib/topics/filter_index.ts";
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

Deno.test("covering() and anyCovering() are what a linear scan finds", () => {
  fc.assert(fc.property(smallFilters, smallFilter, (filters, filter) => {
    const index = indexOf(filters);
    const expected = scan(filters, (one) => includes(namesOf(one), namesOf(filter)));
    assert.deepEqual(sorted(index.covering(filter)), expected);
    assert.equal(index.anyCovering(filter), expected.length > 0);
  }));
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
      assert.deepEqual(sorted(index.values()), sorted(pairs.map(({ value }) => value)));
      const matching = pairs.filter(({ filter }) => obviouslyMatches(filter.text, name));
      assert.deepEqual(sorted(index.matching(name)), sorted(matching.map(({ value }) => value)));
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
  assert.deepEqual(sorted(index.covering(deep)), [0, 1, 2]);
  assert.deepEqual(sorted(index.overlapping(parseTopicFilter("#"))), [0, 1, 2]);
  assert.equal(index.coversJointly(parseTopicFilter("+/#")), false);
  filters.forEach((filter, i) => assert.ok(index.delete(filter, i)));
  assert.equal(index.size, 0);
});

Deno.test("delete() leaves nothing behind that would have to be searched", () => {
  const index = new FilterIndex<number>();
  const filters = Array.from({ length: 10_000 }, (_, i) => parseTopicFilter(`${i}/+/a`));
  for (const filter of filters) index.add(filter, 0);
  for (const filter of filters) index.delete(filter, 0);
  const all = parseTopicFilter("#");
  const start = performance.now();
  for (let i = 0; i < 1_000; i++) assert.equal(index.anyOverlapping(all), false);
  const elapsedMs = performance.now() - start;
  assert.ok(elapsedMs < 200, `${elapsedMs} ms`);
});
