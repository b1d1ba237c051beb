import assert from "node:assert/strict";
import * as fc from "fast-check";
import type { GrantedFilters } from "../../lib/access/access.ts";
import { jsonBytes } from "../../lib/messages/json.ts";
import { narrowingNote, shownFilters, shownNarrowing } from "../../lib/tools/narrowing.ts";
import { parseTopicFilter } from "../../lib/topics/topic_filter.ts";

function granted(texts: readonly string[], narrowed = true): GrantedFilters {
  return { filters: texts.map(parseTopicFilter), narrowed };
}

Deno.test("shownFilters() shows all where there is room", () => {
  assert.deepEqual(shownFilters(["a/#", "b"], 1_000), { filters: ["a/#", "b"] });
  assert.deepEqual(shownFilters([], 0), { filters: [] });
});

Deno.test("shownFilters() takes 4 KiB and a quarter of the result at most, and counts what it leaves out", () => {
  const filters = Array.from({ length: 10_000 }, (_, i) => `sensors/${i}/temperature`);
  const large = shownFilters(filters, 65_536);
  assert.ok(jsonBytes(large.filters) <= 4_096 + 1 && jsonBytes(large.filters) > 4_000);
  assert.equal(large.filters.length + (large.filters_omitted ?? 0), 10_000);
  assert.deepEqual(large.filters, filters.slice(0, large.filters.length));
  assert.ok(jsonBytes(shownFilters(filters, 1_000).filters) <= 251);
  assert.deepEqual(shownFilters(["x".repeat(65_535)], 65_536), { filters: [], filters_omitted: 1 });
});

Deno.test("shownFilters() keeps to its bounds, as a law", () => {
  const filters = fc.array(fc.string({ unit: "grapheme", maxLength: 30 }), { maxLength: 40 });
  fc.assert(fc.property(filters, fc.nat({ max: 2_000 }), (filters, maxBytes) => {
    const { filters: shown, filters_omitted: omitted = 0 } = shownFilters(filters, maxBytes);
    assert.deepEqual(shown, filters.slice(0, shown.length));
    assert.equal(shown.length + omitted, filters.length);
    assert.ok(shown.length === 0 || jsonBytes(shown) - 1 <= maxBytes / 4);
    const next = filters[shown.length];
    if (next !== undefined) assert.ok(jsonBytes([...shown, next]) - 1 > maxBytes / 4);
  }));
});

Deno.test("shownNarrowing() says nothing where nothing was cut off", () => {
  assert.deepEqual(shownNarrowing(granted(["a"], false), 1_000), {});
  assert.deepEqual(shownNarrowing(granted(["a", "b/#"]), 1_000), {
    narrowed: true,
    filters: ["a", "b/#"],
  });
  assert.deepEqual(shownNarrowing(granted(["abc", "de"]), 28), {
    narrowed: true,
    filters: ["abc"],
    filters_omitted: 1,
  });
});

Deno.test("narrowingNote() names a few filters, each in a few words", () => {
  assert.equal(narrowingNote(granted(["a"], false)), "");
  assert.equal(
    narrowingNote(granted(["a", "b"])),
    ' Of what you asked for only "a", "b" may be read.',
  );
  const many = Array.from({ length: 8 }, (_, i) => `${i}`.padEnd(99, "x") + "😀".repeat(10_000));
  const note = narrowingNote(granted(many));
  assert.match(note, / and 3 more may be read\.$/);
  assert.ok(note.length < 700 && note.isWellFormed());
});
