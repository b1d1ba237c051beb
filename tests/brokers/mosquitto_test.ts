import assert from "node:assert/strict";
import { connectClient } from "./client.ts";
import { mosquittoAvailable, startMosquitto } from "./mosquitto.ts";
import { until, within } from "./until.ts";

const ignore = !mosquittoAvailable();

Deno.test({
  name: "startMosquitto() keeps to the ACL and leaves refused filters out of subscriptions()",
  ignore,
  fn: async () => {
    await using broker = await startMosquitto({ acl: "topic readwrite open/#\n" });
    await using client = await connectClient(broker, { version: "5" });
    await client.subscribe("open/a");
    await client.publish("open/a", "x", { qos: 1 });
    await client.collect(1);
    assert.deepEqual(broker.subscriptions(), ["open/a"]);
    await assert.rejects(client.publish("shut", "x", { qos: 1 }), /Not authorized/);
  },
});

Deno.test({
  name: "startMosquitto() asks for the users' passwords",
  ignore,
  fn: async () => {
    await using broker = await startMosquitto({ users: { me: "right" } });
    await assert.rejects(connectClient(broker, { username: "me", password: "wrong" }));
    await using client = await connectClient(broker, { username: "me", password: "right" });
    assert.ok(client.mqtt.connected);
  },
});

Deno.test({
  name: "stop() closes the connections and restart() comes back",
  ignore,
  fn: async () => {
    await using broker = await startMosquitto();
    await using client = await connectClient(broker, { version: "5" });
    await broker.stop();
    await until(() => !client.mqtt.connected);
    await broker.restart();
    await using again = await connectClient(broker, { version: "5" });
    assert.ok(again.mqtt.connected);
  },
});

Deno.test({
  name: "freeze() keeps the connection and answers nothing until thaw()",
  ignore,
  fn: async () => {
    await using broker = await startMosquitto();
    await using client = await connectClient(broker);
    broker.freeze();
    const published = client.publish("a", "x", { qos: 1 });
    await assert.rejects(within(published, 100));
    assert.ok(client.mqtt.connected);
    broker.thaw();
    await within(published, 2_000);
  },
});

Deno.test({
  name: "startMosquitto() fails with the log when the config is wrong",
  ignore,
  fn: async () => {
    await assert.rejects(startMosquitto({ config: "no_such_option 1" }), /no_such_option/);
  },
});
