/** Many collections, few connections: who listens to a feed that is there already. */

import assert from "node:assert/strict";
import type { Message } from "../../lib/messages/message.ts";
import { matches, parseTopicFilter } from "../../lib/topics/topic_filter.ts";
import { eachBroker } from "../brokers/each_broker.ts";
import { FaultProxy } from "../brokers/proxy.ts";
import { until } from "../brokers/until.ts";
import { countOf, Gathering, openConnection, textOf, waiting } from "./connections.ts";

const SESSIONS = 100;
/** What is published goes over one more. */
const MAX_LANES = 3;
const RETAINED = { retain: true, qos: 1 } as const;

const NONE: Message = {
  topic: "",
  payload: new TextEncoder().encode("-1"),
  qos: 0,
  retain: false,
  receivedAt: 0,
};

/** Collects at QoS 0, as all do that do not show the QoS of a message. */
const gather: typeof Gathering.open = (connection, filters, options = {}) =>
  Gathering.open(connection, filters, { qos: 0, ...options });

const closeAll = async (gatherings: readonly Gathering[]): Promise<void> => {
  await Promise.all(gatherings.map((one) => one[Symbol.asyncDispose]()));
};

/** Each has had what its filter matches, once. */
function assertEach(
  gatherings: readonly Gathering[],
  filters: readonly string[],
  published: readonly string[],
): void {
  for (const [i, gathering] of gatherings.entries()) {
    const filter = parseTopicFilter(filters[i] ?? "");
    const expected = published.filter((text) => matches(filter, text.split(" ")[0] ?? ""));
    assert.deepEqual(gathering.texts.toSorted(), expected.toSorted(), filter.text);
  }
}

eachBroker(
  "a hundred collections of one filter have one connection, and all of it once each",
  async ({
    broker,
    version,
    connect,
  }) => {
    await using device = await connect();
    for (let i = 0; i < 20; i++) await device.publish(`a/${i}`, "kept", RETAINED);
    await using connection = await openConnection(broker, { version });
    const gatherings: Gathering[] = [];
    for (let i = 0; i < 10; i++) gatherings.push(await gather(connection, "a/#"));
    gatherings.push(
      ...await Promise.all(
        Array.from({ length: SESSIONS - 10 }, () => gather(connection, "a/#")),
      ),
    );
    await device.burst("a/live", 50, { qos: 1 });
    for (const gathering of gatherings) await gathering.atLeast(70);
    assert.equal(broker.clients().length, 2, "the device and one more");
    assert.deepEqual(broker.subscriptions(), ["a/#"]);
    const [first] = gatherings;
    for (const { messages } of gatherings) {
      assert.equal(messages.length, 70);
      const replays = messages.filter(({ retain }) => retain);
      assert.deepEqual(new Set(replays.map(textOf)), new Set(["kept"]));
      assert.equal(new Set(replays.map(({ topic }) => topic)).size, 20);
      const live = messages.filter(({ retain }) => !retain);
      assert.deepEqual(live.map(textOf), Array.from({ length: 50 }, (_, i) => String(i)));
      assert.ok(live.every((message) => first?.messages.includes(message)), "one object for all");
    }
    const asked = broker.subscribeCounts().get("a/#") ?? 0;
    assert.ok(asked <= 12, `those that come together share a SUBSCRIBE: ${asked}`);
    await closeAll(gatherings);
    await until(() => broker.subscriptions().length === 0);
  },
);

/** One covers all others, most of which overlap some of the others as well. */
const COVERED = [
  "a/#",
  ...Array.from({ length: SESSIONS - 1 }, (_, i) => {
    const n = i % 20;
    return [`a/${n}/#`, `a/${n}/x`, "a/+/x", `a/${n}/+`, "a/+/+/y", "a/+/#"][i % 6] ?? "";
  }),
];
/** The same without those that overlap others in part. */
const FAMILIES = [
  "a/#",
  ...Array.from(
    { length: SESSIONS - 1 },
    (_, i) => i % 2 === 0 ? `a/${i % 20}/#` : `a/${i % 20}/x`,
  ),
];
const ORDERS: Readonly<Record<string, readonly string[]>> = {
  "the widest first": COVERED,
  "the widest last": FAMILIES.toReversed(),
  "the widest in the middle": [...FAMILIES.slice(40), ...FAMILIES.slice(0, 40)],
};

for (const [order, filters] of Object.entries(ORDERS)) {
  eachBroker(
    `a hundred collections that one filter covers have few connections, ${order}`,
    async ({ broker, version, connect }) => {
      await using device = await connect();
      const published: string[] = [];
      for (let n = 0; n < 20; n++) {
        for (const topic of [`a/${n}/x`, `a/${n}/z/y`]) {
          await device.publish(topic, "kept", RETAINED);
          published.push(`${topic} kept`);
        }
      }
      await using connection = await openConnection(broker, { version });
      const gatherings: Gathering[] = [];
      for (const filter of filters.slice(0, 50)) {
        gatherings.push(await gather(connection, filter));
      }
      const later = filters.slice(50).map((filter) => gather(connection, filter));
      gatherings.push(...await Promise.all(later));
      assert.ok(broker.clients().length <= 1 + MAX_LANES, `${broker.clients()}`);
      for (let n = 0; n < 20; n++) {
        for (const topic of [`a/${n}/x`, `a/${n}/z/y`, `a/${n}`, "a"]) {
          await device.publish(topic, `live ${n}`, { qos: 1 });
          published.push(`${topic} live ${n}`);
        }
      }
      await device.publish("a/end/x", "end", { qos: 1 });
      await device.publish("a/end/z/y", "end", { qos: 1 });
      published.push("a/end/x end", "a/end/z/y end");
      for (const [i, gathering] of gatherings.entries()) {
        const filter = parseTopicFilter(filters[i] ?? "");
        const mine = published.filter((text) => matches(filter, text.split(" ")[0] ?? ""));
        await gathering.atLeast(mine.length);
      }
      assertEach(gatherings, filters, published);
      await closeAll(gatherings);
      await until(() => broker.subscriptions().length === 0);
    },
  );
}

eachBroker(
  "who listens to a feed goes on when the one that began it, or a wider one, leaves",
  async ({
    broker,
    version,
    connect,
  }) => {
    await using device = await connect();
    await device.publish("a/1/x", "kept", RETAINED);
    await using connection = await openConnection(broker, { version });
    const widest = await gather(connection, "a/#");
    const more = await Promise.all(
      ["a/+/#", "a/1/#", "a/1/x", "a/+/x"].map((filter) => gather(connection, filter)),
    );
    const same = await gather(connection, "a/#");
    assert.ok(broker.clients().length <= 1 + MAX_LANES);
    let number = 0;
    let left = [widest, ...more, same];
    while (left.length > 0) {
      await device.publish("a/1/x", String(number++), { qos: 1 });
      for (const one of left) {
        await one.atLeast(1 + number);
        const expected = ["kept", ...Array.from({ length: number }, (_, i) => String(i))];
        assert.deepEqual(one.messages.map(textOf), expected);
      }
      const [first, ...others] = left;
      await first?.[Symbol.asyncDispose]();
      left = others;
    }
    await until(() => broker.subscriptions().length === 0);
    assert.equal(widest.messages.length, 2, "nothing after its end");
  },
);

eachBroker("collections that come and go in a flood lose and double nothing", async ({
  broker,
  version,
  connect,
}) => {
  await using device = await connect();
  await using connection = await openConnection(broker, { version });
  await using control = await gather(connection, "f/#", { qos: 0 });
  let isOver = false;
  let published = 0;
  const flood = (async () => {
    while (!isOver) {
      await device.publish("f/state", String(published), RETAINED);
      await device.publish("f/event", String(published), { qos: 1 });
      published++;
    }
  })();
  // aedes reads what is retained beside what is published, and may be late with it.
  const isOrdered = broker.name === "mosquitto";
  const filters = ["f/#", "f/+", "f/state", "f/event"];
  const visit = async (i: number): Promise<void> => {
    const filter = filters[i % filters.length] ?? "";
    const before = published;
    const one = await gather(connection, filter, { qos: 0 });
    const begun = published;
    await until(() => Number(textOf(one.messages.at(-1) ?? NONE)) > begun + 5);
    await one[Symbol.asyncDispose]();
    for (const topic of ["f/state", "f/event"]) {
      const mine = one.messages.filter((message) => message.topic === topic);
      const numbers = mine.filter(({ retain }) => !retain).map(textOf).map(Number);
      const replays = mine.filter(({ retain }) => retain).map(textOf).map(Number);
      const [first = begun] = numbers;
      assert.deepEqual(numbers, Array.from(numbers, (_, at) => first + at), "all, in order");
      if (!matches(parseTopicFilter(filter), topic)) assert.equal(mine.length, 0);
      else assert.ok(first >= (isOrdered ? before : before - 1) && first <= begun + 1);
      if (topic === "f/event" || numbers.length === 0) assert.deepEqual(replays, []);
      else if (isOrdered && before > 0) assert.deepEqual(replays, [first - 1]);
      else assert.ok(replays.length <= 1);
    }
  };
  for (let round = 0; round < 6; round++) {
    await Promise.all(Array.from({ length: 10 }, (_, i) => visit(round + i)));
  }
  isOver = true;
  await flood;
  await until(() => control.texts.at(-1) === `f/event ${published - 1}`);
  assert.deepEqual([...countOf(control.texts).values()].filter((count) => count > 1), []);
  assert.equal(control.messages.length, 2 * published);
  assert.ok(broker.clients().length <= 1 + MAX_LANES, `${broker.clients()}`);
});

eachBroker(
  "a feed whose connection is lost is asked for once, and each listener told what changed",
  async ({
    broker,
    version,
    connect,
  }) => {
    await using device = await connect();
    await device.publish("t/same", "same", RETAINED);
    await device.publish("t/lamp", "off", RETAINED);
    await using proxy = new FaultProxy(broker);
    await using connection = await openConnection(proxy, { version });
    const open = (): Promise<Gathering> => gather(connection, "t/#", { resume: true });
    const early = await Promise.all(Array.from({ length: 10 }, open));
    await using once = await gather(connection, "t/#");
    for (const one of [...early, once]) await one.atLeast(2);
    await proxy.refuse();
    await proxy.cut();
    await until(() => early.every((one) => one.interruptions === 1));
    assert.ok(early.every((one) => one.isInterrupted));
    await device.publish("t/lamp", "on", RETAINED);
    const asked = broker.subscribeCounts().get("t/#") ?? 0;
    // Those come while there is no connection.
    const opening = Array.from({ length: 10 }, open);
    proxy.accept();
    const late = await Promise.all(opening);
    await until(() => !early.some((one) => one.isInterrupted));
    await connection.ready(waiting());
    await device.publish("t/end", "end", { qos: 1 });
    for (const one of [...early, ...late]) await until(() => one.texts.includes("t/end end"));
    for (const one of early) {
      assert.deepEqual(one.texts.toSorted(), [
        "t/end end",
        "t/lamp off",
        "t/lamp on",
        "t/same same",
      ]);
      assert.equal(one.messages.find((message) => textOf(message) === "on")?.retain, true);
      assert.deepEqual([one.interruptions, one.furtherInterruptions], [1, 0]);
    }
    for (const one of late) {
      assert.deepEqual(one.texts.toSorted(), ["t/end end", "t/lamp on", "t/same same"]);
      assert.equal(one.interruptions, 0);
    }
    assert.deepEqual(once.texts.toSorted(), ["t/lamp off", "t/same same"]);
    await until(() => broker.subscriptions().join() === "t/#");
    assert.ok((broker.subscribeCounts().get("t/#") ?? 0) <= asked + 2);
    await closeAll([...early, ...late]);
  },
);

eachBroker(
  "who comes to a feed while the connection is cut again and again has all of it once",
  async ({
    broker,
    version,
    connect,
  }) => {
    await using device = await connect();
    const topics = Array.from({ length: 30 }, (_, i) => `t/${i}`);
    for (const topic of topics) await device.publish(topic, "x".repeat(100), RETAINED);
    await using proxy = new FaultProxy(broker);
    await using connection = await openConnection(proxy, { version });
    await using first = await gather(connection, "t/#", { resume: true });
    await first.atLeast(30);
    for (const [round, bytes] of [1, 4, 6, 200, 2_000].entries()) {
      await connection.ready(waiting());
      await until(() => !first.isInterrupted);
      const cut = proxy.cutAfter(bytes);
      const opening = Array.from(
        { length: 3 },
        () => gather(connection, "t/#", { resume: true, waitMs: 10_000 }),
      );
      await cut;
      await until(() => first.interruptions === round + 1);
      const late = await Promise.all(opening);
      await until(() => !first.isInterrupted && !late.some((one) => one.isInterrupted));
      await device.publish(`t/end${bytes}`, "end", { qos: 1 });
      for (const one of late) {
        await until(() => one.texts.includes(`t/end${bytes} end`) && one.messages.length >= 31);
        const expected = [...topics, `t/end${bytes}`];
        assert.deepEqual(one.messages.map(({ topic }) => topic).toSorted(), expected.toSorted());
      }
      await closeAll(late);
    }
    assert.deepEqual([...countOf(first.texts).values()].filter((count) => count > 1), []);
    assert.equal(first.messages.length, 35);
    assert.ok(broker.clients().length <= 1 + MAX_LANES);
  },
);

eachBroker(
  "a collection without retained messages shares a feed, and hears nothing of before",
  async ({
    broker,
    version,
    connect,
  }) => {
    await using device = await connect();
    await device.publish("t/a", "kept", RETAINED);
    await using connection = await openConnection(broker, { version });
    await using without = await gather(connection, "t/#", { includeRetained: false });
    await using with_ = await gather(connection, "t/#");
    await with_.atLeast(1);
    await using again = await gather(connection, "t/#", { includeRetained: false });
    await device.publish("t/a", "live", RETAINED);
    for (const one of [without, again]) {
      await one.atLeast(1);
      assert.deepEqual(one.texts, ["t/a live"]);
    }
    await with_.atLeast(2);
    assert.deepEqual(with_.texts, ["t/a kept", "t/a live"]);
    assert.equal(broker.clients().length, 2);
    assert.equal(broker.subscribeCounts().get("t/#"), 2, "the third needed no SUBSCRIBE");
  },
);

eachBroker("collections of another QoS have a feed of their own", async ({
  broker,
  version,
  connect,
}) => {
  await using device = await connect();
  await using connection = await openConnection(broker, { version });
  const heard: string[] = [];
  const collect = (qos: 0 | 2) =>
    connection.collect([parseTopicFilter("t/#")], {
      ...waiting(),
      includeRetained: true,
      resume: false,
      qos,
      onMessage: (message) => heard.push(`${qos} ${message.qos}`),
    });
  await using _0 = await collect(0);
  await using _2 = await collect(2);
  await using _other = await collect(2);
  await device.publish("t/a", "x", { qos: 2 });
  await until(() => heard.length >= 3);
  assert.deepEqual(heard.toSorted(), ["0 0", "2 2", "2 2"]);
  assert.equal(broker.subscriptions().length, 2);
});

eachBroker(
  "what is live does not come behind much that is retained, as long as there are few connections",
  async ({
    broker,
    version,
    connect,
  }) => {
    await using device = await connect();
    for (let i = 0; i < 12; i++) await device.publish(`t/${i}`, "x".repeat(100_000), RETAINED);
    await using connection = await openConnection(broker, { version, clientId: "much" });
    await using first = await gather(connection, "t/#", { qos: 0 });
    await first.atLeast(12);
    for (let round = 0; round < 3; round++) {
      const more = [await gather(connection, "t/#", { qos: 0 })];
      await more[0]?.atLeast(12);
      more.push(await gather(connection, "t/#", { qos: 0 }));
      await device.publish("t/live", String(round), { qos: 1 });
      for (const one of more) {
        await one.atLeast(13);
        assert.equal(new Set(one.messages.map(({ topic }) => topic)).size, 13);
      }
      await closeAll(more);
    }
    await until(() => broker.subscriptions().length === 1);
    assert.deepEqual(broker.clients().filter((id) => id !== device.clientId), ["much", "much-2"]);
    assert.equal(broker.subscribeCounts().get("t/#"), 7, "two for each round, and one");
    await first.atLeast(15);
    assert.equal(first.messages.length, 15);
  },
);

eachBroker(
  "who comes long after others share their connection, whether or not anybody waited for what is retained",
  async ({ broker, version, connect }) => {
    await using device = await connect();
    await device.publish("a/x", "kept", RETAINED);
    await using connection = await openConnection(broker, { version });
    const gatherings = [await gather(connection, "a/#")];
    // Longer than a newcomer waits for what others have asked for.
    await new Promise((resolve) => setTimeout(resolve, 2_200));
    for (let i = 0; i < 3; i++) gatherings.push(await gather(connection, "a/#"));
    assert.equal(broker.clients().length, 2, "the device and one more");
    for (const gathering of gatherings) await gathering.atLeast(1);
    await closeAll(gatherings);
  },
);

eachBroker(
  "a reading of one topic gets what is retained there beside wide ones of much, at QoS 2",
  async ({ broker, version, connect }) => {
    await using device = await connect();
    await device.burst("a/many", 1, { retain: true, qos: 1 });
    for (let i = 0; i < 1_500; i++) await device.publish(`a/${i}`, `${i}`, RETAINED);
    await using connection = await openConnection(broker, { version });
    const none = { includeRetained: false } as const;
    const all = await gather(connection, "#", none);
    const some = await gather(connection, "a/#", { ...none, qos: 2 });
    for (let i = 0; i < 5; i++) {
      await using one = await gather(connection, `a/${200 * i}`, { qos: 2 });
      await one.atLeast(1);
      assert.deepEqual(one.texts, [`a/${200 * i} ${200 * i}`]);
    }
    assert.ok(broker.clients().length <= 4, `${broker.clients()}`);
    assert.deepEqual([all.messages.length, some.messages.length], [0, 0]);
    await closeAll([all, some]);
  },
);
