import assert from "node:assert/strict";
import { SparkplugPayload } from "../../lib/messages/sparkplug.ts";
import { PY_BIRTH, PY_DATA, PY_DATA_NAMED } from "../messages/sparkplug_fixtures.ts";
import { until } from "../brokers/until.ts";
import { eachServed, served } from "./served.ts";

const BIRTH = "spBv1.0/G/NBIRTH/N";
const DATA = "spBv1.0/G/NDATA/N";
const COMMAND = "spBv1.0/G/NCMD/N";
const ALL = [{ pattern: "spBv1.0/#", permissions: ["read", "write"] }];

eachServed(
  "mqtt_read, mqtt_subscribe, mqtt_topics and watches show Sparkplug B by the births that came",
  { topics: ALL },
  async ({ host, device, broker, subscribed, unsubscribed }) => {
    const subscriptions = (count: number): Promise<unknown> =>
      until(() => broker.subscribeCounts().values().reduce((a, b) => a + b) === count);
    const unknown = host.expectResult("mqtt_read", { topic: DATA, timeout: 10 });
    await subscribed(DATA);
    await device.publish(DATA, PY_DATA);
    const { payload, encoding } = await unknown;
    assert.equal(encoding, "sparkplug");
    assert.deepEqual([payload.birth_known, payload.metrics[1]], [
      false,
      { alias: 9, value: 22.5, timestamp: 1_700_000_000_000 },
    ]);
    await unsubscribed(DATA);

    const { watch_id } = await host.expectResult("mqtt_watch", {
      topic: "spBv1.0/#",
      // What is left out is learnt from.
      exclude: "spBv1.0/+/NBIRTH/#",
    });
    const where = { path: "/metrics/Float", op: "gt", value: 22 };
    const one = { topic: "spBv1.0/G/+/N", where, max_messages: 2, timeout: 10 };
    const asked = [host.expectResult("mqtt_subscribe", { ...one, max_messages: 1 })];
    // That of the watch, unless its retained messages may be on their way, or one of its own.
    await subscriptions(3);
    asked.push(host.expectResult("mqtt_subscribe", {
      topic: "spBv1.0/G/NDATA/+",
      fields: ["/metrics/Float"],
      max_messages: 1,
    }));
    await subscriptions(4);
    asked.push(host.expectResult("mqtt_topics", { filter: "spBv1.0/+/NDATA/N", duration: 2 }));
    await subscriptions(5);
    await device.publish(BIRTH, PY_BIRTH, { qos: 1 });
    await device.publish(DATA, PY_DATA, { qos: 1 });
    const [narrow, fields, topics] = await Promise.all(asked);
    assert.deepEqual(narrow.messages.map((message: { topic: string }) => message.topic), [DATA]);
    assert.deepEqual(narrow.messages[0].payload, PY_DATA_NAMED);
    assert.deepEqual(fields.messages[0].values, { "/metrics/Float": 22.5 });
    const [{ last, shape }] = topics.topics;
    assert.deepEqual(last, { metrics: { Int32: -5, Float: 22.5, UInt32: 9 } });
    assert.equal(shape, "{metrics: {Int32: number, Float: number, UInt32: number}}");
    const { messages } = await host.expectResult("mqtt_watch_read", { watch_id, timeout: 10 });
    assert.deepEqual(messages.map((message: { payload: unknown }) => message.payload), [
      PY_DATA_NAMED,
    ]);
    const sum = await host.expectResult("mqtt_watch_read", { watch_id, after: 0, summary: true });
    const [{ values }] = sum.topics;
    assert.deepEqual(Object.keys(values), ["/metrics/Int32", "/metrics/Float", "/metrics/UInt32"]);
    assert.equal(values["/metrics/Float"].max, 22.5);
  },
);

served(
  "a birth that this client may not read tells it nothing",
  {
    topics: [
      { pattern: "spBv1.0/#", permissions: ["read"] },
      { pattern: "spBv1.0/+/NBIRTH/#", permissions: [], deny: ["read"] },
    ],
  },
  async ({ host, device, subscribed }) => {
    const all = host.expectResult("mqtt_subscribe", {
      topic: "spBv1.0/#",
      max_messages: 1,
      timeout: 10,
    });
    await subscribed("spBv1.0/#");
    await device.publish(BIRTH, PY_BIRTH, { qos: 1 });
    await device.publish(DATA, PY_DATA, { qos: 1 });
    const { messages: [message] } = await all;
    assert.equal(message.payload.birth_known, false);
    assert.equal(message.payload.metrics[0].alias, 3);
  },
);

eachServed(
  "mqtt_publish and mqtt_query encode Sparkplug B, with the types of the birth",
  { topics: ALL },
  async ({ host, device, subscribed }) => {
    const metrics = [{ name: "UInt64", value: "18446744073709551615" }];
    const { message } = await host.expectError("payload_invalid", "mqtt_publish", {
      topic: COMMAND,
      payload: { metrics: [{ name: "Int8", value: 1 }] },
      encoding: "sparkplug",
    });
    assert.match(message, /metrics\[0\]\.type is needed/);
    const birth = host.expectResult("mqtt_read", { topic: BIRTH, timeout: 10 });
    await subscribed(BIRTH);
    await device.publish(BIRTH, PY_BIRTH);
    await birth;

    await device.subscribe(COMMAND);
    const before = Date.now();
    const published = await host.expectResult("mqtt_publish", {
      topic: COMMAND,
      payload: { metrics },
      encoding: "sparkplug",
      qos: 1,
    });
    const [command] = await device.collect(1);
    assert.ok(command);
    assert.equal(published.size, command.payload.length);
    const shown = SparkplugPayload.view(command.payload, undefined).shown();
    assert.ok(Number(shown?.["timestamp"]) >= before);
    assert.deepEqual(shown?.["metrics"], [{ ...metrics[0], type: "UInt64" }]);

    await device.respond(COMMAND, () => ({ topic: DATA, payload: PY_DATA }));
    const answer = await host.expectResult("mqtt_query", {
      request_topic: COMMAND,
      // The request itself, which meets the condition, is no answer.
      response_topic: "spBv1.0/G/+/N",
      payload: JSON.stringify({ metrics: [{ name: "Float", value: 22.5 }] }),
      encoding: "sparkplug",
      where: { path: "/metrics/Float", op: "eq", value: 22.5 },
      timeout: 10,
    });
    assert.deepEqual(answer.responses.map((one: { topic: string }) => one.topic), [DATA]);
  },
);
