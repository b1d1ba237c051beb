import assert from "node:assert/strict";
import { eachBroker } from "./each_broker.ts";
import { until } from "./until.ts";

eachBroker("a message published reaches a subscriber", async ({ broker, connect, version }) => {
  await using device = await connect();
  await using listener = await connect();
  await listener.subscribe("a/+", { qos: 1 });
  await device.publish("a/b", "21.4", { qos: 1 });
  const [message] = await listener.collect(1);
  assert.equal(message?.topic, "a/b");
  assert.equal(message?.text, "21.4");
  assert.equal(listener.mqtt.options.protocolVersion, version === "5" ? 5 : 4);
  assert.equal(broker.clients().length, 2);
});

eachBroker("subscriptions() follows SUBSCRIBE, UNSUBSCRIBE and the end", async (tested) => {
  const { broker, connect } = tested;
  const held = (wanted: string[]): Promise<boolean> =>
    until(() => JSON.stringify(broker.subscriptions()) === JSON.stringify(wanted), {
      what: () => `${wanted} held, where ${broker.subscriptions()} is`,
    });
  const listener = await connect();
  await using other = await connect();
  await listener.subscribe(["a/b c", "x/#"], { qos: 1 });
  await other.subscribe("x/#");
  await held(["a/b c", "x/#", "x/#"]);
  await listener.unsubscribe("a/b c");
  await held(["x/#", "x/#"]);
  await listener.close();
  await held(["x/#"]);
  assert.equal(broker.subscribeCounts().get("x/#"), 2);
});

eachBroker("burst() arrives whole and in order", async ({ connect }) => {
  await using device = await connect();
  await using listener = await connect();
  await listener.subscribe("burst");
  await device.burst("burst", 500);
  const messages = await listener.collect(500);
  assert.deepEqual(messages.map(({ text }) => text), Array.from({ length: 500 }, (_, n) => `${n}`));
});

eachBroker("restart() brings the broker back on its port", async ({ broker, connect }) => {
  const before = await connect();
  await broker.kill();
  await until(() => !before.mqtt.connected, { what: "the connection to break" });
  await before.close();
  await assert.rejects(connect());
  await broker.restart();
  await using after = await connect();
  assert.ok(after.mqtt.connected);
  await until(() => broker.clients().length === 1);
});

eachBroker("respond() answers a request", async ({ connect }) => {
  await using device = await connect();
  await using asker = await connect();
  await device.respond("ask/+", ({ topic, text }) => ({ topic: `${topic}/answer`, payload: text }));
  await asker.subscribe("ask/x/answer");
  await asker.publish("ask/x", "hello");
  const [answer] = await asker.collect(1);
  assert.equal(answer?.text, "hello");
});

eachBroker("a payload of 1 MB arrives whole", async ({ connect }) => {
  await using client = await connect();
  await client.subscribe("big");
  await client.publish("big", new Uint8Array(1_000_000).fill(0xff), { qos: 1 });
  const [message] = await client.collect(1);
  assert.equal(message?.payload.length, 1_000_000);
});
