import assert from "node:assert/strict";
import fc from "fast-check";
import { Document } from "../../lib/config/document.ts";
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

Deno.test("quickParse() takes no text that Document finds fault with, and gives the same", () => {
  fc.assert(
    fc.property(text, (source) => {
      const quick = quickParse(source);
      if (quick === undefined) return;
      const document = new Document(source, "f");
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

Deno.test("quickParse() leaves every text with a key that stands twice to Document", () => {
  const key = fc.constantFrom("a", "b", "", "__proto__", ":", '"', "ü", "//", "/*", "\\u0061");
  /** JSON in which keys may stand twice, with each character of a key written as an escape or not. */
  const { value } = fc.letrec<{ value: string }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom("1", '":"', "[]", "{}"),
      fc.array(tie("value"), { maxLength: 3 }).map((items) => `[${items.join()}]`),
      fc.array(fc.tuple(key, fc.boolean(), tie("value")), { maxLength: 4 }).map((entries) =>
        `{${
          entries.map(([name, isEscaped, item]) => `${written(name, isEscaped)}:${item}`).join()
        }}`
      ),
    ),
  }));
  fc.assert(
    fc.property(value, (source) => {
      const isTwice = new Document(source, "f").faults.length > 0;
      assert.equal(quickParse(source) === undefined, isTwice, source);
    }),
    { numRuns: 2_000 },
  );
});

function written(key: string, isEscaped: boolean): string {
  if (!isEscaped) return JSON.stringify(key);
  const escapes = [...key].map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return `"${escapes.join("")}"`;
}

Deno.test("quickParse() leaves a text that is too long for its regular expressions", () => {
  assert.equal(quickParse(`["${"\\n".repeat(4_500_000)}"]`), undefined);
});

Deno.test("quickParse() takes comments and trailing commas", () => {
  const source = '// a\n{ "a": [1, /* , */ ], // "b"\r"c": "// no comment",\n}';
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
    "1 /*",
    "1/**/2",
    '{"a":,}',
    "1 /*/",
    "[1 /* ,] */ /* ]",
    '{"a":[{"b":1,"c":2,"b":1}]}',
    '{"__proto__":1,"__proto__":2}',
    "[".repeat(101) + "]".repeat(101),
  ]
) {
  Deno.test(`quickParse() leaves ${JSON.stringify(source.slice(0, 20))} to Document`, () => {
    assert.equal(quickParse(source), undefined);
  });
}
