import assert from "node:assert/strict";
import * as fc from "fast-check";
import { textFinder } from "../../lib/messages/text_search.ts";

Deno.test("textFinder() finds what String.includes() finds, as a law", () => {
  const letters = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 12 });
  fc.assert(fc.property(letters, letters, (text, pattern) => {
    assert.equal(textFinder(pattern)(text), text.includes(pattern));
    // Long enough that String.includes() is not asked.
    const long = "ba".repeat(60_000) + text;
    const wanted = "ba".repeat(5) + pattern;
    assert.equal(textFinder(wanted)(long), long.includes(wanted));
  }));
});

Deno.test("textFinder() takes about as long for what repeats itself as for other texts", () => {
  const wanted = `${"a".repeat(1_000)}b${"a".repeat(1_000)}`;
  const text = "a".repeat(1024 * 1024);
  const find = textFinder(wanted);
  const [repetitiveMs, otherMs] = ([text, "ab".repeat(512 * 1024)] as const).map((one) => {
    find(one);
    const start = performance.now();
    assert.equal(find(one), false);
    return performance.now() - start;
  });
  assert.ok((repetitiveMs ?? 0) < 20 * (otherMs ?? 0) + 20, `${repetitiveMs} ms, ${otherMs} ms`);
});
