/** What the listeners of one feed hear, and what is asked of the broker for them. */

import assert from "node:assert/strict";
import { McpMqttError } from "../../lib/errors.ts";
import type { Message } from "../../lib/messages/message.ts";
import { Collection } from "../../lib/mqtt/collecting/collection.ts";
import { Feed } from "../../lib/mqtt/collecting/feed.ts";
import type { Subscription } from "../../lib/mqtt/collecting/subscription.ts";
import { parseTopicFilter } from "../../lib/topics/topic_filter.ts";
import { until, within } from "../brokers/until.ts";
import { Gathering, openConnection, rejection, textOf, waiting } from "./connections.ts";
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

const LOST = { reasonCode: undefined, cause: "gone" };
const REFUSED = new McpMqttError("broker_refused", "not any more");
const PINGRESP = [0xD0, 0];

function message(topic: string, text: string, retain = false): Message {
  return { topic, payload: new TextEncoder().encode(text), qos: 0, retain, receivedAt: 0 };
}

/** Somebody who collects one filter, or several. */
class Listener {
  readonly texts: string[] = [];
  readonly interruptions: boolean[] = [];
  readonly failures: string[] = [];
  readonly subscriptions: readonly Subscription[];

  constructor(
    filters: string | readonly string[],
    options: { readonly includeRetained?: boolean; readonly resume?: boolean } = {},
  ) {
    const collection = new Collection([filters].flat().map(parseTopicFilter), {
      includeRetained: options.includeRetained ?? true,
      resume: options.resume ?? true,
      onMessage: (one) => void this.texts.push(`${one.topic} ${textOf(one)}`),
      onInterrupted: (isFurther) => void this.interruptions.push(isFurther),
      onFailed: ({ code }) => void this.failures.push(code),
    });
    this.subscriptions = collection.subscriptions;
  }

  get one(): Subscription {
    const [first] = this.subscriptions;
    assert.ok(first);
    return first;
  }
}

/** A feed in force with all its retained messages delivered, and who opened it. */
function openFeed(filter: string, options = {}): { feed: Feed; first: Listener } {
  const first = new Listener(filter, options);
  const feed = new Feed(first.one);
  feed.request();
  feed.activate();
  feed.isSettled = true;
  return { feed, first };
}

Deno.test("Feed gives retained messages to those who asked, and to nobody else", () => {
  const { feed, first } = openFeed("t/#");
  feed.receive(message("t/a", "late", true));
  const second = new Listener("t/#");
  assert.equal(feed.isDue, false);
  feed.attach(second.one);
  assert.equal(feed.isDue, true);
  feed.receive(message("t/a", "before"));
  feed.request();
  assert.equal(feed.isDue, false, "it is asked for");
  feed.receive(message("t/a", "before the broker has handled it"));
  feed.receive(message("t/a", "kept", true));
  feed.receive(message("t/a", "live"));
  feed.activate();
  feed.receive(message("t/b", "kept", true));
  assert.deepEqual(first.texts, [
    "t/a late",
    "t/a before",
    "t/a before the broker has handled it",
    "t/a live",
  ]);
  assert.deepEqual(second.texts, ["t/a kept", "t/a live", "t/b kept"]);
});

Deno.test("Feed has who came later hear from the SUBACK on if nothing is retained", async () => {
  const { feed, first } = openFeed("t/#");
  const second = new Listener("t/#");
  feed.attach(second.one);
  feed.request();
  feed.receive(message("t/a", "1"));
  feed.activate();
  await second.one.inForce;
  feed.receive(message("t/a", "2"));
  assert.deepEqual([first.texts, second.texts], [["t/a 1", "t/a 2"], ["t/a 2"]]);
});

Deno.test("Feed is open to who wants retained messages only while none are on their way", () => {
  const first = new Listener("t/#");
  const feed = new Feed(first.one);
  const [with_, without] = [
    new Listener("t/#").one,
    new Listener("t/#", { includeRetained: false }).one,
  ];
  const isOpen = (): boolean[] => [with_, without].map((one) => feed.isOpenTo(one));
  assert.deepEqual(isOpen(), [true, true], "the SUBSCRIBE is not sent");
  feed.request();
  assert.deepEqual(isOpen(), [false, true]);
  feed.activate();
  assert.deepEqual(isOpen(), [false, true]);
  feed.isSettled = true;
  assert.deepEqual(isOpen(), [true, true]);
  feed.request();
  assert.deepEqual(isOpen(), [false, true], "others have asked");
  feed.interrupt(LOST);
  assert.deepEqual(isOpen(), [true, true], "all ask over the next connection");
  feed.request();
  feed.activate();
  feed.leave();
  assert.deepEqual(isOpen(), [false, false]);
});

Deno.test("Feed asks for retained messages if one of its listeners wants them", () => {
  const { feed, first } = openFeed("t/#", { includeRetained: false });
  assert.equal(feed.includeRetained, false);
  const second = new Listener("t/#", { includeRetained: false });
  feed.attach(second.one);
  assert.equal(feed.isDue, false, "who wants none needs no SUBSCRIBE");
  feed.receive(message("t/a", "before it joins"));
  feed.join(second.one);
  const third = new Listener("t/#");
  feed.attach(third.one);
  assert.deepEqual([feed.isDue, feed.includeRetained], [true, true]);
  feed.request();
  feed.receive(message("t/a", "kept", true));
  feed.activate();
  feed.receive(message("t/a", "live"));
  assert.deepEqual(first.texts, ["t/a before it joins", "t/a live"]);
  assert.deepEqual(second.texts, ["t/a live"]);
  assert.deepEqual(third.texts, ["t/a kept", "t/a live"]);
});

Deno.test("Feed gives a listener with a narrower filter what that matches", () => {
  const { feed } = openFeed("#");
  const same = new Listener("+/#");
  const narrower = new Listener("t/+/x");
  for (const { one } of [same, narrower]) feed.attach(one);
  feed.request();
  feed.receive(message("u", "kept", true));
  feed.receive(message("t/a/x", "live"));
  feed.receive(message("t/a", "live"));
  assert.deepEqual(narrower.texts, ["t/a/x live"], "a replay for others says that it has begun");
  assert.deepEqual(same.texts, ["u kept", "t/a/x live", "t/a live"]);
});

Deno.test("Feed whose further SUBSCRIBE is refused goes on for those who were there", async () => {
  const { feed, first } = openFeed("t/#");
  const second = new Listener("t/#");
  feed.attach(second.one);
  feed.request();
  feed.refuse(REFUSED);
  assert.equal((await rejection(second.one.inForce)).code, "broker_refused");
  assert.equal(feed.state, "active");
  feed.receive(message("t/a", "1"));
  assert.deepEqual([first.texts, second.texts], [["t/a 1"], []]);
  assert.deepEqual([first.failures, second.failures], [[], []], "who waits for it learns it");
});

Deno.test("Feed tells each of its listeners of a loss once, and those that do not resume go", () => {
  const { feed, first } = openFeed("t/#");
  const twice = new Listener(["t/a/+", "t/+/b"]);
  const once = new Listener("t/#", { resume: false });
  for (const one of [...twice.subscriptions, once.one]) feed.attach(one);
  feed.request();
  feed.activate();
  const late = new Listener("t/#");
  feed.attach(late.one);
  feed.interrupt(LOST);
  feed.request();
  feed.interrupt(LOST);
  assert.deepEqual(first.interruptions, [false]);
  assert.deepEqual(twice.interruptions, [false, true], "one of its filters, then the other");
  assert.deepEqual([once.interruptions, once.one.isGone], [[false], true]);
  assert.deepEqual(late.interruptions, [], "it was not in force");
  feed.request();
  feed.receive(message("t/a/b", "kept", true));
  feed.activate();
  assert.ok(![first, twice, late].some(({ one }) => one.isInterrupted));
  for (const { texts } of [first, twice, late]) assert.deepEqual(texts, ["t/a/b kept"]);
  assert.deepEqual(once.texts, []);
});

Deno.test("Feed is gone when the connection is lost and nobody who listens resumes", async () => {
  const { feed, first } = openFeed("t/#", { resume: false });
  feed.interrupt(LOST);
  assert.equal(feed.state, "gone");
  await feed.left;
  assert.equal(first.one.isGone, true);
});

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

Deno.test("Feed knows whether the last SUBSCRIBE had much sent", () => {
  const { feed } = openFeed("t/#");
  const much = "x".repeat(600_000);
  feed.receive(message("t/a", much));
  feed.receive(message("t/b", much));
  feed.receive(message("t/c", much, true));
  assert.equal(feed.hasMuchRetained, false);
  feed.receive(message("t/d", much, true));
  assert.equal(feed.hasMuchRetained, true);
  feed.request();
  assert.equal(feed.hasMuchRetained, false);
});

Deno.test("a feed whose retained messages do not end is not waited for, but has another beside it", async () => {
  const { broker: scriptedBroker } = scripted((packet, client) => {
    if (packet.type === PINGREQ && client.index === 0) client.send(...publish("t/a", "kept", true));
    return false;
  });
  await using broker = scriptedBroker;
  await using connection = await openConnection(broker, { version: "5" });
  await using _first = await Gathering.open(connection, "t/#", { qos: 0 });
  const opening = Array.from({ length: 5 }, () => Gathering.open(connection, "t/#", { qos: 0 }));
  const others = await within(Promise.all(opening), 5_000);
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
