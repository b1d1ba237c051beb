import assert from "node:assert/strict";
import fc from "fast-check";
import { parseDocument } from "../../lib/config/document.ts";
import { quickParse } from "../../lib/config/quick_parse.ts";

const pieces = [
  "{",
  "}",
  "[",
  "]",
  ",",
  ":",
  '"a"',
  '"\\u0061"',
  '"b"',
  "1",
  "-",
  "e5",
  "null",
  "tru",
  "//",
  "/*",
  "*/",
  "/",
  "\n",
  "\r",
  " ",
  "\\",
  '"',
  "\u00a0",
  "\t",
  "\u2028",
  "\f",
];
const text = fc.oneof(
  fc.string(),
  fc.string({ unit: fc.constantFrom(...pieces), maxLength: 12 }),
  fc.json(),
);

Deno.test("quickParse() takes no text that parseDocument() finds fault with, and gives the same", () => {
  fc.assert(
    fc.property(text, (source) => {
      const quick = quickParse(source);
      if (quick === undefined) return;
      const document = parseDocument(source.replace(/^\uFEFF/, ""));
      assert.deepEqual(document.faults, []);
      assert.equal(JSON.stringify(quick.value), JSON.stringify(document.value));
    }),
    { numRuns: 10_000 },
  );
});

Deno.test("quickParse() takes every JSON text without duplicate keys", () => {
  fc.assert(fc.property(fc.jsonValue({ maxDepth: 5 }), fc.nat(4), (value, indent) => {
    const source = JSON.stringify(value, null, indent);
    assert.deepEqual(quickParse(source)?.value, JSON.parse(source));
  }));
});

Deno.test("quickParse() takes comments, trailing commas and a byte order mark", () => {
  const source = '\uFEFF// a\n{ "a": [1, /* , */ ], // "b"\r"c": "// no comment",\n}';
  assert.deepEqual(quickParse(source), { value: { a: [1], c: "// no comment" } });
});

for (
  const source of [
    '{"a":1,"a":2}',
    '{"a":1,"\\u0061":2}',
    "[,]",
    "{,}",
    "[1,,]",
    "",
    "/* open",
    "[".repeat(101) + "]".repeat(101),
  ]
) {
  Deno.test(`quickParse() leaves ${JSON.stringify(source.slice(0, 20))} to parseDocument()`, () => {
    assert.equal(quickParse(source), undefined);
  });
}
