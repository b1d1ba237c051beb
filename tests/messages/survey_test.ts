import assert from "node:assert/strict";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { shapeOf, Survey } from "../../lib/messages/survey.ts";

const encoder = new TextEncoder();

function message(topic: string, payload: string, retain = false): Parameters<Survey["add"]>[0] {
  return { topic, payload: encoder.encode(payload), qos: 0, retain, receivedAt: 0 };
}

/** What is in memory once all is gone that is not needed. */
function heapBytes(): number {
  setFlagsFromString("--expose-gc");
  const collectGarbage: () => void = runInNewContext("gc");
  collectGarbage();
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

Deno.test("Survey counts by topic, and tells retained messages from live ones", () => {
  const survey = new Survey();
  for (const one of [message("b", "1", true), message("a", "2"), message("b", "3")]) {
    survey.add({ ...one, receivedAt: 5 });
  }
  const alike = { shape: undefined, kind: "number", at: 5 };
  assert.deepEqual([...survey.topics()], [
    { topic: "a", messages: 1, live: 1, retained: false, last: { last: "2" }, ...alike },
    { topic: "b", messages: 2, live: 1, retained: true, last: { last: "3" }, ...alike },
  ]);
});

Deno.test("Survey shows of a long payload the beginning, its size and its shape", () => {
  for (const length of [200, 5_000, 100_000]) {
    const survey = new Survey();
    survey.add(message("a", `{"text": "${"ü".repeat(length)}"}`));
    const [{ last, shape } = {}] = survey.topics();
    assert.deepEqual(last, {
      last: `{"text": "${"ü".repeat(59)}`,
      size: 2 * length + 12,
      truncated: true,
    });
    assert.equal(shape, "{text: string}");
  }
});

Deno.test("Survey tells payloads without a shape apart by their kind", () => {
  const survey = new Survey();
  const payloads = { a: "", b: " 21.5 ", c: "on", d: "x".repeat(2_000), e: "true" };
  for (const [topic, payload] of Object.entries(payloads)) survey.add(message(topic, payload));
  for (const length of [2, 2_000]) {
    const payload = new Uint8Array(length).fill(0xFF);
    survey.add({ ...message(`f${length}`, ""), payload });
  }
  assert.deepEqual([...survey.topics()].map(({ topic, kind }) => `${topic} ${kind}`), [
    "a empty",
    "b number",
    "c text",
    "d text",
    "e text",
    "f2 binary",
    "f2000 binary",
  ]);
});

Deno.test("Survey tells a bounded number of topics apart, and counts what came on others", () => {
  const survey = new Survey({ maxBytes: 2_000_000 });
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 2_000; i++) survey.add(message(`t/${i}`, ""));
  }
  const topics = [...survey.topics()];
  assert.ok(topics.length > 1_000 && topics.length < 1_500, `${topics.length}`);
  assert.ok(topics.every(({ messages }) => messages === 2));
  assert.equal(survey.passedOver, 2 * (2_000 - topics.length));
});

Deno.test("Survey holds a bounded number of bytes, whatever comes", () => {
  const before = heapBytes();
  const survey = new Survey({ maxBytes: 8 * 1024 * 1024 });
  for (const size of [1, 1_000, 5_000, 1_024]) {
    for (let i = 0; i < 10_000; i++) survey.add(message(`${i}`, "y".repeat(size)));
    const bytes = heapBytes() - before;
    assert.ok(bytes < 10 * 1024 * 1024, `${bytes} bytes after ${size}`);
  }
  for (let i = 0; i < 1_000; i++) survey.add(message(`${i}`.padEnd(60_000, "x"), "1"));
  assert.ok(heapBytes() - before < 10 * 1024 * 1024);
  assert.ok(survey.passedOver > 0);
});

Deno.test("shapeOf() is short, whatever the payload", () => {
  const shape = (text: string): string | undefined => shapeOf(encoder.encode(text));
  assert.equal(shape('{"a": {"b": {"c": {"d": 1}}}}'), "{a: {b: {c: {…}}}}");
  assert.equal(shape('[{"a b": null}, 1]'), '[{"a b": null}]');
  assert.equal(shape("[]"), "[]");
  assert.equal(shape("22.5"), undefined);
  const keys = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`key${i}`, i]));
  assert.match(shape(JSON.stringify(keys)) ?? "", /, …\}$|…$/);
  assert.ok((shape(JSON.stringify({ ["x".repeat(10_000)]: 1 })) ?? "").length <= 401);
  // Cut between two surrogates, and of a payload that is too long to be parsed.
  for (const odd of ["", "x"]) {
    assert.ok(shape(JSON.stringify({ [odd + "😀".repeat(300)]: 1 }))?.isWellFormed());
  }
  assert.equal(shape(`["${"x".repeat(300_000)}"]`), undefined);
});

Deno.test("Survey tells shapes apart beyond what it shows of them, and by nothing else", () => {
  const kinds = (...payloads: unknown[]): number => {
    const survey = new Survey();
    payloads.forEach((one, i) => survey.add(message(`${i}`, JSON.stringify(one))));
    return new Set([...survey.topics()].map(({ kind }) => kind)).size;
  };
  const many = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`key${i}`, i]));
  const long = "k".repeat(500);
  assert.equal(kinds(many, { ...many, key29: "x" }), 2, "after 24 keys");
  assert.equal(kinds({ a: { b: { c: { d: 1 } } } }, { a: { b: { c: { d: "x" } } } }), 2, "depth 4");
  assert.equal(kinds({ [long]: 1, b: 1 }, { [long]: 1, b: "x" }), 2, "after 400 characters");
  assert.equal(kinds([1, 2], [1, "x"]), 2, "after the first element");
  assert.equal(kinds([1], [1, 2, 3]), 1, "how many elements");
  assert.equal(kinds({ a: 1, b: "x" }, { b: "y", a: 2 }), 1, "the order of keys");
  assert.equal(kinds({ text: "x" }, { text: "y".repeat(3_000) }), 1, "how long a text is");
});
