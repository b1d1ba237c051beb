import assert from "node:assert/strict";
import type { QoS } from "../../lib/messages/message.ts";
import { startAedes } from "../brokers/aedes.ts";
import { connectClient } from "../brokers/client.ts";
import { eachBroker } from "../brokers/each_broker.ts";
import { mosquittoAvailable, startMosquitto } from "../brokers/mosquitto.ts";
import { FaultProxy } from "../brokers/proxy.ts";
import { until } from "../brokers/until.ts";
import { heapBytes, openConnection, publication, rejection, waiting } from "./connections.ts";
import {
  connack,
  CONNECT,
  disconnect,
  puback,
  PUBLISH,
  PUBREL,
  ScriptedBroker,
} from "./scripted_broker.ts";

const ignore = !mosquittoAvailable();

eachBroker("publish() arrives at each QoS, with its retain flag", async ({
  broker,
  version,
  connect,
}) => {
  await using connection = await openConnection(broker, { version });
  await using client = await connect();
  await client.subscribe("t/#", { qos: 2 });
  for (const qos of [0, 1, 2] as const satisfies readonly QoS[]) {
    await connection.publish(publication(`t/${qos}`, `${qos}`, { qos, retain: true }), waiting());
  }
  const arrived = await client.collect(3);
  assert.deepEqual(
    arrived.map(({ topic, text, qos }) => [topic, text, qos]).sort(),
    [["t/0", "0", 0], ["t/1", "1", 1], ["t/2", "2", 2]],
  );
  await using late = await connect();
  await late.subscribe("t/#");
  const retained = await late.collect(3);
  assert.ok(retained.every(({ retain }) => retain));
});

eachBroker("publish() takes many messages at once", async ({ broker, version, connect }) => {
  await using connection = await openConnection(broker, { version });
  await using client = await connect();
  await client.subscribe("t", { qos: 1 });
  await Promise.all(
    Array.from(
      { length: 200 },
      (_, i) => connection.publish(publication("t", `${i}`, { qos: 1 }), waiting()),
    ),
  );
  const texts = (await client.collect(200)).map(({ text }) => Number(text));
  assert.deepEqual(texts.sort((a, b) => a - b), Array.from({ length: 200 }, (_, i) => i));
});

eachBroker("publish() of 100 messages with QoS 2 at once loses none", async ({
  broker,
  version,
  connect,
}) => {
  await using connection = await openConnection(broker, { version });
  await using client = await connect();
  await client.subscribe("t", { qos: 0 });
  await Promise.all(
    Array.from(
      { length: 100 },
      (_, i) => connection.publish(publication("t", `${i}`, { qos: 2 }), waiting()),
    ),
  );
  assert.equal(new Set((await client.collect(100)).map(({ text }) => text)).size, 100);
});

eachBroker("publish() claims no_subscribers only where the broker said so", async ({
  broker,
  version,
  connect,
}) => {
  await using connection = await openConnection(broker, { version });
  for (const qos of [1, 2] as const) {
    const { noSubscribers } = await connection.publish(publication("t", "", { qos }), waiting());
    // mosquitto looks for subscribers only at the PUBREL, and has said what it says by then.
    assert.equal(noSubscribers, version === "5" && qos === 1);
  }
  await using client = await connect();
  await client.subscribe("t");
  for (const qos of [0, 1, 2] as const) {
    const { noSubscribers } = await connection.publish(publication("t", "", { qos }), waiting());
    assert.equal(noSubscribers, false);
  }
});

for (const qos of [1, 2] as const) {
  Deno.test({
    name: `publish() with QoS ${qos} that the ACL refuses is broker_refused (mosquitto, 5)`,
    ignore,
    fn: async () => {
      await using broker = await startMosquitto({ acl: "topic readwrite open/#\n" });
      await using connection = await openConnection(broker, { version: "5" });
      const error = await rejection(
        connection.publish(publication("shut", "x", { qos }), waiting()),
      );
      assert.equal(error.code, "broker_refused");
      assert.equal(error.outcome, "not_sent");
      assert.match(error.message, /135 \(Not authorized\)/);
      await connection.publish(publication("open/a", "x", { qos }), waiting());
    },
  });
}

Deno.test({
  name:
    "publish() that the ACL drops silently is acknowledged, which is all there is (mosquitto, 3.1.1)",
  ignore,
  fn: async () => {
    await using broker = await startMosquitto({ acl: "topic readwrite open/#\n" });
    await using connection = await openConnection(broker, { version: "3.1.1" });
    const published = await connection.publish(publication("shut", "x", { qos: 1 }), waiting());
    assert.equal(published.noSubscribers, false);
  },
});

Deno.test("publish() for which the broker closes the connection is unknown (aedes)", async () => {
  await using broker = await startAedes({ refusePublish: (topic) => topic === "shut" });
  await using connection = await openConnection(broker);
  const error = await rejection(
    connection.publish(publication("shut", "x", { qos: 1 }), waiting()),
  );
  assert.equal(error.code, "not_connected");
  assert.equal(error.outcome, "unknown");
  await connection.publish(publication("open", "x", { qos: 1 }), waiting());
});

Deno.test("publish() at QoS 0 that cannot be written claims nothing", async () => {
  await using broker = await startAedes();
  await using proxy = new FaultProxy(broker);
  await using connection = await openConnection(proxy, { times: { publishMs: 300 } });
  await connection.publish(publication("open"), waiting());
  proxy.stall();
  const error = await rejection(
    connection.publish(publication("a", new Uint8Array(16_000_000)), waiting()),
  );
  assert.equal(error.code, "timeout");
  assert.equal(error.outcome, "unknown");
  assert.doesNotMatch(error.message, /acknowledge/);
});

Deno.test("publish() at QoS 0 that is cut off while it is written claims nothing", async () => {
  await using broker = await startAedes();
  await using proxy = new FaultProxy(broker);
  await using connection = await openConnection(proxy);
  await connection.publish(publication("open"), waiting());
  proxy.stall();
  const failed = rejection(
    connection.publish(publication("a", new Uint8Array(16_000_000)), waiting()),
  );
  await proxy.cut();
  proxy.resume();
  const error = await failed;
  assert.equal(error.code, "not_connected");
  assert.equal(error.outcome, "unknown");
  assert.doesNotMatch(error.message, /acknowledge/);
});

for (const qos of [1, 2] as const) {
  Deno.test(`publish() with QoS ${qos} that is never acknowledged is a timeout, unknown`, async () => {
    await using broker = new ScriptedBroker(({ type }, client) => {
      if (type === CONNECT) client.send(...connack("5"));
    });
    await using connection = await openConnection(broker, {
      version: "5",
      times: { publishMs: 100 },
    });
    const error = await rejection(
      connection.publish(publication("a", "x", { qos }), waiting()),
    );
    assert.equal(error.code, "timeout");
    assert.equal(error.outcome, "unknown");
    assert.match(error.message, /did not acknowledge the message within 0\.1 s/);
  });
}

Deno.test("publish() with QoS 2 that the broker loses after its PUBREC is unknown", async () => {
  await using broker = new ScriptedBroker(({ type, body }, client) => {
    if (type === CONNECT) client.send(...connack("5"));
    // The topic name has one letter.
    if (type === PUBLISH) client.send(0x50, 2, ...body.subarray(3, 5));
    // Packet Identifier not found, §3.7.2.1
    if (type === PUBREL) client.send(0x70, 3, ...body.subarray(0, 2), 0x92);
  });
  await using connection = await openConnection(broker, { version: "5" });
  const error = await rejection(connection.publish(publication("a", "x", { qos: 2 }), waiting()));
  assert.equal(error.outcome, "unknown");
  assert.equal(error.code, "not_connected");
});

Deno.test("publish() that finds no place within Receive Maximum was not sent", async () => {
  let published = 0;
  await using broker = new ScriptedBroker(({ type }, client) => {
    // Receive Maximum 1, §3.2.2.3.3
    if (type === CONNECT) client.send(...connack("5", [0x21, 0, 1]));
    if (type === PUBLISH) published++;
  });
  await using connection = await openConnection(broker, {
    version: "5",
    times: { publishMs: 200 },
  });
  const first = rejection(connection.publish(publication("a", "1", { qos: 1 }), waiting()));
  const second = rejection(connection.publish(publication("a", "2", { qos: 1 }), waiting()));
  assert.equal((await first).outcome, "unknown");
  const error = await second;
  assert.equal(error.outcome, "not_sent");
  assert.equal(error.code, "timeout");
  assert.match(error.message, /Receive Maximum/);
  assert.equal(published, 1);
});

Deno.test("publish() that is cancelled in line leaves its place to others", async () => {
  const held: Array<() => void> = [];
  let isHolding = true;
  await using broker = new ScriptedBroker((packet, client) => {
    if (packet.type === CONNECT) client.send(...connack("5", [0x21, 0, 1]));
    if (packet.type !== PUBLISH) return;
    if (isHolding) held.push(() => client.send(...puback(packet)));
    else client.send(...puback(packet));
  });
  await using connection = await openConnection(broker, { version: "5" });
  const first = connection.publish(publication("a", "1", { qos: 1 }), waiting());
  await until(() => held.length === 1);
  const cancel = new AbortController();
  const second = rejection(
    connection.publish(publication("a", "2", { qos: 1 }), waiting(5_000, cancel.signal)),
  );
  // The place becomes free and the call is cancelled at the same moment.
  first.then(() => cancel.abort());
  isHolding = false;
  held[0]?.();
  await first;
  await second;
  await connection.publish(publication("a", "3", { qos: 1 }), waiting());
});

Deno.test({
  name: "publish() of 100 messages at once respects Receive Maximum (mosquitto, 5)",
  ignore,
  fn: async () => {
    await using broker = await startMosquitto({ config: "max_inflight_messages 2" });
    await using connection = await openConnection(broker, { version: "5" });
    await using client = await connectClient(broker, { version: "5" });
    await client.subscribe("t", { qos: 1 });
    await Promise.all(
      Array.from(
        { length: 100 },
        (_, i) =>
          connection.publish(publication("t", `${i}`, { qos: i % 2 === 0 ? 1 : 2 }), waiting()),
      ),
    );
    assert.equal(new Set((await client.collect(100)).map(({ text }) => text)).size, 100);
  },
});

Deno.test({
  name: "publish() respects Maximum Packet Size to the byte (mosquitto, 5)",
  ignore,
  fn: async () => {
    await using broker = await startMosquitto({ config: "max_packet_size 1000" });
    await using connection = await openConnection(broker, { version: "5" });
    const options = {
      qos: 1,
      properties: { contentType: "text/plain", userProperties: { a: ["1", "2"], bc: "3" } },
    } as const;
    const sized = (bytes: number) => publication("t/ö", new Uint8Array(bytes), options);
    const error = await rejection(connection.publish(sized(2_000), waiting()));
    assert.equal(error.code, "payload_too_large");
    assert.equal(error.outcome, "not_sent");
    const total = Number(/would have (\d+) bytes; the broker takes 1000/.exec(error.message)?.[1]);
    const most = 2_000 - (total - 1_000);
    await connection.publish(sized(most), waiting());
    const over = await rejection(connection.publish(sized(most + 1), waiting()));
    assert.equal(over.code, "payload_too_large");
    assert.equal(connection.status.reconnects, 0);
  },
});

Deno.test({
  name: "publish() above Maximum QoS is refused before it is sent (mosquitto, 5)",
  ignore,
  fn: async () => {
    await using broker = await startMosquitto({ config: "max_qos 1" });
    await using connection = await openConnection(broker, { version: "5" });
    const error = await rejection(
      connection.publish(publication("t", "x", { qos: 2 }), waiting()),
    );
    assert.equal(error.code, "broker_refused");
    assert.equal(error.outcome, "not_sent");
    assert.match(error.message, /QoS 1 at most, not 2/);
    await connection.publish(publication("t", "x", { qos: 1 }), waiting());
    assert.equal(connection.status.reconnects, 0);
  },
});

Deno.test({
  name: "publish() with retain is refused where the broker keeps nothing (mosquitto, 5)",
  ignore,
  fn: async () => {
    await using broker = await startMosquitto({ config: "retain_available false" });
    await using connection = await openConnection(broker, { version: "5" });
    const error = await rejection(
      connection.publish(publication("t", "x", { retain: true }), waiting()),
    );
    assert.equal(error.code, "broker_refused");
    assert.equal(error.outcome, "not_sent");
  },
});

Deno.test("publish() with properties is refused in MQTT 3.1.1", async () => {
  await using broker = await startAedes();
  await using connection = await openConnection(broker);
  const error = await rejection(
    connection.publish(
      publication("t", "x", { properties: { contentType: "a", responseTopic: "b" } }),
      waiting(),
    ),
  );
  assert.equal(error.code, "invalid_argument");
  assert.equal(error.outcome, "not_sent");
  assert.match(error.message, /content_type, response_topic/);
});

Deno.test("publish() tells the reason with which the broker disconnects instead", async () => {
  await using broker = new ScriptedBroker(({ type }, client) => {
    if (type === CONNECT) client.send(...connack("5"));
    if (type === PUBLISH) {
      client.send(...disconnect(0x97));
      client.close();
    }
  });
  await using connection = await openConnection(broker, { version: "5" });
  const error = await rejection(
    connection.publish(publication("a", "x", { qos: 1 }), waiting()),
  );
  assert.equal(error.code, "broker_refused");
  assert.equal(error.outcome, "unknown");
  assert.match(error.message, /151 \(Quota exceeded\)/);
  await connection.ready(waiting());
  assert.match(connection.status.lastError ?? "", /151 \(Quota exceeded\)/);
});

Deno.test("publish() without a broker is not_connected, not_sent, with since and cause", async () => {
  await using broker = await startAedes();
  await using connection = await openConnection(broker);
  await broker.kill();
  await until(() => !connection.status.isConnected);
  const start = performance.now();
  const error = await rejection(connection.publish(publication("a"), waiting(300)));
  assert.ok(performance.now() - start < 1_500);
  assert.equal(error.code, "not_connected");
  assert.equal(error.outcome, "not_sent");
  assert.match(error.message, /since \d{4}-\d\d-\d\dT/);
  assert.match(error.message, /closed the connection|nothing accepts connections/);
});

Deno.test({
  name: "publish() keeps nothing in memory once it is done (mosquitto, 5)",
  ignore,
  fn: async () => {
    await using broker = await startMosquitto();
    await using connection = await openConnection(broker, { version: "5" });
    const publishMany = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i += 100) {
        await Promise.all(
          Array.from(
            { length: 100 },
            (_, j) =>
              connection.publish(publication("a", "", { qos: j % 2 === 0 ? 0 : 1 }), waiting()),
          ),
        );
      }
    };
    await publishMany(1_000);
    const before = await heapBytes();
    await publishMany(4_000);
    const growth = await heapBytes() - before;
    // The log of the broker, which the fixture keeps, takes part of it.
    assert.ok(growth < 2_000_000, `the heap grew by ${growth} bytes`);
  },
});

Deno.test("publish() sends nothing for a call that was cancelled before", async () => {
  await using broker = await startAedes();
  await using connection = await openConnection(broker, { version: "3.1.1" });
  for (const qos of [0, 1, 2] as const) {
    const call = connection.publish(
      publication("t", "x", { qos }),
      waiting(1_000, AbortSignal.abort()),
    );
    assert.equal((await rejection(call)).name, "AbortError");
  }
  await connection.publish(publication("end", "x", { qos: 1 }), waiting());
  assert.deepEqual([...broker.publishCounts().keys()], ["end"]);
});
