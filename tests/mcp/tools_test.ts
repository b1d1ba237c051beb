import assert from "node:assert/strict";
import { listTools } from "../../lib/mcp/tools.ts";
import { instructions } from "../../lib/mcp/instructions.ts";
import { startDemo } from "../../demo/demo.ts";
import type { Session } from "../../lib/access/session.ts";
import { grantsOf } from "../../lib/cli/setup.ts";
import type { Limits } from "../../lib/config/config.ts";
import { startAedes } from "../brokers/aedes.ts";
import { BUSY_MS, TIMED_RETRIES, until } from "../brokers/until.ts";
import { startLegacyHost } from "../host_legacy.ts";
import { ALL_OF_T, eachServed, type Served, served } from "../tools/served.ts";

/** The defaults of the config. */
const LIMITS: Limits = {
  maxTimeoutMs: 300_000,
  maxMessages: 1_000,
  maxResultBytes: 65_536,
  payloadPreviewBytes: 4_096,
  maxPublishBytes: 262_144,
  publishPerMinute: 600,
  maxWatches: 16,
  watchBufferMessages: 1_000,
  watchBufferBytes: 16_777_216,
  maxMessageBytes: 8_388_608,
};

const bytes = (value: unknown): number => new TextEncoder().encode(JSON.stringify(value)).length;

/**
 * Bytes of `tools/list` and of usual results, which a model reads again and again. Whoever makes them
 * grow changes the number here, and knows why.
 */
const MOST_BYTES = { tools: 18_200, tool: 3_100, publish: 80, list: 90 };

Deno.test("listTools() has all of the contract's tools, whole and in few bytes", () => {
  const tools = listTools({ readOnly: false, limits: LIMITS });
  assert.deepEqual(tools.map(({ name }) => name).sort(), [
    "mqtt_devices",
    "mqtt_publish",
    "mqtt_query",
    "mqtt_read",
    "mqtt_status",
    "mqtt_subscribe",
    "mqtt_topics",
    "mqtt_watch",
    "mqtt_watch_read",
    "mqtt_watch_stop",
  ]);
  for (const tool of tools) {
    const { name, title, description, inputSchema, outputSchema, annotations } = tool;
    assert.ok(title && description && description.length > 50, name);
    assert.equal(inputSchema.type, "object");
    assert.equal(outputSchema?.type, "object");
    const isWrite = name === "mqtt_publish" || name === "mqtt_query";
    assert.deepEqual([annotations?.readOnlyHint, annotations?.destructiveHint], [
      !isWrite,
      isWrite,
    ]);
    assert.equal(typeof annotations?.idempotentHint, "boolean");
    assert.equal(typeof annotations?.openWorldHint, "boolean");
    assert.ok(bytes(tool) <= MOST_BYTES.tool, `${name} has ${bytes(tool)} bytes`);
  }
  const size = bytes({ tools });
  assert.ok(size <= MOST_BYTES.tools, `tools/list has ${size} bytes`);
  assert.ok(size > MOST_BYTES.tools - 500, `tools/list has shrunk to ${size}: lower the number`);
});

Deno.test("listTools() has the bounds of the config and, read-only, no tool that writes", () => {
  const limits = { ...LIMITS, maxTimeoutMs: 2_000, maxMessages: 5 };
  const tools = listTools({ readOnly: true, limits });
  assert.ok(tools.every(({ annotations }) => annotations?.readOnlyHint));
  assert.equal(tools.length, 8);
  const subscribe = tools.find(({ name }) => name === "mqtt_subscribe");
  const { timeout, max_messages } = subscribe?.inputSchema.properties as Record<string, object>;
  assert.deepEqual(timeout, {
    type: "number",
    maximum: 2,
    default: 2,
    description: "seconds",
  });
  assert.deepEqual(max_messages, {
    type: "integer",
    minimum: 1,
    maximum: 5,
    description: "default 10; with summary 100 topics",
  });
});

/** What some model's API refuses of a JSON Schema, each with its place. */
function* refusals(schema: unknown, place: string): Generator<string> {
  if (typeof schema === "boolean") yield `${place}: a boolean schema`;
  if (typeof schema !== "object" || schema === null) return;
  const { type, enum: values, items, properties, anyOf, ...others } = schema as JsonSchema;
  if (Array.isArray(type)) yield `${place}: a list of types`;
  if (type === undefined && anyOf === undefined) yield `${place}: no type`;
  if (anyOf !== undefined && Object.keys(schema).length > 1) yield `${place}: more beside anyOf`;
  if (values?.some((value) => typeof value !== "string")) yield `${place}: an enum of no strings`;
  if (type === "array" && items === undefined) yield `${place}: an array without items`;
  const isFree = type === "object" && Object.keys(properties ?? {}).length === 0;
  if (isFree && place !== "") yield `${place}: an object of anything`;
  for (const key of Object.keys(others)) {
    if (!TAKEN.has(key)) yield `${place}: ${key}`;
  }
  if (items !== undefined) yield* refusals(items, `${place}/items`);
  for (const [name, part] of Object.entries(properties ?? {})) {
    yield* refusals(part, `${place}/${name}`);
  }
  for (const [i, part] of (anyOf ?? []).entries()) yield* refusals(part, `${place}/anyOf/${i}`);
}

interface JsonSchema {
  readonly type?: unknown;
  readonly enum?: readonly unknown[];
  readonly items?: unknown;
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly anyOf?: readonly unknown[];
}

/** What the APIs of OpenAI, Gemini and Anthropic take besides. */
const TAKEN = new Set(["description", "default", "required", "minimum", "maximum"]);

/** Places of a schema that say nothing at all. */
function* sayingNothing(schema: unknown, place = ""): Generator<string> {
  if (typeof schema !== "object" || schema === null) return;
  if (Object.keys(schema).every((key) => key === "description")) yield place;
  const { properties = {}, items, anyOf = [] } = schema as JsonSchema;
  for (const [name, part] of [...Object.entries(properties), ...Object.entries(anyOf)]) {
    yield* sayingNothing(part, `${place}/${name}`);
  }
  if (items !== undefined) yield* sayingNothing(items, `${place}/items`);
}

Deno.test("listTools() has output schemas that say something wherever they say anything", () => {
  for (const { name, outputSchema } of listTools({ readOnly: false, limits: LIMITS })) {
    assert.deepEqual([...sayingNothing(outputSchema)], [], name);
  }
});

Deno.test("listTools() has input schemas that every model's API takes", () => {
  for (const { name, inputSchema } of listTools({ readOnly: false, limits: LIMITS })) {
    assert.deepEqual([...refusals(inputSchema, "")], [], name);
    assert.ok(inputSchema.properties, name);
  }
  const bad = { type: ["string"], enum: [1], additionalProperties: false };
  assert.equal([...refusals(bad, "/x")].length, 3);
});

Deno.test("what a model reads before its first call is less than 14,000 bytes on the demo", async () => {
  await using demo = await startDemo();
  const grants = grantsOf(demo.config);
  const read = listTools(grants).map(({ name, description, inputSchema }) => ({
    name,
    description,
    inputSchema,
  }));
  const access = { grants };
  const words = instructions({ access, configSource: undefined } as unknown as Session);
  const size = bytes(read) + bytes(words);
  assert.ok(size < 14_000, `${size} bytes`);
});

served(
  "callTool() gives usual results in few bytes",
  {},
  async ({ host, device, subscribed }) => {
    const published = await host.callTool("mqtt_publish", { topic: "t/lamp", payload: "on" });
    assert.ok(published.text.length <= MOST_BYTES.publish, published.text);
    const collecting = host.callTool("mqtt_subscribe", { topic: "t/#", max_messages: 100 });
    await subscribed("t/#");
    await device.burst("t/room/temperature", 100);
    const { text } = await collecting;
    assert.ok(text.length / 100 <= MOST_BYTES.list, `${text.length} bytes for 100 messages`);
  },
);

served(
  "callTool() reports progress at least each second, and only with a token",
  { retry: TIMED_RETRIES },
  async ({ host, subscribed }) => {
    // By the clock of the server: the way to the test takes as long as the machine is busy.
    const times = [0];
    let total: number | undefined;
    const waiting = host.callTool("mqtt_subscribe", { topic: "t/a", timeout: 1.8 }, {
      onProgress: (progress) => {
        times.push(progress.progress);
        total = progress.total;
      },
    });
    await subscribed("t/a");
    await waiting;
    times.push(1.8);
    const gaps = times.slice(1).map((time, i) => time - (times[i] ?? 0));
    assert.ok(Math.max(...gaps) < 1, `gaps of ${gaps} s`);
    assert.equal(total, 1.8);
  },
);

/** Calls that wait, and what they are subscribed to. */
const WAITING: ReadonlyArray<readonly [string, object, string | undefined]> = [
  ["mqtt_subscribe", { topic: "t/a", timeout: 100 }, "t/a"],
  ["mqtt_read", { topic: "t/b", timeout: 100 }, "t/b"],
  ["mqtt_topics", { filter: "t/c/#", duration: 100 }, "t/c/#"],
  ["mqtt_query", { request_topic: "t/x", response_topic: "t/d", payload: "", timeout: 100 }, "t/d"],
  ["mqtt_watch_read", { watch_id: "w1", timeout: 100 }, undefined],
];

interface WaitingCall {
  readonly name: string;
  readonly filter: string | undefined;
  readonly ended: Promise<unknown>;
  readonly isOver: () => boolean;
  cancel(): void;
}

/** Begins with all of {@linkcode WAITING}, and resolves when all wait. */
async function beginWaiting({ host, subscribed }: Served): Promise<WaitingCall[]> {
  return await Promise.all(WAITING.map(async ([name, args, filter]) => {
    const controller = new AbortController();
    const { promise: isWaiting, resolve } = Promise.withResolvers<void>();
    const ended = host.callTool(name, args, {
      signal: controller.signal,
      onProgress: () => resolve(),
    });
    let isOver = false;
    ended.catch(() => isOver = true);
    if (filter) await subscribed(filter);
    await isWaiting;
    return { name, filter, ended, isOver: () => isOver, cancel: () => controller.abort() };
  }));
}

for (const protocol of ["auto", "legacy"] as const) {
  served(
    `callTool() ends within 100 ms when it is cancelled, and leaves nothing subscribed (${protocol})`,
    { protocol, retry: TIMED_RETRIES },
    async (one) => {
      await one.host.expectResult("mqtt_watch", { topic: "t/watched" });
      const calls = await beginWaiting(one);
      for (const [i, { name, filter, ended, cancel }] of calls.entries()) {
        const start = performance.now();
        cancel();
        await assert.rejects(ended);
        if (filter) await one.unsubscribed(filter);
        // The log entry is written when the call has ended.
        const entry = new RegExp(`${name}( to "\\S+")? was cancelled`);
        await until(() => entry.test(one.host.stderr()), { what: String(entry) });
        assert.ok(performance.now() - start < 500);
        // The others go on.
        assert.ok(!calls.slice(i + 1).some(({ isOver }) => isOver()), name);
      }
    },
  );
}

eachServed(
  "callTool(): many calls run side by side, and a waiting one holds up nothing",
  {},
  async ({ host, device, broker, subscribed }) => {
    const collect = (topic: string): Promise<{ count: number }> =>
      host.expectResult("mqtt_subscribe", { topic, max_messages: 21, timeout: 30 });
    const waiting = ["t/#", "t/+"].map(collect);
    for (const topic of ["t/#", "t/+"]) await subscribed(topic);
    waiting.push(collect("t/x"));
    // It is heard over that of t/+, unless retained messages of that may be on their way.
    const askedFor = (topic: string): number => broker.subscribeCounts().get(topic) ?? 0;
    await until(() => askedFor("t/+") + askedFor("t/x") === 2);
    let isOver = false;
    const collected = Promise.all(waiting);
    collected.then(() => isOver = true, () => {});
    const reads = Array.from(
      { length: 20 },
      (_, i) => host.expectResult("mqtt_read", { topic: `t/${i}`, timeout: 30 }),
    );
    for (const topic of ["t/0", "t/19"]) await subscribed(topic);
    const start = performance.now();
    await host.expectResult("mqtt_status");
    await host.expectResult("mqtt_publish", { topic: "t/x", payload: "x", qos: 1 });
    assert.ok(performance.now() - start < 1_000 + BUSY_MS);
    for (let i = 0; i < 20; i++) await device.publish(`t/${i}`, String(i), { qos: 1 });
    const payloads = (await Promise.all(reads)).map(({ payload }) => payload);
    assert.deepEqual(payloads, Array.from({ length: 20 }, (_, i) => String(i)));
    // Who joins a subscription hears what comes after its SUBACK, which nothing tells here.
    await until(async () => {
      await device.publish("t/x", "x", { qos: 1 });
      return isOver;
    });
    assert.deepEqual((await collected).map(({ count }) => count), [21, 21, 21]);
    await until(() => broker.subscriptions().length === 0);
  },
);

Deno.test("callTool() serves a host of the older generation", async () => {
  await using broker = await startAedes();
  await using host = await startLegacyHost({
    config: { mqtt: { host: broker.host, port: broker.port }, topics: ALL_OF_T },
  });
  assert.match(host.client.getInstructions() ?? "", /t\/# \(rw; may retain\)/);
  const { tools } = await host.client.listTools();
  assert.equal(tools.length, 10);
  const publish = { topic: "t/a", payload: { on: true }, qos: 1, retain: true };
  const { outcome } = await host.expectResult("mqtt_publish", publish);
  assert.equal(outcome, "acknowledged");
  assert.deepEqual((await host.expectResult("mqtt_read", { topic: "t/a" })).payload, { on: true });
  let reports = 0;
  const { count } = await host.expectResult("mqtt_subscribe", { topic: "t/+", timeout: 0.8 }, {
    onProgress: () => reports++,
  });
  assert.equal(count, 1);
  assert.ok(reports >= 1);
  const { hint } = await host.expectError("forbidden", "mqtt_read", { topic: "x" });
  assert.match(hint ?? "", /"t\/#"/);
  assert.equal((await host.readResource("mcpmqtt://status")).connected, true);
  const { resources } = await host.client.listResources();
  assert.equal(resources.length, 3);
  const { prompts } = await host.client.listPrompts();
  assert.equal(prompts.length, 2);
  const controller = new AbortController();
  const call = host.callTool("mqtt_read", { topic: "t/b", timeout: 60 }, {
    signal: controller.signal,
  });
  await until(() => broker.subscriptions().includes("t/b"));
  controller.abort();
  await assert.rejects(call);
  await until(() => broker.subscriptions().length === 0);
  await assert.rejects(
    host.callTool("mqtt_nothing"),
    /Unknown tool "mqtt_nothing"; there are mqtt/,
  );
});
