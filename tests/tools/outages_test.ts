/** What an agent is told after the connection was lost: nothing that is not so. */

import assert from "node:assert/strict";
import { startAedes } from "../brokers/aedes.ts";
import { connectClient } from "../brokers/client.ts";
import { FaultProxy } from "../brokers/proxy.ts";
import { until } from "../brokers/until.ts";
import { startHost, untilConnected } from "../host.ts";
import {
  connack,
  CONNECT,
  PINGREQ,
  puback,
  PUBLISH,
  ScriptedBroker,
  suback,
  SUBSCRIBE,
  topicOf,
} from "../mqtt/scripted_broker.ts";
import { ALL_OF_T } from "./served.ts";

type Broker = { readonly host: string; readonly port: number };

function hostOf({ host, port }: Broker, config: object = {}): ReturnType<typeof startHost> {
  return startHost({ config: { mqtt: { host, port }, topics: ALL_OF_T, ...config } });
}

async function outage(proxy: FaultProxy, meanwhile: () => Promise<unknown>): Promise<void> {
  await proxy.refuse();
  await proxy.cut();
  await meanwhile();
  proxy.accept();
}

Deno.test("a watch gives what changed while the connection was lost, and nothing again", async () => {
  await using broker = await startAedes();
  await broker.publish("t/lamp", "off", { retain: true });
  await broker.publish("t/door", "shut", { retain: true });
  await using proxy = new FaultProxy(broker);
  await using host = await hostOf(proxy);
  await host.expectResult("mqtt_watch", { topic: "t/#" });
  await until(async () => (await host.expectResult("mqtt_status")).watches[0].received === 2);
  const first = await host.expectResult("mqtt_watch_read", { watch_id: "w1", timeout: 5 });
  assert.equal(first.messages.length, 2);
  await outage(proxy, () => broker.publish("t/lamp", "on", { retain: true }));
  const read = await host.expectResult("mqtt_watch_read", { watch_id: "w1", timeout: 10 });
  assert.deepEqual(
    read.messages.map(({ topic, payload, retain }: Record<string, unknown>) => [
      topic,
      payload,
      retain,
    ]),
    [["t/lamp", "on", true]],
  );
  await host.expectResult("mqtt_publish", { topic: "t/end", payload: "end", qos: 1 });
  const rest = await host.expectResult("mqtt_watch_read", { watch_id: "w1", timeout: 5 });
  assert.deepEqual(rest.messages.map(({ topic }: { topic: string }) => topic), ["t/end"]);
});

Deno.test("a waiting mqtt_read sees a value that changed while the connection was lost", async () => {
  await using broker = await startAedes();
  await broker.publish("t/lamp", "off", { retain: true });
  await using proxy = new FaultProxy(broker);
  await using host = await hostOf(proxy);
  const reading = host.expectResult("mqtt_read", {
    topic: "t/lamp",
    timeout: 20,
    where: { path: "", op: "eq", value: "on" },
  });
  await until(() => broker.subscriptions().includes("t/lamp"));
  await outage(proxy, () => broker.publish("t/lamp", "on", { retain: true }));
  assert.equal((await reading).payload, "on");
});

Deno.test("mqtt_query sends nothing after it has answered timeout", async () => {
  const published: string[] = [];
  const acknowledge: Array<() => void> = [];
  await using broker = new ScriptedBroker((packet, client) => {
    // Receive Maximum 1, §3.2.2.3.3
    if (packet.type === CONNECT) client.send(...connack("5", [0x21, 0, 1]));
    if (packet.type === SUBSCRIBE) client.send(...suback(packet));
    if (packet.type !== PUBLISH) return;
    published.push(topicOf(packet));
    acknowledge.push(() => client.send(...puback(packet)));
  });
  await using host = await hostOf(broker);
  const slow = host.expectResult("mqtt_publish", { topic: "t/slow", payload: "1", qos: 1 });
  await until(() => published.length === 1);
  const query = { request_topic: "t/valve/open", response_topic: "t/valve", payload: "1" };
  const error = await host.expectError("timeout", "mqtt_query", { ...query, timeout: 0.3 });
  assert.equal(error.outcome, "not_sent");
  assert.match(error.message, /could not be sent within 0\.3 s/);
  acknowledge.shift()?.();
  await slow;
  const next = host.expectResult("mqtt_publish", { topic: "t/next", payload: "1", qos: 1 });
  await until(() => published.length === 2);
  acknowledge.shift()?.();
  await next;
  assert.deepEqual(published, ["t/slow", "t/next"]);
});

Deno.test("writes that were not sent use up no rate", async () => {
  await using broker = await startAedes();
  await using proxy = new FaultProxy(broker);
  const config = { limits: { publish_per_minute: 2 } };
  await using host = await hostOf(proxy, {
    ...config,
    mqtt: { host: proxy.host, port: proxy.port, connect_timeout: 0.2 },
  });
  await untilConnected(host);
  await proxy.refuse();
  await proxy.cut();
  await until(async () => !(await host.expectResult("mqtt_status")).connected);
  // The connection for writing was cut in the same moment.
  await new Promise((resolve) => setTimeout(resolve, 100));
  const off = { topic: "t/heater", payload: "off", qos: 1 };
  for (let i = 0; i < 5; i++) {
    const error = await host.expectError("not_connected", "mqtt_publish", off);
    assert.equal(error.outcome, "not_sent");
  }
  proxy.accept();
  await untilConnected(host);
  for (let i = 0; i < 2; i++) await host.expectResult("mqtt_publish", off);
  await host.expectError("rate_limited", "mqtt_publish", off);
});

Deno.test("mqtt_watch while the broker is away waits at most the connect timeout", async () => {
  await using broker = await startAedes();
  await using proxy = new FaultProxy(broker);
  await proxy.refuse();
  await using host = await hostOf(proxy, {
    mqtt: { host: proxy.host, port: proxy.port, connect_timeout: 0.5 },
  });
  await host.expectError("not_connected", "mqtt_watch", { topic: "t/#" });
  assert.deepEqual((await host.expectResult("mqtt_status")).watches, []);
});

Deno.test("user properties count for max_publish_bytes, and a response_topic must be readable", async () => {
  await using broker = await startAedes();
  await using device = await connectClient(broker);
  await device.subscribe("#");
  await using host = await hostOf(broker, {
    topics: [{ pattern: "t/a", permissions: ["write"] }, { pattern: "t/b", permissions: ["read"] }],
    limits: { max_publish_bytes: 1_000 },
  });
  const a = { topic: "t/a", payload: "1", qos: 1 };
  const large = { user_properties: { key: "v".repeat(2_000) } };
  await host.expectError("payload_too_large", "mqtt_publish", { ...a, ...large });
  const wrong = await host.expectError("forbidden", "mqtt_publish", { ...a, response_topic: "x" });
  assert.match(wrong.message, /response_topic "x" must be one that may be read/);
  assert.equal(wrong.outcome, "not_sent");
  // aedes speaks 3.1.1, which has no properties: it is not the grants that refuse this one.
  await host.expectError("invalid_argument", "mqtt_publish", { ...a, response_topic: "t/b" });
  await host.expectResult("mqtt_publish", a);
  await device.collect(1);
  assert.equal(device.received.length, 1);
});

Deno.test("mqtt_query takes nothing for an answer that came before the request was sent", async () => {
  // A PUBLISH of QoS 0 to t/r, payload "early", in one segment with the SUBACK.
  const early = [0x30, 11, 0, 3, 0x74, 0x2F, 0x72, 0, 0x65, 0x61, 0x72, 0x6C, 0x79];
  let requests = 0;
  await using broker = new ScriptedBroker((packet, client) => {
    if (packet.type === CONNECT) client.send(...connack("5"));
    if (packet.type === SUBSCRIBE) client.send(...suback(packet), ...early);
    if (packet.type === PINGREQ) client.send(0xD0, 0);
    if (packet.type !== PUBLISH) return;
    requests++;
    client.send(...puback(packet));
  });
  await using host = await hostOf(broker);
  const query = { request_topic: "t/q", response_topic: "t/r", payload: "1", timeout: 0.5 };
  const error = await host.expectError("timeout", "mqtt_query", query);
  assert.equal(error.outcome, "unknown");
  assert.equal(requests, 1);
});
