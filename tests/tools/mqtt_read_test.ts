import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { startAedes } from "../brokers/aedes.ts";
import { holdPort } from "../brokers/ports.ts";
import { until } from "../brokers/until.ts";
import { startHost } from "../host.ts";
import { ALL_OF_T, eachServed, served, servedWithMqtt5 } from "./served.ts";

eachServed(
  "mqtt_read gives the retained message at once, else the next one",
  {},
  async ({ host, device, subscribed, unsubscribed }) => {
    await device.publish("t/kept", '{"on": true, "rgb": [1, 2, 3]}', { retain: true, qos: 1 });
    const { received_at, ...kept } = await host.expectResult("mqtt_read", { topic: "t/kept" });
    assert.ok(Math.abs(Date.parse(received_at) - Date.now()) < 20_000);
    assert.deepEqual(kept, {
      topic: "t/kept",
      payload: { on: true, rgb: [1, 2, 3] },
      qos: 1,
      retain: true,
    });

    // Else what is subscribed to next could be that which goes.
    await unsubscribed("t/kept");
    const next = host.expectResult("mqtt_read", { topic: "t/kept", include_retained: false });
    await subscribed("t/kept");
    await device.publish("t/kept", "22.5");
    const { payload, retain, qos } = await next;
    assert.deepEqual([payload, retain, qos], ["22.5", undefined, undefined]);

    const { message, hint } = await host.expectError("timeout", "mqtt_read", {
      topic: "t/none",
      timeout: 0.2,
    });
    assert.equal(message, 'no message on "t/none" within 0.2 s');
    assert.match(hint ?? "", /longer timeout.*mqtt_topics/);
    await unsubscribed("t/kept");
    await unsubscribed("t/none");
  },
);

eachServed(
  "mqtt_read: two reads of one topic both get the message, and a third of a wildcard too",
  {},
  async ({ host, device, subscribed, unsubscribed }) => {
    const read = (topic: string): Promise<{ payload: string }> =>
      host.expectResult("mqtt_read", { topic, timeout: 10 });
    const reads = [read("t/a")];
    await subscribed("t/a");
    reads.push(...["t/a", "t/+", "t/#"].map(read));
    const all = settled(reads);
    // Who joins a subscription hears what comes after its SUBACK, which nothing tells here.
    await until(async () => {
      await device.publish("t/a", "both", { qos: 1 });
      return all.isSettled;
    });
    const payloads = (await all.promise).map(({ payload }) => payload);
    assert.deepEqual(payloads, ["both", "both", "both", "both"]);
    for (const filter of ["t/a", "t/+", "t/#"]) await unsubscribed(filter);
  },
);

served(
  "mqtt_read: payloads that are not UTF-8, or large, or odd JSON harm nothing",
  {},
  async ({ host, device }) => {
    const publish = (payload: string | Uint8Array): Promise<void> =>
      device.publish("t/a", payload, { retain: true, qos: 1 });
    const read = async (args: object = {}): Promise<Record<string, unknown>> => {
      const { received_at: _, retain: __, qos: ___, ...rest } = await host.expectResult(
        "mqtt_read",
        { topic: "t/a", ...args },
      );
      return rest;
    };
    const topic = "t/a";

    await publish(new Uint8Array([0xFF, 0xFE, 0]));
    assert.deepEqual(await read(), { topic, payload: "//4A", encoding: "base64", size: 3 });

    const big = '{"a": "' + "ü".repeat(500_000) + '"}';
    await publish(big);
    const cut = await read({ max_payload_bytes: 100 });
    assert.equal(cut.payload, big.slice(0, 7) + "ü".repeat(46));
    assert.deepEqual([cut.truncated, cut.size], [true, 1_000_009]);
    const whole = await host.callTool("mqtt_read", { topic });
    assert.ok(whole.text.length <= 65_536);
    assert.ok(new TextEncoder().encode(whole.text).length > 60_000);

    await publish(new Uint8Array(1_000_000).fill(0xFF));
    const { encoding, size, truncated, payload } = await read({ max_payload_bytes: 3 });
    assert.deepEqual([encoding, size, truncated, payload], ["base64", 1_000_000, true, "////"]);

    await publish("\u0001".repeat(60_000));
    const escaped = await host.callTool("mqtt_read", { topic });
    assert.ok(escaped.text.length <= 65_536, `${escaped.text.length} bytes`);
    assert.equal(escaped.structuredContent.truncated, true);

    for (const text of ['{"id":12345678901234567890}', "[1e400]", "-0", "[-0]", "{bad", "[1"]) {
      await publish(text);
      assert.deepEqual(await read(), { topic, payload: text });
    }
    await publish('{"__proto__": {"a": 1.50}, "n": 1e2}');
    const odd = (await host.callTool("mqtt_read", { topic })).text;
    assert.ok(odd.includes('"payload":{"__proto__":{"a":1.5},"n":100}'), odd);
  },
);

served(
  "mqtt_read with where passes over what does not meet it",
  {},
  async ({ host, device, subscribed }) => {
    await device.publish("t/a", '{"battery": 90}', { retain: true, qos: 1 });
    const where = { path: "/battery", op: "le", value: 10 };
    const low = host.expectResult("mqtt_read", { topic: "t/+", where });
    await subscribed("t/+");
    await device.publish("t/a", '{"battery": 11}', { qos: 1 });
    await device.publish("t/b", '{"battery": "9"}', { qos: 1 });
    const { topic, payload } = await low;
    assert.deepEqual([topic, payload], ["t/b", { battery: "9" }]);
    const { message, last } = await host.expectError("timeout", "mqtt_read", {
      topic: "t/+",
      where,
      timeout: 1,
    });
    assert.match(message, /no message that meets the condition on "t\/\+".*1 other arrived/);
    const { received_at: _when, ...shown } = last ?? {};
    assert.deepEqual(shown, { topic: "t/a", payload: { battery: 90 }, qos: 1, retain: true });
  },
);

servedWithMqtt5(
  "mqtt_read shows the properties of MQTT 5",
  {},
  async ({ host, device }) => {
    const published = (correlationData: Uint8Array): Promise<void> =>
      device.publish("t/a", "x", {
        retain: true,
        qos: 1,
        properties: {
          contentType: "text/plain",
          responseTopic: "t/answer",
          correlationData: Buffer.from(correlationData),
          userProperties: { a: "1", b: ["2", "3"] },
          messageExpiryInterval: 1_000,
        },
      });
    await published(new TextEncoder().encode("id-1"));
    const { properties } = await host.expectResult("mqtt_read", { topic: "t/a" });
    const { message_expiry_interval, ...rest } = properties;
    assert.ok(message_expiry_interval > 990 && message_expiry_interval <= 1_000);
    assert.deepEqual(rest, {
      content_type: "text/plain",
      response_topic: "t/answer",
      correlation_data: "id-1",
      user_properties: { a: "1", b: ["2", "3"] },
    });
    await published(new Uint8Array([0xFF]));
    const second = await host.expectResult("mqtt_read", { topic: "t/a" });
    assert.deepEqual(second.properties.correlation_data, { base64: "/w==" });
  },
);

served(
  "mqtt_read says where a filter was cut down to what is granted",
  { topics: [{ pattern: "t/+/open", permissions: ["read"] }] },
  async ({ host, device, subscribed }) => {
    const reading = host.expectResult("mqtt_read", { topic: "t/a/#" });
    await subscribed("t/a/open");
    await device.publish("t/a/open", "x");
    const { narrowed, filters, topic } = await reading;
    assert.deepEqual([narrowed, filters, topic], [true, ["t/a/open"], "t/a/open"]);
    const { hint } = await host.expectError("timeout", "mqtt_read", { topic: "#", timeout: 0.1 });
    assert.match(hint ?? "", /only "t\/\+\/open" may be read/);
    const { message } = await host.expectError("forbidden", "mqtt_read", { topic: "t/a/shut" });
    assert.equal(message, 'no rule grants read on "t/a/shut"');
    await host.expectError("invalid_argument", "mqtt_read", { topic: ["t/a/open"] });
    await host.expectError("invalid_argument", "mqtt_read", { topic: "t", max_payload_bytes: 0 });
  },
);

Deno.test("mqtt_read works as soon as a broker is there that was down at the start", async () => {
  using held = holdPort();
  const { port } = held;
  await using host = await startHost({
    config: { mqtt: { host: "127.0.0.1", port, connect_timeout: 0.5 }, topics: ALL_OF_T },
  });
  const read = { topic: "t/a", timeout: 10 };
  const { message, hint } = await host.expectError("not_connected", "mqtt_read", read);
  assert.match(
    message,
    /no connection to the broker at 127\.0\.0\.1:\d+ since .*Z: nothing accepts/,
  );
  assert.match(hint ?? "", /mqtt_status/);
  const status = await host.expectResult("mqtt_status");
  assert.equal(status.connected, false);
  assert.match(status.last_error, /nothing accepts connections/);
  await using broker = await startAedes({ port });
  await broker.publish("t/a", "here", { retain: true });
  // Each call waits for half a second at most, and the program tries again meanwhile.
  const deadline = performance.now() + 10_000;
  let result = await host.callTool("mqtt_read", read);
  while (result.isError && performance.now() < deadline) {
    assert.equal(result.error?.code, "not_connected");
    result = await host.callTool("mqtt_read", read);
  }
  assert.equal(result.structuredContent.payload, "here");
});

served(
  "mqtt_read with fields gives these values of the first message that has one",
  {},
  async ({ host, device, subscribed }) => {
    await device.publish("t/a", '{"h": 50}', { retain: true, qos: 1 });
    const reading = host.expectResult("mqtt_read", { topic: "t/a", fields: ["/t", "/id"] });
    await subscribed("t/a");
    await device.publish("t/a", '{"t": 20, "id": 12345678901234567890}', { qos: 1 });
    const { topic, values, payload } = await reading;
    assert.equal(topic, "t/a");
    assert.equal(payload, undefined);
    assert.deepEqual(values, { "/t": 20, "/id": "12345678901234567890" });
  },
);

/** All of some promises, and whether they have been fulfilled. */
function settled<T>(
  promises: readonly Promise<T>[],
): { promise: Promise<T[]>; isSettled: boolean } {
  const all = { promise: Promise.all(promises), isSettled: false };
  all.promise.then(() => all.isSettled = true, () => {});
  return all;
}
