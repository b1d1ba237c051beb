import assert from "node:assert/strict";
import { startAedes } from "../brokers/aedes.ts";
import { connectClient } from "../brokers/client.ts";
import { type BrokerCase, eachBroker } from "../brokers/each_broker.ts";
import { FaultProxy } from "../brokers/proxy.ts";
import { until, within } from "../brokers/until.ts";
import { Gathering, openConnection, rejection, waiting } from "./connections.ts";
import { connack, CONNECT, ScriptedBroker, suback, SUBSCRIBE } from "./scripted_broker.ts";

interface ProxyCase extends BrokerCase {
  readonly proxy: FaultProxy;
}

/** Registers a test with a proxy before each broker. */
function behindProxy(name: string, test: (tested: ProxyCase) => Promise<void>): void {
  eachBroker(name, async (tested) => {
    await using proxy = new FaultProxy(tested.broker);
    await test({ ...tested, proxy });
  });
}

behindProxy("a collection that resumes is subscribed again, once, with its options", async ({
  broker,
  proxy,
  version,
  connect,
}) => {
  await using client = await connect();
  await client.publish("r/1", "old", { retain: true, qos: 1 });
  await client.publish("q/1", "old", { retain: true, qos: 1 });
  await using connection = await openConnection(proxy, { version });
  await using with_ = await Gathering.open(connection, ["r/#", "r/+"], { resume: true });
  await using without = await Gathering.open(connection, "q/#", {
    resume: true,
    includeRetained: false,
  });
  await with_.atLeast(1);
  for (let round = 1; round <= 3; round++) {
    await until(() => broker.subscriptions().length === 3);
    await proxy.cut();
    await until(() => with_.interruptions === round);
    // Comes while nobody is connected, and is there when they are back.
    await client.publish(`r/new${round}`, "x", { retain: true, qos: 1 });
    await connection.ready(waiting());
    await with_.atLeast(2 * round);
    await client.publish("q/live", String(round), { qos: 1 });
    await without.atLeast(round);
    await client.publish("r/live", String(round), { qos: 1 });
    await with_.atLeast(2 * round + 1);
  }
  assert.deepEqual(
    with_.texts.toSorted(),
    ["r/1 old", "r/live 1", "r/live 2", "r/live 3", "r/new1 x", "r/new2 x", "r/new3 x"],
  );
  assert.deepEqual(without.texts, ["q/live 1", "q/live 2", "q/live 3"]);
  assert.deepEqual([with_.interruptions, without.interruptions], [3, 3]);
  await until(() => broker.subscribeCounts().get("q/#") === 4);
  assert.equal(broker.subscribeCounts().get("r/#"), 4);
  assert.equal(connection.status.reconnects, 3);
  await until(() => broker.subscriptions().length === 3);
});

behindProxy("a collection that does not resume is told and is over", async ({
  broker,
  proxy,
  version,
  connect,
}) => {
  await using client = await connect();
  await using connection = await openConnection(proxy, { version });
  await using gathering = await Gathering.open(connection, ["a", "b", "+"]);
  await proxy.cut();
  await until(() => gathering.interruptions > 0);
  await connection.ready(waiting());
  await using again = await Gathering.open(connection, "a");
  await client.publish("a", "x", { qos: 1 });
  await again.atLeast(1);
  assert.equal(gathering.interruptions, 1);
  assert.deepEqual(gathering.texts, []);
  await until(() => broker.subscriptions().join() === "a");
});

behindProxy("retained messages that a cut kept back come after it, the others not again", async ({
  proxy,
  version,
  connect,
}) => {
  await using client = await connect();
  const topics = Array.from({ length: 50 }, (_, i) => `keep/${i}`);
  for (const topic of topics) {
    await client.publish(topic, "x".repeat(200), { retain: true, qos: 1 });
  }
  await using connection = await openConnection(proxy, { version });
  // In the middle of the twentieth of them.
  const cut = proxy.cutAfter(20 * 215);
  await using gathering = await Gathering.open(connection, "keep/#", { resume: true });
  await cut;
  await gathering.atLeast(50);
  await client.publish("keep/end", "x", { qos: 1 });
  await until(() => gathering.messages.some(({ topic }) => topic === "keep/end"));
  const arrived = gathering.messages.map(({ topic }) => topic);
  assert.deepEqual(arrived.toSorted(), [...topics, "keep/end"].toSorted());
});

behindProxy("collect() through a cut in and after the SUBACK comes into force", async ({
  broker,
  proxy,
  version,
  connect,
}) => {
  await using client = await connect();
  await using connection = await openConnection(proxy, { version });
  for (const bytes of [1, 4, 6]) {
    await connection.ready(waiting());
    const cut = proxy.cutAfter(bytes);
    const gathering = await within(Gathering.open(connection, "a/#", { resume: true }), 5_000);
    await client.publish("a/b", "x", { qos: 1 });
    await Promise.race([cut, gathering.atLeast(1)]);
    await connection.ready(waiting());
    await until(() => broker.subscriptions().length === 1);
    const before = gathering.messages.length;
    await until(async () => {
      await client.publish("a/b", "y", { qos: 1 });
      return gathering.messages.length > before;
    });
    await gathering[Symbol.asyncDispose]();
    await until(() => broker.subscriptions().length === 0);
  }
  assert.ok(broker.clients().length <= 3, `${broker.clients()}`);
});

behindProxy("collect() fails in time where the broker goes away for good", async ({
  proxy,
  version,
}) => {
  await using connection = await openConnection(proxy, { version });
  proxy.stall();
  const start = performance.now();
  const opening = rejection(Gathering.open(connection, "a", { waitMs: 500 }));
  await proxy.refuse();
  await proxy.cut();
  const error = await within(opening, 2_000);
  assert.equal(error.code, "not_connected");
  assert.ok(performance.now() - start < 1_500);
});

behindProxy("garbage, and a cut in the middle of a packet, interrupt and pass", async ({
  proxy,
  version,
  connect,
}) => {
  await using client = await connect();
  await using connection = await openConnection(proxy, { version });
  await using gathering = await Gathering.open(connection, "a", { resume: true });
  for (const [round, fault] of ["garbage", "cut"].entries()) {
    if (fault === "garbage") await proxy.garbage();
    else {
      const cut = proxy.cutAfter(300);
      await client.publish("a", "half".repeat(200), { qos: 1 });
      await cut;
    }
    await until(() => gathering.interruptions === round + 1);
    await connection.ready(waiting());
    await until(async () => {
      await client.publish("a", fault, { qos: 1 });
      return gathering.texts.includes(`a ${fault}`);
    });
  }
  assert.ok(gathering.texts.every((text) => !text.includes("half")));
});

behindProxy("a half-open connection is noticed by the keep-alive", async ({ proxy, version }) => {
  await using connection = await openConnection(proxy, { version, keepaliveSeconds: 1 });
  await using gathering = await Gathering.open(connection, "a", { resume: true });
  proxy.halfOpen();
  await until(() => gathering.interruptions === 1, { deadlineMs: 3_000 });
  assert.match(connection.status.lastError ?? "", /keep-alive/);
  proxy.resume();
  await until(() => connection.status.isConnected);
});

behindProxy("a stalled and a slow connection lose and double nothing", async ({
  proxy,
  version,
  connect,
}) => {
  await using client = await connect();
  await using connection = await openConnection(proxy, { version });
  await using gathering = await Gathering.open(connection, "a");
  proxy.stall();
  await client.burst("a", 100, { qos: 1 });
  assert.equal(gathering.messages.length, 0);
  proxy.resume();
  await gathering.atLeast(100);
  proxy.delay(20);
  await client.burst("a", 100, { qos: 1, payload: (i) => `slow ${i}` });
  await gathering.atLeast(200);
  assert.equal(new Set(gathering.texts).size, 200);
  assert.equal(gathering.interruptions, 0);
});

Deno.test("a collection is told of each of its connections that is lost", async () => {
  const refused = new Set<string>();
  await using broker = await startAedes({ refuseConnection: (clientId) => refused.has(clientId) });
  await using connection = await openConnection(broker);
  await using gathering = await Gathering.open(connection, ["a/#", "+/b"], { resume: true });
  const [main = "", second = ""] = broker.clients();
  assert.equal(second, `${main}-2`);
  refused.add(second);
  await broker.disconnect(second);
  await until(() => gathering.interruptions === 1);
  assert.equal(gathering.isInterrupted, true);
  await broker.publish("a/x", "heard");
  await gathering.atLeast(1);
  await broker.disconnect(main);
  await until(() => gathering.furtherInterruptions === 1);
  refused.clear();
  await until(() => !gathering.isInterrupted, { deadlineMs: 10_000 });
  assert.deepEqual([gathering.interruptions, gathering.furtherInterruptions], [1, 1]);
});

eachBroker("a broker that is killed and started again gets its subscriptions back", async ({
  broker,
  version,
  connect,
}) => {
  await using connection = await openConnection(broker, { version });
  await using gathering = await Gathering.open(connection, ["a/#", "+/b"], { resume: true });
  for (let round = 1; round <= 2; round++) {
    await broker.kill();
    await until(() => !connection.status.isConnected);
    await broker.restart();
    await connection.ready(waiting());
    await until(() => broker.subscriptions().join() === "+/b,a/#");
    await using client = await connect();
    await client.publish("a/b", String(round), { qos: 1 });
    await gathering.atLeast(round);
  }
  assert.deepEqual(gathering.texts, ["a/b 1", "a/b 2"]);
  assert.equal(gathering.interruptions, 2);
});

Deno.test("lanes that were lost are back as soon as the first is", async () => {
  await using broker = await startAedes();
  await using proxy = new FaultProxy(broker);
  await using connection = await openConnection(proxy);
  await using _main = await Gathering.open(connection, "a/+", { resume: true });
  await using _lane = await Gathering.open(connection, "a/b", { resume: true });
  // Makes the delays long.
  for (let i = 0; i < 4; i++) {
    await connection.ready(waiting());
    await until(() => broker.subscriptions().length === 2, { deadlineMs: 1_500 });
    await proxy.cut();
    await until(() => !connection.status.isConnected && broker.clients().length === 0);
  }
  await connection.ready(waiting());
  await until(() => broker.subscriptions().length === 2, { deadlineMs: 1_500 });
});

Deno.test("a SUBSCRIBE that is never answered is a timeout, and harms no other", async () => {
  await using broker = new ScriptedBroker((packet, client) => {
    if (packet.type === CONNECT) client.send(...connack("5"));
    if (packet.type !== SUBSCRIBE) return;
    const filter = new TextDecoder().decode(packet.body.subarray(5, -1));
    if (filter !== "silent") client.send(...suback(packet));
  });
  await using connection = await openConnection(broker, {
    version: "5",
    times: { acknowledgementMs: 150 },
  });
  await using other = await Gathering.open(connection, "other", { resume: true });
  const error = await rejection(Gathering.open(connection, "silent"));
  assert.equal(error.code, "timeout");
  assert.match(error.message, /did not acknowledge the subscription to "silent" within 0\.15 s/);
  // What the broker holds is not known: only a new connection is sure to hold nothing.
  await until(() => other.interruptions === 1 && connection.status.isConnected);
  assert.match(connection.status.lastError ?? "", /a SUBSCRIBE was not acknowledged/);
});

Deno.test("a SUBSCRIBE that is not answered after an outage is sent again, over another connection", async () => {
  let cut: (() => void) | undefined;
  await using broker = new ScriptedBroker((packet, client) => {
    if (packet.type === CONNECT) client.send(...connack("5"));
    if (packet.type === SUBSCRIBE && client.index !== 1) client.send(...suback(packet));
    cut ??= () => client.close();
  });
  await using connection = await openConnection(broker, {
    version: "5",
    times: { acknowledgementMs: 150 },
  });
  await using gathering = await Gathering.open(connection, "a", { resume: true });
  cut?.();
  await until(() => broker.accepted === 3 && !gathering.isInterrupted);
  assert.deepEqual(gathering.failures, []);
  assert.equal(gathering.interruptions, 1);
});

Deno.test("an UNSUBSCRIBE that is never answered ends the connection", async () => {
  await using broker = new ScriptedBroker((packet, client) => {
    if (packet.type === CONNECT) client.send(...connack("5"));
    if (packet.type === SUBSCRIBE) client.send(...suback(packet));
  });
  await using connection = await openConnection(broker, {
    version: "5",
    times: { acknowledgementMs: 150 },
  });
  const gathering = await Gathering.open(connection, "a");
  await within(gathering[Symbol.asyncDispose](), 1_000);
  await until(() => broker.accepted === 2);
});

Deno.test("a resumed subscription that is refused is told, the others go on", async () => {
  let isShut = false;
  await using broker = await startAedes({
    refuseSubscription: (filter) => isShut && filter === "a",
  });
  await using proxy = new FaultProxy(broker);
  await using connection = await openConnection(proxy);
  await using gathering = await Gathering.open(connection, ["a", "b"], { resume: true });
  isShut = true;
  await proxy.cut();
  await until(() => gathering.failures.length === 1);
  assert.equal(gathering.failures[0]?.code, "broker_refused");
  await until(() => broker.subscriptions().join() === "b");
  await using client = await connectClient(broker);
  await client.publish("b", "x", { qos: 1 });
  await gathering.atLeast(1);
  await proxy.cut();
  await until(() => gathering.interruptions === 2);
});

Deno.test("a collection that does not resume hears nothing more once one of its connections is lost", async () => {
  await using broker = await startAedes();
  await using client = await connectClient(broker);
  const clientId = "mcpmqtt-two";
  await using connection = await openConnection(broker, { clientId });
  // The filters overlap, so that each has a connection of its own.
  await using gathering = await Gathering.open(connection, ["a/+", "+/b"], { resume: false });
  await until(() => broker.subscriptions().length === 2);
  await client.publish("a/1", "before", { qos: 1 });
  await gathering.atLeast(1);
  await broker.disconnect(`${clientId}-2`);
  await until(() => gathering.interruptions === 1);
  await using control = await Gathering.open(connection, "a/2");
  await client.publish("a/2", "after", { qos: 1 });
  await control.atLeast(1);
  await client.publish("a/2", "later", { qos: 1 });
  await control.atLeast(2);
  assert.deepEqual(gathering.texts, ["a/1 before"]);
});

Deno.test("a message for two filters is heard though one of them is refused after an outage", async () => {
  let isShut = false;
  await using broker = await startAedes({
    refuseSubscription: (filter) => isShut && filter === "a/#",
  });
  await using proxy = new FaultProxy(broker);
  await using connection = await openConnection(proxy);
  // The filters overlap, so that each has a connection of its own.
  await using gathering = await Gathering.open(connection, ["a/#", "+/b"], { resume: true });
  isShut = true;
  await proxy.cut();
  await until(() => gathering.failures.length === 1);
  await until(() => broker.subscriptions().join() === "+/b");
  await broker.publish("a/b", "x");
  await broker.publish("c/b", "end");
  await until(() => gathering.texts.includes("c/b end"));
  assert.deepEqual(gathering.texts, ["a/b x", "c/b end"]);
});
