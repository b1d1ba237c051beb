/**
 * Many who read the same at once, and share what is subscribed.
 *
 * @module
 */
import assert from "node:assert/strict";
import { callHttp, connected, KEY, serving } from "../../../tests/mcp/served_http.ts";
import { matches, parseTopicFilter } from "../../../lib/topics/topic_filter.ts";
import { type Check, Deviation } from "../check.ts";
import {
  configFor,
  publishAll,
  publishLast,
  readToLast,
  type Shown,
  startProgram,
} from "../program.ts";

const KEPT = 20;
const WATCHES = 24;
const LIVE = 300;
const SESSIONS = 30;
const MAX_CHANGES = 5_000;

export const SHARING: readonly Check[] = [
  {
    name: `Over MCP: ${WATCHES} watches that share subscriptions: each message once in each`,
    async run(context): Promise<void> {
      await using host = await startProgram(context);
      await using device = await context.device();
      const topic = context.topic();
      const kept = Array.from({ length: KEPT }, (_, i) => `${topic}/${i}/x`);
      for (const one of kept) await device.publish(one, "kept", { qos: 1, retain: true });
      const filters = [`${topic}/#`, `${topic}/live/#`, `${topic}/+/x`, `${topic}/3/x`];
      const watches: { readonly watch_id: string; readonly filter: string }[] = [];
      const publishing = publishAll(device, LIVE, {
        of: (i) => [`${topic}/live/x`, String(i)],
      });
      for (let i = 0; i < WATCHES; i++) {
        const filter = filters[i % filters.length] ?? "";
        const { watch_id } = await host.expectResult("mqtt_watch", { topic: filter });
        watches.push({ watch_id, filter });
      }
      await publishing;
      for (const one of [`${topic}/live/x`, `${topic}/3/x`]) {
        await publishLast(host.expectResult, one);
      }
      const got: Got[] = [];
      for (const watch of watches) {
        got.push({ ...watch, messages: await readToLast(host.expectResult, watch) });
      }
      assertOnce(got, { kept, live: LIVE });
    },
  },
  {
    name: `Over MCP: a value that changes while ${WATCHES} watches begin: no gap, and none twice`,
    async run(context): Promise<void> {
      await using host = await startProgram(context);
      await using device = await context.device();
      const topic = context.topic();
      await device.publish(topic, "0", { qos: 1, retain: true });
      let isOver = false;
      let last = 0;
      const publishing = (async () => {
        while (!isOver && last < MAX_CHANGES) {
          await device.publish(topic, String(++last), { qos: 1, retain: true });
        }
      })();
      const watches: { readonly watch_id: string }[] = [];
      for (let i = 0; i < WATCHES; i++) {
        watches.push(
          await host.expectResult("mqtt_watch", { topic: i % 2 ? topic : `${topic}/#` }),
        );
      }
      isOver = true;
      await publishing;
      await publishLast(host.expectResult, topic);
      const outcomes: string[] = [];
      for (const watch of watches) {
        outcomes.push(orderOf(await readToLast(host.expectResult, watch), last));
      }
      if (outcomes.includes("beside")) throw new Deviation("replayedBeside");
    },
  },
  {
    name: `Over HTTP: ${SESSIONS} sessions that share subscriptions: each message once in each`,
    async run(context): Promise<void> {
      await using device = await context.device();
      const topic = context.topic();
      const kept = Array.from({ length: KEPT }, (_, i) => `${topic}/${i}/x`);
      for (const one of kept) await device.publish(one, "kept", { qos: 1, retain: true });
      await using server = await serving({ api_key: KEY }, configFor(context));
      await using stack = new AsyncDisposableStack();
      const filters = [`${topic}/#`, `${topic}/live/x`, `${topic}/+/x`];
      const sessions = await Promise.all(Array.from({ length: SESSIONS }, async (_, i) => {
        const client = stack.use(await connected(server.url, "legacy"));
        const call = (name: string, args: object) => callHttp(client, name, args);
        const filter = filters[i % filters.length] ?? "";
        const { watch_id } = await call("mqtt_watch", { topic: filter });
        return { call, filter, watch_id: String(watch_id) };
      }));
      await publishAll(device, LIVE, {
        of: (i) => [`${topic}/live/x`, String(i)],
      });
      const [first] = sessions;
      if (first !== undefined) await publishLast(first.call, `${topic}/live/x`);
      const got: Got[] = [];
      for (const { call, ...watch } of sessions) {
        got.push({ ...watch, messages: await readToLast(call, watch) });
      }
      assertOnce(got, { kept, live: LIVE });
    },
  },
];

/** What a watch has got. */
interface Got {
  readonly filter: string;
  readonly messages: readonly Shown[];
}

/** Each retained message once in each, and the live ones from one on in their order, to the last. */
function assertOnce(
  all: readonly Got[],
  { kept, live }: { readonly kept: readonly string[]; readonly live: number },
): void {
  const replayed = all.map(({ filter, messages }) => ({
    filter,
    topics: messages.filter(({ retain }) => retain).map(({ topic = filter }) => topic),
  }));
  const areWildcardsLeftOut = replayed.every(({ filter, topics }) =>
    !/[+#]/.test(filter) || topics.length === 0
  );
  for (const { filter, topics } of areWildcardsLeftOut ? [] : replayed) {
    const parsed = parseTopicFilter(filter);
    const expected = kept.filter((one) => matches(parsed, one));
    assert.deepEqual(topics.toSorted(), expected.toSorted(), `${filter}: retained`);
  }
  for (const { filter, messages } of all) {
    if (filter.endsWith("/3/x")) continue;
    const numbers = messages.filter(({ retain }) => !retain).map(({ payload }) => Number(payload));
    const from = numbers[0] ?? live;
    const expected = Array.from({ length: live - from }, (_, i) => from + i);
    assert.deepEqual(numbers, expected, `${filter}: ${faultIn(numbers)}`);
  }
  if (areWildcardsLeftOut) throw new Deviation("noReplayToWildcards");
}

/**
 * Whether numbers came in their order to `last`, or only the retained one is out of it: beside the
 * live ones, or with a gap behind it.
 *
 * @throws where a live one is missing among the others, or came twice
 */
function orderOf(messages: readonly Shown[], last: number): "ordered" | "beside" {
  const all = messages.map(({ payload }) => Number(payload));
  const live = messages.filter(({ retain }) => !retain).map(({ payload }) => Number(payload));
  const upToLast = (count: number): number[] =>
    Array.from({ length: count }, (_, i) => last - count + 1 + i);
  assert.deepEqual(live, upToLast(live.length), faultIn(live));
  assert.ok(all.length - live.length <= 1, "it was replayed twice");
  return all.join() === upToLast(all.length).join() ? "ordered" : "beside";
}

/** What is wrong with numbers that should follow one another. */
function faultIn(numbers: readonly number[]): string {
  const at = numbers.findIndex((n, i) => i > 0 && n !== (numbers[i - 1] ?? 0) + 1);
  return at < 0
    ? `${numbers.at(0)} to ${numbers.at(-1)}`
    : `${numbers[at]} after ${numbers[at - 1]}`;
}
