import assert from "node:assert/strict";
import fc from "fast-check";
import { Fields } from "../../lib/messages/fields.ts";
import type { Message } from "../../lib/messages/message.ts";
import { Summary, type SummaryEntry } from "../../lib/messages/summary.ts";

const START = Date.UTC(2026, 0, 1);

function message(topic: string, payload: string | Uint8Array, at = 0): Message {
  return {
    topic,
    payload: typeof payload === "string" ? new TextEncoder().encode(payload) : payload,
    qos: 0,
    retain: false,
    receivedAt: START + at,
  };
}

function summaryOf(payloads: ReadonlyArray<string | Uint8Array>, fields?: string[]): SummaryEntry {
  const summary = new Summary(fields && new Fields(fields, "summary"));
  for (const [i, payload] of payloads.entries()) summary.add(message("t", payload, i));
  const [entry] = summary.entries();
  assert.ok(entry);
  return entry;
}

Deno.test("Summary tells of each topic its count, its times, its last payload and its numbers", () => {
  const summary = new Summary(undefined);
  summary.add(message("b", "21.5", 0));
  summary.add(message("a", '{"t":20,"room":"x","deep":{"h":1}}', 1));
  summary.add(message("b", "20", 2_000));
  summary.add(message("a", '{"t":22,"deep":{"h":3}}', 3_500));
  assert.deepEqual([...summary.entries()], [
    {
      topic: "a",
      count: 2,
      first_at: "2026-01-01T00:00:00.001Z",
      last_at: "2026-01-01T00:00:03.500Z",
      last: { t: 22, deep: { h: 3 } },
      values: {
        "/t": { min: 20, max: 22, mean: 21, first: 20, last: 22 },
        "/deep/h": { min: 1, max: 3, mean: 2, first: 1, last: 3 },
      },
    },
    {
      topic: "b",
      count: 2,
      first_at: "2026-01-01T00:00:00.000Z",
      last_at: "2026-01-01T00:00:02.000Z",
      last: "20",
      values: { "": { min: 20, max: 21.5, mean: 20.75, first: 21.5, last: 20 } },
    },
  ]);
  assert.equal(summary.count, 4);
});

Deno.test("Summary tells of a named value that is no number how often it changed", () => {
  const payloads = ['{"s":"on"}', '{"s":"on"}', '{"s":"off"}', "{}", '{"s":"on"}'];
  assert.deepEqual(summaryOf(payloads, ["/s"]).values, {
    "/s": { count: 4, first: "on", last: "on", changes: 2 },
  });
  const mixed = ['{"t":"20"}', '{"t":"unavailable"}', '{"t":24}'];
  assert.deepEqual(summaryOf(mixed, ["/t", "/none"]).values, {
    "/t": { min: 20, max: 24, mean: 22, first: 20, last: 24, others: 1 },
  });
  const long = ["x".repeat(500), `${"x".repeat(499)}y`].map((s) => JSON.stringify({ s }));
  const { "/s": value } = summaryOf(long, ["/s"]).values ?? {};
  assert.ok(value !== undefined && "changes" in value);
  assert.equal(value.changes, 1);
  assert.ok(JSON.stringify(value.last).length <= 128);
});

Deno.test("Summary cuts the last payload, and shows of what is binary the size", () => {
  const { last, truncated, size } = summaryOf(["ü".repeat(5_000)]);
  assert.equal(last, "ü".repeat(64));
  assert.deepEqual([truncated, size], [true, 10_000]);
  const { count, first_at: _first, last_at: _last, ...binary } = summaryOf(
    [new Uint8Array([0xFF, 0])],
  );
  assert.deepEqual(binary, { topic: "t", encoding: "base64", size: 2 });
  assert.equal(count, 1);
});

Deno.test("Summary takes the first 16 numbers of a topic, and says that there are more", () => {
  const summary = new Summary(undefined);
  summary.add(message("t", JSON.stringify(Array.from({ length: 16 }, (_, i) => i))));
  assert.equal(summary.hasMoreNumbers, false);
  summary.add(message("t", JSON.stringify(Array.from({ length: 20 }, (_, i) => i + 1))));
  assert.equal(summary.hasMoreNumbers, true);
  const [entry] = summary.entries();
  assert.deepEqual(Object.keys(entry?.values ?? {}), Array.from({ length: 16 }, (_, i) => `/${i}`));
  assert.deepEqual(entry?.values?.["/15"], { min: 15, max: 16, mean: 15.5, first: 15, last: 16 });
});

Deno.test("Summary counts what finds no room, and keeps what has found some", () => {
  const summary = new Summary(undefined, { maxBytes: 20_000 });
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 100; i++) summary.add(message(`t/${i}`, "1"));
  }
  const entries = [...summary.entries()];
  assert.ok(entries.length > 5 && entries.length < 20, String(entries.length));
  assert.ok(entries.every(({ count }) => count === 2));
  assert.equal(summary.count, 2 * entries.length);
  assert.equal(summary.passedOver, 200 - 2 * entries.length);
});

Deno.test("Summary leaves out numbers that JavaScript would change", () => {
  assert.equal(summaryOf(['{"id":12345678901234567890}']).values, undefined);
});

Deno.test("Summary takes a zero with a sign for the number that it is", () => {
  assert.deepEqual(summaryOf(['{"t":0.5}', '{"t":-0.0}', '{"t":-2}']).values, {
    "/t": { min: -2, max: 0.5, mean: -0.5, first: 0.5, last: -2 },
  });
});

Deno.test("Summary agrees with a sum over all numbers", () => {
  const value = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer({ min: -1e6, max: 1e6 }),
  ).filter((number) => number === 0 || Math.abs(number) > 1e-290 && Math.abs(number) < 1e290);
  fc.assert(fc.property(fc.array(value, { minLength: 1, maxLength: 100 }), (numbers) => {
    const { values = {}, count } = summaryOf(numbers.map((v) => JSON.stringify({ v })));
    const { "/v": got } = values;
    assert.ok(got !== undefined && "mean" in got);
    assert.equal(count, numbers.length);
    assert.equal(got.min, Math.min(...numbers) + 0);
    assert.equal(got.max, Math.max(...numbers) + 0);
    const mean = numbers.reduce((sum, number) => sum + number / numbers.length, 0);
    const scale = Math.max(...numbers.map(Math.abs), 1e-290);
    assert.ok(Math.abs(got.mean - mean) <= 1e-9 * scale, `${got.mean} instead of ${mean}`);
  }));
});
