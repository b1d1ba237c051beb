import assert from "node:assert/strict";
import { served } from "./served.ts";

interface ShownTopic {
  readonly topic: string;
  readonly messages: number;
  readonly retained: boolean;
  readonly rate: number;
  readonly shape?: string;
  readonly last: Record<string, unknown>;
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
    assert.deepEqual([bytes?.last.encoding, bytes?.shape], ["base64", undefined]);
    assert.deepEqual([live?.messages, live?.retained], [4, false]);
    assert.ok(live && live.rate > 0.4 && live.rate <= 4, `${live?.rate} a second`);
    assert.deepEqual([live.last.payload, live.last.size], ["ü".repeat(128), 601]);
    assert.deepEqual([kept?.messages, kept?.retained, kept?.rate], [1, true, 0]);
    assert.equal(kept?.shape, "{temperature: number, on: boolean, rgb: [number], sub: {a: null}}");
    assert.deepEqual(kept?.last.payload, JSON.parse(state));
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
    const few = await host.expectResult("mqtt_topics", { duration: 0.2, limit: 2 });
    assert.deepEqual([few.topics.length, typeof few.cursor], [2, "string"]);

    const refused: ReadonlyArray<readonly [string, object]> = [
      ["invalid_argument", { cursor: "?" }],
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
