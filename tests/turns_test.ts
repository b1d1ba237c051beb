import assert from "node:assert/strict";
import type { Message } from "../lib/messages/message.ts";
import { Watch } from "../lib/messages/watch.ts";
import { mqttTopics } from "../lib/tools/mqtt_topics.ts";
import { mqttWatchRead } from "../lib/tools/mqtt_watch_read.ts";
import { Turns } from "../lib/turns.ts";
import { contextOf, limitsWith, type Scene } from "./tools/contexts.ts";
import { TIMED_RETRIES } from "./brokers/until.ts";

Deno.test("Turns is over after some milliseconds, and then lets others have theirs", {
  retry: TIMED_RETRIES,
}, async () => {
  const turns = new Turns();
  assert.equal(turns.isOver, false);
  const start = performance.now();
  while (!turns.isOver) { /* works */ }
  const sliceMs = performance.now() - start;
  assert.ok(sliceMs > 4 && sliceMs < 500, `${sliceMs} ms`);
  let hasTurned = false;
  setTimeout(() => hasTurned = true, 0);
  await turns.others();
  assert.equal(hasTurned, true);
  assert.equal(turns.isOver, false);
});

const limits = await limitsWith();

/** Takes some milliseconds to parse. */
const costly = new TextEncoder().encode(
  `{${Array.from({ length: 8_000 }, (_, i) => `"field_${i}": ${i}`).join(", ")}}`,
);
/** Many of them do. */
const short = costly.subarray(0, 900);
const none = { path: "/field_7", op: "eq", value: 8 };

function message(topic: string): Message {
  // One of its own: what is looked at twice is parsed once.
  return { topic, payload: costly.slice(), qos: 0, retain: false, receivedAt: 0 };
}

function costlyWatch(): Watch {
  const watch = new Watch({ id: "w1", filters: [], narrowed: false }, 55);
  for (let i = 0; i < 50; i++) watch.push(message(`t/${i}`));
  return watch;
}

Deno.test("mqtt_watch_read lets others have their turn, and counts nothing as dropped that it has seen", async () => {
  const watch = costlyWatch();
  let turns = 0;
  const timer = setInterval(() => {
    turns++;
    watch.push(message("t/new"));
  }, 0);
  const context = contextOf({ limits, watch });
  const result = await mqttWatchRead.run({ watch_id: "w1", where: none }, context);
  clearInterval(timer);
  assert.ok(turns >= 3, `${turns} turns`);
  assert.deepEqual([result.messages, result.next, result.dropped], [[], 50, 0]);
});

Deno.test("mqtt_watch_read ends in the middle when it is cancelled", async () => {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new Error("cancelled")), 0);
  const watch = costlyWatch();
  const context = contextOf({ limits, watch, signal: controller.signal });
  await assert.rejects(
    mqttWatchRead.run({ watch_id: "w1", where: none }, context),
    /cancelled/,
  );
  clearTimeout(timer);
  assert.equal(watch.position, 0);
});

Deno.test("mqtt_topics lets others have their turn", async () => {
  let turns = 0;
  const scene: Scene = {
    limits,
    messages: function* () {
      for (let i = 10_000; i < 15_000; i++) yield { ...message(`t/${i}`), payload: short };
      while (true) {
        yield message("t/0");
        yield "turn" as const;
      }
    }(),
  };
  const timer = setInterval(() => turns++, 0);
  const result = await mqttTopics.run({ duration: 0.01, fold: 0 }, contextOf(scene));
  clearInterval(timer);
  assert.ok(turns >= 3, `${turns} turns`);
  const [first] = result.topics as ReadonlyArray<{ topic: string }>;
  assert.equal(result.total, 5_001);
  assert.equal(first?.topic, "t/0");
});
