import assert from "node:assert/strict";
import * as fc from "fast-check";
import { BoundedMap } from "../../lib/messages/bounded_map.ts";

Deno.test("BoundedMap remembers the last value of each key", () => {
  const map = new BoundedMap<string>(10_000);
  map.set("a", "1");
  map.set("a", "2");
  map.set("b", "");
  assert.deepEqual([map.get("a"), map.get("b"), map.get("c"), map.size], ["2", "", undefined, 2]);
});

Deno.test("BoundedMap forgets what was set longest ago when there is no room", () => {
  const map = new BoundedMap<Uint8Array>(10_000);
  for (const key of ["a", "b", "c"]) map.set(key, new Uint8Array(2_000));
  assert.ok(map.fullness > 0.6 && map.fullness < 0.7);
  map.set("a", new Uint8Array(2_001));
  map.set("d", new Uint8Array(4_000));
  assert.deepEqual(["a", "b", "c", "d"].map((key) => map.get(key)?.length), [
    2_001,
    undefined,
    2_000,
    4_000,
  ]);
  map.set("e", new Uint8Array(20_000));
  assert.deepEqual([map.size, map.fullness], [0, 0]);
});

Deno.test("BoundedMap holds what a list that is searched and cut from its beginning holds, as a law", () => {
  const entries = fc.array(fc.tuple(fc.nat({ max: 20 }).map(String), fc.nat({ max: 900 })));
  fc.assert(fc.property(entries, (entries) => {
    const map = new BoundedMap<Uint8Array>(5_000);
    let model: ReadonlyArray<readonly [string, number]> = [];
    for (const [key, bytes] of entries) {
      map.set(key, new Uint8Array(bytes));
      model = [...model.filter(([other]) => other !== key), [key, bytes]];
      while (sumOf(model) > 5_000) model = model.slice(1);
      assert.equal(map.size, model.length);
      assert.equal(map.fullness, sumOf(model) / 5_000);
      for (const [key, bytes] of model) assert.equal(map.get(key)?.length, bytes);
    }
  }));
});

function sumOf(entries: ReadonlyArray<readonly [string, number]>): number {
  return entries.reduce((sum, [key, bytes]) => sum + bytes + 2 * key.length + 200, 0);
}
