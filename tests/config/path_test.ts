import assert from "node:assert/strict";
import { formatPath, sizeOf, valueAt } from "../../lib/config/path.ts";

Deno.test("formatPath() quotes what is no word, and cuts what is long", () => {
  assert.equal(formatPath(["topics", 2, "pattern"]), "topics[2].pattern");
  assert.equal(formatPath([]), "");
  assert.equal(formatPath(["a.b", "", "k".repeat(60)]), `"a.b"."".${"k".repeat(60)}`);
  assert.equal(formatPath(["k".repeat(61)]), `"${"k".repeat(60)}…"`);
});

Deno.test("valueAt() gives own values only", () => {
  assert.equal(valueAt({ a: [{ b: 1 }] }, ["a", 0, "b"]), 1);
  assert.equal(valueAt({ a: [{ b: 1 }] }, ["a", 1, "b"]), undefined);
  assert.equal(valueAt({}, ["toString"]), undefined);
  assert.equal(valueAt("text", ["length"]), undefined);
});

Deno.test("sizeOf() counts values, keys and levels, and does not go too deep", () => {
  assert.deepEqual(sizeOf(1), { values: 1, keys: 0, depth: 0 });
  assert.deepEqual(sizeOf({ a: [1, { b: null }], c: {} }), { values: 6, keys: 3, depth: 3 });
  let deep: unknown = [];
  for (let level = 0; level < 100_000; level++) deep = [deep];
  assert.deepEqual(sizeOf(deep), { values: 101, keys: 0, depth: 101 });
});
