/**
 * Retained messages.
 *
 * @module
 */
import assert from "node:assert/strict";
import { until } from "../../../tests/brokers/until.ts";
import type { Connection } from "../../../lib/mqtt/connection.ts";
import { type Check, collect, type Collected, Deviation, publication, waiting } from "../check.ts";

const RETAIN = { retain: true };

async function retain(connection: Connection, topic: string, text: string): Promise<void> {
  await connection.publish(publication(topic, text, RETAIN), waiting());
}

/** How long some brokers take to replay, beside all else that they send, in milliseconds. */
const REPLAY_MS = 1_500;

/** Whether what was published before comes at all. */
async function isReplayed({ messages }: Collected): Promise<boolean> {
  try {
    return await until(() => messages.length > 0, { deadlineMs: REPLAY_MS });
  } catch {
    return false;
  }
}

/** What was replayed; some brokers hand on late what they have acknowledged before. */
async function replayed(collected: Collected, topic: string): Promise<string[]> {
  const got = await collected.before(topic);
  const live = collected.messages.slice(0, got.length).filter(({ retain }) => !retain);
  if (live.length > 0) throw new Deviation("replayedBeside");
  if (new Set(got).size < got.length) throw new Deviation("replayedTwice");
  return got;
}

export const RETAINED: readonly Check[] = [
  {
    name: "A retained message is replayed, and marked as such",
    async run(context): Promise<void> {
      await using connection = await context.open();
      const topic = context.topic();
      await using live = await collect(connection, topic);
      await retain(connection, topic, "kept");
      await until(() => live.messages.length > 0);
      assert.equal(live.messages[0]?.retain, false, "a live message was marked as retained");
      await using later = await collect(connection, topic);
      await until(() => later.messages.length > 0);
      assert.deepEqual(await replayed(later, topic), ["kept"]);
      assert.equal(later.messages[0]?.retain, true);
    },
  },
  {
    name: "An empty retained message clears it",
    async run(context): Promise<void> {
      await using connection = await context.open();
      const topic = context.topic();
      await retain(connection, topic, "kept");
      await retain(connection, topic, "");
      await using collected = await collect(connection, topic);
      assert.deepEqual(await replayed(collected, topic), []);
    },
  },
  {
    name: "`include_retained: false` gives live messages only",
    async run(context): Promise<void> {
      await using connection = await context.open();
      const topic = context.topic();
      await retain(connection, topic, "kept");
      await using collected = await collect(connection, topic, { includeRetained: false });
      await connection.publish(publication(topic, "live"), waiting());
      assert.deepEqual(await collected.before(topic), ["live"]);
    },
  },
  {
    name: "Each new collection gets the replay, one after the other",
    async run(context): Promise<void> {
      await using connection = await context.open();
      const topic = context.topic();
      await retain(connection, topic, "kept");
      for (let round = 0; round < 3; round++) {
        await using collected = await collect(connection, topic);
        assert(await isReplayed(collected), `round ${round + 1}`);
        assert.deepEqual(await replayed(collected, topic), ["kept"], `round ${round + 1}`);
      }
    },
  },
  {
    name: "Each of two collections side by side gets the replay",
    async run(context): Promise<void> {
      await using connection = await context.open();
      const topic = context.topic();
      await retain(connection, topic, "kept");
      await using first = await collect(connection, topic);
      await until(() => first.messages.length > 0);
      await using second = await collect(connection, topic);
      assert(await isReplayed(second), "the second");
      assert.deepEqual(await replayed(second, topic), ["kept"]);
      assert.deepEqual(first.texts().filter((text) => text === "kept"), ["kept"]);
    },
  },
  {
    name: "A retained message is replayed to a filter with `+`",
    async run(context): Promise<void> {
      await using connection = await context.open();
      const topic = context.topic();
      await retain(connection, `${topic}/a`, "kept");
      await using collected = await collect(connection, `${topic}/+`);
      if (!await isReplayed(collected)) throw new Deviation("noReplayToWildcards");
      const got = await replayed(collected, `${topic}/last`);
      assert.deepEqual(got, ["kept"]);
    },
  },
  {
    name: "Retained messages on `a` and `a/b` are replayed to `a/#`",
    async run(context): Promise<void> {
      await using connection = await context.open();
      const topic = context.topic();
      await retain(connection, topic, "at a");
      await retain(connection, `${topic}/b`, "at a/b");
      await using collected = await collect(connection, `${topic}/#`);
      if (!await isReplayed(collected)) throw new Deviation("noReplayToWildcards");
      const got = await replayed(collected, topic);
      if (got.join() === "at a/b") throw new Deviation("parentNotReplayed");
      assert.deepEqual(got.sort(), ["at a", "at a/b"]);
    },
  },
];
