import assert from "node:assert/strict";
import { served } from "./served.ts";

interface ShownTopic {
  readonly topic: string;
  readonly messages: number;
  readonly topics?: number;
  readonly names?: readonly string[];
  readonly retained?: true;
  readonly rate?: number;
  readonly shape?: string;
  readonly last?: unknown;
  readonly at: string;
}

served(
  "mqtt_topics lists what is alive, with rate, shape and the last message",
  {},
  async ({ host, device, subscribed, unsubscribed }) => {
    const state = '{"temperature": 21.5, "on": true, "rgb": [1, 2], "sub": {"a": null}}';
    await device.publish("t/state", state, { retain: true, qos: 1 });
    const surveying = host.expectResult("mqtt_topics", { filter: "t/#", duration: 1 });
    await subscribed("t/#");
    for (let i = 0; i < 4; i++) {
      await device.publish("t/live", `${"ü".repeat(300)}${i}`, { qos: 1 });
    }
    await device.publish("t/bytes", new Uint8Array([0xFF]), { qos: 1 });
    const { topics, total, narrowed, ...rest } = await surveying;
    assert.deepEqual([total, narrowed, rest], [3, false, {}]);
    const [bytes, live, kept] = topics as ShownTopic[];
    assert.deepEqual(topics.map(({ topic }: ShownTopic) => topic), [
      "t/bytes",
      "t/live",
      "t/state",
    ]);
    const { at, rate: _rate, ...binary } = bytes ?? { at: "" };
    assert.deepEqual(binary, { topic: "t/bytes", messages: 1, encoding: "base64", size: 1 });
    assert.match(at, /^\d{4}-\d\d-\d\dT/);
    const { rate = 0, at: _at, ...others } = live ?? { at: "" };
    assert.ok(rate > 0.4 && rate <= 4, `${rate} a second`);
    assert.deepEqual(others, {
      topic: "t/live",
      messages: 4,
      last: "ü".repeat(64),
      size: 601,
      truncated: true,
    });
    const { at: _then, ...still } = kept ?? { at: "" };
    assert.deepEqual(still, {
      topic: "t/state",
      messages: 1,
      retained: true,
      shape: "{temperature: number, on: boolean, rgb: [number], sub: {a: null}}",
      last: JSON.parse(state),
    });
    await unsubscribed("t/#");
  },
);

served(
  "mqtt_topics gives the rest by its cursor, and keeps to the limits of a result",
  {
    topics: [{ pattern: "t/+", permissions: ["read"] }, { pattern: "u", permissions: ["read"] }],
    limits: { max_result_bytes: 1_500 },
  },
  async ({ host, device }) => {
    for (let i = 0; i < 12; i++) {
      await device.publish(`t/${i}`, "\u0001".repeat(40), { retain: true, qos: 1 });
    }
    const found: string[] = [];
    let cursor: string | undefined;
    let calls = 0;
    do {
      const { text, structuredContent } = await host.callTool("mqtt_topics", {
        duration: 0.2,
        fold: 0,
        ...(cursor === undefined ? {} : { cursor }),
      });
      const { topics, total, narrowed, filters, hint } = structuredContent;
      assert.ok(new TextEncoder().encode(text).length <= 2_000);
      assert.deepEqual([total, narrowed, filters], [12, true, ["t/+", "u"]]);
      found.push(...topics.map(({ topic }: ShownTopic) => topic));
      cursor = structuredContent.cursor;
      assert.equal(hint !== undefined, cursor !== undefined);
      calls++;
    } while (cursor !== undefined);
    assert.ok(calls > 2);
    assert.deepEqual(found, Array.from({ length: 12 }, (_, i) => `t/${i}`).sort());
    const few = await host.expectResult("mqtt_topics", { duration: 0.2, limit: 2, fold: 0 });
    assert.deepEqual([few.topics.length, typeof few.cursor], [2, "string"]);

    const refused: ReadonlyArray<readonly [string, object]> = [
      ["invalid_argument", { cursor: "?" }],
      ["invalid_argument", { cursor: "s99.1" }],
      ["invalid_argument", { cursor: `${few.cursor}x` }],
      ["invalid_argument", { cursor: few.cursor.replace(".2", "") }],
      ["invalid_argument", { cursor: few.cursor.replace(".2", ".-2") }],
      ["invalid_argument", { cursor: few.cursor.replace(".2", ".12") }],
      ["invalid_argument", { fold: -1 }],
      ["invalid_argument", { limit: 0 }],
      ["invalid_argument", { duration: 301 }],
      ["invalid_argument", { topic: "t/+" }],
      ["invalid_topic", { filter: "t/#/a" }],
      ["forbidden", { filter: "x/#" }],
    ];
    for (const [code, args] of refused) await host.expectError(code, "mqtt_topics", args);
  },
);

served(
  "mqtt_topics says once what the owner says of the topics of a rule",
  {
    topics: [
      {
        pattern: "t/+",
        permissions: ["read"],
        description: "Temperature of a room",
        payload: { unit: "°C" },
      },
      { pattern: "u", permissions: ["read"] },
    ],
  },
  async ({ host, device }) => {
    for (const topic of ["t/a", "t/b", "u"]) {
      await device.publish(topic, "21", { retain: true, qos: 1 });
    }
    const { topics, about } = await host.expectResult("mqtt_topics", { duration: 0.3 });
    assert.equal(topics.length, 3);
    assert.deepEqual(about, [{ pattern: "t/+", description: "Temperature of a room", unit: "°C" }]);
  },
);

served(
  "mqtt_topics puts topics together that are alike, and pages through one survey without listening again",
  {},
  async ({ host, device, subscribed, unsubscribed }) => {
    const surveying = host.callTool("mqtt_topics", { duration: 1.5, limit: 2, exclude: "t/x/#" });
    await subscribed("t/#");
    const publish = (topic: string, payload: string | Uint8Array): Promise<void> =>
      device.publish(topic, payload, { qos: 1 });
    for (let i = 1; i <= 40; i++) await publish(`t/sensor/${i}/t`, `{"t":${i}}`);
    for (let i = 1; i <= 20; i++) await publish(`t/raw/${i}`, new Uint8Array(500).fill(0xFF));
    await publish("t/x/y", "left out");
    await publish("t/rare", "1");
    const { structuredContent: first } = await surveying;
    await unsubscribed("t/#");
    assert.equal(first.total, 61);
    const [rare, sensors] = first.topics.slice().reverse() as ShownTopic[];
    assert.deepEqual(
      first.topics.map(({ topic }: ShownTopic) => topic),
      ["t/rare", "t/raw/+"]
        .sort(),
    );
    assert.ok(rare && sensors);
    await publish("t/late", "1");
    const { structuredContent: rest, text } = await host.callTool("mqtt_topics", {
      cursor: first.cursor,
    });
    assert.equal(rest.total, 61);
    assert.equal(rest.cursor, undefined);
    const [last, ...more] = rest.topics as ShownTopic[];
    assert.deepEqual(more, []);
    assert.deepEqual([last?.topic, last?.topics, last?.messages, last?.shape], [
      "t/sensor/+/t",
      40,
      40,
      "{t: number}",
    ]);
    assert.deepEqual(last?.names, ["1", "2", "3", "4", "5", "40"]);
    assert.ok(text.length < 500, text);
    // The same cursor gives the same page again.
    const { structuredContent: again } = await host.callTool("mqtt_topics", {
      cursor: first.cursor,
    });
    assert.deepEqual(again, rest);
  },
);

served(
  "mqtt_topics with retained_only waits for nothing else",
  {},
  async ({ host, device }) => {
    for (let i = 0; i < 30; i++) await device.publish(`t/${i}`, "x", { retain: true, qos: 2 });
    const surveying = host.expectResult("mqtt_topics", { retained_only: true, duration: 300 });
    const { topics, total } = await surveying;
    assert.equal(total, 30);
    assert.deepEqual(
      topics.map(({ topic, topics, retained }: ShownTopic) => [
        topic,
        topics,
        retained,
      ]),
      [["t/+", 30, true]],
    );
  },
);
