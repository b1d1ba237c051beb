import assert from "node:assert/strict";
import fc from "fast-check";
import { Document } from "../../lib/config/document.ts";

Deno.test("Document gives what JSON.parse gives", () => {
  fc.assert(fc.property(fc.jsonValue({ maxDepth: 5 }), fc.nat(4), (value, indent) => {
    const text = JSON.stringify(value, null, indent);
    assert.equal(JSON.stringify(new Document(text, "f").value), JSON.stringify(JSON.parse(text)));
  }));
});

Deno.test("Document takes 100 levels of nesting, and says where the next begins", () => {
  const nested = (levels: number): string => `${"[".repeat(levels)}${"]".repeat(levels)}`;
  assert.deepEqual(new Document(`[[], "]", ${nested(99)}, /* [ */]`, "f").faults, []);
  const [fault, ...others] = new Document(`[[], "[",\n${nested(100)}]`, "f").faults;
  assert.deepEqual([fault?.line, fault?.column, others.length], [2, 100, 0]);
});

Deno.test("Document finds keys that stand twice inside of one that does", () => {
  const { faults } = new Document('{ "a": {}, "a": { "b": 1, "b": 2 } }', "f");
  assert.deepEqual(faults.map(({ path, column }) => [path, column]), [["a", 12], ["a.b", 27]]);
});

Deno.test("Document knows where each value of an object begins", () => {
  const entries = fc.uniqueArray(fc.tuple(fc.string(), fc.nat()), {
    selector: ([key]) => key,
    minLength: 1,
  });
  const gap = fc.array(fc.constantFrom(" ", "\n", "\r\n", "\r", "\t", "/* { */", "// [\n"), {
    maxLength: 4,
  })
    .map((parts) => parts.join(""));
  fc.assert(fc.property(entries, gap, (pairs, space) => {
    let text = "{";
    const starts = pairs.map(([key, value]) => {
      text += `${space}${JSON.stringify(key)}${space}:${space}`;
      const start = text.length;
      text += `${value}${space},`;
      return start;
    });
    const document = new Document(text + "}", "f");
    assert.deepEqual(document.faults, []);
    const placeOf = (key: string): object => {
      const { faults: [fault] } = document.locate([{ path: [key], message: "x" }]);
      return { line: fault?.line, column: fault?.column };
    };
    pairs.forEach(([key], at) => {
      const lines = text.slice(0, starts[at]).split(/\r\n|\r|\n/);
      const expected = { line: lines.length, column: (lines.at(-1) ?? "").length + 1 };
      assert.deepEqual(placeOf(key), expected);
    });
  }));
});
