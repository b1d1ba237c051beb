import assert from "node:assert/strict";
import * as fc from "fast-check";
import { type Line, LineSplitter } from "../../lib/mcp/line_splitter.ts";

const encoder = new TextEncoder();

function split(chunks: readonly Uint8Array[], maxBytes = 100): Line[] {
  const lines = new LineSplitter(maxBytes);
  const found = chunks.flatMap((chunk) => [...lines.push(chunk)]);
  const last = lines.end();
  return last === undefined ? found : [...found, last];
}

Deno.test("LineSplitter gives the same lines wherever the chunks are cut", () => {
  fc.assert(fc.property(
    fc.array(fc.string({ unit: "grapheme", maxLength: 8 }).map((s) => s.replaceAll("\n", ""))),
    fc.array(fc.nat({ max: 200 })),
    (texts, cuts) => {
      const bytes = encoder.encode(texts.map((text) => `${text}\n`).join(""));
      const ends = [...new Set([...cuts, bytes.length])].sort((a, b) => a - b);
      const chunks = ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end));
      assert.deepEqual(split(chunks, 1_000), texts.map((text) => ({ text })));
    },
  ));
});

Deno.test("LineSplitter passes over a line that is too long, and goes on", () => {
  const lines = [encoder.encode("a".repeat(99)), encoder.encode("bc\nok\n")];
  assert.deepEqual(split(lines), [{ fault: "too_long" }, { text: "ok" }]);
});

Deno.test("LineSplitter tells a line that is no UTF-8, and goes on", () => {
  const bytes = new Uint8Array([0x22, 0xFF, 0x22, 0x0A, 0x61, 0x0A]);
  assert.deepEqual(split([bytes]), [{ fault: "not_utf8" }, { text: "a" }]);
});

Deno.test("LineSplitter gives the last line without a line break at the end", () => {
  assert.deepEqual(split([encoder.encode("a\nb")]), [{ text: "a" }, { text: "b" }]);
});
