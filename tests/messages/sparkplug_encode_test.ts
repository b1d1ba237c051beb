import assert from "node:assert/strict";
import fc from "fast-check";
import { McpMqttError } from "../../lib/errors.ts";
import type { Json } from "../../lib/messages/json.ts";
import { type Births, SparkplugPayload } from "../../lib/messages/sparkplug.ts";
import { encodeSparkplug } from "../../lib/messages/sparkplug_encode.ts";
import { typeName, typeNumber } from "../../lib/messages/sparkplug_types.ts";
import { JS_SCALARS, PY_ARRAYS, PY_BIRTH, PY_COMPOSED } from "./sparkplug_fixtures.ts";

/** What is shown of what was encoded. */
function again(payload: Json, births?: Births): Record<string, Json> | undefined {
  const encoded = encodeSparkplug(payload, births);
  return SparkplugPayload.view(Uint8Array.from(encoded), undefined).shown();
}

const large = (min: bigint, max: bigint): fc.Arbitrary<Json> =>
  fc.bigInt({ min, max }).map((value) =>
    Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  );
const text = fc.string({ unit: "grapheme" });
const base64 = fc.uint8Array().map((bytes) => bytes.toBase64());
const time = fc.nat({ max: 2 ** 45 });
const float = fc.float({ noDefaultInfinity: true, noNaN: true }).filter((one) =>
  !Object.is(one, -0)
)
  // As it is shown: with no digits but those that a Float has.
  .map((one) => {
    const shorter = [6, 7, 8].map((digits) => Number(one.toPrecision(digits)));
    return shorter.find((other) => Math.fround(other) === one) ?? one;
  });
const double = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter((one) => !Object.is(one, -0)),
  fc.constantFrom("NaN", "Infinity", "-Infinity"),
);

const SCALARS: Readonly<Record<string, fc.Arbitrary<Json>>> = {
  Int8: fc.integer({ min: -128, max: 127 }),
  Int16: fc.integer({ min: -32_768, max: 32_767 }),
  Int32: fc.integer(),
  Int64: large(-(2n ** 63n), 2n ** 63n - 1n),
  UInt8: fc.nat(255),
  UInt16: fc.nat(65_535),
  UInt32: fc.nat(2 ** 32 - 1),
  UInt64: large(0n, 2n ** 64n - 1n),
  Float: float,
  Double: double,
  Boolean: fc.boolean(),
  String: text,
  DateTime: time,
  Text: text,
  UUID: fc.uuid(),
  Bytes: base64,
  File: base64,
};
const ARRAYS = [
  ..."Int8 Int16 Int32 Int64 UInt8 UInt16 UInt32 UInt64 Float Double Boolean".split(" "),
  ..."String DateTime".split(" "),
].map((name): [string, fc.Arbitrary<Json>] => [
  `${name}Array`,
  fc.array(
    name === "String"
      ? text.filter((one) => !one.includes("\0"))
      : SCALARS[name] ?? fc.constant(null),
    { maxLength: 20 },
  ),
]);

const typed = [...Object.entries(SCALARS), ...ARRAYS];
const scalar = fc.oneof(
  ...typed.map(([type, value]) => value.map((one) => ({ type, value: one }))),
);
const cells = fc.array(
  fc.constantFrom(...Object.keys(SCALARS).filter((name) => name !== "Bytes" && name !== "File")),
  { minLength: 1, maxLength: 3 },
).chain((types) =>
  fc.record({
    columns: fc.constant(types.map((_, i) => `c${i}`)),
    types: fc.constant(types),
    rows: fc.array(
      fc.tuple(...types.map((type) => SCALARS[type] ?? fc.constant(null))),
      { maxLength: 3 },
    ),
  })
).map((value) => ({ type: "DataSet", value: value as Json }));

const properties = fc.letrec<{ set: Json }>((tie) => ({
  set: fc.dictionary(
    fc.string(),
    fc.oneof(
      { maxDepth: 2, depthSize: "small" },
      fc.oneof(fc.string(), fc.boolean(), fc.maxSafeInteger(), fc.constant(null), fc.constant(0.5)),
      fc.array(tie("set"), { maxLength: 2 }),
      tie("set"),
    ),
    { maxKeys: 3 },
  ),
})).set;

const { metric } = fc.letrec<{ metric: Json; template: Json; value: Json }>((tie) => ({
  metric: fc.tuple(
    fc.record({
      name: text,
      timestamp: time,
      historical: fc.constant(true),
      transient: fc.constant(true),
      properties,
    }, { requiredKeys: ["name"] }),
    fc.oneof(
      { maxDepth: 2, depthSize: "small" },
      fc.oneof(scalar, cells, scalar.map(({ type }) => ({ type, value: null }))),
      tie("template"),
    ),
  ).map(([about, value]) => ({ ...about, ...value as object })),
  template: fc.record({
    version: text,
    template_ref: text,
    is_definition: fc.boolean(),
    parameters: fc.array(
      fc.tuple(text, scalar.filter(({ type }) => !/Array|Bytes|File/.test(type))).map(
        ([name, one]) => ({ name, ...one }),
      ),
      { minLength: 1, maxLength: 2 },
    ),
    metrics: fc.array(tie("metric"), { maxLength: 2 }),
  }, { requiredKeys: ["metrics"] }).map((value) => ({ type: "Template", value: value as Json })),
  value: fc.constant(null),
}));

const payload = fc.record({
  timestamp: time,
  seq: fc.nat(255),
  uuid: text,
  metrics: fc.array(metric, { maxLength: 4 }),
}, { requiredKeys: ["timestamp", "metrics"] });

Deno.test("encodeSparkplug() makes what is shown as it was given, as a law", () => {
  fc.assert(fc.property(payload, (given) => {
    assert.deepEqual(
      JSON.parse(JSON.stringify(again(given as Json))),
      JSON.parse(JSON.stringify(given)),
    );
  }));
});

Deno.test("encodeSparkplug() makes again what others have made", () => {
  for (const bytes of [JS_SCALARS, PY_ARRAYS, PY_BIRTH, PY_COMPOSED]) {
    const shown = SparkplugPayload.view(bytes, undefined).shown();
    assert.deepEqual(again(shown ?? null), shown);
  }
});

Deno.test("encodeSparkplug() writes the very bytes of sparkplug-payload", () => {
  const shown = SparkplugPayload.view(JS_SCALARS, undefined).shown() ?? {};
  const { metrics } = shown;
  assert.ok(Array.isArray(metrics));
  // It, too, puts the number of a message last, and the alias of a transient metric.
  const encoded = encodeSparkplug({ ...shown, metrics: metrics.slice(0, -1) }, undefined);
  const seq = JS_SCALARS.slice(-2);
  const transient = JS_SCALARS.subarray(-23, -2);
  assert.equal(transient[0], 0x12);
  const expected = [...JS_SCALARS.subarray(0, -23), ...seq];
  assert.equal(encoded.toHex(), Uint8Array.from(expected).toHex());
});

Deno.test("encodeSparkplug() takes JSON text, and no digit of its numbers is lost", () => {
  const json = '{"timestamp":1,"metrics":[{"name":"A","value":-9007199254740993,"type":"Int64"}]}';
  assert.deepEqual(again(json), {
    timestamp: 1,
    metrics: [{ name: "A", value: "-9007199254740993", type: "Int64" }],
  });
});

Deno.test("encodeSparkplug() takes the types of the birth, by name and by alias", () => {
  const births: Births = {
    named: (alias) => alias === 7 ? { name: "Speed", type: typeNumber("Float") } : undefined,
    typeOf: (name) => name === "Speed" ? typeNumber("Int16") : undefined,
  };
  const metrics = (one: Json, known?: Births): unknown =>
    again({ timestamp: 1, metrics: [one] }, known)?.["metrics"];
  assert.deepEqual(metrics({ name: "Speed", value: 5 }, births), [
    { name: "Speed", value: 5, type: "Int16" },
  ]);
  assert.deepEqual(metrics({ alias: 7, value: 5 }, births), [
    { alias: 7, value: 5, type: "Float" },
  ]);
  assert.deepEqual(metrics({ name: "Speed", value: 5, type: "UInt8" }, births), [
    { name: "Speed", value: 5, type: "UInt8" },
  ]);
  // What needs no birth.
  assert.deepEqual(metrics({ name: "Node Control/Rebirth", value: true }), [
    { name: "Node Control/Rebirth", value: true, type: "Boolean" },
  ]);
  assert.deepEqual(metrics({ name: "Mode", value: "auto" }), [
    { name: "Mode", value: "auto", type: "String" },
  ]);
  assert.throws(() => metrics({ name: "Speed", value: "fast" }, births), /whole number/);
});

Deno.test("encodeSparkplug() says when it was made, first and where nobody else did", () => {
  const before = Date.now();
  const encoded = encodeSparkplug({ metrics: [{ name: "A", value: true }] }, undefined);
  const { timestamp } = encoded.shown() ?? {};
  assert.ok(typeof timestamp === "number" && timestamp >= before && timestamp <= Date.now());
  const rest = encodeSparkplug({ timestamp: 5, metrics: [{ name: "A", value: true }] }, undefined);
  assert.equal(rest.stampBytes, 0);
  assert.deepEqual(encoded.subarray(encoded.stampBytes), rest.subarray(2));
});

function deep(templates: number): Json {
  const value = { metrics: templates === 1 ? [] : [deep(templates - 1)] };
  return { name: "a", type: "Template", value };
}

Deno.test("encodeSparkplug() refuses what it cannot encode, and says where", () => {
  const refused: ReadonlyArray<readonly [unknown, RegExp]> = [
    ["no JSON", /^payload is not|^payload must be an object/],
    [5, /^payload must be an object/],
    [{}, /^payload\.metrics must be an array/],
    [{ metrics: [], x: 1 }, /^payload has the unknown member "x"; there are timestamp, seq/],
    [{ metrics: [5] }, /^metrics\[0\] must be an object/],
    [{ metrics: [{ value: 5, type: "Int8" }] }, /^metrics\[0\] needs a name or an alias/],
    [{ metrics: [{ name: "a", value: 5 }] }, /^metrics\[0\]\.type is needed: no birth/],
    [{ metrics: [{ name: "a", value: null }] }, /^metrics\[0\]\.type is needed/],
    [
      { metrics: [{ name: "a", value: 5, type: "Int" }] },
      /^metrics\[0\]\.type must be a data type/,
    ],
    [{ metrics: [{ name: "a", value: 128, type: "Int8" }] }, /\.value is out of the range of Int8/],
    [{ metrics: [{ name: "a", value: -1, type: "UInt64" }] }, /out of the range of UInt64/],
    [{ metrics: [{ name: "a", value: 1.5, type: "Int32" }] }, /\.value must be a whole number/],
    [{ metrics: [{ name: "a", value: 2 ** 60, type: "Int64" }] }, /the text of its digits/],
    [{ metrics: [{ name: "a", value: 1, type: "Boolean" }] }, /must be true or false/],
    [{ metrics: [{ name: "a", value: 1, type: "String" }] }, /must be well-formed text/],
    [{ metrics: [{ name: "a", value: "\ud800", type: "Text" }] }, /must be well-formed text/],
    [{ metrics: [{ name: "a", value: "*", type: "Bytes" }] }, /must be base64/],
    [{ metrics: [{ name: "a", value: "x", type: "Double" }] }, /must be a number/],
    [{ metrics: [{ name: "a", value: 1, type: "Int8Array" }] }, /must be an array/],
    [{ metrics: [{ name: "a", value: [1], type: "BooleanArray" }] }, /array of true and false/],
    [{ metrics: [{ name: "a", value: ["\0"], type: "StringArray" }] }, /must not hold U\+0000/],
    [{ metrics: [{ name: "a", value: 1, type: "DataSet" }] }, /\.value must be an object/],
    [
      {
        metrics: [{ name: "a", value: { columns: ["x"], types: [], rows: [] }, type: "DataSet" }],
      },
      /as many types as columns/,
    ],
    [
      { metrics: [{ name: "a", alias: -1, value: true }] },
      /^metrics\[0\]\.alias is out of the range/,
    ],
    [{ metrics: [deep(9)] }, /^payload is nested too deep/],
    [{ metrics: [{ name: "x".repeat(2 ** 20), value: true }] }, /or too large/],
    [{ metrics: [{ name: "a", value: 1n, type: "Int64" }] }, /^payload is not plain JSON/],
  ];
  for (const [given, message] of refused) {
    assert.throws(() => encodeSparkplug(given, undefined), (error) => {
      assert.ok(error instanceof McpMqttError, String(error));
      assert.deepEqual([error.code, error.outcome], ["payload_invalid", "not_sent"]);
      assert.match(error.message, message);
      return true;
    });
  }
});

Deno.test("typeName() and typeNumber() have the 34 types of the standard", () => {
  for (let type = 1; type <= 34; type++) assert.equal(typeNumber(typeName(type)), type);
  assert.deepEqual([typeName(3), typeName(20), typeName(34)], [
    "Int32",
    "PropertySet",
    "DateTimeArray",
  ]);
  assert.equal(typeName(35), "35");
  assert.equal(typeNumber("Unknown"), undefined);
});
