import assert from "node:assert/strict";
import type { Connection } from "../../lib/mqtt/connection.ts";
import { startAedes } from "../brokers/aedes.ts";
import type { TestBroker } from "../brokers/broker.ts";
import { connectClient } from "../brokers/client.ts";
import { eachBroker } from "../brokers/each_broker.ts";
import { mosquittoAvailable, startMosquitto } from "../brokers/mosquitto.ts";
import { until } from "../brokers/until.ts";
import { parseTopicFilter } from "../../lib/topics/topic_filter.ts";
import { countOf, Gathering, openConnection, rejection, textOf, waiting } from "./connections.ts";

const ignore = !mosquittoAvailable();

/** The plugin that comes with mosquitto and can refuse a SUBSCRIBE. */
const accessPlugin = ["x86_64-linux-gnu", "aarch64-linux-gnu", "."]
  .map((folder) => `/usr/lib/${folder}/mosquitto_dynamic_security.so`)
  .find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
const ACCESS = {
  defaultACLAccess: {
    publishClientSend: true,
    publishClientReceive: true,
    subscribe: true,
    unsubscribe: true,
  },
  anonymousGroup: "all",
  groups: [{ groupname: "all", roles: [{ rolename: "some" }] }],
  roles: [{
    rolename: "some",
    acls: [{ acltype: "subscribeLiteral", topic: "shut/#", priority: 1, allow: false }],
  }],
  clients: [],
};

/** Nothing but what is expected is subscribed, and stays so. */
async function assertSubscribed(broker: TestBroker, expected: readonly string[]): Promise<void> {
  const isSo = (): boolean => broker.subscriptions().join() === [...expected].sort().join();
  await until(isSo, {
    what: () => `the subscriptions ${expected.join()}, not ${broker.subscriptions().join()}`,
  });
}

async function close(...gatherings: readonly Gathering[]): Promise<void> {
  await Promise.all(gatherings.map((one) => one[Symbol.asyncDispose]()));
}

eachBroker("collect() gets a burst of 500 whole and in order, at each QoS", async ({
  broker,
  version,
  connect,
}) => {
  await using connection = await openConnection(broker, { version });
  await using gathering = await Gathering.open(connection, "burst/+");
  await using client = await connect();
  await client.burst("burst/0", 500);
  await client.burst("burst/1", 500, { qos: 1 });
  // mosquitto takes 20 of QoS 2 at once, and the test's client keeps to no Receive Maximum.
  for (let i = 0; i < 100; i += 10) {
    await client.burst("burst/2", 10, { qos: 2, payload: (index) => String(i + index) });
  }
  await gathering.atLeast(1_100);
  for (const [qos, count] of [500, 500, 100].entries()) {
    const mine = gathering.messages.filter(({ topic }) => topic === `burst/${qos}`);
    assert.deepEqual(mine.map(textOf), Array.from({ length: count }, (_, i) => String(i)));
    assert.ok(mine.every((message) => message.qos === qos), "delivered as published");
  }
});

eachBroker("collect() gets retained and live messages once each, and tells them apart", async ({
  broker,
  version,
  connect,
}) => {
  await using client = await connect();
  for (const qos of [0, 1, 2] as const) {
    await client.publish(`r/${qos}`, "old", { retain: true, qos });
  }
  await using connection = await openConnection(broker, { version });
  await using gathering = await Gathering.open(connection, "r/#");
  await gathering.atLeast(3);
  await client.publish("r/1", "new", { retain: true, qos: 1 });
  await gathering.atLeast(4);
  assert.deepEqual(
    gathering.messages.map(({ topic, retain, qos }) => `${topic} ${retain} ${qos}`).sort(),
    ["r/0 true 0", "r/1 false 1", "r/1 true 1", "r/2 true 2"],
  );
});

eachBroker("collect() without includeRetained gets none of them", async ({
  broker,
  version,
  connect,
}) => {
  await using client = await connect();
  await client.publish("r/a", "old", { retain: true, qos: 1 });
  await using connection = await openConnection(broker, { version });
  await using with_ = await Gathering.open(connection, "r/#");
  await using without = await Gathering.open(connection, "r/#", { includeRetained: false });
  await with_.atLeast(1);
  await client.publish("r/a", "live", { qos: 1 });
  await without.atLeast(1);
  await with_.atLeast(2);
  assert.deepEqual(without.texts, ["r/a live"]);
});

const OVERLAPS: ReadonlyArray<readonly [string, ReadonlyArray<string | readonly string[]>]> = [
  ["of two identical filters", ["a/b", "a/b"]],
  ["of a/# and a/+", ["a/#", "a/+"]],
  ["whose own filters overlap", [["a/#", "a/+", "a/b"]]],
  ["of partial overlaps", ["a/+", "+/b"]],
  ["of many", ["#", "a/#", ["a/b", "+/b"], "a/b", "+/+", "a/+"]],
];
for (const [name, all] of OVERLAPS) {
  eachBroker(`collect() ${name} gets each message once`, async ({ broker, version, connect }) => {
    await using client = await connect();
    await client.publish("a/b", "retained", { retain: true, qos: 1 });
    await using connection = await openConnection(broker, { version });
    const gatherings = await Promise.all(all.map((one) => Gathering.open(connection, one)));
    await client.burst("a/b", 20, { qos: 1 });
    await client.publish("a/b", "last", { qos: 1 });
    const expected = ["retained", ...Array.from({ length: 20 }, (_, i) => String(i)), "last"];
    for (const gathering of gatherings) {
      await gathering.atLeast(22);
      assert.deepEqual(gathering.messages.map(textOf).sort(), expected.sort());
    }
    await close(...gatherings);
    await assertSubscribed(broker, []);
  });
}

eachBroker("a Collection that is disposed of leaves nothing subscribed", async ({
  broker,
  version,
  connect,
}) => {
  await using connection = await openConnection(broker, { version });
  const first = await Gathering.open(connection, ["a/#", "b"]);
  const second = await Gathering.open(connection, "a/+");
  await assertSubscribed(broker, ["a/#", "b", "a/+"]);
  await close(first);
  await assertSubscribed(broker, ["a/+"]);
  await close(first, second);
  await assertSubscribed(broker, []);
  await using client = await connect();
  await client.publish("a/x", "x", { qos: 1 });
  assert.deepEqual([...first.texts, ...second.texts], []);
});

eachBroker("lanes are used again, and closed when they are idle", async ({ broker, version }) => {
  await using connection = await openConnection(broker, {
    version,
    clientId: "lanes",
    times: { idleLaneMs: 50 },
  });
  for (let round = 0; round < 3; round++) {
    const overlapping = ["a/+/c", "+/b/c", "a/b/+"];
    const all = await Promise.all(overlapping.map((one) => Gathering.open(connection, one)));
    assert.deepEqual(broker.clients(), ["lanes", "lanes-2", "lanes-3"]);
    await close(...all);
    await using again = await Gathering.open(connection, "a/b/c");
    assert.equal(again.interruptions, 0);
    assert.ok(broker.clients().length <= 3);
    await until(() => broker.clients().join() === "lanes");
  }
});

eachBroker("a filter that is given up and asked for again stays on its lane", async ({
  broker,
  version,
}) => {
  await using connection = await openConnection(broker, { version });
  for (let round = 0; round < 20; round++) {
    const gathering = await Gathering.open(connection, "a/#");
    // Not awaited: the next one comes while the UNSUBACK is on its way.
    close(gathering);
  }
  assert.equal(broker.clients().length, 1);
  await assertSubscribed(broker, []);
});

eachBroker("collect() after one that left much of its messages behind doubles none", async ({
  broker,
  version,
  connect,
}) => {
  await using client = await connect();
  for (const qos of [1, 2] as const) {
    for (let i = 0; i < 300; i += 10) {
      await Promise.all(
        Array.from(
          { length: 10 },
          (_, j) => client.publish(`keep/${qos}/${i + j}`, "x", { retain: true, qos }),
        ),
      );
    }
  }
  await using connection = await openConnection(broker, { version });
  for (let round = 0; round < 2; round++) {
    for (const qos of [1, 2]) {
      const first = await Gathering.open(connection, `keep/${qos}/#`);
      await first.atLeast(1);
      await close(first);
      await using second = await Gathering.open(connection, `keep/${qos}/#`);
      await second.atLeast(300);
      await client.publish(`keep/${qos}/end`, "x", { qos: 1 });
      await until(() => second.texts.includes(`keep/${qos}/end x`));
      assert.deepEqual([...countOf(second.texts)].filter(([, count]) => count > 1), []);
      assert.equal(second.messages.length, 301);
    }
  }
  assert.ok(broker.clients().length <= 8, `${broker.clients().length} clients`);
});

eachBroker("collect() that is cancelled at any moment leaves nothing subscribed", async ({
  broker,
  version,
}) => {
  await using connection = await openConnection(broker, { version });
  for (let turns = 0; turns < 12; turns++) {
    const cancel = new AbortController();
    const opening = rejection(
      Gathering.open(connection, ["a/#", "a/+", "b"], { signal: cancel.signal })
        .then((one) => one[Symbol.asyncDispose]()).then(() => Promise.reject(new Error("ended"))),
    );
    for (let i = 0; i < turns; i++) await new Promise((resolve) => setTimeout(resolve, 0));
    const start = performance.now();
    cancel.abort(new Error("cancelled"));
    assert.match((await opening).message, /cancelled|ended/);
    assert.ok(performance.now() - start < 100);
  }
  await assertSubscribed(broker, []);
});

Deno.test("a SUBSCRIBE that is refused is broker_refused and leaves nothing (aedes, 3.1.1)", async () => {
  await using broker = await startAedes({ refuseSubscription: (filter) => filter === "shut/#" });
  await using connection = await openConnection(broker);
  const error = await rejection(Gathering.open(connection, ["open", "shut/#"]));
  assert.equal(error.code, "broker_refused");
  assert.match(error.message, /"shut\/#" with 128; MQTT 3\.1\.1 gives no reason/);
  await assertSubscribed(broker, []);
  await using _again = await Gathering.open(connection, "open");
});

for (const version of ["5", "3.1.1"] as const) {
  Deno.test({
    name:
      `a SUBSCRIBE that is refused is broker_refused and leaves nothing (mosquitto, ${version})`,
    ignore: ignore || accessPlugin === undefined,
    fn: async () => {
      // The acl_file of mosquitto 2.0 never refuses a SUBSCRIBE, it withholds the messages.
      const dir = await Deno.makeTempDir();
      await Deno.writeTextFile(`${dir}/access.json`, JSON.stringify(ACCESS));
      try {
        await using broker = await startMosquitto({
          config: [`plugin ${accessPlugin}`, `plugin_opt_config_file ${dir}/access.json`],
        });
        await using connection = await openConnection(broker, { version });
        const error = await rejection(Gathering.open(connection, ["open/a", "shut/#"]));
        assert.equal(error.code, "broker_refused");
        assert.match(
          error.message,
          version === "5"
            ? /"shut\/#" with 135 \(Not authorized\)/
            : /"shut\/#" with 128; MQTT 3\.1\.1 gives no reason/,
        );
        await assertSubscribed(broker, []);
        await using _again = await Gathering.open(connection, "open/a");
      } finally {
        await Deno.remove(dir, { recursive: true });
      }
    },
  });
}

eachBroker("a topic filter because of which the broker disconnects is given up", async ({
  broker,
  version,
}) => {
  // mosquitto takes 200 levels at most, aedes any number.
  if (broker.name === "aedes") return;
  await using connection = await openConnection(broker, { version });
  const error = await rejection(Gathering.open(connection, `${"a/".repeat(250)}a`));
  assert.ok(["broker_refused", "not_connected"].includes(error.code));
  assert.match(error.message, /the connection was lost 2 times while subscribing to/);
  await using _other = await Gathering.open(connection, "b");
  assert.equal(connection.status.reconnects, 2);
});

eachBroker("many collections at once on shared and own filters get all of theirs", async ({
  broker,
  version,
  connect,
}) => {
  await using connection = await openConnection(broker, { version });
  const count = 30;
  const gatherings = await Promise.all(
    Array.from(
      { length: count },
      (_, i) => Gathering.open(connection, i % 3 === 0 ? "shared/#" : `own/${i}/#`),
    ),
  );
  assert.ok(broker.clients().length <= 10, "disjoint filters share one connection");
  await using client = await connect();
  await client.burst("shared/x", 10, { qos: 1 });
  for (let i = 0; i < count; i++) await client.publish(`own/${i}/x`, String(i), { qos: 1 });
  for (const [i, gathering] of gatherings.entries()) {
    await gathering.atLeast(i % 3 === 0 ? 10 : 1);
    assert.equal(gathering.messages.length, i % 3 === 0 ? 10 : 1);
  }
  await close(...gatherings);
  await assertSubscribed(broker, []);
});

Deno.test("collect() says so where the broker takes no further connection", async () => {
  await using broker = await startAedes({ refuseConnection: (id) => id.endsWith("-2") });
  await using connection = await openConnection(broker);
  await using _first = await Gathering.open(connection, "a/#");
  const start = performance.now();
  const error = await rejection(Gathering.open(connection, "a/b"));
  assert.ok(performance.now() - start < 2_000);
  assert.equal(error.code, "broker_refused");
  assert.match(error.message, /a further connection is needed.*5 \(not authorized\)/);
  await using _other = await Gathering.open(connection, "b");
  assert.equal(broker.clients().length, 1);
});

Deno.test("collect() of more filters than fit into one SUBSCRIBE", async () => {
  await using broker = await startAedes();
  await using connection: Connection = await openConnection(broker);
  const filters = Array.from({ length: 350 }, (_, i) => `f/${i}`);
  const gathering = await Gathering.open(connection, filters);
  await assertSubscribed(broker, filters);
  await using client = await connectClient(broker);
  for (const filter of filters) await client.publish(filter, "x", { qos: 1 });
  await gathering.atLeast(350);
  await close(gathering);
  await assertSubscribed(broker, []);
});

eachBroker("retainedDelivered() settles when all retained messages have come, at each QoS", async ({
  broker,
  version,
  connect,
}) => {
  await using client = await connect();
  for (const qos of [0, 1, 2] as const) {
    for (let i = 0; i < 150; i++) {
      await client.publish(`kept/${qos}/${i}`, String(i), { retain: true, qos });
    }
  }
  await using connection = await openConnection(broker, { version });
  for (const filter of ["kept/0/+", "kept/1/+", "kept/2/+", "kept/#", "none/#"]) {
    let came = 0;
    await using collecting = await connection.collect([parseTopicFilter(filter)], {
      ...waiting(),
      includeRetained: true,
      resume: false,
      onMessage: () => came++,
    });
    await collecting.retainedDelivered();
    assert.equal(came, filter === "none/#" ? 0 : filter === "kept/#" ? 450 : 150, filter);
  }
});
