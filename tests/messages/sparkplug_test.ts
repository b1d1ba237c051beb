import assert from "node:assert/strict";
import fc from "fast-check";
import { Fields } from "../../lib/messages/fields.ts";
import type { Json } from "../../lib/messages/json.ts";
import type { Message } from "../../lib/messages/message.ts";
import {
  fitMessage,
  jsonBytes,
  showLast,
  showMessage,
  showPayload,
} from "../../lib/messages/payload.ts";
import { SparkplugPayload, valuesByName } from "../../lib/messages/sparkplug.ts";
import { Summary } from "../../lib/messages/summary.ts";
import { shapeOf, Survey } from "../../lib/messages/survey.ts";
import { compileWhere } from "../../lib/messages/where.ts";
import {
  JS_COMPOSED,
  JS_DEFLATE,
  JS_GZIP,
  JS_SCALARS,
  PY_ARRAYS,
  PY_BIRTH,
  PY_COMPOSED,
  PY_DATA,
} from "./sparkplug_fixtures.ts";

const TIME = 1_700_000_000_000;

function view(bytes: Uint8Array): SparkplugPayload {
  return SparkplugPayload.view(bytes, undefined);
}

function shown(bytes: Uint8Array): Json | undefined {
  return view(bytes).shown();
}

function message(bytes: Uint8Array): Message {
  return { topic: "t", payload: view(bytes), qos: 0, retain: false, receivedAt: 0 };
}

/** The metrics of a payload as `name: [value, type]`. */
function metricsOf(bytes: Uint8Array): Record<string, Json> {
  const { metrics } = view(bytes).shown() ?? {};
  assert.ok(Array.isArray(metrics));
  return Object.fromEntries(metrics.map((metric) => {
    const { name, value, type } = metric as Record<string, Json>;
    return [String(name), [value === undefined ? "none" : value, type ?? "none"]];
  }));
}

const SCALARS = {
  Int8: [-1, "Int8"],
  Int16: [-300, "Int16"],
  Int32: [-70_000, "Int32"],
  Int64: ["-9007199254740993", "Int64"],
  UInt8: [255, "UInt8"],
  UInt16: [65_535, "UInt16"],
  UInt32: [4_294_967_295, "UInt32"],
  UInt64: ["18446744073709551615", "UInt64"],
  Float: [21.1, "Float"],
  Double: [0.1, "Double"],
  String: ["äöü", "String"],
  DateTime: [TIME, "DateTime"],
  Text: ["t", "Text"],
  UUID: ["6f1c", "UUID"],
  Bytes: ["AQID/w==", "Bytes"],
  File: ["AQID/w==", "File"],
};

Deno.test("SparkplugPayload.shown() shows what tahu and sparkplug-payload make of each type", () => {
  assert.deepEqual(metricsOf(PY_BIRTH), {
    "Node Control/Rebirth": [false, "Boolean"],
    ...SCALARS,
  });
  assert.deepEqual(metricsOf(JS_SCALARS), {
    ...SCALARS,
    Boolean: [true, "Boolean"],
    Null: [null, "Int32"],
    "Old/T": [1.5, "Double"],
    Tr: [false, "Boolean"],
  });
  const { metrics, ...about } = view(JS_SCALARS).shown() ?? {};
  assert.deepEqual(about, { timestamp: TIME, seq: 7 });
  assert.ok(Array.isArray(metrics));
  assert.deepEqual(metrics.slice(-2), [
    { name: "Old/T", value: 1.5, type: "Double", timestamp: TIME, historical: true },
    { name: "Tr", value: false, type: "Boolean", timestamp: TIME, transient: true },
  ]);
});

Deno.test("SparkplugPayload.shown() shows the arrays of the standard", () => {
  assert.deepEqual(valuesByName(shown(PY_ARRAYS) ?? null), {
    metrics: {
      Int8Array: [-23, 123],
      Int16Array: [-30_000, 30_000],
      Int32Array: [-1, 315_338_746],
      Int64Array: ["-4611686018427387904", 5],
      UInt8Array: [23, 250],
      UInt16Array: [30, 52_360],
      UInt32Array: [52, 3_293_969_225],
      UInt64Array: [52, "16444743074749521625"],
      FloatArray: [1.23, 89.341],
      DoubleArray: [12.354213, 1022.9123213],
      BooleanArray: [..."001101001101"].map((bit) => bit === "1"),
      StringArray: ["ABC", "hello"],
      DateTimeArray: [1_256_102_875_335, 1_656_107_875_000],
    },
  });
});

Deno.test("SparkplugPayload.shown() shows DataSet, Template, PropertySet and MetaData", () => {
  const timestamp = TIME;
  assert.deepEqual(shown(JS_COMPOSED), {
    timestamp,
    seq: 8,
    metrics: [
      {
        name: "Set",
        value: { columns: ["a", "b"], types: ["String", "Double"], rows: [["x", 1.5], ["y", 2.5]] },
        type: "DataSet",
        timestamp,
      },
      {
        name: "Tpl",
        value: {
          version: "v1",
          template_ref: "Motor",
          is_definition: false,
          parameters: [{ name: "p", value: "q", type: "String" }],
          metrics: [{ name: "Speed", value: 5, type: "Int32", timestamp }, {
            name: "In",
            value: {
              is_definition: true,
              metrics: [{ name: "Deep", value: true, type: "Boolean", timestamp }],
            },
            type: "Template",
            timestamp,
          }],
        },
        type: "Template",
        timestamp,
      },
      {
        name: "Props",
        value: 2.5,
        type: "Double",
        timestamp,
        properties: { engUnit: "bar", Quality: 192, inner: { a: true }, list: [{ b: 0.5 }] },
      },
      {
        name: "Meta",
        value: 1,
        type: "Int32",
        timestamp,
        metadata: {
          is_multi_part: false,
          content_type: "text/plain",
          size: 5,
          seq: 1,
          file_name: "f.txt",
          file_type: "txt",
          md5: "d41d",
          description: "desc",
        },
      },
    ],
  });
  assert.deepEqual(valuesByName(shown(PY_COMPOSED) ?? null), {
    metrics: {
      Set: { columns: ["a", "b"], types: ["Int32", "String"], rows: [[-2, "x"]] },
      Tpl: { metrics: { Speed: 5 } },
      // Not the historical 1.5 that comes after it.
      Props: 2.5,
      Null: null,
    },
  });
});

Deno.test("SparkplugPayload.shown() unpacks what is compressed, in bounds", () => {
  for (const payload of [JS_DEFLATE, JS_GZIP]) {
    assert.deepEqual(metricsOf(payload), { A: [5, "Int32"] });
  }
  const { uuid } = view(JS_GZIP.with(-6, 0)).shown() ?? {};
  assert.equal(uuid, "SPBV1.0_COMPRESSED", "what cannot be unpacked is shown as it is");
});

Deno.test("SparkplugPayload.shown() says that the birth is not known, and leaves the alias", () => {
  assert.deepEqual(shown(PY_DATA), {
    timestamp: TIME,
    seq: 1,
    birth_known: false,
    metrics: [
      { alias: 3, value: 4_294_967_291, timestamp: TIME },
      { alias: 9, value: 22.5, timestamp: TIME },
      { alias: 7, value: 9, timestamp: TIME },
    ],
  });
});

Deno.test("SparkplugPayload.shown() takes an integer's two's complement in as many bits as any", () => {
  const value = (...bytes: number[]): Json | undefined => {
    const metric = [0x0A, 1, 0x61, ...bytes];
    const [only] = Object.values(metricsOf(Uint8Array.of(0x12, metric.length, ...metric)));
    return only;
  };
  const INT8 = [0x20, 1];
  const INT32 = [0x20, 3];
  assert.deepEqual(value(...INT8, 0x50, 0xFF, 1), [-1, "Int8"]);
  assert.deepEqual(value(...INT8, 0x50, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F), [-1, "Int8"]);
  assert.deepEqual(value(...INT8, 0x50, 0xAC, 2), [300, "Int8"], "out of range, not made another");
  assert.deepEqual(value(...INT32, 0x58, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F), [-1, "Int32"]);
  const ones = Array.from({ length: 9 }, () => 0xFF);
  assert.deepEqual(value(...INT32, 0x58, ...ones, 1), [-1, "Int32"]);
  const INT64 = [0x20, 4];
  assert.deepEqual(value(...INT64, 0x58, ...ones, 0x7F), [-1, "Int64"], "bits beyond 64 are none");
  assert.deepEqual(value(0x20, 9, 0x65, 0, 0, 0xC0, 0x7F), ["NaN", "Float"]);
  assert.deepEqual(value(0x20, 99, 0x50, 1), [1, "99"]);
});

Deno.test("a payload of Sparkplug B is shown decoded wherever a message is shown", () => {
  assert.deepEqual(showMessage(message(JS_GZIP), 500).payload, shown(JS_GZIP));
  assert.equal(showMessage(message(JS_GZIP), 500).encoding, "sparkplug");
  assert.deepEqual(showPayload(view(JS_GZIP), 50), {
    // The quotation marks take two bytes each.
    payload: '{"timestamp":1700000000000,"seq":3,"metrics',
    encoding: "sparkplug",
    size: JS_GZIP.length,
    truncated: true,
  });
  assert.deepEqual(showLast(view(JS_GZIP)), {
    last: { metrics: { A: 5 } },
    encoding: "sparkplug",
  });
  assert.equal(shapeOf(view(JS_GZIP)), "{metrics: {A: number}}");
  const survey = new Survey();
  survey.add(message(JS_GZIP));
  const [topic] = [...survey.topics()];
  assert.deepEqual([topic?.shape, topic?.last.last], [
    "{metrics: {A: number}}",
    { metrics: { A: 5 } },
  ]);
  for (let maxBytes = 120; maxBytes < 400; maxBytes++) {
    const fitting = fitMessage(message(JS_SCALARS), { previewBytes: 300, maxBytes });
    assert.ok(jsonBytes(fitting) <= maxBytes);
    assert.equal(fitting.encoding, "sparkplug");
  }
});

Deno.test("what is no payload of Sparkplug B is shown as on any other topic", () => {
  for (
    const text of [
      "",
      "hello",
      "P1",
      "\0\0",
      "\0\0\x18\0",
      '{"metrics": [{"name": "A", "value": 5}]}',
      "\xff\xfe",
      "[1]",
    ]
  ) {
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    assert.equal(shown(bytes), undefined, text);
    assert.deepEqual(showPayload(view(bytes), 100), showPayload(bytes, 100));
    assert.deepEqual(showLast(view(bytes)), showLast(bytes));
    assert.equal(shapeOf(view(bytes)), shapeOf(bytes));
  }
  const cut = PY_BIRTH.subarray(0, -3);
  assert.deepEqual(showPayload(view(cut), 5_000), showPayload(cut, 5_000));
});

Deno.test("/metrics/<name> is the value of a metric, in where, fields and summary", () => {
  const where = (path: string, op: "eq" | "gt" | "exists", value?: Json): boolean =>
    compileWhere({ path, op, value })(message(PY_COMPOSED));
  assert.ok(where("/metrics/Props", "eq", 2.5));
  assert.ok(where("/metrics/Tpl/metrics/Speed", "gt", 4));
  assert.ok(where("/metrics/0/name", "eq", "Set"), "as in any JSON");
  assert.ok(where("/seq", "eq", 2));
  assert.ok(!where("/metrics/None", "exists"));
  assert.ok(where("/metrics/Null", "exists"));
  assert.ok(where("/metrics/4/value", "exists"));
  const rebirth = compileWhere({ path: "/metrics/Node Control~1Rebirth", op: "eq", value: false });
  assert.ok(rebirth(message(PY_BIRTH)));
  const fields = new Fields(["/metrics/Props", "/metrics/Null", "/metrics/None"], "fields");
  assert.deepEqual(fields.show(message(PY_COMPOSED).payload, 500)?.values, {
    "/metrics/Props": 2.5,
    "/metrics/Null": null,
  });
  const summary = new Summary(undefined);
  summary.add(message(PY_COMPOSED));
  const [entry] = [...summary.entries()];
  assert.deepEqual(Object.keys(entry?.values ?? {}), [
    "/metrics/Set/rows/0/0",
    "/metrics/Tpl/metrics/Speed",
    "/metrics/Props",
  ]);
  assert.equal(entry?.encoding, "sparkplug");
});

Deno.test("valuesByName() takes any name for the data that it is", () => {
  const metrics = [{ name: "__proto__", value: 1 }, { name: "constructor", value: 2 }];
  const { metrics: named } = valuesByName({ metrics }) as Record<string, Json>;
  assert.deepEqual(Object.entries(named ?? {}), [["__proto__", 1], ["constructor", 2]]);
});

Deno.test("SparkplugPayload.shown() never throws, as a law", () => {
  const payloads = [JS_SCALARS, JS_COMPOSED, PY_ARRAYS, PY_BIRTH, PY_COMPOSED, PY_DATA, JS_GZIP];
  const changed = fc.tuple(
    fc.constantFrom(...payloads),
    fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 }),
  ).map(([payload, changes]) => {
    const bytes = payload.slice();
    for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
    return bytes;
  });
  fc.assert(fc.property(
    fc.oneof(changed, fc.uint8Array({ maxLength: 200 })),
    (bytes) => {
      const value = shown(bytes);
      assert.ok(JSON.stringify(value ?? null).isWellFormed());
      // Each beginning of a good payload is good or not, and never trouble.
      shown(bytes.subarray(0, bytes.length >> 1));
      const fitting = fitMessage(message(bytes), { previewBytes: 300, maxBytes: 300 });
      assert.ok(jsonBytes(fitting) <= 300);
    },
  ));
});

/** A length-delimited field. */
function field(number: number, content: Uint8Array): Uint8Array {
  const varint = (value: number): number[] =>
    value < 128 ? [value] : [value % 128 + 128, ...varint(Math.floor(value / 128))];
  const head = [...varint(8 * number + 2), ...varint(content.length)];
  const bytes = new Uint8Array(head.length + content.length);
  bytes.set(head);
  bytes.set(content, head.length);
  return bytes;
}

function templates(depth: number): Uint8Array {
  let metric = Uint8Array.of(0x50, 1);
  for (let i = 0; i < depth; i++) metric = field(18, field(2, metric)) as typeof metric;
  return field(2, metric);
}

function repeated(part: Uint8Array, bytes: number): Uint8Array {
  const times = Math.floor(bytes / part.length);
  const all = new Uint8Array(times * part.length);
  for (let i = 0; i < times; i++) all.set(part, i * part.length);
  return all;
}

Deno.test("SparkplugPayload.shown() takes of a data type the 32 bits that it has, wherever it stands", () => {
  // 2^60 + 3 as a varint: beyond what a number holds.
  const large = [0x83, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10];
  const within = (tag: number, ...bytes: number[]): number[] => [tag, bytes.length, ...bytes];
  const metric = (...fields: number[]): number[] =>
    within(0x12, ...within(0x0A, 0x61), ...fields, 0x50, 5);
  const property = within(0x12, 0x08, ...large, 0x18, 7);
  const parameter = within(0x1A, ...within(0x0A, 0x70), 0x10, ...large, 0x18, 9);
  const row = within(0x22, ...within(0x0A, 0x08, 4));
  const of = (...fields: number[]): Json | undefined => {
    const payload = shown(Uint8Array.from(metric(...fields))) as { metrics: Json[] } | undefined;
    return payload?.metrics[0];
  };
  assert.deepEqual(of(0x20, ...large), { name: "a", value: 5, type: "Int32" });
  assert.deepEqual(of(...within(0x4A, ...within(0x0A, 0x6B), ...property)), {
    name: "a",
    value: 5,
    properties: { k: 7 },
  });
  const template = within(0x92, ...parameter).toSpliced(1, 0, 0x01);
  assert.deepEqual(of(...template), {
    name: "a",
    value: { parameters: [{ name: "p", value: 9, type: "Int32" }], metrics: [] },
  });
  for (const types of [[0x18, ...large], within(0x1A, ...large)]) {
    const dataSet = within(0x8A, ...within(0x12, 0x63), ...types, ...row).toSpliced(1, 0, 0x01);
    assert.deepEqual(of(...dataSet), {
      name: "a",
      value: { columns: ["c"], types: ["Int32"], rows: [[4]] },
    });
  }
});

Deno.test("SparkplugPayload.shown() handles templates of 7 levels, and takes deeper ones for binary", () => {
  assert.notEqual(shown(templates(7)), undefined);
  for (const depth of [8, 50, 120, 10_000]) assert.equal(shown(templates(depth)), undefined);
});

Deno.test("SparkplugPayload.shown() takes linear time, and shows a bounded number of parts", () => {
  const MIB = 1024 * 1024;
  const empty = Uint8Array.of(0x12, 0);
  const hostile: Readonly<Record<string, Uint8Array>> = {
    "empty metrics": repeated(empty, MIB),
    "few enough metrics": repeated(empty, 2 * 48 * 1024),
    "rows of a DataSet": field(2, field(17, repeated(Uint8Array.of(0x22, 2, 0x0A, 0), MIB / 2))),
    "packed types": field(2, field(17, field(3, new Uint8Array(MIB / 2)))),
    "keys without values": field(2, field(9, repeated(Uint8Array.of(0x0A, 0), 90_000))),
    "values in BooleanArrays": repeated(
      field(2, Uint8Array.of(0x20, 32, ...field(16, new Uint8Array(60).with(0, 0xC0).with(1, 1)))),
      MIB,
    ),
    "one Int8Array": field(2, Uint8Array.of(0x20, 22, ...field(16, new Uint8Array(60_000)))),
    "many small templates": repeated(templates(6), MIB),
    "varints without end": new Uint8Array(MIB).fill(0xFF),
    "a huge length": Uint8Array.of(0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F),
    "a long name": field(2, field(1, new Uint8Array(MIB - 10).fill(0x61))),
  };
  for (const [what, bytes] of Object.entries(hostile)) {
    const start = performance.now();
    const json = JSON.stringify(shown(bytes) ?? null);
    const time = performance.now() - start;
    assert.ok(json.length < 12 * MIB, `${what}: ${json.length}`);
    assert.ok(time < 1_500, `${what}: ${time} ms`);
  }
  assert.equal(shown(repeated(empty, MIB + 2)), undefined, "more than 1 MiB");
});

Deno.test("SparkplugPayload.shown() unpacks no more than 1 MiB", async () => {
  const gzip = async (bytes: Uint8Array): Promise<Uint8Array> => {
    const stream = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream()
      .pipeThrough(new CompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  };
  const packed = async (inner: Uint8Array): Promise<Uint8Array> => {
    const uuid = field(4, new TextEncoder().encode("SPBV1.0_COMPRESSED"));
    return Uint8Array.from([...uuid, ...field(5, await gzip(inner))]);
  };
  const bomb = await packed(repeated(PY_DATA, 64 * 1024 * 1024));
  assert.ok(bomb.length < 1024 * 1024);
  assert.equal(view(bomb).shown()?.["uuid"], "SPBV1.0_COMPRESSED");
  const twice = await packed(await packed(PY_DATA));
  assert.equal(view(twice).shown()?.["uuid"], "SPBV1.0_COMPRESSED", "once, not again");
});
