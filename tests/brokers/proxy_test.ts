import assert from "node:assert/strict";
import { type AedesBroker, startAedes } from "./aedes.ts";
import { connectClient, type TestClient } from "./client.ts";
import { FaultProxy } from "./proxy.ts";
import { until, within } from "./until.ts";

/** Registers a test that gets a broker, a proxy before it and a client behind that. */
function proxyTest(name: string, test: (tested: ProxyCase) => Promise<void>): void {
  Deno.test(name, async () => {
    await using broker = await startAedes();
    await using proxy = new FaultProxy(broker);
    await using client = await connectClient(proxy, { connectTimeout: 500 });
    await client.subscribe("a");
    await test({ broker, proxy, client });
  });
}

interface ProxyCase {
  readonly broker: AedesBroker;
  readonly proxy: FaultProxy;
  readonly client: TestClient;
}

const gone = (client: TestClient): Promise<boolean> =>
  until(() => !client.mqtt.connected, { what: "the client to lose its connection" });

proxyTest("FaultProxy passes everything through", async ({ broker, proxy, client }) => {
  await client.publish("a", "x".repeat(300_000), { qos: 1 });
  const [message] = await client.collect(1);
  assert.equal(message?.payload.length, 300_000);
  assert.equal(proxy.connections, 1);
  await client.close();
  await until(() => proxy.connections === 0 && broker.clients().length === 0);
  assert.equal(proxy.accepted, 1);
});

proxyTest("cut() closes what is open and accepts what comes", async ({ proxy, client }) => {
  await proxy.cut();
  await gone(client);
  assert.equal(proxy.connections, 0);
  await using again = await connectClient(proxy);
  assert.ok(again.mqtt.connected);
});

proxyTest("stall() holds back and resume() delivers", async ({ broker, proxy, client }) => {
  proxy.stall();
  await broker.publish("a", "1");
  await assert.rejects(client.collect(1, { deadlineMs: 100 }));
  proxy.resume();
  await client.collect(1);
});

proxyTest("halfOpen() swallows and closes nothing", async ({ broker, proxy, client }) => {
  proxy.halfOpen();
  await broker.publish("a", "lost");
  await assert.rejects(client.collect(1, { deadlineMs: 100 }));
  await broker.kill();
  assert.ok(client.mqtt.connected);
});

proxyTest("delay() is passed on later", async ({ broker, proxy, client }) => {
  proxy.delay(150);
  const start = performance.now();
  await broker.publish("a", "1");
  await client.collect(1);
  assert.ok(performance.now() - start >= 140);
});

proxyTest("garbage() breaks the client's parser", async ({ proxy, client }) => {
  const broken = new Promise<Error>((resolve) => client.mqtt.on("error", resolve));
  await proxy.garbage();
  assert.match((await within(broken, 2_000)).message, /Invalid/);
});

proxyTest("cutAfter() cuts in the middle of a packet", async ({ broker, proxy, client }) => {
  const cut = proxy.cutAfter(50);
  await broker.publish("a", "x".repeat(100));
  await within(cut, 2_000);
  await gone(client);
  assert.deepEqual(client.received, []);
});

proxyTest("refuse() lets nobody in until accept()", async ({ proxy, client }) => {
  await proxy.refuse();
  await assert.rejects(connectClient(proxy), /ECONNREFUSED/);
  assert.ok(client.mqtt.connected);
  proxy.accept();
  await using again = await connectClient(proxy);
  assert.ok(again.mqtt.connected);
});

proxyTest(
  "a broker that is down closes the client's connection",
  async ({ broker, proxy, client }) => {
    await broker.kill();
    await gone(client);
    await assert.rejects(connectClient(proxy));
    await broker.restart();
    await using again = await connectClient(proxy);
    assert.ok(again.mqtt.connected);
  },
);
