import assert from "node:assert/strict";
import { FaultProxy } from "../brokers/proxy.ts";
import { startAedes } from "../brokers/aedes.ts";
import { BUSY_MS, TIMED_RETRIES } from "../brokers/until.ts";
import { startHost } from "../host.ts";
import { ALL_OF_T, serve, served } from "./served.ts";

served(
  "mqtt_status tells how the connection stands, and what is granted",
  {
    // The end of the old connection may be noticed in the middle of the publish.
    retry: TIMED_RETRIES,
    mqtt: { username: "secret-user", password: "secret-word", client_id: "me" },
    topics: [
      {
        pattern: "t/+",
        permissions: ["read", "write"],
        retain: true,
        description: "°C",
        payload: { unit: "°C", examples: ["21.5"] },
      },
      { pattern: "t/x", deny: ["write"] },
    ],
    limits: { max_timeout: 60 },
  },
  async ({ host, broker, version }) => {
    const { connected_since, ...status } = await host.expectResult("mqtt_status");
    assert.ok(Math.abs(Date.parse(connected_since) - Date.now()) < 20_000);
    assert.deepEqual(status, {
      connected: true,
      broker: { url: broker.url, protocol_version: version, client_id: "me" },
      reconnects: 0,
      watches: [],
      limits: {
        max_timeout: 60,
        max_messages: 1_000,
        max_result_bytes: 65_536,
        payload_preview_bytes: 4_096,
        max_publish_bytes: 262_144,
        publish_per_minute: 600,
        max_watches: 16,
        watch_buffer_messages: 1_000,
        watch_buffer_bytes: 16_777_216,
        max_message_bytes: 8_388_608,
      },
      grants: [
        {
          pattern: "t/+",
          permissions: ["read", "write"],
          description: "°C",
          retain: true,
          unit: "°C",
          examples: ["21.5"],
        },
        { pattern: "t/x", permissions: [], deny: ["write"] },
      ],
      read_only: false,
    });
    await host.expectError("invalid_argument", "mqtt_status", { verbose: true });
    await broker.restart();
    await host.expectResult("mqtt_publish", { topic: "t/a", payload: "x", qos: 1 });
    assert.equal((await host.expectResult("mqtt_status")).reconnects, 1);
  },
);

Deno.test({
  name: "mqtt_status right after the start waits for the first attempt to connect",
  retry: TIMED_RETRIES,
  fn: async () => {
    await using broker = await startAedes();
    await using proxy = new FaultProxy(broker);
    proxy.delay(150);
    const config = { mqtt: { host: proxy.host, port: proxy.port }, topics: ALL_OF_T };
    await using host = await startHost({ config });
    assert.equal((await host.expectResult("mqtt_status")).connected, true);
  },
});

Deno.test("mqtt_status does not wait long for a broker that does not answer", async () => {
  await using broker = await startAedes();
  await using proxy = new FaultProxy(broker);
  proxy.stall();
  const config = { mqtt: { host: proxy.host, port: proxy.port }, topics: ALL_OF_T };
  await using host = await startHost({ config });
  const start = performance.now();
  assert.equal((await host.expectResult("mqtt_status")).connected, false);
  assert.ok(performance.now() - start < 2_000 + BUSY_MS);
});

Deno.test("mqtt_status keeps to the limits of a result where there are many grants", async () => {
  await using broker = await startAedes();
  const topics = Array.from({ length: 500 }, (_, i) => ({
    pattern: `t/${i}`,
    permissions: ["read"],
    description: "a rule of many",
  }));
  await using one = await serve(broker, "3.1.1", { topics, limits: { max_result_bytes: 4_000 } });
  const { text, structuredContent } = await one.host.callTool("mqtt_status");
  assert.ok(new TextEncoder().encode(text).length <= 4_200);
  const { grants, grants_omitted, hint } = structuredContent;
  assert.equal(grants.length + grants_omitted, 500);
  assert.ok(grants.length > 20);
  assert.match(hint, /mcpmqtt:\/\/topics\/allowed/);
  assert.equal((await one.host.readResource("mcpmqtt://topics/allowed")).topics.length, 500);
});
