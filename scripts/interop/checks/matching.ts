/**
 * Wildcards, and filters that overlap.
 *
 * @module
 */
import assert from "node:assert/strict";
import { until, within } from "../../../tests/brokers/until.ts";
import { type Check, collect, Deviation, publication, waiting } from "../check.ts";

/** For system topics, which brokers publish each second here. */
const SYSTEM_DEADLINE_MS = 4_000;
/** For the broker to acknowledge what a device publishes. */
const ANSWER_DEADLINE_MS = 5_000;

export const MATCHING: readonly Check[] = [
  {
    name: "`a/#` matches `a`, `a/` and `a/b/c`",
    async run(context): Promise<void> {
      await using connection = await context.open();
      const topic = context.topic();
      await using collected = await collect(connection, `${topic}/#`);
      for (const end of ["", "/", "/b/c", "x"]) {
        await connection.publish(publication(topic + end, `at ${end}`), waiting());
      }
      assert.deepEqual(await collected.before(topic), ["at ", "at /", "at /b/c"]);
    },
  },
  {
    name: "`+` matches an empty level",
    async run(context): Promise<void> {
      await using connection = await context.open();
      const topic = context.topic();
      await using collected = await collect(connection, [`${topic}/+/x`, `+/${topic}`]);
      for (const name of [`${topic}//x`, `/${topic}`, `${topic}/x`]) {
        await connection.publish(publication(name, name), waiting());
      }
      const got = await collected.before(`${topic}/last/x`);
      assert.deepEqual(got.sort(), [`${topic}//x`, `/${topic}`].sort());
    },
  },
  {
    name: "A topic name keeps its dots, spaces and non-ASCII characters",
    async run(context): Promise<void> {
      await using connection = await context.open();
      const topic = `${context.topic()}/v1.2 °C/日本`;
      await using all = await collect(connection, "interop/#", { includeRetained: false });
      await connection.publish(publication(topic, "x"), waiting());
      await until(() => all.messages.length > 0);
      const [arrived] = all.messages;
      if (arrived?.topic === topic.replaceAll(".", "/")) throw new Deviation("dotsBecomeSlashes");
      assert.equal(arrived?.topic, topic);
    },
  },
  {
    name: "`$SYS/#` gives system topics, and `#` does not",
    async run(context): Promise<void> {
      await using connection = await context.open();
      await using all = await collect(connection, "#");
      await using system = await collect(connection, "$SYS/#");
      await until(() => system.messages.length > 0, { deadlineMs: SYSTEM_DEADLINE_MS })
        .catch(() => {
          throw new Deviation("noSystemTopics", "n/a");
        });
      await all.before(context.topic());
      assert.deepEqual(all.messages.filter(({ topic }) => topic.startsWith("$")), []);
    },
  },
  {
    name: "Two collections on one filter: each message once in each",
    run: (context) => eachOnce(context, (topic) => [[`${topic}/#`], [`${topic}/#`]]),
  },
  {
    name: "Collections that overlap in part: each message once in each",
    run: (context) =>
      eachOnce(
        context,
        (topic) => [[`${topic}/#`], [`${topic}/+`], ["+/+/once"], [`${topic}/once`]],
      ),
  },
  {
    name: "One collection of filters that overlap: each message once",
    run: (context) => eachOnce(context, (topic) => [[`${topic}/+`, `${topic}/#`, `${topic}/once`]]),
  },
];

/** Publishes to a topic that all filters match, by the program itself and by a device. */
async function eachOnce(
  context: Parameters<Check["run"]>[0],
  filtersOf: (topic: string) => readonly (readonly string[])[],
): Promise<void> {
  await using connection = await context.open();
  await using device = await context.device();
  await using stack = new AsyncDisposableStack();
  const topic = context.topic();
  const collections = [];
  for (const filters of filtersOf(topic)) {
    collections.push(stack.use(await collect(connection, filters)));
  }
  const sent = [];
  for (const qos of [0, 1, 2] as const) {
    await connection.publish(publication(`${topic}/once`, `own ${qos}`, { qos }), waiting());
    await within(
      device.publish(`${topic}/once`, `device ${qos}`, { qos }),
      ANSWER_DEADLINE_MS,
      "the answer to the device's publish",
    );
    sent.push(`own ${qos}`, `device ${qos}`);
  }
  for (const one of collections) {
    await until(() => one.messages.length >= sent.length, { what: `${sent.length} messages` });
    const got = await one.before(`${topic}/once`);
    assert.deepEqual(got.sort(), sent.toSorted());
  }
}
