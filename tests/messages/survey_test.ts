import assert from "node:assert/strict";
import { shapeOf, Survey } from "../../lib/messages/survey.ts";

const encoder = new TextEncoder();

function message(topic: string, payload: string, retain = false): Parameters<Survey["add"]>[0] {
  return { topic, payload: encoder.encode(payload), qos: 0, retain, receivedAt: 0 };
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
  const [seen] = survey.topics();
  assert.ok(seen && "shown" in seen.last);
  const { shown, shape } = seen.last;
  assert.deepEqual([shown.payload, shown.size, shape], ['{"text": "', 10_012, "{text: string}"]);
});

Deno.test("Survey tells a bounded number of topics apart, and says that there were more", () => {
  const survey = new Survey(1);
  for (let i = 0; i <= 20_000; i++) survey.add(message(`t/${i}`, ""));
  assert.equal(survey.topics().length, 20_000);
  assert.equal(survey.isIncomplete, true);
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
});
