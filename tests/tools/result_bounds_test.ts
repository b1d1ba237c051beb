import assert from "node:assert/strict";
import type { Message } from "../../lib/messages/message.ts";
import { jsonBytes } from "../../lib/messages/payload.ts";
import { Watch } from "../../lib/messages/watch.ts";
import { findTool } from "../../lib/tools/catalogue.ts";
import { parseTopicFilter } from "../../lib/topics/topic_filter.ts";
import { contextOf, limitsWith, type Scene } from "./contexts.ts";

const MAX_BYTES = 3_000;
/** What a result has beside its messages and filters. */
const FRAME_BYTES = 300;
const limits = await limitsWith({ maxResultBytes: MAX_BYTES, payloadPreviewBytes: 500 });

const filters = Array.from({ length: 10_000 }, (_, i) => parseTopicFilter(`sensors/${i}/+`));

function message(topic: string, payload: string | Uint8Array): Message {
  const bytes = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
  return { topic, payload: bytes, qos: 0, retain: false, receivedAt: 0 };
}

const messages = Array.from({ length: 100 }, (_, i) => message(`t/${i}`, "x".repeat(10_000)));

/** The result of a call, which is one by its output schema. */
async function resultOf(
  name: string,
  args: object,
  scene: Partial<Scene>,
): Promise<Record<string, unknown>> {
  const tool = findTool(name);
  assert.ok(tool);
  const result = await tool.run(args, contextOf({ limits, ...scene }));
  assert.doesNotThrow(() => tool.output.parse(result), name);
  return result;
}

const calls: ReadonlyArray<readonly [string, object]> = [
  ["mqtt_read", { topic: "#" }],
  ["mqtt_subscribe", { topic: "#", timeout: 0.1, max_messages: 1_000 }],
  ["mqtt_topics", { duration: 0.1, fold: 0 }],
  [
    "mqtt_query",
    { request_topic: "a", response_topic: "#", payload: "", timeout: 0.1, max_responses: 1_000 },
  ],
  ["mqtt_watch", { topic: "#" }],
];

Deno.test("a result has the filters in force within its bytes, and counts those it leaves out", async () => {
  const texts = filters.map(({ text }) => text);
  const watch = new Watch({ id: "w1", filters: texts, narrowed: true }, 10);
  for (const [name, args] of calls) {
    const result = await resultOf(name, args, { messages, filters, watch });
    const shown = result.filters as string[];
    assert.deepEqual(shown, texts.slice(0, shown.length), name);
    assert.ok(shown.length > 20, name);
    assert.equal(shown.length + Number(result.filters_omitted), filters.length, name);
    assert.ok(jsonBytes(result) <= MAX_BYTES + FRAME_BYTES, `${name}: ${jsonBytes(result)}`);
    if (name === "mqtt_watch") continue;
    assert.ok(jsonBytes(result) > 0.8 * MAX_BYTES, `${name}: ${jsonBytes(result)}`);
  }
});

Deno.test("a result leaves out no filter where there is room", async () => {
  const few = filters.slice(0, 3);
  const texts = few.map(({ text }) => text);
  const watch = new Watch({ id: "w1", filters: texts, narrowed: true }, 10);
  for (const [name, args] of calls) {
    const result = await resultOf(name, args, { messages, filters: few, watch });
    assert.deepEqual([result.filters, "filters_omitted" in result], [texts, false], name);
  }
});

Deno.test("mqtt_topics counts the messages on topics that found no room", async () => {
  const many = Array.from({ length: 200 }, (_, i) => message(`${i}`.padEnd(60_000, "x"), "1"));
  const { total, incomplete, passed_over } = await resultOf("mqtt_topics", { duration: 0.1 }, {
    messages: many,
  });
  assert.equal(incomplete, true);
  assert.equal(Number(total) + Number(passed_over), 200);
  const whole = await resultOf("mqtt_topics", { duration: 0.1 }, { messages });
  assert.deepEqual([whole.total, whole.incomplete, whole.passed_over], [100, undefined, undefined]);
});

Deno.test("mqtt_topics counts nothing that comes while it makes the list", async () => {
  const delivered = Promise.withResolvers<void>();
  const scene = function* (): Generator<Message | "turn"> {
    for (let i = 0; i < 10_000; i++) yield { ...message(`t/${i}`, "1"), retain: true };
    yield { ...message("z", "1"), retain: true };
    delivered.resolve();
    yield "turn";
    for (let i = 0; i < 1_000; i++) {
      yield { ...message("z", "1"), retain: true };
      yield "turn";
    }
  };
  const { topics } = await resultOf("mqtt_topics", { retained_only: true }, {
    messages: scene(),
    retainedDelivered: () => delivered.promise,
  });
  const entries = topics as Array<{ topic: string; messages: number }>;
  assert.deepEqual(entries.map(({ topic, messages }) => [topic, messages]), [
    ["t/+", 10_000],
    ["z", 1],
  ]);
});
