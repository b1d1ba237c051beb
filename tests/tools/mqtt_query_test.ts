import assert from "node:assert/strict";
import { startAedes } from "../brokers/aedes.ts";
import { FaultProxy } from "../brokers/proxy.ts";
import type { Message, MessageProperties } from "../../lib/messages/message.ts";
import type { Publication } from "../../lib/mqtt/link/link.ts";
import { findTool } from "../../lib/tools/catalogue.ts";
import { untilConnected } from "../host.ts";
import { contextOf, limitsWith } from "./contexts.ts";
import { ALL_OF_T, eachServed, serve, served, servedWithMqtt5 } from "./served.ts";

interface Shown {
  readonly topic: string;
  readonly payload: unknown;
}

const ASK = { request_topic: "t/ask", response_topic: "t/answer", payload: "get" };

eachServed(
  "mqtt_query gives the answer, never a retained message and never the request itself",
  {},
  async ({ host, device, unsubscribed }) => {
    await device.publish("t/answer", "old", { retain: true, qos: 1 });
    await device.respond("t/ask", ({ text, packet: { properties: { correlationData } = {} } }) => ({
      topic: "t/answer",
      payload: `${text}: 21`,
      options: {
        qos: 1,
        retain: true,
        ...(correlationData && { properties: { correlationData } }),
      },
    }));
    const { elapsed, responses, ...rest } = await host.expectResult("mqtt_query", ASK);
    assert.deepEqual(rest, {
      request_topic: "t/ask",
      response_topic: "t/answer",
      before: "old",
    });
    assert.ok(elapsed < 5);
    assert.deepEqual(responses.map(({ payload }: Shown) => payload), ["get: 21"]);

    await device.respond(
      "t/same",
      ({ text }) => text === "get" ? { topic: "t/same", payload: "got" } : undefined,
    );
    const same = await host.expectResult("mqtt_query", {
      request_topic: "t/same",
      response_topic: "t/#",
      payload: "get",
    });
    assert.deepEqual(same.responses.map(({ payload }: Shown) => payload), ["got"]);
    await unsubscribed("t/answer");
    await unsubscribed("t/#");
  },
);

served(
  "mqtt_query without an answer is a timeout, and the answer of a later call is its own",
  {},
  async ({ host, device, unsubscribed }) => {
    const { message, outcome, hint } = await host.expectError("timeout", "mqtt_query", {
      ...ASK,
      timeout: 0.6,
    });
    assert.equal(message, 'no answer on "t/answer" within 0.6 s');
    assert.equal(outcome, "unknown");
    assert.match(hint ?? "", /may have been carried out/);
    await unsubscribed("t/answer");
    for (let i = 0; i < 2; i++) {
      await device.respond("t/ask", () => ({ topic: `t/answer/${i}`, payload: String(i) }));
    }
    const { responses } = await host.expectResult("mqtt_query", {
      ...ASK,
      response_topic: "t/answer/+",
      payload: { want: "both" },
      max_responses: 2,
      qos: 0,
    });
    const topics = responses.map(({ topic }: Shown) => topic).sort();
    assert.deepEqual(topics, ["t/answer/0", "t/answer/1"]);
    const few = await host.expectResult("mqtt_query", {
      ...ASK,
      response_topic: "t/answer/+",
      max_responses: 9,
      timeout: 1,
    });
    assert.equal(few.responses.length, 2);
  },
);

servedWithMqtt5(
  "mqtt_query sends Response Topic and Correlation Data, so that each gets its own",
  {},
  async ({ host, device }) => {
    const asked: Array<{ text: string; correlationData: Uint8Array; responseTopic: string }> = [];
    await device.subscribe("t/ask", { qos: 1 });
    const queries = ["a", "b", "c", "d"].map((payload) =>
      host.expectResult("mqtt_query", { ...ASK, payload, timeout: 15 })
    );
    for (const { text, packet } of await device.collect(4)) {
      const { correlationData, responseTopic } = packet.properties ?? {};
      assert.ok(correlationData && responseTopic);
      asked.push({ text, correlationData, responseTopic });
    }
    assert.equal(new Set(asked.map(({ correlationData }) => correlationData.toString())).size, 4);
    await device.publish("t/answer", "to nobody", {
      qos: 1,
      properties: { correlationData: asked[0]?.correlationData.subarray(1) as never },
    });
    for (const { text, correlationData, responseTopic } of asked.reverse()) {
      await device.publish(responseTopic, `for ${text}`, {
        qos: 1,
        properties: { correlationData: correlationData as never },
      });
    }
    const answers = (await Promise.all(queries)).map(({ responses: [first] }) => first.payload);
    assert.deepEqual(answers, ["for a", "for b", "for c", "for d"]);
    // An answer that carries none counts.
    const plain = host.expectResult("mqtt_query", ASK);
    await device.collect(5);
    await device.publish("t/answer", "plain", { qos: 1 });
    assert.equal((await plain).responses[0].payload, "plain");
  },
);

served(
  "mqtt_query refuses before anything is subscribed or sent",
  {
    topics: [
      { pattern: "t/ask", permissions: ["write"] },
      { pattern: "t/answer", permissions: ["read"] },
    ],
  },
  async ({ host, broker, device }) => {
    await device.subscribe("t/#");
    const refused: ReadonlyArray<readonly [string, object]> = [
      ["forbidden", { request_topic: "t/answer" }],
      ["forbidden", { response_topic: "t/ask" }],
      ["forbidden", { response_topic: "$share/a/t/answer" }],
      ["invalid_topic", { request_topic: "t/+" }],
      ["invalid_topic", { response_topic: "t/#/a" }],
      ["invalid_argument", { response_topic: ["t/answer"] }],
      ["invalid_argument", { max_responses: 0 }],
      ["invalid_argument", { timeout: 301 }],
      ["invalid_argument", { retain: true }],
      ["payload_invalid", { payload: "?", encoding: "base64" }],
    ];
    for (const [code, args] of refused) {
      const { outcome } = await host.expectError(code, "mqtt_query", { ...ASK, ...args });
      assert.equal(outcome, "not_sent", JSON.stringify(args));
    }
    assert.deepEqual([...broker.subscribeCounts().keys()], ["t/#"]);
    assert.deepEqual(device.received, []);
  },
);

Deno.test("mqtt_query on a broker that answers nothing any more ends in time", async () => {
  await using broker = await startAedes();
  await using proxy = new FaultProxy(broker);
  const mqtt = { host: proxy.host, port: proxy.port };
  await using one = await serve(broker, "3.1.1", { topics: ALL_OF_T, mqtt });
  await untilConnected(one.host);
  proxy.stall();
  const start = performance.now();
  const { outcome } = await one.host.expectError("timeout", "mqtt_query", { ...ASK, timeout: 0.5 });
  assert.equal(outcome, "not_sent");
  assert.ok(performance.now() - start < 8_000);
  proxy.resume();
  await one.unsubscribed("t/answer");
});

Deno.test("mqtt_query takes nothing with odd correlation data for its answer", async () => {
  const answer = (payload: string, correlationData?: unknown): Message => ({
    topic: "t/answer",
    payload: new TextEncoder().encode(payload),
    qos: 0,
    retain: false,
    receivedAt: 0,
    properties: { correlationData } as MessageProperties,
  });
  const odd = [new Uint8Array(2), null, "", [], [new Uint8Array(1), new Uint8Array(1)], {}];
  const messages = [...odd.map((data) => answer("odd", data)), answer("right")];
  const context = contextOf({ limits: await limitsWith(), messages });
  const { responses } = await findTool("mqtt_query")?.run({ ...ASK, timeout: 5 }, context) ?? {};
  assert.deepEqual((responses as Shown[]).map(({ payload }) => payload), ["right"]);
});

eachServed(
  "mqtt_query with where proves that a device obeyed, and shows what was so before",
  {},
  async ({ host, device }) => {
    await device.publish("t/lamp", '{"state":"OFF"}', { retain: true, qos: 1 });
    await device.respond("t/lamp/set", ({ text }) => {
      const [state] = text.split(" ");
      return { topic: "t/lamp", payload: JSON.stringify({ state }), options: { qos: 1 } };
    });
    const command = (payload: string): Record<string, unknown> => ({
      request_topic: "t/lamp/set",
      response_topic: "t/lamp",
      payload,
      timeout: 1,
      where: { path: "/state", op: "eq", value: "ON" },
    });
    const { responses, before } = await host.expectResult("mqtt_query", command("ON"));
    assert.deepEqual(before, { state: "OFF" });
    assert.deepEqual(responses.map(({ received_at: _, ...one }: Record<string, unknown>) => one), [
      { payload: { state: "ON" } },
    ]);
    const { message, last, outcome } = await host.expectError(
      "timeout",
      "mqtt_query",
      command("BROKEN"),
    );
    assert.equal(
      message,
      'no answer that meets the condition on "t/lamp" within 1 s; 1 other arrived',
    );
    assert.deepEqual(last?.["payload"], { state: "BROKEN" });
    assert.equal(outcome, "unknown");
  },
);

servedWithMqtt5(
  "mqtt_query without response_topic asks for the answer where nobody else looks, with no rule for it",
  { topics: [{ pattern: "t/ask", permissions: ["write"] }], mqtt: { client_id: "me" } },
  async ({ host, device, unsubscribed }) => {
    let asked = "";
    await device.respond("t/ask", ({ text, packet: { properties = {} } }) => {
      const { responseTopic = "", correlationData } = properties;
      asked = responseTopic;
      return {
        topic: responseTopic,
        payload: `${text}!`,
        options: { properties: { ...(correlationData && { correlationData }) } },
      };
    });
    const { response_topic, responses, before } = await host.expectResult("mqtt_query", {
      request_topic: "t/ask",
      payload: "hello",
    });
    assert.match(response_topic, /^mcpmqtt\/response\/me\/[0-9a-f]{32}$/);
    assert.equal(response_topic, asked);
    assert.equal(before, undefined);
    assert.deepEqual(responses.map(({ payload }: Shown) => payload), ["hello!"]);
    await unsubscribed(response_topic);
    await host.expectError("forbidden", "mqtt_read", { topic: response_topic });
    await host.expectError("forbidden", "mqtt_publish", {
      topic: "t/ask",
      payload: "1",
      response_topic,
    });
  },
);

servedWithMqtt5(
  "mqtt_query makes response topics below mqtt.response_prefix",
  { mqtt: { response_prefix: "home/answers/" } },
  async ({ host, device }) => {
    await device.respond("t/ask", ({ packet: { properties: { responseTopic = "" } = {} } }) => ({
      topic: responseTopic,
      payload: responseTopic,
    }));
    const query = { request_topic: "t/ask", payload: "" };
    const { response_topic } = await host.expectResult("mqtt_query", query);
    assert.match(response_topic, /^home\/answers\/[0-9a-f]{32}$/);
    const again = await host.expectResult("mqtt_query", query);
    assert.notEqual(again.response_topic, response_topic);
  },
);

Deno.test("mqtt_query without response_topic is refused on MQTT 3.1.1, and nothing is sent", async () => {
  await using broker = await startAedes();
  await using served = await serve(broker, "3.1.1");
  await untilConnected(served.host);
  const error = await served.host.expectError("invalid_argument", "mqtt_query", {
    request_topic: "t/ask",
    payload: "1",
  });
  assert.match(error.message, /response_topic is missing.*3\.1\.1/);
  assert.equal(error.outcome, "not_sent");
});

Deno.test("mqtt_query takes for before what was retained when it asked, and nothing later", async () => {
  const limits = await limitsWith();
  const message = (payload: string, retain: boolean): Message => ({
    topic: "t/lamp",
    payload: new TextEncoder().encode(payload),
    qos: 0,
    retain,
    receivedAt: 0,
  });
  const published: Publication[] = [];
  const result = await findTool("mqtt_query")?.run(
    { request_topic: "t/lamp/set", response_topic: "t/lamp", payload: "1", timeout: 5 },
    contextOf({
      limits,
      published,
      messages: function* () {
        yield message("before", true);
        while (published.length === 0) yield "turn" as const;
        // As after an outage.
        yield message("later", true);
        yield message("answer", false);
      }(),
      retainedDelivered: () => new Promise((resolve) => setTimeout(resolve, 5)),
    }),
  );
  assert.equal(result?.["before"], "before");
});
