import assert from "node:assert/strict";
import { Fields } from "../../lib/messages/fields.ts";
import { LastByTopic } from "../../lib/messages/last_by_topic.ts";
import type { Message } from "../../lib/messages/message.ts";
import { fitMessage, jsonBytes, showMessage, textOf } from "../../lib/messages/payload.ts";
import { Summary } from "../../lib/messages/summary.ts";
import { Survey } from "../../lib/messages/survey.ts";
import { compileWhere, type Where } from "../../lib/messages/where.ts";
import { TIMED_RETRIES } from "../brokers/until.ts";
import { HOSTILE_PAYLOADS } from "./hostile_payloads.ts";

/** The largest that is parsed, and one that is not; what is not linear shows in a megabyte. */
const SIZES = [1024 * 1024, 256 * 1024];
/** How many times as long as the yardstick anything may take; on a quiet machine it is 3 at most. */
const MAX_TIMES = 25;
const LEAST_MS = 20;

const repetitive = `${"a".repeat(1_000)}b${"a".repeat(1_000)}`;

const conditions: readonly Where[] = [
  { path: "", op: "eq", value: { a: ["x".repeat(1_000)] } },
  { path: "", op: "eq", value: "1" },
  { path: "", op: "ne", value: 5 },
  { path: "", op: "lt", value: 5 },
  { path: "", op: "contains", value: repetitive },
  { path: "", op: "contains", value: [[[["a"]]]] },
  { path: "", op: "exists" },
  { path: "", op: "changed" },
  { path: "/0/0/0", op: "contains", value: "a" },
  { path: "/0", op: "changed" },
];

function message(payload: Uint8Array): Message {
  return { topic: "t", payload, qos: 0, retain: false, receivedAt: 0 };
}

/** What is done with a message, and checks of what comes out. */
const uses: Readonly<Record<string, (message: Message) => void>> = {
  "showMessage()": (one) => {
    const shown = showMessage(one, 4_096);
    assert.ok(jsonBytes(shown) <= 6 * 4_096 + 200);
    assert.ok(JSON.stringify(shown.payload).isWellFormed());
    assert.equal(shown.encoding === "base64", textOf(one.payload) === undefined);
  },
  "fitMessage()": (one) => {
    const shown = fitMessage(one, { previewBytes: 65_536, maxBytes: 65_536 });
    assert.ok(jsonBytes(shown) <= 65_536);
  },
  "fitMessage() with room for all": (one) => {
    const maxBytes = 6 * 8 * 1024 * 1024;
    const shown = fitMessage(one, { previewBytes: 256 * 1024, maxBytes });
    assert.ok(jsonBytes(shown) <= maxBytes);
  },
  "Survey": (one) => {
    const survey = new Survey();
    survey.add(one);
    for (const { last } of survey.topics()) assert.ok(jsonBytes(last) <= 6 * 128 + 100);
  },
  "Fields": (one) => {
    const shown = new Fields(["", "/0", "/0/0/0", "/a"], "fields").show(one.payload, 4_096);
    assert.equal(shown !== undefined, textOf(one.payload) !== undefined);
    assert.ok(jsonBytes(shown?.values ?? {}) <= 4_096 + 2);
    assert.ok(JSON.stringify(shown ?? {}).isWellFormed());
  },
  "Summary": (one) => {
    const summary = new Summary(undefined);
    summary.add(one);
    for (const entry of summary.entries()) assert.ok(jsonBytes(entry) <= 16 * 400 + 6 * 128 + 200);
  },
  "Summary of named values": (one) => {
    const summary = new Summary(new Fields(["", "/0", "/a"], "summary"));
    summary.add(one);
    for (const entry of summary.entries()) assert.ok(jsonBytes(entry) <= 3 * 400 + 6 * 128 + 200);
  },
  "LastByTopic": (one) => {
    const last = new LastByTopic();
    last.remember(one);
    assert.ok(last.isSame(one));
  },
  ...Object.fromEntries(conditions.map((where) => [
    `where ${JSON.stringify(where).slice(0, 50)}`,
    (one: Message): void => {
      const test = compileWhere(where);
      assert.equal(typeof test(one), "boolean");
      // `changed`: what is the same has not changed.
      if (where.op === "changed") assert.equal(test(one), false);
    },
  ])),
};

function bestOf(times: number, work: () => void): number {
  let best = Infinity;
  for (let i = 0; i < times; i++) {
    const start = performance.now();
    work();
    best = Math.min(best, performance.now() - start);
  }
  return best;
}

Deno.test("no payload, however made, takes longer than a multiple of what reading text takes", {
  retry: TIMED_RETRIES,
}, () => {
  const text = new TextEncoder().encode("aü€😀".repeat(100_000));
  const yardstick = (): void => void new TextDecoder("utf-8", { fatal: true }).decode(text);
  const limitMs = (): number => Math.max(LEAST_MS, bestOf(3, yardstick)) * MAX_TIMES;
  const firstLimitMs = limitMs();
  const slow: string[] = [];
  for (const [name, make] of Object.entries(HOSTILE_PAYLOADS)) {
    for (const bytes of SIZES) {
      const one = message(make(bytes));
      for (const [use, work] of Object.entries(uses)) {
        if (bestOf(1, () => work(one)) < firstLimitMs) continue;
        // The machine may have other work now.
        const [ms, nowMs] = [bestOf(3, () => work(one)), limitMs()];
        if (ms > nowMs) {
          slow.push(
            `${use}, ${bytes} bytes of ${name}: ${Math.round(ms)} of ${Math.round(nowMs)} ms`,
          );
        }
      }
    }
  }
  assert.deepEqual(slow, []);
});
