/** Nothing that a broker sends, or does not send, fills the memory or stops the rest. */

import assert from "node:assert/strict";
import type { Collecting, Connection } from "../../lib/mqtt/connection.ts";
import type { Message } from "../../lib/messages/message.ts";
import { parseTopicFilter } from "../../lib/topics/topic_filter.ts";
import { eachBroker } from "../brokers/each_broker.ts";
import { mosquittoAvailable, startMosquitto } from "../brokers/mosquitto.ts";
import { connectClient } from "../brokers/client.ts";
import { until } from "../brokers/until.ts";
import { Gathering, heapBytes, openConnection, textOf, waiting } from "./connections.ts";
import {
  connack,
  CONNECT,
  ScriptedBroker,
  suback,
  SUBSCRIBE,
  unsuback,
  UNSUBSCRIBE,
} from "./scripted_broker.ts";

const PAYLOAD_BYTES = 10_000;
const MESSAGES = 3_000;

/** A PUBLISH of MQTT 5 to the topic `a`, with a payload of 10,000 bytes. */
function bigPublish({ qos, id }: { readonly qos: 0 | 2; readonly id: number }): number[] {
  const identifier = qos === 0 ? [] : [id >> 8, id & 255];
  const size = 3 + identifier.length + 1 + PAYLOAD_BYTES;
  const payload = new Array<number>(PAYLOAD_BYTES).fill(0x78);
  return [0x30 | qos << 1, size % 128 + 128, size >> 7, 0, 1, 0x61, ...identifier, 0, ...payload];
}

const LAST = [0x30, 5, 0, 1, 0x61, 0, 0x65];

/** Collects and keeps nothing. */
function listen(
  connection: Connection,
  filter: string,
  onMessage: (message: Message) => void,
): Promise<Collecting> {
  return connection.collect([parseTopicFilter(filter)], {
    ...waiting(),
    includeRetained: true,
    resume: true,
    onMessage,
  });
}

for (const withheld of ["PUBREL", "SUBACK"] as const) {
  Deno.test(`a broker that never sends a ${withheld} fills no memory`, async () => {
    await using broker = new ScriptedBroker((packet, client) => {
      if (packet.type === CONNECT) client.send(...connack("5"));
      if (packet.type !== SUBSCRIBE) return;
      if (withheld !== "SUBACK") client.send(...suback(packet));
      const qos = withheld === "PUBREL" ? 2 : 0;
      for (let id = 1; id <= MESSAGES; id++) client.send(...bigPublish({ qos, id }));
      client.send(...LAST);
    });
    await using connection = await openConnection(broker, { version: "5" });
    let received = 0;
    let hasEnded = false;
    const abort = new AbortController();
    const collecting = connection.collect([parseTopicFilter("a")], {
      ...waiting(60_000, abort.signal),
      includeRetained: true,
      resume: true,
      onMessage: ({ payload }) => {
        received++;
        if (payload.length === 1) hasEnded = true;
      },
    });
    collecting.catch(() => {});
    await until(() => hasEnded, { deadlineMs: 30_000 });
    assert.equal(received, MESSAGES + 1);
    const rest = await heapBytes();
    assert.ok(rest < 400_000_000, `${rest} bytes`);
    abort.abort();
  });
}

Deno.test("a message of QoS 2 that is sent twice before its PUBREL arrives once", async () => {
  await using broker = new ScriptedBroker((packet, client) => {
    if (packet.type === CONNECT) client.send(...connack("5"));
    if (packet.type === UNSUBSCRIBE) client.send(...unsuback(packet));
    if (packet.type !== SUBSCRIBE) return;
    client.send(
      ...suback(packet),
      ...bigPublish({ qos: 2, id: 7 }),
      ...bigPublish({ qos: 2, id: 7 }),
    );
    // After the PUBREL the identifier stands for another message.
    client.send(0x62, 2, 0, 7, ...bigPublish({ qos: 2, id: 7 }), ...LAST);
  });
  await using connection = await openConnection(broker, { version: "5" });
  await using gathering = await Gathering.open(connection, "a");
  await until(() => gathering.messages.some(({ payload }) => payload.length === 1));
  assert.equal(gathering.messages.length, 3);
});

eachBroker("a message over the limit is passed over, counted, and holds up nothing", async ({
  broker,
  version,
  connect,
}) => {
  await using device = await connect();
  await using connection = await openConnection(broker, { version, maxMessageBytes: 5_000 });
  await using gathering = await Gathering.open(connection, "t/#");
  const big = "x".repeat(50_000);
  for (const qos of [0, 1, 2] as const) {
    // More than a broker sends without an acknowledgement, mosquitto 20.
    for (let i = 0; i < 30; i++) await device.publish("t/big", big, { qos });
    await device.publish("t/small", `${qos}`, { qos });
  }
  await gathering.atLeast(3);
  assert.deepEqual(gathering.texts, ["t/small 0", "t/small 1", "t/small 2"]);
  assert.equal(connection.status.tooLarge, 90);
  assert.equal(connection.status.reconnects, 0);
});

eachBroker("a retained message over the limit makes no war of reconnecting", async ({
  broker,
  version,
  connect,
}) => {
  await using device = await connect();
  await device.publish("t/big", "x".repeat(50_000), { retain: true, qos: 1 });
  await device.publish("t/small", "1", { retain: true, qos: 1 });
  await using connection = await openConnection(broker, { version, maxMessageBytes: 5_000 });
  await using gathering = await Gathering.open(connection, "t/#");
  await gathering.atLeast(1);
  await device.publish("t/end", "end", { qos: 1 });
  await gathering.atLeast(2);
  assert.deepEqual(gathering.texts, ["t/small 1", "t/end end"]);
  assert.equal(connection.status.reconnects, 0);
});

Deno.test({
  name: "user properties that are too large are not kept, and their size is told (mosquitto, 5)",
  ignore: !mosquittoAvailable(),
  fn: async () => {
    await using broker = await startMosquitto();
    await using device = await connectClient(broker, { version: "5" });
    await using connection = await openConnection(broker, { version: "5" });
    await using gathering = await Gathering.open(connection, "t");
    const large = Object.fromEntries(
      Array.from({ length: 10 }, (_, i) => [`k${i}`, "v".repeat(60_000)]),
    );
    device.mqtt.publish("t", "1", { qos: 1, properties: { userProperties: large } });
    device.mqtt.publish("t", "2", { qos: 1, properties: { userProperties: { a: "b" } } });
    await gathering.atLeast(2);
    const [first, second] = gathering.messages;
    assert.equal(first?.properties?.userProperties, undefined);
    assert.ok((first?.properties?.omittedBytes ?? 0) > 600_000);
    assert.deepEqual({ ...second?.properties?.userProperties }, { a: "b" });
    assert.equal(second?.properties?.omittedBytes, undefined);
  },
});

eachBroker("whoever fails at a message ends for itself alone", async ({
  broker,
  version,
  connect,
}) => {
  await using device = await connect();
  await using connection = await openConnection(broker, { version });
  await using good = await Gathering.open(connection, "t/+", { resume: true });
  await using bad = await Gathering.open(connection, "t/#", {
    resume: true,
    onMessage: (message) => {
      if (textOf(message) === "2") throw new TypeError("Cannot convert object to primitive value");
    },
  });
  for (const text of ["1", "2", "3"]) await device.publish("t/a", text, { qos: 1 });
  await good.atLeast(3);
  await device.publish("t/b", "4", { qos: 1 });
  await good.atLeast(4);
  await until(() => bad.failures.length > 0);
  assert.deepEqual(bad.failures.map(({ code }) => code), ["internal"]);
  assert.deepEqual(bad.texts, ["t/a 1", "t/a 2"]);
  assert.equal(connection.status.reconnects, 0);
});

eachBroker("a further connection is waited for longer than a call's timeout of 1 ms", async ({
  broker,
  version,
}) => {
  await using connection = await openConnection(broker, { version });
  await using _first = await Gathering.open(connection, "t/#");
  await using _second = await listen(connection, "t/+", () => {});
  await using third = await Gathering.open(connection, "t/a", { waitMs: 1 });
  assert.equal(third.failures.length, 0);
});
