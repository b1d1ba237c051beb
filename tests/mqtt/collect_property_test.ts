import assert from "node:assert/strict";
import fc from "fast-check";
import { matches, parseTopicFilter } from "../../lib/topics/topic_filter.ts";
import { eachBroker } from "../brokers/each_broker.ts";
import { until } from "../brokers/until.ts";
import { countOf, Gathering, openConnection } from "./connections.ts";

const RUNS = 12;
const seed = Date.now() & 0x7FFF_FFFF;

const levels = fc.constantFrom("a", "b", "c");
const topic = fc.array(levels, { minLength: 1, maxLength: 3 }).map((all) => all.join("/"));
const filter = fc.tuple(
  fc.array(fc.oneof(levels, fc.constant("+")), { minLength: 1, maxLength: 3 }),
  fc.boolean(),
).map(([all, isOpen]) => [...all, ...(isOpen ? ["#"] : [])].join("/"));

/** What happens, one after the other. */
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("publish" as const), topic }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("collect" as const),
      filters: fc.array(filter, { minLength: 1, maxLength: 3 }),
      includeRetained: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("end" as const), which: fc.nat() }) },
);

const message = fc.record({
  qos: fc.constantFrom(0 as const, 1 as const, 2 as const),
  retain: fc.boolean(),
});

interface Running {
  readonly gathering: Gathering;
  readonly filters: readonly string[];
  readonly expected: string[];
}

eachBroker("collect() of random filters gets what a model says, once each", async ({
  broker,
  version,
  connect,
}) => {
  await using client = await connect();
  let run = 0;
  const property = fc.asyncProperty(
    fc.array(fc.tuple(step, message), { minLength: 5, maxLength: 25 }),
    async (steps) => {
      const root = `run${run++}`;
      const retained = new Map<string, string>();
      await using connection = await openConnection(broker, { version });
      let running: Running[] = [];
      const isWanted = (filters: readonly string[], topic: string): boolean =>
        filters.some((one) => matches(parseTopicFilter(one), topic));
      let number = 0;
      const check = async ({ gathering, expected }: Running): Promise<void> => {
        await until(() => gathering.messages.length >= expected.length, {
          what: () => `${expected.join(", ")}; got ${gathering.texts.join(", ")}`,
        });
        assert.deepEqual(countOf(gathering.texts), countOf(expected));
      };
      for (const [one, { qos, retain }] of steps) {
        if (one.kind === "publish") {
          const topic = `${root}/${one.topic}`;
          const text = `${topic} ${number++}`;
          if (retain) retained.set(topic, text);
          for (const { filters, expected } of running) {
            if (isWanted(filters, topic)) expected.push(text);
          }
          await client.publish(topic, text.slice(topic.length + 1), { qos, retain });
          // QoS 0 has no acknowledgement: without this, who subscribes next may still get it.
          await client.publish(`${root}-barrier`, "", { qos: 1 });
        } else if (one.kind === "collect") {
          const filters = one.filters.map((text) => `${root}/${text}`);
          const { includeRetained } = one;
          const gathering = await Gathering.open(connection, filters, { includeRetained });
          const expected = includeRetained
            ? [...retained].filter(([topic]) => isWanted(filters, topic)).map(([, text]) => text)
            : [];
          running.push({ gathering, filters, expected });
          // In aedes retained messages come later than the SUBACK.
          await check({ gathering, filters, expected });
        } else {
          const ending = running[one.which % Math.max(1, running.length)];
          if (ending === undefined) continue;
          await check(ending);
          await ending.gathering[Symbol.asyncDispose]();
          running = running.filter((other) => other !== ending);
        }
      }
      await Promise.all(running.map(check));
      await Promise.all(running.map(({ gathering }) => gathering[Symbol.asyncDispose]()));
      await until(() => broker.subscriptions().length === 0);
      for (const topic of retained.keys()) {
        await client.publish(topic, "", { qos: 1, retain: true });
      }
    },
  );
  await fc.assert(property, { seed, numRuns: RUNS, endOnFailure: true });
});
