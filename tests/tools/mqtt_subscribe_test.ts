import assert from "node:assert/strict";
import { startAedes } from "../brokers/aedes.ts";
import { untilConnected } from "../host.ts";
import { eachServed, serve, served } from "./served.ts";

interface Shown {
  readonly topic: string;
  readonly payload: unknown;
  readonly retain?: true;
}

/** A result's frame: all but its messages. */
const FRAME_BYTES = 600;

eachServed(
  "mqtt_subscribe gives a burst of 500 over a wildcard whole and in order",
  { limits: { max_result_bytes: 1_000_000 } },
  async ({ host, device, subscribed, unsubscribed }) => {
    const collecting = host.expectResult("mqtt_subscribe", {
      topic: "t/+/burst",
      max_messages: 500,
      timeout: 20,
    });
    await subscribed("t/+/burst");
    await device.burst("t/a/burst", 500, { qos: 1 });
    const { messages, elapsed, ...rest } = await collecting;
    assert.deepEqual(rest, {
      topic: "t/+/burst",
      filters: ["t/+/burst"],
      narrowed: false,
      count: 500,
      ended: "max_messages",
      dropped: 0,
    });
    assert.ok(elapsed > 0 && elapsed < 20);
    const payloads = messages.map(({ payload }: Shown) => Number(payload));
    assert.deepEqual(payloads, Array.from({ length: 500 }, (_, i) => i));
    assert.deepEqual(Object.keys(messages[0]), ["topic", "payload", "received_at"]);
    assert.match(messages[0].received_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    await unsubscribed("t/+/burst");
  },
);

served(
  "mqtt_subscribe waits through silence, and no message is a good answer",
  {},
  async ({ host, device, subscribed, unsubscribed }) => {
    const gaps = host.expectResult("mqtt_subscribe", {
      topic: "t/gaps",
      max_messages: 3,
      timeout: 10,
    }, { onProgress: () => device.publish("t/gaps", "after a silence", { qos: 1 }) });
    await subscribed("t/gaps");
    const { count, ended, elapsed } = await gaps;
    assert.deepEqual([count, ended], [3, "max_messages"]);
    assert.ok(elapsed > 1, `one message in each half second, and it took ${elapsed} s`);

    const start = performance.now();
    const silence = await host.expectResult("mqtt_subscribe", { topic: "t/silent", timeout: 0.5 });
    assert.ok(performance.now() - start >= 490);
    const { elapsed: waited, ...rest } = silence;
    assert.ok(waited >= 0.49 && waited < 10);
    assert.deepEqual(rest, {
      topic: "t/silent",
      filters: ["t/silent"],
      narrowed: false,
      messages: [],
      count: 0,
      ended: "timeout",
      dropped: 0,
    });
    await unsubscribed("t/silent");
  },
);

eachServed(
  "mqtt_subscribe gives each message once where its filters overlap, retained ones included",
  {},
  async ({ host, device, subscribed, unsubscribed }) => {
    await device.publish("t/a/kept", "old", { retain: true, qos: 1 });
    const topic = ["t/#", "t/a/+", "t/a/kept"];
    const collecting = host.expectResult("mqtt_subscribe", { topic, max_messages: 3, timeout: 10 });
    const second = host.expectResult("mqtt_subscribe", {
      topic: "t/a/#",
      max_messages: 2,
      timeout: 10,
      include_retained: false,
    });
    await subscribed("t/#");
    await subscribed("t/a/#");
    await device.publish("t/a/live", '{"n": 1}', { qos: 1 });
    await device.publish("t/a/kept", "12345678901234567890", { qos: 1 });
    const shown = ({ topic, payload, retain }: Shown): unknown[] => [topic, payload, retain];
    const live = [
      ["t/a/live", { n: 1 }, undefined],
      ["t/a/kept", "12345678901234567890", undefined],
    ];
    const { messages, filters } = await collecting;
    assert.deepEqual(filters, ["t/#"]);
    assert.deepEqual(messages.map(shown), [["t/a/kept", "old", true], ...live]);
    assert.deepEqual((await second).messages.map(shown), live);
    await unsubscribed("t/#");
    await unsubscribed("t/a/#");
  },
);

served(
  "mqtt_subscribe asks for no more than is granted, and says what is in force",
  {
    topics: [
      { pattern: "test/+", permissions: ["read"] },
      { pattern: "a.b/x", permissions: ["read"] },
      { pattern: "wo/#", permissions: ["read"] },
      { pattern: "home/#", permissions: ["read"] },
      { pattern: "home/private/#", deny: ["read"] },
      { pattern: "only/write", permissions: ["write"] },
    ],
  },
  async ({ host, broker, device, subscribed }) => {
    const subscribe = (topic: string | string[]): Promise<{
      filters: string[];
      narrowed: boolean;
      messages: Shown[];
    }> => host.expectResult("mqtt_subscribe", { topic, timeout: 0.05 });
    // What it takes to connect is no part of so short a timeout.
    await untilConnected(host);
    const { filters, narrowed } = await subscribe("test/#");
    assert.deepEqual([filters, narrowed], [["test/+"], true]);
    const all = await subscribe("#");
    assert.deepEqual(all.filters, ["test/+", "a.b/x", "wo/#", "home/#"]);
    assert.equal(all.narrowed, true);
    assert.deepEqual((await subscribe(["wo", "wo/a"])).filters, ["wo", "wo/a"]);
    assert.equal((await subscribe("wo/#")).narrowed, false);

    for (const topic of ["axb/x", "test/a/b", "only/write", "home/private/diary", "$SYS/#", "x"]) {
      const { message, hint } = await host.expectError("forbidden", "mqtt_subscribe", { topic });
      assert.ok(message.includes(JSON.stringify(topic)), message);
      assert.match(hint ?? "", /test\/\+|home\/#|wo\/#|a\.b\/x/);
    }
    const shared = await host.expectError("forbidden", "mqtt_subscribe", { topic: "$share/g/wo" });
    assert.match(shared.message, /shared|\$share/i);

    const home = host.expectResult("mqtt_subscribe", {
      topic: "home/+/#",
      max_messages: 1,
      timeout: 10,
    });
    await subscribed("home/+/#");
    await device.publish("home/private/diary", "not for you");
    await device.publish("home/hall/light", "on");
    const { messages, narrowed: isNarrowed } = await home;
    assert.deepEqual(messages.map(({ topic }: Shown) => topic), ["home/hall/light"]);
    assert.equal(isNarrowed, true);
    assert.deepEqual(
      [...broker.subscribeCounts().keys()].sort(),
      ["a.b/x", "home/#", "home/+/#", "test/+", "wo", "wo/#", "wo/a"],
    );
  },
);

served(
  "mqtt_subscribe keeps to the limits of a result and counts what found no room",
  { limits: { max_result_bytes: 2_000, payload_preview_bytes: 300, max_messages: 50 } },
  async ({ host, device, subscribed }) => {
    const collecting = host.callTool("mqtt_subscribe", { topic: "t/+", max_messages: 50 });
    await subscribed("t/+");
    await device.publish("t/long", "ü".repeat(1_000), { qos: 1 });
    await device.burst("t/short", 40, { qos: 1, payload: () => "\u0001".repeat(20) });
    const { text, structuredContent } = await collecting;
    const { messages, ended, dropped, count, hint } = structuredContent;
    assert.equal(ended, "result_size");
    assert.ok(dropped >= 1);
    assert.equal(count, messages.length);
    assert.match(hint, /mqtt_watch.*mqtt_read/);
    const { truncated, size, payload } = messages[0];
    assert.deepEqual({ truncated, size }, { truncated: true, size: 2_000 });
    assert.equal(payload, "ü".repeat(150));
    const bytes = new TextEncoder().encode(text).length;
    assert.ok(bytes > 1_500 && bytes <= 2_000 + FRAME_BYTES, `${bytes} bytes`);

    const bounds: ReadonlyArray<readonly [object, RegExp]> = [
      [{ max_messages: 51 }, /max_messages must be at most 50, got 51/],
      [{ max_messages: 0 }, /max_messages must be at least 1, got 0/],
      [{ max_messages: 1.5 }, /max_messages must be of type integer, got 1\.5/],
      [{ timeout: 300.5 }, /timeout must be at most 300, got 300\.5/],
      [{ timeout: -1 }, /timeout must be greater than 0, got -1/],
      [{ timeout: "5" }, /timeout must be of type number, got the string "5"/],
      [{ topic: [] }, /topic must have at least 1 entries/],
      [{ include_retained: "no" }, /include_retained must be of type boolean/],
      [{ where: { path: "x", op: "eq", value: 1 } }, /"x" is not a JSON Pointer/],
      [{ where: { path: "", op: "like", value: 1 } }, /where\.op must be one of "eq", "ne"/],
      [{ where: { path: "", op: "lt" } }, /"lt" needs a where\.value/],
      [{ where: { path: "", op: "exists", value: 1 } }, /"exists" takes no where\.value/],
      [{ where: { path: "", op: "gt", value: "warm" } }, /must be a number.*"warm"/],
      [{ timeoutMs: 5 }, /unknown argument "timeoutMs".*topic, timeout, max_messages/],
    ];
    for (const [args, pattern] of bounds) {
      const error = await host.expectError("invalid_argument", "mqtt_subscribe", {
        topic: "t/a",
        ...args,
      });
      assert.match(error.message, pattern);
    }
    for (const topic of ["", "t/\0", "t/a#", "t/#/b", "t+/a"]) {
      await host.expectError("invalid_topic", "mqtt_subscribe", { topic });
    }
  },
);

served(
  "mqtt_subscribe with where counts only what meets it, changed ones included",
  {},
  async ({ host, device, subscribed }) => {
    const below = host.expectResult("mqtt_subscribe", {
      topic: "t/+/state",
      max_messages: 2,
      where: { path: "/battery", op: "lt", value: 20 },
    });
    const changed = host.expectResult("mqtt_subscribe", {
      topic: "t/+/door",
      max_messages: 2,
      where: { path: "", op: "changed" },
    });
    await subscribed("t/+/state");
    await subscribed("t/+/door");
    for (const battery of ["80", '"19.5"', "null", "20", "3"]) {
      await device.publish("t/a/state", `{"battery": ${battery}}`, { qos: 1 });
    }
    const deep = "[".repeat(20_000) + "]".repeat(20_000);
    for (const state of ["open", "open", deep, deep]) {
      await device.publish("t/a/door", state, { qos: 1 });
    }
    await device.publish("t/b/door", "open", { qos: 1 });
    await device.publish("t/a/door", "closed", { qos: 1 });
    const payloads = ({ messages }: { messages: Shown[] }): unknown[] =>
      messages.map(({ payload }) => payload);
    assert.deepEqual(payloads(await below), [{ battery: "19.5" }, { battery: 3 }]);
    assert.deepEqual(payloads(await changed), [deep.slice(0, 4_096), "closed"]);
  },
);

served(
  "no condition, and no message, keeps others from hearing",
  {},
  async ({ host, device, subscribed }) => {
    const value = { toString: null, valueOf: null, toJSON: null };
    const conditions = [
      { path: "", op: "eq", value },
      { path: "", op: "contains", value },
      { path: "/a/b/c", op: "ne", value: [value] },
      { path: "", op: "changed" },
    ];
    const hearing = conditions.map((where, i) =>
      host.expectResult("mqtt_subscribe", {
        topic: `t/${i}/+`,
        where,
        timeout: where.op === "changed" ? 20 : 2,
        max_messages: 1,
      })
    );
    for (const i of conditions.keys()) await subscribed(`t/${i}/+`);
    const nested = "[".repeat(5_000) + "]".repeat(5_000);
    const number = `[0.1${"0".repeat(64 * 1024)}1]`;
    for (const i of conditions.keys()) {
      for (const payload of ["on", "5", "{}", "[[]]", "null", nested, number]) {
        await device.publish(`t/${i}/odd`, payload, { qos: 1 });
      }
    }
    const after = host.expectResult("mqtt_read", { topic: "t/after", timeout: 10 });
    await subscribed("t/after");
    await device.publish("t/after", "still heard", { qos: 1 });
    assert.equal((await after).payload, "still heard");
    const { message, outcome } = await host.expectError("invalid_argument", "mqtt_subscribe", {
      topic: "t/a",
      where: { path: "", op: "eq", value: JSON.parse(nested) },
    });
    assert.match(message, /where is nested deeper than 64 levels/);
    assert.equal(outcome, undefined);
    const found = (await Promise.all(hearing)).map(({ count }) => count);
    assert.deepEqual(found, [0, 0, 0, 1]);
  },
);

eachServed(
  "mqtt_subscribe gives what it has when the broker goes away",
  { mqtt: { connect_timeout: 1 } },
  async ({ host, broker, device, subscribed }) => {
    await device.publish("t/a", "kept", { retain: true, qos: 1 });
    const { promise: hasBegun, resolve } = Promise.withResolvers<void>();
    const collecting = host.expectResult("mqtt_subscribe", { topic: "t/#" }, {
      onProgress: () => resolve(),
    });
    await subscribed("t/#");
    await hasBegun;
    await broker.kill();
    const { ended, count } = await collecting;
    assert.deepEqual([ended, count], ["disconnected", 1]);
    const { message } = await host.expectError("not_connected", "mqtt_subscribe", {
      topic: "t/#",
      timeout: 0.3,
    });
    assert.match(message, /since .*Z/);
    await broker.restart();
    await untilConnected(host);
    const { ended: after } = await host.expectResult("mqtt_subscribe", {
      topic: "t/#",
      timeout: 0.1,
    });
    assert.equal(after, "timeout");
  },
);

Deno.test("mqtt_subscribe names the reason of the broker that refuses the subscription", async () => {
  await using broker = await startAedes({ refuseSubscription: (filter) => filter === "t/no" });
  await using one = await serve(broker, "3.1.1");
  const { message, hint } = await one.host.expectError("broker_refused", "mqtt_subscribe", {
    topic: "t/no",
  });
  assert.match(message, /refused the subscription to "t\/no" with 128/);
  assert.match(hint ?? "", /broker's own access rules/);
});

served(
  "mqtt_subscribe gives a hundred readings of one topic in 6,500 bytes",
  {},
  async ({ host, device, subscribed }) => {
    const collecting = host.callTool("mqtt_subscribe", { topic: "t/a", max_messages: 100 });
    await subscribed("t/a");
    await device.burst("t/a", 100, { qos: 1, payload: (i) => (20 + i / 10).toFixed(1) });
    const { text } = await collecting;
    const { messages } = JSON.parse(text);
    assert.equal(messages.length, 100);
    assert.deepEqual(Object.keys(messages[0]), ["payload", "received_at"]);
    assert.ok(text.length <= 6_500, String(text.length));
  },
);

served(
  "mqtt_subscribe with fields gives these values, and leaves out what has none of them",
  {},
  async ({ host, device, subscribed }) => {
    const collecting = host.expectResult("mqtt_subscribe", {
      topic: "t/+",
      max_messages: 2,
      fields: ["/t", "/room"],
    });
    await subscribed("t/+");
    await device.publish("t/a", '{"t":20.5,"long":"xxxxxxxxxxxxxxx"}', { qos: 1 });
    await device.publish("t/b", '{"h":50}', { qos: 1 });
    await device.publish("t/c", '{"room":"bath","h":50}', { qos: 1 });
    const { messages, count, ended } = await collecting;
    assert.deepEqual(
      messages.map(({ received_at: _, ...message }: Record<string, unknown>) => message),
      [{ topic: "t/a", values: { "/t": 20.5 } }, { topic: "t/c", values: { "/room": "bath" } }],
    );
    assert.deepEqual([count, ended], [2, "max_messages"]);
  },
);

served(
  "mqtt_subscribe leaves excluded topics out before anything is counted",
  {},
  async ({ host, device, subscribed }) => {
    const collecting = host.expectResult("mqtt_subscribe", {
      topic: "t/#",
      exclude: ["t/noise/#", "t/+/debug"],
      max_messages: 2,
    });
    await subscribed("t/#");
    await device.burst("t/noise/x", 20, { qos: 1 });
    await device.publish("t/a/debug", "no", { qos: 1 });
    await device.publish("t/a/b", "1", { qos: 1 });
    await device.publish("t/noisy", "2", { qos: 1 });
    const { messages } = await collecting;
    assert.deepEqual(messages.map(({ topic }: Shown) => topic), ["t/a/b", "t/noisy"]);
    const empty = { topic: "t/#", exclude: [], fields: [], timeout: 0.1 };
    const nothing = await host.expectResult("mqtt_subscribe", empty);
    assert.deepEqual(nothing.messages, []);
    const sums = await host.expectResult("mqtt_subscribe", { ...empty, summary: [] });
    assert.deepEqual(sums.topics, []);
    const wrong = await host.expectError("invalid_topic", "mqtt_subscribe", {
      topic: "t/#",
      exclude: "t/a#",
    });
    assert.match(wrong.message, /t\/a#/);
  },
);

served(
  "mqtt_subscribe with summary sums up all that came in the timeout, whatever max_messages says",
  {},
  async ({ host, device, subscribed }) => {
    const collecting = host.expectResult("mqtt_subscribe", {
      topic: "t/+",
      exclude: "t/none",
      timeout: 1.5,
      max_messages: 2,
      summary: true,
    });
    await subscribed("t/+");
    await device.burst("t/a", 51, { qos: 1, payload: (i) => String(i) });
    await device.burst("t/b", 2, { qos: 1, payload: (i) => `{"t":${20 + i},"s":"x"}` });
    await device.burst("t/c", 3, { qos: 1 });
    await device.burst("t/none", 3, { qos: 1 });
    const { topics, topics_omitted, count, dropped, ended, messages, hint } = await collecting;
    assert.deepEqual([count, dropped, topics_omitted, ended], [56, 3, 1, "timeout"]);
    assert.equal(messages, undefined);
    assert.match(hint, /exclude/);
    const [a, b, ...others] = topics;
    assert.deepEqual(others, []);
    assert.deepEqual([a.topic, a.count, a.last], ["t/a", 51, "50"]);
    assert.deepEqual(a.values, { "": { min: 0, max: 50, mean: 25, first: 0, last: 50 } });
    assert.deepEqual(b.values, { "/t": { min: 20, max: 21, mean: 20.5, first: 20, last: 21 } });
    assert.ok(a.first_at <= a.last_at);
  },
);

served(
  "mqtt_subscribe with a summary of named values tells of those alone",
  {},
  async ({ host, device, subscribed }) => {
    for (const more of [{ summary: ["/s"] }, { summary: true, fields: ["/s"] }]) {
      const collecting = host.expectResult("mqtt_subscribe", { topic: "t/a", timeout: 1, ...more });
      await subscribed("t/a");
      for (const s of ["on", "off", "off"]) {
        await device.publish("t/a", JSON.stringify({ s, t: 1 }), { qos: 1 });
      }
      const { topics: [{ values }] } = await collecting;
      assert.deepEqual(values, { "/s": { first: "on", last: "off", changes: 1 } });
    }
    await host.expectError("invalid_argument", "mqtt_subscribe", { topic: "t/a", summary: ["s"] });
  },
);

served(
  "mqtt_subscribe with fields and a summary leaves out what has none of the fields",
  {},
  async ({ host, device, subscribed }) => {
    for (const [summary, value] of [[true, "/t"], [["/s"], "/s"]] as const) {
      const collecting = host.expectResult("mqtt_subscribe", {
        topic: "t/+",
        timeout: 1,
        fields: ["/t"],
        summary,
      });
      await subscribed("t/+");
      for (const payload of ['{"t":1,"s":5}', '{"s":6}', "7", '{"t":2,"s":5}']) {
        await device.publish("t/a", payload, { qos: 1 });
      }
      await device.publish("t/b", "on", { qos: 1 });
      const { topics: [a, ...others], count } = await collecting;
      assert.deepEqual([a.topic, a.count, a.last, count], ["t/a", 2, { t: 2, s: 5 }, 2]);
      assert.deepEqual(Object.keys(a.values), [value]);
      assert.deepEqual(others, []);
    }
  },
);

eachServed(
  "mqtt_subscribe with retained_only gives what the broker keeps, at once, and nothing else",
  {},
  async ({ host, device, unsubscribed }) => {
    const none = await host.expectResult("mqtt_subscribe", { topic: "t/#", retained_only: true });
    assert.deepEqual([none.count, none.ended], [0, "retained"]);
    for (let i = 0; i < 60; i++) {
      await device.publish(`t/${i}`, String(i), { retain: true, qos: i % 3 as 0 | 1 | 2 });
    }
    const { messages, ended, elapsed } = await host.expectResult("mqtt_subscribe", {
      topic: "t/#",
      retained_only: true,
      include_retained: false,
      max_messages: 100,
      timeout: 60,
    });
    assert.equal(messages.length, 60);
    assert.ok(messages.every(({ retain }: { retain?: true }) => retain));
    assert.equal(ended, "retained");
    assert.ok(elapsed < 30);
    await unsubscribed("t/#");
  },
);
