import { TIMED_RETRIES, until } from "../brokers/until.ts";
import assert from "node:assert/strict";
import { eachServed, type Served, served } from "./served.ts";

interface Read {
  readonly messages: ReadonlyArray<{ readonly seq: number; readonly payload: unknown }>;
  readonly next: number;
  readonly remaining: number;
  readonly dropped: number;
}

/** Waits until the watch has so many messages, without reading it. */
async function received(host: Served["host"], count: number): Promise<void> {
  for (let i = 0; i < 500; i++) {
    const { watches: [watch] } = await host.expectResult("mqtt_status");
    if (watch.received === count) return;
  }
  throw new Error(`the watch did not receive ${count} messages`);
}

const seqs = ({ messages }: Read): number[] => messages.map(({ seq }) => seq);

served(
  "mqtt_watch_read goes on where the last read ended, or after a number",
  { limits: { watch_buffer_messages: 10 } },
  async ({ host, device }) => {
    await host.expectResult("mqtt_watch", { topic: "t/a" });
    const read = (args: object = {}): Promise<Read> =>
      host.expectResult("mqtt_watch_read", { watch_id: "w1", ...args });
    const none = await read();
    assert.deepEqual(none, { messages: [], next: 0, remaining: 0, dropped: 0 });
    await device.burst("t/a", 8, { qos: 1 });
    await received(host, 8);
    const first = await host.expectResult("mqtt_watch_read", { watch_id: "w1", max_messages: 3 });
    assert.deepEqual(seqs(first), [1, 2, 3]);
    assert.deepEqual([first.next, first.remaining, first.dropped], [3, 5, 0]);
    assert.match(first.hint, /mqtt_watch_read with after 3/);
    assert.deepEqual(seqs(await read()), [4, 5, 6, 7, 8]);
    const again = await read({ after: 1, max_messages: 2 });
    assert.deepEqual([seqs(again), again.next, again.remaining], [[2, 3], 3, 5]);
    assert.deepEqual(seqs(await read({ after: 6 })), [7, 8]);

    await device.burst("t/a", 15, { qos: 1 });
    await received(host, 23);
    const late = await read();
    assert.deepEqual([seqs(late)[0], late.messages.length, late.dropped], [14, 10, 5]);
    const all = await read({ after: 0 });
    assert.deepEqual([seqs(all)[0], all.messages.length, all.dropped], [14, 10, 0]);
    const { received: count, dropped } = await host.expectResult("mqtt_watch_stop", {
      watch_id: "w1",
    });
    assert.deepEqual([count, dropped], [23, 5]);
  },
);

served(
  "mqtt_watch_read waits for the first message that meets the condition, and no longer",
  {},
  async ({ host, device }) => {
    await host.expectResult("mqtt_watch", { topic: "t/+" });
    const { promise: isWaiting, resolve } = Promise.withResolvers<void>();
    const where = { path: "/on", op: "eq", value: true };
    const reading = host.expectResult("mqtt_watch_read", { watch_id: "w1", timeout: 20, where }, {
      onProgress: () => resolve(),
    });
    await isWaiting;
    await device.publish("t/a", '{"on": false}', { qos: 1 });
    await device.publish("t/a", '{"on": true}', { qos: 1 });
    const { messages, remaining, next } = await reading;
    assert.deepEqual(messages.map(({ payload }: { payload: unknown }) => payload), [{ on: true }]);
    assert.deepEqual([next, remaining], [2, 0]);
    const start = performance.now();
    const none = await host.expectResult("mqtt_watch_read", { watch_id: "w1", timeout: 0.3 });
    assert.deepEqual(none, { messages: [], next: 2, remaining: 0, dropped: 0 });
    assert.ok(performance.now() - start >= 290);

    // The one before is looked at even where it is not given.
    await device.publish("t/a", '{"on": true}', { qos: 1 });
    await device.publish("t/a", '{"on": false}', { qos: 1 });
    const changed = await host.expectResult("mqtt_watch_read", {
      watch_id: "w1",
      timeout: 10,
      where: { path: "/on", op: "changed" },
    });
    assert.equal(changed.messages[0].seq, 4);
  },
);

served(
  "mqtt_watch_read keeps to the limits of a result, and stopping the watch ends a waiting read",
  { limits: { max_result_bytes: 1_000 } },
  async ({ host, device }) => {
    await host.expectResult("mqtt_watch", { topic: "t/a" });
    await device.burst("t/a", 30, { qos: 1, payload: (i) => "ü".repeat(100) + i });
    await received(host, 30);
    const found: number[] = [];
    while (found.length < 30) {
      const { text, structuredContent } = await host.callTool("mqtt_watch_read", {
        watch_id: "w1",
      });
      assert.ok(new TextEncoder().encode(text).length <= 1_200);
      assert.ok(structuredContent.messages.length > 0);
      found.push(...seqs(structuredContent));
      assert.equal(structuredContent.remaining, 30 - found.length);
    }
    assert.deepEqual(found, Array.from({ length: 30 }, (_, i) => i + 1));

    const refused: ReadonlyArray<readonly [string, object, RegExp]> = [
      ["not_found", { watch_id: "w9" }, /no watch "w9"/],
      ["invalid_argument", { watch_id: "w1", after: 31 }, /after must be at most 30.*got 31/],
      ["invalid_argument", { watch_id: "w1", after: -1 }, /after must be at least 0/],
      ["invalid_argument", { watch_id: "w1", timeout: 301 }, /at most 300/],
      ["invalid_argument", { watch_id: "w1", max_messages: 1_001 }, /at most 1000/],
      ["invalid_argument", { watch_id: 1 }, /watch_id must be of type string/],
      ["invalid_argument", {}, /missing argument "watch_id"/],
    ];
    for (const [code, args, pattern] of refused) {
      assert.match((await host.expectError(code, "mqtt_watch_read", args)).message, pattern);
    }

    const { promise: isWaiting, resolve } = Promise.withResolvers<void>();
    const reading = host.expectError("not_found", "mqtt_watch_read", {
      watch_id: "w1",
      timeout: 60,
    }, { onProgress: () => resolve() });
    await isWaiting;
    await host.expectResult("mqtt_watch_stop", { watch_id: "w1" });
    assert.match((await reading).message, /it was stopped/);
  },
);

eachServed(
  "mqtt_watch_read tells of a loss for as long as it lasts, and once more when it is over",
  {},
  async ({ host, broker }) => {
    await host.expectResult("mqtt_watch", { topic: "t/a" });
    const read = async (): Promise<number | undefined> =>
      (await host.expectResult("mqtt_watch_read", { watch_id: "w1" })).interruptions;
    await broker.kill();
    await until(async () => await read() === 1, { what: () => "an interruption" });
    // What comes now is missed, after that was read.
    assert.equal(await read(), 1);
    await broker.restart();
    await host.expectResult("mqtt_publish", { topic: "t/a", payload: "after", qos: 1 });
    await received(host, 1);
    assert.equal(await read(), 1);
    assert.equal(await read(), undefined);
  },
);

eachServed(
  "mqtt_watch_read goes on after the broker was away, and says so",
  // On a busy machine the loss of the connection for writing may not have been noticed yet.
  { retry: TIMED_RETRIES },
  async ({ host, broker, device, version }) => {
    await host.expectResult("mqtt_watch", { topic: "t/a" });
    await device.publish("t/a", "before", { qos: 1 });
    await received(host, 1);
    await broker.restart();
    // A publish waits for the connection, on which the watch is subscribed again before.
    await host.expectResult("mqtt_publish", { topic: "t/a", payload: "after", qos: 1 });
    await received(host, 2);
    const read = await host.expectResult("mqtt_watch_read", { watch_id: "w1" });
    assert.deepEqual(seqs(read), [1, 2]);
    assert.deepEqual([read.dropped, read.interruptions], [0, 1]);
    const { reconnects, broker: { protocol_version } } = await host.expectResult("mqtt_status");
    assert.deepEqual([reconnects, protocol_version], [1, version]);
  },
);

served(
  "mqtt_watch_read gives of what was collected one filter, fields or a summary",
  {},
  async ({ host, device }) => {
    const { watch_id } = await host.expectResult("mqtt_watch", { topic: "t/#", exclude: "t/x/#" });
    await device.burst("t/a", 30, { qos: 1, payload: (i) => `{"n":${i}}` });
    await device.burst("t/b", 2, { qos: 1 });
    await device.burst("t/x/y", 2, { qos: 1 });
    await device.publish("t/c", "end", { qos: 1 });
    const read = (args: object): Promise<unknown> =>
      host.expectResult("mqtt_watch_read", { watch_id, after: 0, ...args });
    await host.expectResult("mqtt_watch_read", { watch_id, topic: "t/c", timeout: 10 });

    const b = await read({ topic: "t/b" }) as { messages: object[]; next: number };
    assert.deepEqual(
      b.messages.map((message) => Object.keys(message)),
      [["seq", "payload", "received_at"], ["seq", "payload", "received_at"]],
    );
    assert.equal(b.next, 33);
    const { messages } = await read({ fields: ["/n"], max_messages: 2 }) as { messages: object[] };
    assert.deepEqual(
      messages.map((message) => ({ ...message, received_at: "" })),
      [0, 1].map((n) => ({ seq: n + 1, topic: "t/a", values: { "/n": n }, received_at: "" })),
    );
    const { topics, next, remaining, dropped } = await read({
      summary: true,
      max_messages: 1,
    }) as Record<string, unknown> & { topics: Record<string, unknown>[] };
    assert.deepEqual([next, remaining, dropped], [33, 0, 0]);
    assert.deepEqual(topics.map(({ topic, count, values }) => [topic, count, values]), [
      ["t/a", 30, { "/n": { min: 0, max: 29, mean: 14.5, first: 0, last: 29 } }],
    ]);
    const named = await read({ summary: true, fields: ["/n"] }) as { topics: { topic: string }[] };
    assert.deepEqual(named.topics.map(({ topic }) => topic), ["t/a"]);
  },
);
