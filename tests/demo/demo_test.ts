import assert from "node:assert/strict";
import { startDemo } from "../../demo/demo.ts";
import { connectClient } from "../brokers/client.ts";

Deno.test("startDemo() gives a config that leads to its broker", async () => {
  await using demo = await startDemo();
  const { host, port } = demo.config.mqtt;
  assert.equal(host, "127.0.0.1");
  assert.deepEqual(demo.config.warnings, []);
  await using client = await connectClient({ host, port });
  await client.subscribe("status/system");
  const [status] = await client.collect(1);
  assert.equal(status?.retain, true);
});

Deno.test("startDemo() takes every override but those of the broker", async () => {
  await using demo = await startDemo([
    { key: ["mqtt", "host"], value: "elsewhere", source: "MCPMQTT_HOST" },
    { key: ["read_only"], value: true, source: "--read-only" },
  ]);
  assert.equal(demo.config.mqtt.host, "127.0.0.1");
  assert.equal(demo.config.readOnly, true);
});
