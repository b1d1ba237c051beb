import assert from "node:assert/strict";
import { startAedes } from "../brokers/aedes.ts";
import { FaultProxy } from "../brokers/proxy.ts";
import { until } from "../brokers/until.ts";
import { type Host, type RawHost, rawHost, startHost, untilConnected } from "../host.ts";
import { connack, CONNECT, ScriptedBroker, suback, SUBSCRIBE } from "../mqtt/scripted_broker.ts";

const TOPICS = [{ pattern: "t/#", permissions: ["read"] }];
const OFF = "mcpmqtt://message/t/lamp";
const OTHER = "mcpmqtt://message/t/other";
const OFF_SPELLED = "mcpmqtt://message/t%2Flamp";

/** What each request of protocol revision 2026-07-28 carries. */
const ENVELOPE = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
  "io.modelcontextprotocol/clientCapabilities": {},
};

async function untilRawConnected(host: RawHost): Promise<void> {
  const status = { name: "mqtt_status", arguments: {}, _meta: ENVELOPE };
  await until(async () => {
    const { result } = await host.request("tools/call", status);
    return result.structuredContent.connected;
  });
}

interface Listened {
  readonly host: Host;
  readonly updated: string[];
}

async function listened(
  { host: name, port }: { readonly host: string; readonly port: number },
  protocol: "legacy" | "auto",
  mqtt: object = {},
): Promise<Listened> {
  const updated: string[] = [];
  const host = await startHost({
    protocol,
    config: { mqtt: { host: name, port, ...mqtt }, topics: TOPICS },
    prepare: (client) =>
      client.setNotificationHandler(
        "notifications/resources/updated",
        ({ params }) => void updated.push(params.uri),
      ),
  });
  return { host, updated };
}

Deno.test("a resource that is subscribed to while the broker is away is told of when it is back", async () => {
  await using broker = await startAedes();
  await broker.publish("t/lamp", "on", { retain: true });
  await using proxy = new FaultProxy(broker);
  await proxy.refuse();
  const { host, updated } = await listened(proxy, "legacy", { connect_timeout: 0.3 });
  await using _host = host;
  await host.client.subscribeResource({ uri: OFF });
  await assert.rejects(host.readResource(OFF), /not_connected/);
  // Longer than the connect timeout: nothing gives it up.
  await new Promise((resolve) => setTimeout(resolve, 600));
  proxy.accept();
  await until(() => updated.length > 0);
  assert.equal((await host.readResource(OFF)).payload, "on");
  await host.client.unsubscribeResource({ uri: OFF });
  await until(() => broker.subscriptions().length === 0);
});

Deno.test("a resource that changed while the connection was lost is told of, and gives what is new", async () => {
  await using broker = await startAedes();
  await broker.publish("t/lamp", "off", { retain: true });
  await using proxy = new FaultProxy(broker);
  const { host, updated } = await listened(proxy, "legacy");
  await using _host = host;
  await host.client.subscribeResource({ uri: OFF });
  await until(() => updated.length === 1);
  assert.equal((await host.readResource(OFF)).payload, "off");
  await proxy.refuse();
  await proxy.cut();
  await broker.publish("t/lamp", "on", { retain: true });
  proxy.accept();
  await until(() => updated.length === 2);
  assert.equal((await host.readResource(OFF)).payload, "on");
});

Deno.test("a subscription to a resource that the broker refuses is answered so", async () => {
  await using broker = new ScriptedBroker(({ type, body }, client) => {
    if (type === CONNECT) client.send(...connack("5"));
    // Not authorized, §3.9.3
    if (type === SUBSCRIBE) client.send(0x90, 4, body[0] ?? 0, body[1] ?? 0, 0, 0x87);
  });
  const { host } = await listened(broker, "legacy", { protocol_version: "5" });
  await using _host = host;
  await untilConnected(host);
  await assert.rejects(
    host.client.subscribeResource({ uri: OFF }),
    /broker_refused: .*135 \(Not authorized\)/,
  );
});

Deno.test("a subscription to a resource that a watch covers is in force when it is answered", async () => {
  await using broker = await startAedes();
  const { host } = await listened(broker, "legacy");
  await using _host = host;
  await host.expectResult("mqtt_watch", { topic: "t/#" });
  await host.client.subscribeResource({ uri: OFF });
  assert.deepEqual(broker.subscriptions().toSorted(), ["t/#", "t/lamp"]);
});

Deno.test("a subscription to a resource for which the broker takes no connection is answered so", async () => {
  await using broker = await startAedes({ refuseConnection: (id) => id === "only-2" });
  const { host } = await listened(broker, "legacy", { client_id: "only" });
  await using _host = host;
  await host.expectResult("mqtt_watch", { topic: "t/#" });
  await assert.rejects(
    host.client.subscribeResource({ uri: OFF }),
    /broker_refused: a further connection is needed/,
  );
});

Deno.test("two spellings of one topic are two subscriptions, each with an end of its own", async () => {
  await using broker = await startAedes();
  const { host, updated } = await listened(broker, "legacy");
  await using _host = host;
  await untilConnected(host);
  await host.client.subscribeResource({ uri: OFF });
  await host.client.subscribeResource({ uri: OFF_SPELLED });
  await broker.publish("t/lamp", "1");
  await until(() => updated.length === 2);
  assert.deepEqual([...updated].sort(), [OFF_SPELLED, OFF].sort());
  await host.client.unsubscribeResource({ uri: OFF });
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  await broker.publish("t/lamp", "2");
  await until(() => updated.length === 3);
  assert.equal(updated[2], OFF_SPELLED);
  await host.client.unsubscribeResource({ uri: OFF_SPELLED });
  await until(() => broker.subscriptions().length === 0);
});

Deno.test("an unsubscribe before the SUBACK leaves nothing", async () => {
  await using broker = await startAedes();
  await using proxy = new FaultProxy(broker);
  const { host } = await listened(proxy, "legacy");
  await using _host = host;
  await untilConnected(host);
  proxy.delay(150);
  const subscribing = host.client.subscribeResource({ uri: OFF }).catch(() => {});
  await host.client.unsubscribeResource({ uri: OFF });
  await subscribing;
  proxy.resume();
  await until(() => broker.subscriptions().length === 0);
  await host.client.subscribeResource({ uri: OFF });
  await until(() => broker.subscriptions().length === 1);
});

Deno.test("subscriptions/listen acknowledges what is granted, and only that is subscribed to", async () => {
  await using broker = await startAedes();
  const { host, updated } = await listened(broker, "auto");
  await using _host = host;
  await untilConnected(host);
  const uris = [OFF, "mcpmqtt://message/secret", "mcpmqtt://status", "mcpmqtt://message/t%2F%2B"];
  const listening = await host.client.listen({ resourceSubscriptions: uris });
  assert.deepEqual(listening.honoredFilter.resourceSubscriptions, [OFF]);
  // In force when it is acknowledged.
  assert.deepEqual(broker.subscriptions(), ["t/lamp"]);
  await broker.publish("t/lamp", "1");
  await until(() => updated.length === 1);
  await listening.close();
  await until(() => broker.subscriptions().length === 0);
});

Deno.test("subscriptions/listen to what is not granted takes no place from others", async () => {
  await using broker = await startAedes();
  const { host } = await listened(broker, "auto");
  await using _host = host;
  await untilConnected(host);
  for (let i = 0; i < 120; i++) {
    const uri = `mcpmqtt://message/x/${i}`;
    const listening = await host.client.listen({ resourceSubscriptions: [uri] });
    assert.deepEqual(listening.honoredFilter.resourceSubscriptions, []);
    await listening.close();
  }
  assert.deepEqual(broker.subscriptions(), []);
  const listening = await host.client.listen({ resourceSubscriptions: [OFF] });
  assert.deepEqual(broker.subscriptions(), ["t/lamp"]);
  await listening.close();
});

Deno.test("a subscriptions/listen that the SDK refuses subscribes to nothing", async () => {
  await using broker = await startAedes();
  await using host = await rawHost({
    config: { mqtt: { host: broker.host, port: broker.port }, topics: TOPICS },
  });
  await untilRawConnected(host);
  // `notifications` is not of the schema: true is wanted for toolsListChanged.
  const { error } = await host.request("subscriptions/listen", {
    notifications: { resourceSubscriptions: [OFF], toolsListChanged: "yes" },
    _meta: ENVELOPE,
  });
  assert.equal(error.code, -32602);
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.deepEqual(broker.subscriptions(), []);
});

Deno.test("a subscriptions/listen that is cancelled before its turn leaves nothing", async () => {
  await using broker = await startAedes();
  await using host = await rawHost({
    config: { mqtt: { host: broker.host, port: broker.port }, topics: TOPICS },
  });
  await untilRawConnected(host);
  const listen = { notifications: { resourceSubscriptions: [OFF] }, _meta: ENVELOPE };
  const lines = [
    { id: "before", method: "tools/list", params: { _meta: ENVELOPE } },
    { id: "listen", method: "subscriptions/listen", params: listen },
    { method: "notifications/cancelled", params: { requestId: "listen" } },
    { id: "after", method: "tools/list", params: { _meta: ENVELOPE } },
  ];
  // In one chunk, so that the SDK is still at the first when the last has arrived.
  await host.sendLine(
    lines.map((message) => JSON.stringify({ jsonrpc: "2.0", ...message })).join("\n"),
  );
  await host.find(({ id }) => id === "after");
  // What it had subscribed to would be in force when another subscription is.
  await host.send({
    id: "other",
    method: "subscriptions/listen",
    params: { notifications: { resourceSubscriptions: [OTHER] }, _meta: ENVELOPE },
  });
  await host.find(({ method }) => method === "notifications/subscriptions/acknowledged");
  assert.deepEqual(broker.subscriptions(), ["t/other"]);
});

Deno.test("the acknowledgement of subscriptions/listen comes before the first update", async () => {
  let acknowledge: (() => void) | undefined;
  await using broker = new ScriptedBroker((packet, client) => {
    if (packet.type === CONNECT) client.send(...connack("5"));
    if (packet.type !== SUBSCRIBE) return;
    const filter = new TextDecoder().decode(packet.body.subarray(5, -1));
    if (filter === "t/lamp") {
      client.send(...suback(packet));
      // A message of QoS 0 of that topic.
      client.send(0x30, 9, 0, 6, ...new TextEncoder().encode("t/lamp"), 0);
    } else acknowledge = () => client.send(...suback(packet));
  });
  await using host = await rawHost({
    config: {
      mqtt: { host: broker.host, port: broker.port, protocol_version: "5" },
      topics: TOPICS,
    },
  });
  await untilRawConnected(host);
  await host.send({
    id: "listen",
    method: "subscriptions/listen",
    params: { notifications: { resourceSubscriptions: [OFF, OTHER] }, _meta: ENVELOPE },
  });
  await until(() => acknowledge !== undefined);
  // By now the first is in force and its message is there.
  const params = { uri: OFF, _meta: ENVELOPE };
  const { result } = await host.request("resources/read", params);
  assert.match(result.contents[0].text, /"topic":"t\/lamp"/);
  await new Promise((resolve) => setTimeout(resolve, 50));
  acknowledge?.();
  await host.find(({ method }) => method === "notifications/resources/updated");
  assert.deepEqual(host.messages.flatMap(({ method }) => method ?? []), [
    "notifications/subscriptions/acknowledged",
    "notifications/resources/updated",
  ]);
});
