import assert from "node:assert/strict";
import { startAedes } from "../brokers/aedes.ts";
import { mosquittoAvailable, startMosquitto } from "../brokers/mosquitto.ts";
import { FaultProxy } from "../brokers/proxy.ts";
import { ALL_OF_T, eachServed, serve, served, servedWithMqtt5 } from "./served.ts";

const encoder = new TextEncoder();

const PROPERTIES = {
  content_type: "application/json",
  response_topic: "t/answer",
  correlation_data: { base64: "AP8=" },
  user_properties: { one: "1", two: ["2", "zwei"] },
  message_expiry_interval: 60,
};

eachServed(
  "mqtt_publish sends every kind of payload as it is, at every QoS",
  {},
  async ({ host, device }) => {
    await device.subscribe("t/#", { qos: 2 });
    // A parsed one, because a literal would set the prototype.
    const object = JSON.parse('{"__proto__": {"on": true}, "b": [1.5, null], "a": "ü"}');
    const payloads: ReadonlyArray<readonly [unknown, string]> = [
      ["", ""],
      ["22.5 °C", "22.5 °C"],
      ["null", "null"],
      [22.5, "22.5"],
      [false, "false"],
      [object, '{"__proto__":{"on":true},"b":[1.5,null],"a":"ü"}'],
      [[1, "2"], '[1,"2"]'],
    ];
    for (const [i, [payload, text]] of payloads.entries()) {
      const qos = i % 3;
      const result = await host.expectResult("mqtt_publish", { topic: `t/${i}`, payload, qos });
      assert.deepEqual({ ...result, no_subscribers: undefined }, {
        topic: `t/${i}`,
        qos,
        retain: false,
        size: encoder.encode(text).length,
        outcome: qos === 0 ? "sent" : "acknowledged",
        no_subscribers: undefined,
      });
      const [message] = await device.collect(1, { pick: ({ topic }) => topic === `t/${i}` });
      assert.deepEqual([message?.text, message?.qos], [text, qos]);
    }
    const bytes = new Uint8Array([0, 0xFF, 0x80]);
    const { size, retain } = await host.expectResult("mqtt_publish", {
      topic: "t/bytes",
      payload: bytes.toBase64(),
      encoding: "base64",
      retain: true,
      qos: 1,
    });
    assert.deepEqual({ size, retain }, { size: 3, retain: true });
    const [message] = await device.collect(1, { pick: ({ topic }) => topic === "t/bytes" });
    assert.deepEqual(new Uint8Array(message?.payload ?? []), bytes);
  },
);

servedWithMqtt5(
  "mqtt_publish carries properties on MQTT 5",
  {},
  async ({ host, device }) => {
    await device.subscribe("t/#", { qos: 1 });
    const call = { topic: "t/a", payload: "x", qos: 1, ...PROPERTIES };
    const bare = { topic: "t/none", payload: "x", qos: 1, user_properties: { one: [] } };
    await host.expectResult("mqtt_publish", bare);
    const [none] = await device.collect(1, { pick: ({ topic }) => topic === "t/none" });
    assert.equal(none?.packet.properties?.userProperties, undefined);
    await host.expectResult("mqtt_publish", call);
    const [message] = await device.collect(1, { pick: ({ topic }) => topic === "t/a" });
    const { contentType, responseTopic, correlationData, userProperties, messageExpiryInterval } =
      message?.packet.properties ?? {};
    assert.equal(contentType, PROPERTIES.content_type);
    assert.equal(responseTopic, PROPERTIES.response_topic);
    assert.deepEqual(new Uint8Array(correlationData ?? []), new Uint8Array([0, 0xFF]));
    assert.deepEqual({ ...userProperties }, PROPERTIES.user_properties);
    assert.equal(messageExpiryInterval, 60);
  },
);

servedWithMqtt5(
  "mqtt_publish says where the broker knows of no subscriber",
  {},
  async ({ host, device }) => {
    const publish = (): Promise<{ no_subscribers?: true }> =>
      host.expectResult("mqtt_publish", { topic: "t/a", payload: "x", qos: 1 });
    assert.equal((await publish()).no_subscribers, true);
    await device.subscribe("t/a");
    assert.equal("no_subscribers" in await publish(), false);
  },
);

served(
  "mqtt_publish refuses what cannot be sent before anything is sent",
  {
    topics: [{ pattern: "t/#", permissions: ["write"] }, { pattern: "t/secret", deny: ["write"] }],
  },
  async ({ host, broker, device }) => {
    const good = { topic: "t/a", payload: "x" };
    const deep = JSON.parse("[".repeat(3_000) + "]".repeat(3_000));
    const refused: ReadonlyArray<readonly [string, object, RegExp]> = [
      ["invalid_topic", { ...good, topic: "" }, /MQTT-4\.7\.3-1/],
      ["invalid_topic", { ...good, topic: "t/\0" }, /MQTT-4\.7\.3-2/],
      ["invalid_topic", { ...good, topic: "t/+" }, /wildcard/],
      ["invalid_topic", { ...good, topic: "t/#" }, /wildcard/],
      ["invalid_topic", { ...good, topic: "t/\ud800" }, /surrogate/],
      ["invalid_topic", { ...good, topic: `t/${"a".repeat(65_534)}` }, /65,535/],
      ["invalid_topic", { ...good, response_topic: "t/+" }, /wildcard/],
      ["invalid_topic", { ...good, response_topic: "" }, /MQTT-4\.7\.3-1/],
      ["forbidden", { ...good, topic: "x/a" }, /no rule grants write on "x\/a"/],
      ["forbidden", { ...good, topic: "t/secret" }, /"t\/secret" denies write/],
      ["forbidden", { ...good, retain: true }, /retain/],
      ["invalid_argument", { topic: "t/a" }, /missing argument "payload"/],
      ["invalid_argument", { payload: "x" }, /missing argument "topic"/],
      ["invalid_argument", { ...good, payload: null }, /payload must be a string.*got null/],
      ["invalid_argument", { ...good, topic: 5 }, /topic must be of type string, got 5/],
      ["invalid_argument", { ...good, qos: 3 }, /qos must be one of 0, 1, 2, got 3/],
      ["invalid_argument", { ...good, qos: "1" }, /qos must be.*got the string "1"/],
      ["invalid_argument", { ...good, retain: 1 }, /retain must be of type boolean/],
      [
        "invalid_argument",
        { ...good, encoding: "hex" },
        /encoding must be one of "text", "base64"/,
      ],
      ["invalid_argument", { ...good, Payload: "x" }, /unknown argument "Payload".*topic, payload/],
      ["invalid_argument", { ...good, message_expiry_interval: -1 }, /at least 0, got -1/],
      ["invalid_argument", { ...good, message_expiry_interval: 2 ** 32 }, /at most 4294967295/],
      ["invalid_argument", { ...good, content_type: "a\0" }, /content_type must be text/],
      ["invalid_argument", { ...good, user_properties: { "a\0": "b" } }, /user_properties/],
      ["invalid_argument", { ...good, user_properties: { a: 1 } }, /user_properties\.a/],
      ["invalid_argument", { ...good, correlation_data: "x".repeat(65_536) }, /65535 bytes/],
      ["invalid_argument", { ...good, correlation_data: { base64: "?" } }, /not valid base64/],
      ["payload_invalid", { ...good, payload: "?", encoding: "base64" }, /not valid base64/],
      ["payload_invalid", { ...good, payload: 5, encoding: "base64" }, /must be a string/],
      ["payload_invalid", { ...good, payload: "\ud800" }, /surrogate/],
      ["payload_invalid", { ...good, payload: [2 ** 53] }, /2\^53/],
      ["invalid_argument", { ...good, payload: deep }, /payload is nested deeper than 64 levels/],
      [
        "payload_too_large",
        { ...good, payload: "x".repeat(262_145) },
        /262145.*262144.*max_publish/,
      ],
    ];
    for (const [code, args, pattern] of refused) {
      const error = await host.expectError(code, "mqtt_publish", args);
      assert.match(error.message, pattern);
      assert.equal(error.outcome, "not_sent", error.message);
    }
    // Of a response topic it is asked first whether it may be read.
    const { response_topic: _, ...properties } = PROPERTIES;
    for (const [property, value] of Object.entries(properties)) {
      const args = { ...good, [property]: value };
      const error = await host.expectError("invalid_argument", "mqtt_publish", args);
      assert.match(error.message, /3\.1\.1/);
      assert.equal(error.outcome, "not_sent", error.message);
    }
    // What is granted still goes, and it is all that went.
    await device.subscribe("#");
    await host.expectResult("mqtt_publish", good);
    await device.collect(1);
    assert.deepEqual(device.received.map(({ topic }) => topic), ["t/a"]);
    // The device, and the server's two connections: for reading and for writing.
    assert.deepEqual(broker.clients().length, 3);
  },
);

served(
  "mqtt_publish refuses a number that JSON readers lose",
  {},
  async ({ host, device }) => {
    await device.subscribe("t/#");
    // As a host sends it that passes on what a model wrote: JSON.parse makes it Infinity.
    const { code, outcome } = await host.expectError("payload_invalid", "mqtt_publish", {
      topic: "t/a",
      payload: { id: 12345678901234567890 },
    });
    assert.deepEqual([code, outcome], ["payload_invalid", "not_sent"]);
    assert.deepEqual(device.received, []);
  },
);

served(
  "mqtt_publish keeps to publish_per_minute and says when the next write is possible",
  { limits: { publish_per_minute: 3 } },
  async ({ host, device }) => {
    await device.subscribe("t/#");
    const publish = { topic: "t/a", payload: "x" };
    for (let i = 0; i < 3; i++) await host.expectResult("mqtt_publish", publish);
    for (const tool of ["mqtt_publish", "mqtt_query"]) {
      const args = tool === "mqtt_publish"
        ? publish
        : { request_topic: "t/a", response_topic: "t/b", payload: "x" };
      const error = await host.expectError("rate_limited", tool, args);
      assert.match(
        error.message,
        /3 messages a minute.*next write is possible in (5\d(\.\d)?|60) s/,
      );
      assert.equal(error.outcome, "not_sent");
    }
    await device.collect(3);
    assert.equal(device.received.length, 3);
  },
);

served(
  "no write is offered or possible where the server is read-only",
  { args: ["--read-only"], protocol: "legacy" },
  async ({ host, device }) => {
    await device.subscribe("#");
    const { tools } = await host.client.listTools();
    const names = tools.map(({ name }) => name);
    assert.equal(names.includes("mqtt_publish") || names.includes("mqtt_query"), false);
    assert.ok(names.includes("mqtt_read"));
    assert.match(host.client.getInstructions() ?? "", /read-only/);
    const publish = { topic: "t/a", payload: "x" };
    const query = { request_topic: "t/a", response_topic: "t/b", payload: "x" };
    for (const [tool, args] of [["mqtt_publish", publish], ["mqtt_query", query]] as const) {
      const { message, outcome } = await host.expectError("forbidden", tool, args);
      assert.match(message, /read-only/);
      assert.equal(outcome, "not_sent");
    }
    assert.equal((await host.expectResult("mqtt_status")).read_only, true);
    assert.deepEqual(device.received, []);
  },
);

Deno.test("mqtt_publish does not claim an outcome that it cannot know", async () => {
  await using broker = await startAedes();
  await using proxy = new FaultProxy(broker);
  const mqtt = { host: proxy.host, port: proxy.port, connect_timeout: 1 };
  await using one = await serve(broker, "3.1.1", { topics: ALL_OF_T, mqtt });
  const publish = { topic: "t/a", payload: "x", qos: 1 };
  await one.host.expectResult("mqtt_publish", publish);
  proxy.halfOpen();
  const lost = one.host.expectError("not_connected", "mqtt_publish", publish);
  // The status answers after the publish was sent: calls are taken up in order.
  await one.host.expectResult("mqtt_status");
  await proxy.refuse();
  await proxy.cut();
  assert.equal((await lost).outcome, "unknown");
  const { outcome, message } = await one.host.expectError("not_connected", "mqtt_publish", publish);
  assert.equal(outcome, "not_sent");
  assert.match(message, /since \d{4}-\d\d-\d\dT.*Z: .*127\.0\.0\.1/);
  proxy.accept();
  proxy.resume();
  await one.host.expectResult("mqtt_publish", publish);
});

Deno.test({
  name: "mqtt_publish tells what the broker's own rules refuse",
  ignore: !mosquittoAvailable(),
  fn: async () => {
    await using broker = await startMosquitto({ acl: "topic read #\n" });
    await using one = await serve(broker, "5");
    const error = await one.host.expectError("broker_refused", "mqtt_publish", {
      topic: "t/a",
      payload: "x",
      qos: 1,
    });
    assert.match(error.message, /135 \(Not authorized\)/);
    assert.equal(error.outcome, "not_sent");
  },
});

served(
  "mqtt_publish keeps to the rate and the schema of each rule that grants it",
  {
    topics: [
      { pattern: "t/#", permissions: ["read", "write"] },
      { pattern: "t/valve/+", permissions: ["write"], rate: { messages: 2, seconds: 60 } },
      {
        pattern: "t/+/set",
        permissions: ["write"],
        payload: { schema: { enum: ["open", "closed"] }, examples: ["open"] },
      },
    ],
  },
  async ({ host, device }) => {
    await device.subscribe("t/#", { qos: 1 });
    const { message, hint, outcome } = await host.expectError("payload_invalid", "mqtt_publish", {
      topic: "t/valve/set",
      payload: "OPEN",
    });
    assert.equal(
      message,
      'the payload does not meet the schema of the rule "t/+/set": it must be equal to one of the allowed values: ["open","closed"]',
    );
    assert.equal(outcome, "not_sent");
    assert.match(hint ?? "", /Payloads as they occur: open\./);
    await host.expectError("payload_invalid", "mqtt_query", {
      request_topic: "t/valve/set",
      response_topic: "t/x",
      payload: "no",
    });
    // What was refused counts for no rate.
    for (const payload of ["open", "closed"]) {
      await host.expectResult("mqtt_publish", { topic: "t/valve/set", payload, qos: 1 });
    }
    const limited = await host.expectError("rate_limited", "mqtt_publish", {
      topic: "t/valve/other",
      payload: "1",
    });
    assert.match(
      limited.message,
      /^2 messages in 60 s are allowed by the rule "t\/valve\/\+"; the next write is possible in \d+(\.\d)? s$/,
    );
    assert.equal(limited.outcome, "not_sent");
    await host.expectResult("mqtt_publish", { topic: "t/other", payload: "1", qos: 1 });
    const { topics } = (await host.readResource("mcpmqtt://topics/allowed")) as unknown as {
      topics: Array<Record<string, unknown>>;
    };
    assert.deepEqual(topics[1]?.["rate"], { messages: 2, seconds: 60 });
    assert.deepEqual(topics[2]?.["schema"], { enum: ["open", "closed"] });
    await device.collect(3);
    assert.deepEqual(device.received.map(({ text }) => text), ["open", "closed", "1"]);
  },
);
