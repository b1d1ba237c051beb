/** What is asked of the broker for those who come to a feed that is there already. */

import assert from "node:assert/strict";
import { parseTopicFilter } from "../../lib/topics/topic_filter.ts";
import { until, within } from "../brokers/until.ts";
import { Gathering, openConnection, rejection, waiting } from "./connections.ts";
import {
  type ClientPacket,
  connack,
  CONNECT,
  PINGREQ,
  ScriptedBroker,
  type ScriptedClient,
  suback,
  SUBSCRIBE,
  unsuback,
  UNSUBSCRIBE,
} from "./scripted_broker.ts";

const PINGRESP = [0xD0, 0];

/** A PUBLISH of MQTT 5 at QoS 0. */
function publish(topic: string, payload: string, retain = false): number[] {
  const [name, body] = [topic, payload].map((text) => [...new TextEncoder().encode(text)]);
  const rest = [0, name?.length ?? 0, ...name ?? [], 0, ...body ?? []];
  return [retain ? 0x31 : 0x30, rest.length, ...rest];
}

/** A broker that answers all, but for what `on` says true to. */
function scripted(
  on: (packet: ClientPacket, client: ScriptedClient) => boolean,
): { broker: ScriptedBroker; types: number[] } {
  const types: number[] = [];
  const broker = new ScriptedBroker((packet, client) => {
    types.push(packet.type);
    if (on(packet, client)) return;
    if (packet.type === CONNECT) client.send(...connack("5"));
    if (packet.type === SUBSCRIBE) client.send(...suback(packet));
    if (packet.type === UNSUBSCRIBE) client.send(...unsuback(packet));
    if (packet.type === PINGREQ) client.send(...PINGRESP);
  });
  return { broker, types };
}

const countIn = (types: readonly number[], type: number): number =>
  types.filter((one) => one === type).length;

Deno.test("a further SUBSCRIBE waits until the retained messages of the first have come", async () => {
  let subscribes = 0;
  let pings = 0;
  const { broker: scriptedBroker, types } = scripted((packet, client) => {
    if (packet.type === SUBSCRIBE) {
      subscribes++;
      client.send(...publish("t/a", "kept", true));
    }
    // Those of the first SUBSCRIBE keep coming for a while.
    if (packet.type === PINGREQ && pings++ < 3) client.send(...publish(`t/${pings}`, "kept", true));
    return false;
  });
  await using broker = scriptedBroker;
  await using connection = await openConnection(broker, { version: "5" });
  await using first = await Gathering.open(connection, "t/#", { qos: 0 });
  await using second = await Gathering.open(connection, "t/#", { qos: 0 });
  await second.atLeast(1);
  assert.equal(subscribes, 2);
  const at = types.lastIndexOf(SUBSCRIBE);
  assert.equal(countIn(types.slice(0, at), PINGREQ), 5, "three with a message, two without");
  assert.deepEqual(first.texts, ["t/a kept", "t/1 kept", "t/2 kept", "t/3 kept"]);
  assert.deepEqual(second.texts, ["t/a kept"]);
  assert.equal(broker.accepted, 1);
});

Deno.test("a further SUBSCRIBE waits for the SUBACK of the one before, however long that takes", async () => {
  let answer: (() => void) | undefined;
  let subscribes = 0;
  const { broker: scriptedBroker, types } = scripted((packet, client) => {
    if (packet.type !== SUBSCRIBE || ++subscribes !== 2) return false;
    answer = () => client.send(...suback(packet));
    return true;
  });
  await using broker = scriptedBroker;
  await using connection = await openConnection(broker, { version: "5" });
  await using _first = await Gathering.open(connection, "t/#", { qos: 0 });
  const second = Gathering.open(connection, "t/#", { qos: 0 });
  await until(() => answer !== undefined);
  const third = Gathering.open(connection, "t/#", { qos: 0 });
  const pings = (): number => countIn(types.slice(types.lastIndexOf(SUBSCRIBE)), PINGREQ);
  await until(() => pings() >= 4);
  assert.equal(subscribes, 2);
  answer?.();
  await Promise.all([second, third].map(async (one) => (await one)[Symbol.asyncDispose]()));
  assert.equal(subscribes, 3);
});

Deno.test("a feed whose retained messages do not end is not waited for, but has another beside it", async () => {
  const { broker: scriptedBroker } = scripted((packet, client) => {
    if (packet.type === PINGREQ && client.index === 0) client.send(...publish("t/a", "kept", true));
    return false;
  });
  await using broker = scriptedBroker;
  await using connection = await openConnection(broker, { version: "5" });
  await using _first = await Gathering.open(connection, "t/#", { qos: 0 });
  const opening = Array.from(
    { length: 5 },
    () => Gathering.open(connection, "t/#", { qos: 0, waitMs: 1 }),
  );
  const others = await within(Promise.all(opening), 8_000);
  assert.equal(broker.accepted, 2, "the others share it");
  await Promise.all(others.map((one) => one[Symbol.asyncDispose]()));
});

Deno.test("who wants no retained messages hears nothing that was published before it came", async () => {
  let first: ScriptedClient | undefined;
  const { broker: scriptedBroker, types } = scripted((packet, client) => {
    if (packet.type === SUBSCRIBE) first = client;
    if (packet.type === PINGREQ) client.send(...publish("t/a", "before"));
    return false;
  });
  await using broker = scriptedBroker;
  await using connection = await openConnection(broker, { version: "5" });
  const options = { qos: 0, includeRetained: false } as const;
  await using early = await Gathering.open(connection, "t/#", options);
  await using late = await Gathering.open(connection, "t/#", options);
  first?.send(...publish("t/a", "after"));
  await late.atLeast(1);
  assert.deepEqual(early.texts, ["t/a before", "t/a after"]);
  assert.deepEqual(late.texts, ["t/a after"]);
  assert.equal(countIn(types, SUBSCRIBE), 1);
});

Deno.test("a feed is given up if who came later is refused and the others have left", async () => {
  let refuse: (() => void) | undefined;
  let subscribes = 0;
  const { broker: scriptedBroker, types } = scripted((packet, client) => {
    if (packet.type !== SUBSCRIBE || ++subscribes === 1) return false;
    refuse = () => client.send(...suback(packet, 0x87));
    return true;
  });
  await using broker = scriptedBroker;
  await using connection = await openConnection(broker, { version: "5" });
  const first = await Gathering.open(connection, "t/#", { qos: 0 });
  const second = rejection(Gathering.open(connection, "t/#", { qos: 0 }));
  await until(() => refuse !== undefined);
  await first[Symbol.asyncDispose]();
  assert.equal(countIn(types, UNSUBSCRIBE), 0, "somebody listens");
  refuse?.();
  assert.equal((await second).code, "broker_refused");
  await until(() => countIn(types, UNSUBSCRIBE) === 1);
});

Deno.test("who comes to a feed while its connection is being closed waits for the next", async () => {
  let subscribes = 0;
  const { broker: scriptedBroker } = scripted(({ type }) =>
    type === SUBSCRIBE && ++subscribes === 2
  );
  await using broker = scriptedBroker;
  const times = { acknowledgementMs: 100 };
  await using connection = await openConnection(broker, { version: "5", times });
  await using first = await Gathering.open(connection, "t/#", { qos: 0, resume: true });
  // The connection is ended, because the SUBSCRIBE is not answered.
  assert.equal((await rejection(Gathering.open(connection, "t/#", { qos: 0 }))).code, "timeout");
  // One that waits for no connection.
  await using _third = await connection.collect([parseTopicFilter("t/#")], {
    ...waiting(),
    qos: 0,
    includeRetained: true,
    resume: true,
    isPatient: true,
    onMessage: () => {},
  });
  await until(() => first.interruptions === 1 && !first.isInterrupted);
  assert.equal(broker.accepted, 2);
});

Deno.test("many filters that are in force already are asked for together", async () => {
  const { broker: scriptedBroker, types } = scripted((packet, client) => {
    if (packet.type !== SUBSCRIBE) return false;
    const [high = 0, low = 0] = packet.body;
    client.send(0x90, 3 + 100, high, low, 0, ...new Array<number>(100).fill(0));
    return true;
  });
  await using broker = scriptedBroker;
  await using connection = await openConnection(broker, { version: "5" });
  const filters = Array.from({ length: 300 }, (_, i) => `f/${i}`);
  await using _first = await Gathering.open(connection, filters, { qos: 0 });
  await using _second = await Gathering.open(connection, filters, { qos: 0 });
  assert.deepEqual([countIn(types, SUBSCRIBE), countIn(types, PINGREQ)], [6, 2]);
});
