import assert from "node:assert/strict";
import { startAedes } from "./aedes.ts";
import { connectClient } from "./client.ts";
import { until } from "./until.ts";

Deno.test("startAedes() refuses the subscriptions it is told to", async () => {
  await using broker = await startAedes({ refuseSubscription: (filter) => filter === "secret" });
  await using client = await connectClient(broker);
  await client.subscribe(["open"]);
  await assert.rejects(client.subscribe(["secret"]));
  assert.deepEqual(broker.subscriptions(), ["open"]);
});

Deno.test("startAedes() closes the connection of a client that publishes what is refused", async () => {
  await using broker = await startAedes({ refusePublish: (topic) => topic === "secret" });
  await using client = await connectClient(broker);
  await client.publish("secret", "x");
  await until(() => !client.mqtt.connected);
  assert.deepEqual([...broker.publishCounts()], []);
});

Deno.test("startAedes() refuses the connections it is told to", async () => {
  await using broker = await startAedes({ refuseConnection: (_id, username) => username !== "me" });
  await assert.rejects(connectClient(broker), /Not authorized/);
  await using client = await connectClient(broker, { username: "me" });
  assert.ok(client.mqtt.connected);
});

Deno.test("startAedes() refuses MQTT 5", async () => {
  await using broker = await startAedes();
  await assert.rejects(connectClient(broker, { version: "5" }));
});

Deno.test("publishCounts() counts what clients publish and leaves out the broker's own", async () => {
  await using broker = await startAedes();
  await using client = await connectClient(broker);
  await client.publish("a", "1", { qos: 1 });
  await client.publish("a", "2", { qos: 1 });
  await broker.publish("b", "3", { retain: true });
  await until(() => broker.publishCounts().get("a") === 2);
  assert.equal(broker.publishCounts().has("b"), false);
  await client.subscribe("b");
  const [retained] = await client.collect(1);
  assert.equal(retained?.retain, true);
});

Deno.test("disconnect() closes the connection of one client", async () => {
  await using broker = await startAedes();
  await using one = await connectClient(broker, { clientId: "one" });
  await using two = await connectClient(broker, { clientId: "two" });
  await broker.disconnect("one");
  await until(() => !one.mqtt.connected);
  assert.ok(two.mqtt.connected);
});
