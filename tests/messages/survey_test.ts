import assert from "node:assert/strict";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { shapeOf, type ShownLast, Survey } from "../../lib/messages/survey.ts";

const encoder = new TextEncoder();

function message(topic: string, payload: string, retain = false): Parameters<Survey["add"]>[0] {
  return { topic, payload: encoder.encode(payload), qos: 0, retain, receivedAt: 0 };
}

function lasts(survey: Survey): ReadonlyArray<readonly [ShownLast["shown"], string | undefined]> {
  return survey.topics().map((seen) => survey.showLast(seen))
    .map(({ shown, shape }) => [shown, shape] as const);
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
  const survey = new Survey(256);
  for (const one of [message("b", "1", true), message("a", "2"), message("b", "3")]) {
    survey.add(one);
  }
  const topics = survey.topics().map(({ topic, messages, live, retained }) => [
    topic,
    messages,
    live,
    retained,
  ]);
  assert.deepEqual(topics, [["a", 1, 1, false], ["b", 2, 1, true]]);
});

Deno.test("Survey shows of a long payload the beginning, its size and its shape", () => {
  const survey = new Survey(10);
  survey.add(message("a", `{"text": "${"ü".repeat(5_000)}"}`));
  const [[shown, shape] = []] = lasts(survey);
  assert.deepEqual([shown?.payload, shown?.size, shape], ['{"text": "', 10_012, "{text: string}"]);
});

Deno.test("Survey tells a bounded number of topics apart, and counts what came on others", () => {
  const survey = new Survey(1);
  for (let i = 0; i < 20_000; i++) survey.add(message(`t/${i}`, ""));
  assert.deepEqual([survey.isIncomplete, survey.passedOver], [false, 0]);
  for (let i = 0; i < 20_010; i++) survey.add(message(`t/${i}`, ""));
  assert.equal(survey.topics().length, 20_000);
  assert.deepEqual([survey.isIncomplete, survey.passedOver], [true, 10]);
});

Deno.test("Survey bounds the bytes of topic names", () => {
  const survey = new Survey(100);
  for (let i = 0; i < 1_000; i++) survey.add(message(`${i}`.padEnd(60_000, "x"), "1"));
  const topics = survey.topics().length;
  assert.ok(topics > 50 && topics < 70, `${topics}`);
  assert.equal(survey.passedOver, 1_000 - topics);
  survey.add(message("0".padEnd(60_000, "x"), "2"));
  assert.deepEqual([survey.topics()[0]?.messages, survey.passedOver], [2, 1_000 - topics]);
});

Deno.test("Survey keeps long messages whole while there is room, else what is shown of them", () => {
  const survey = new Survey(20);
  const json = (i: number): string => `{"n": ${i}, "text": "${"x".repeat(200_000)}"}`;
  // 8 MiB are no more than 41 of them; the rest is cut, and what is longer still at once.
  for (let i = 0; i < 100; i++) survey.add(message(`a${100 + i}`, json(i)));
  survey.add(message("b", `["${"x".repeat(300_000)}"]`));
  const shown = lasts(survey);
  assert.equal(shown.filter(([, shape]) => shape === "{n: number, text: string}").length, 41);
  for (const [i, [{ payload, size, truncated }]] of shown.slice(0, 100).entries()) {
    assert.deepEqual([payload, truncated], [json(i).slice(0, 20), true]);
    assert.equal(size, json(i).length);
  }
  assert.deepEqual(shown.at(-1)?.[0].payload, `["${"x".repeat(18)}`);
  // What is too long to have a shape takes no room from others.
  const other = new Survey(20);
  for (let i = 0; i < 40; i++) other.add(message(`${i}`, "x".repeat(270_000)));
  other.add(message("a", json(0)));
  assert.equal(lasts(other).at(-1)?.[1], "{n: number, text: string}");
  // Room that is given back is used again.
  for (let i = 0; i < 100; i++) survey.add(message(`a${100 + i}`, "1"));
  survey.add(message("c", json(0)));
  assert.equal(lasts(survey).at(-1)?.[1], "{n: number, text: string}");
});

Deno.test("Survey keeps the last of many messages as well as the first", () => {
  const survey = new Survey(2_000);
  for (const size of [1_000, 5_000]) {
    const payload = `["${"x".repeat(size)}"]`;
    for (let i = 0; i < 20_000; i++) survey.add(message("a", payload));
    assert.equal(lasts(survey)[0]?.[1], "[string]");
  }
});

Deno.test("Survey holds a bounded number of bytes, whatever comes", () => {
  const properties = { userProperties: { note: "x".repeat(900) } };
  const before = heapBytes();
  const survey = new Survey(256);
  // Short ones, ones with properties, long ones, and ones too long to be kept.
  const rounds = [[1, false], [1_000, false], [30, true], [5_000, false], [1_000, false]] as const;
  for (const [size, hasProperties] of rounds) {
    for (let i = 0; i < 20_000; i++) {
      const one = message(`${i}`, "y".repeat(size));
      survey.add(hasProperties ? { ...one, properties } : one);
    }
    // 16 MiB of topics and short messages and 8 MiB of long ones, by its own counts.
    const bytes = heapBytes() - before;
    assert.ok(bytes < 24 * 1024 * 1024, `${bytes} bytes after ${size}`);
  }
  assert.equal(survey.topics().length, 20_000);
  for (const [{ size, truncated }] of lasts(survey)) {
    assert.deepEqual([size, truncated], [1_000, true]);
  }
  // Of some there is only room to say that they came.
  const shown = new Set(lasts(survey).map(([{ payload }]) => String(payload).length));
  assert.deepEqual(shown, new Set([256, 0]));
});

Deno.test("Survey.add() writes nothing out while there is room", () => {
  const survey = new Survey(256);
  const correlationData = Object.assign(new Uint8Array(10), {
    toBase64(): never {
      throw new Error("it was written out");
    },
  }).fill(0xFF);
  for (let i = 0; i < 100; i++) {
    survey.add({ ...message("a", "x".repeat(50_000)), properties: { correlationData } });
  }
  assert.equal(survey.topics()[0]?.messages, 100);
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
