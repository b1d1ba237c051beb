import assert from "node:assert/strict";
import * as fc from "fast-check";
import {
  canonicalJson,
  type Json,
  parseJson,
  plainJsonFault,
  structureOf,
} from "../../lib/messages/json.ts";

Deno.test("structureOf() parses objects and arrays whose numbers survive", () => {
  const parsed = [
    "{}",
    " [1]",
    '{"a":1.50}',
    "[1e2]",
    "[1E+2,1e-7,1e21]",
    "[0.1]",
    "[123456789012345]",
    "[1.0]",
    "[0,0.0,0e5]",
    "[-0.5]",
    "[0.30000000000000004]",
    "[1.7976931348623157e308]",
    "[5e-324]",
    "[1" + "0".repeat(22) + "]",
    "[10000000000000000.000]",
    '["12345678901234567890"]',
    '["\\"-0", "\\\\", "\\u0000"]',
    "[".repeat(64) + "]".repeat(64),
    `[${"[[]],".repeat(100)}{"a":[]}]`,
    '[{"a":1,"A":":"},{"a":2,":":{"a":3}}]',
  ];
  for (const text of parsed) assert.deepEqual(structureOf(text), JSON.parse(text), text);
  const kept = [
    "1",
    "true",
    "null",
    '"a"',
    "",
    "{a}",
    "[1,]",
    "[12345678901234567890]",
    "[9007199254740993]",
    "[0.12345678901234567890123]",
    "[1e400]",
    "[1e-400]",
    "[4e-324]",
    "[-0]",
    "[-0.0]",
    '{"a":[1,{"b":-0e1}]}',
    '{"a":1,"a":2}',
    '{"a":1,"a":1}',
    '[{"":{"b":1,"\\u0062":2}}]',
    '{"__proto__":1,"__proto__":2}',
    "\ufeff{}",
    "[".repeat(65) + "]".repeat(65),
    "[".repeat(100_000),
  ];
  for (const text of kept) assert.equal(structureOf(text), undefined, text.slice(0, 50));
  const odd = structureOf('{"__proto__": 1, "a": "12345678901234567890"}');
  assert.equal(JSON.stringify(odd), '{"__proto__":1,"a":"12345678901234567890"}');
});

Deno.test("structureOf() gives no lone surrogate, which a strict reader would refuse", () => {
  const lone = [
    '["\\ud800"]',
    '["\\uDFFF"]',
    '{"\\udc00":1}',
    '["\\ude00\\ud83d"]',
    '["\\ude00\\ude00"]',
    '["\\ud83dx\\ude00"]',
    '["\\ud83d\\ud83d\\ude00"]',
    '["\\ud83d\\\\ude00"]',
  ];
  for (const text of lone) assert.equal(structureOf(text), undefined, text);
  const whole = [
    '["\\ud83d\\ude00"]',
    '["\\uD83D\\uDE00\\ud83d\\ude00"]',
    '["😀"]',
    '["\\\\ud800"]',
  ];
  for (const text of whole) assert.deepEqual(structureOf(text), JSON.parse(text), text);
  // Where nothing is written again it does not matter.
  assert.deepEqual(parseJson('{"a": "\\ud800", "b": 12345678901234567890}'), {
    a: "\ud800",
    b: 12345678901234567000,
  });
});

Deno.test("structureOf() of what JSON.stringify() wrote is the same, as a law", () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.array(fc.jsonValue()), fc.dictionary(fc.string(), fc.jsonValue())),
      (value) => {
        const text = JSON.stringify(value);
        const structure = structureOf(text);
        if (structure !== undefined) assert.equal(JSON.stringify(structure), text);
        else assert.ok(/-0/.test(text), text);
      },
    ),
  );
});

Deno.test("structureOf() takes numbers exactly when reading and writing leaves them the same, as a law", () => {
  const digits = fc.string({ unit: fc.constantFrom(..."0123456789"), minLength: 1, maxLength: 25 });
  const zeros = fc.nat({ max: 20 }).map((count) => "0".repeat(count));
  const whole = fc.tuple(digits, zeros).map(([some, more]) =>
    `${some}${more}`.replace(/^0+(?=\d)/, "")
  );
  const fraction = fc.option(fc.tuple(zeros, digits).map((parts) => `.${parts.join("")}`), {
    nil: "",
  });
  const exponent = fc.option(fc.integer({ min: -330, max: 330 }).map((power) => `e${power}`), {
    nil: "",
  });
  const number = fc.tuple(fc.constantFrom("", "-"), whole, fraction, exponent)
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(number, (text) => {
      const value = Number(text);
      const isSame = Number.isFinite(value) && scaled(text) === scaled(JSON.stringify(value)) &&
        !(value === 0 && text.startsWith("-"));
      assert.equal(structureOf(`[${text}]`) !== undefined, isSame, text);
    }),
    { numRuns: 2_000 },
  );
});

/** A decimal number, exactly, as a multiple of 10^-400. */
function scaled(text: string): bigint {
  const [, sign, whole = "", fraction = "", power = "0"] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/.exec(text) ?? [];
  const shift = 400 + Number(power) - fraction.length;
  return BigInt(`${sign}${whole}${fraction}`) * 10n ** BigInt(shift);
}

Deno.test("parseJson() and structureOf() give up where parsing would take too long", () => {
  assert.ok(Array.isArray(structureOf(`[${"1,".repeat(32_767)}1]`)));
  assert.equal(structureOf(`[${"1,".repeat(32_768)}1]`), undefined);
  assert.equal(structureOf(`{${'"a":1,'.repeat(16_384)}"b":1}`), undefined);
  assert.equal(structureOf(`[${"[],".repeat(16_384)}[]]`), undefined);
  const long = `["${"a".repeat(256 * 1024)}"]`;
  assert.equal(structureOf(long), undefined);
  assert.equal(parseJson(long), undefined);
  assert.ok(Array.isArray(parseJson(`["${"a".repeat(255 * 1024)}"]`)));
  assert.equal(parseJson("[".repeat(65) + "]".repeat(65)), undefined);
  // Brackets and commas within a text count for nothing.
  assert.ok(structureOf(`["${"[,:{".repeat(10_000)}"]`) !== undefined);
});

Deno.test("parseJson() gives any value, and undefined for what is no JSON", () => {
  for (const text of ["1", " true", "null", '"a"', "-1e2", "[]", "\n{}", "false"]) {
    assert.deepEqual(parseJson(text), JSON.parse(text), text);
  }
  for (const text of ["", "on", "nul", "tru", "-", "1 2", "[", "\ufeff1", "NaN", "Infinity"]) {
    assert.equal(parseJson(text), undefined, text);
  }
});

Deno.test("canonicalJson() is the same for equal values, and not for others", () => {
  const parse = (text: string): Json => JSON.parse(text);
  assert.equal(
    canonicalJson(parse('{"b": [1.0, {"d": null, "c": "ü"}], "a": true, "__proto__": 1}')),
    '{"__proto__":1,"a":true,"b":[1,{"c":"ü","d":null}]}',
  );
  // JSON.stringify() would make null of it.
  assert.notEqual(canonicalJson(parse("[1e400]")), canonicalJson(parse("[null]")));
  fc.assert(fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
    const [one, other] = [parse(JSON.stringify(a)), parse(JSON.stringify(b))];
    assert.deepEqual(parse(canonicalJson(one)), one);
    assert.equal(canonicalJson(one) === canonicalJson(other), isDeepEqual(one, other));
  }));
});

function isDeepEqual(a: unknown, b: unknown): boolean {
  try {
    assert.deepEqual(a, b);
    return true;
  } catch {
    return false;
  }
}

Deno.test("plainJsonFault() says what is no bounded JSON", () => {
  const nested = (levels: number): unknown => JSON.parse("[".repeat(levels) + "]".repeat(levels));
  const plain = [null, 1, "", false, [], {}, nested(64), JSON.parse('{"__proto__": {"a": [1]}}')];
  for (const value of plain) assert.equal(plainJsonFault(value), undefined);
  fc.assert(fc.property(fc.jsonValue(), (value) => assert.equal(plainJsonFault(value), undefined)));
  const faulty: ReadonlyArray<readonly [unknown, RegExp]> = [
    [nested(65), /^is nested deeper than 64 levels$/],
    [nested(5_000), /nested deeper/],
    [{ a: nested(64) }, /nested deeper/],
    [new Array(300_000).fill(1), /^has more than 262144 values$/],
    [new Array(600).fill(new Array(600).fill(1)), /more than/],
    [undefined, /^is not plain JSON$/],
    [[undefined], /plain JSON/],
    [{ a: () => 1 }, /plain JSON/],
    [10n, /plain JSON/],
    [new Date(), /plain JSON/],
    [{ __proto__: { a: 1 } }, /plain JSON/],
    [new Map(), /plain JSON/],
  ];
  for (const [value, pattern] of faulty) assert.match(plainJsonFault(value) ?? "", pattern);
});
