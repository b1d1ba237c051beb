import assert from "node:assert/strict";
import fc from "fast-check";
import { jsonElements } from "../../lib/devices/json_elements.ts";

const elementsOf = (text: string) => [...jsonElements(new TextEncoder().encode(text))];

Deno.test("jsonElements() yields what JSON.parse() gives, whatever the space between", () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue()), fc.constantFrom(undefined, 1, "\t"), (array, space) => {
      // JSON has no -0.
      const expected = JSON.parse(JSON.stringify(array));
      assert.deepEqual(elementsOf(` \r\n${JSON.stringify(array, undefined, space)}\n`), expected);
    }),
  );
});

Deno.test("jsonElements() is not confused by brackets, commas and quotes in texts", () => {
  const array = ["],[", '"]', "\\", '\\"', { '}"': "{", "a,b": ["]", "é€😀"] }];
  assert.deepEqual(elementsOf(JSON.stringify(array)), array);
});

Deno.test("jsonElements() yields undefined for an element that is no JSON, and goes on", () => {
  assert.deepEqual(elementsOf('[1,tru,{"a":2},]'), [1, undefined, { a: 2 }, undefined]);
  assert.deepEqual(elementsOf(`[${"[".repeat(65)}${"]".repeat(65)},2]`), [undefined, 2]);
  const bytes = new Uint8Array([0x5B, 0x22, 0xFF, 0x22, 0x2C, 0x33, 0x5D]);
  assert.deepEqual([...jsonElements(bytes)], [undefined, 3]);
});

Deno.test("jsonElements() yields undefined at last for what is no array, or ends too early", () => {
  for (const text of ["", " ", "{}", "1", "[", "[ "]) {
    assert.deepEqual(elementsOf(text), [undefined], JSON.stringify(text));
  }
  assert.deepEqual(elementsOf('[1,{"a":2}'), [1, undefined]);
  assert.deepEqual(elementsOf('[1,{"a":"]'), [1, undefined]);
  assert.deepEqual(elementsOf("[1,"), [1, undefined]);
  assert.deepEqual(elementsOf("[1}]"), [undefined]);
});

Deno.test("jsonElements() has nothing for an empty array", () => {
  assert.deepEqual(elementsOf("[]"), []);
  assert.deepEqual(elementsOf("[ \n] "), []);
});

Deno.test("jsonElements() does not parse an element that is too long, and looks for its end only so far", () => {
  const long = JSON.stringify("a".repeat(300_000));
  assert.deepEqual(elementsOf(`[1,${long},2]`), [1, undefined, 2]);
  const endless = JSON.stringify("a".repeat(800_000));
  assert.deepEqual(elementsOf(`[1,${endless},2]`), [1, undefined]);
  assert.deepEqual(elementsOf(`${" ".repeat(800_000)}[1]`), [undefined]);
  const wide = JSON.stringify("€".repeat(100_000));
  assert.equal(elementsOf(`[${wide}]`)[0]?.toString().length, 100_000);
});
