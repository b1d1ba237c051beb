import assert from "node:assert/strict";
import { startDemoBroker } from "../../demo/broker.ts";
import { connectClient } from "../brokers/client.ts";
import { until } from "../brokers/until.ts";

Deno.test("startDemoBroker() accepts a client on a free port", async () => {
  await using broker = await startDemoBroker();
  await using client = await connectClient(broker);
  assert.ok(client.mqtt.connected);
});

Deno.test("publish() reaches clients and subscribe() hears them", async () => {
  await using broker = await startDemoBroker();
  await using client = await connectClient(broker);
  const heard: string[] = [];
  await broker.subscribe("to/+", (topic, payload) => void heard.push(`${topic} ${payload}`));
  await broker.publish("from", "retained", { retain: true });
  await client.subscribe("from");
  await client.publish("to/broker", "hello");
  const [message] = await client.collect(1);
  assert.equal(message?.text, "retained");
  await until(() => heard.length > 0);
  assert.deepEqual(heard, ["to/broker hello"]);
});

Deno.test("startDemoBroker() takes a packet larger than the socket's buffer", async () => {
  await using broker = await startDemoBroker();
  await using client = await connectClient(broker);
  await client.publish("big", "x".repeat(2_000_000), { qos: 1 });
});

Deno.test("startDemoBroker() fails on a port that is taken", async () => {
  await using broker = await startDemoBroker();
  await assert.rejects(startDemoBroker({ port: broker.port }), /EADDRINUSE/);
});

Deno.test("close() ends connections, those that never said CONNECT among them", async () => {
  const broker = await startDemoBroker();
  await using client = await connectClient(broker);
  using silent = await Deno.connect({ hostname: broker.host, port: broker.port });
  await broker.close();
  await broker.close();
  assert.equal(await silent.read(new Uint8Array(1)).catch(() => null), null);
  await until(() => !client.mqtt.connected);
});
