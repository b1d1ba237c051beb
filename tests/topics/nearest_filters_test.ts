import assert from "node:assert/strict";
import fc from "fast-check";
import { nearestFilters } from "../../lib/topics/nearest_filters.ts";
import { parseTopicFilter } from "../../lib/topics/topic_filter.ts";
import { TIMED_RETRIES } from "../brokers/until.ts";

function nearest(text: string, filters: readonly string[], limit = 3): string[] {
  return nearestFilters(text, filters.map(parseTopicFilter), limit).map((filter) => filter.text);
}

Deno.test("nearestFilters() puts those first that share the most leading levels", () => {
  assert.deepEqual(
    nearest("home/kitchen/lamp", ["x/kitchen/lamp", "home/#", "home/kitchen/#"]),
    ["home/kitchen/#", "home/#", "x/kitchen/lamp"],
  );
});

Deno.test("nearestFilters() finds a slip of the pen, with wildcards standing for what is there", () => {
  const filters = ["status", "+/status", "sensors/+/temperature"];
  assert.deepEqual(nearest("sensor/attic/temperature", filters, 1), ["sensors/+/temperature"]);
});

Deno.test("nearestFilters() compares the spelling with wildcards filled in from the topic", () => {
  const filters = ["homes-livingroom-on", "home/+/lamp"];
  assert.deepEqual(nearest("homes/livingroom/lamp", filters, 1), ["home/+/lamp"]);
  const open = ["homes-livingroom-on", "home/#"];
  assert.deepEqual(nearest("homes/livingroom/lamp", open, 1), ["home/#"]);
});

Deno.test("nearestFilters() does not take a wildcard for a shared level", () => {
  assert.deepEqual(nearest("home/x", ["+/+/+", "home/lamp"], 1), ["home/lamp"]);
});

Deno.test("nearestFilters() counts shared levels beyond a wildcard", () => {
  assert.deepEqual(nearest("a/b/c/x", ["a/z/c/x", "a/+/c/lamp"], 1), ["a/+/c/lamp"]);
});

Deno.test("nearestFilters() takes a filter as well as a name", () => {
  assert.deepEqual(nearest("home/+/lamp", ["garden/+/lamp", "home/+/light"], 1), ["home/+/light"]);
});

Deno.test("nearestFilters() keeps the order of those that are equally near, and the limit", () => {
  assert.deepEqual(nearest("a", ["d", "c", "b"], 2), ["d", "c"]);
  assert.deepEqual(nearest("a", []), []);
});

/** Insertions, deletions, replacements and swaps of neighbours, by the definition. */
function edits(a: string, b: string): number {
  if (a === "" || b === "") return a.length + b.length;
  const [restA, restB] = [a.slice(1), b.slice(1)];
  if (a[0] === b[0]) return edits(restA, restB);
  const isSwap = a.length > 1 && a[0] === b[1] && a[1] === b[0];
  const swapped = isSwap ? edits(a.slice(2), b.slice(2)) : Infinity;
  return 1 + Math.min(edits(restA, b), edits(a, restB), edits(restA, restB), swapped);
}

Deno.test("nearestFilters() of one level takes those that fewest edits make the same", () => {
  const letters = { unit: fc.constantFrom("a", "b", "c"), maxLength: 6 };
  const word = fc.string({ ...letters, minLength: 1 });
  fc.assert(
    fc.property(fc.string(letters), fc.uniqueArray(word, { maxLength: 6 }), (text, words) => {
      const expected = words.toSorted((a, b) => edits(text, a) - edits(text, b));
      assert.deepEqual(nearest(text, words, 6), expected);
    }),
  );
});

Deno.test(
  "nearestFilters() among 10,000 long filters takes little time",
  { retry: TIMED_RETRIES },
  () => {
    const filters = Array.from({ length: 10_000 }, (_, i) => `${"level/".repeat(1_000)}${i}`);
    const parsed = filters.map(parseTopicFilter);
    const start = performance.now();
    assert.equal(nearestFilters("y/".repeat(30_000), parsed, 3).length, 3);
    const elapsedMs = performance.now() - start;
    assert.ok(elapsedMs < 3_000, `${elapsedMs} ms`);
  },
);
