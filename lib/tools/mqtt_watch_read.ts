/**
 * The tool `mqtt_watch_read`.
 *
 * @module
 */
import * as z from "zod/v4";
import { McpMqttError } from "../errors.ts";
import type { Watch } from "../messages/watch.ts";
import { compileWhere } from "../messages/where.ts";
import { defineTool } from "./define_tool.ts";
import { giveSeveral, MessageList, TRUNCATED_HINT } from "./message_list.ts";
import {
  fieldsSchema,
  hintSchema,
  messageSchema,
  summaryEntrySchema,
  summarySchema,
  whereSchema,
} from "./schemas.ts";
import { asHint, fieldsOf, showSummary, summaryOf } from "./summary_list.ts";
import { Turns } from "../turns.ts";
import { matches, parseTopicFilter } from "../topics/topic_filter.ts";
import { bounded } from "../wait.ts";

/** Gives what a watch has collected. */
export const mqttWatchRead = defineTool({
  name: "mqtt_watch_read",
  title: "Read a watch",
  description:
    "Gives what a watch has collected, the oldest first, from where the last read ended, or after the number after (next of an earlier read; 0: from the beginning). If nothing is there it waits up to timeout for the first. remaining: so many more are held, call again. dropped: so many were lost since the last read: the buffer was full.\n" +
    'Example: {"watch_id": "w1", "timeout": 10, "where": {"path": "/on", "op": "eq", "value": true}}',
  effect: "observe",
  isIdempotent: false,
  input: (limits) =>
    z.strictObject({
      watch_id: z.string(),
      after: z.int().min(0).optional().describe("a seq; 0: all that is held"),
      timeout: z.number().min(0).max(limits.maxTimeoutMs / 1000).default(0).describe("seconds"),
      max_messages: z.int().min(1).max(limits.maxMessages).default(
        Math.min(100, limits.maxMessages),
      ).describe("with summary: topics"),
      topic: z.string().optional().describe("only this filter of what was collected"),
      where: whereSchema,
      fields: fieldsSchema,
      summary: summarySchema,
    }),
  output: z.object({
    messages: z.array(messageSchema.extend({ seq: z.int() })).optional(),
    topics: z.array(summaryEntrySchema).optional(),
    next: z.int().describe("where this read ended; for after"),
    remaining: z.int(),
    dropped: z.int(),
    interruptions: z.int().optional().describe(
      "connection losses, new or lasting",
    ),
    hint: hintSchema,
  }),
  async run(input, { watches, access, signal }) {
    const watch = watches.get(input.watch_id);
    access.wantFor(input.timeout * 1000);
    const after = input.after ?? watch.position;
    assertReached(watch, after);
    const isMet = compileWhere(input.where);
    const filter = input.topic === undefined ? undefined : parseTopicFilter(input.topic);
    const fields = fieldsOf(input);
    const withTopic = giveSeveral(input.topic === undefined ? watch.filters : [input.topic]);
    const deadline = performance.now() + input.timeout * 1000;
    const turns = new Turns();
    let lookedAt = 0;
    let next = after;
    while (true) {
      const { arrival } = watch;
      const list = new MessageList(input.max_messages, access.grants.limits, {
        withTopic,
        fields,
      });
      const summary = summaryOf(input);
      for (const { seq, message } of watch.held(lookedAt)) {
        if (turns.isOver) {
          watch.lookedAt(next);
          await turns.others();
          signal.throwIfAborted();
        }
        // Looked at even where it is before the start: `changed` compares with it.
        const isWanted = (filter === undefined || matches(filter, message.topic)) &&
          isMet(message) && fields?.isIn(message.payload) !== false;
        lookedAt = seq;
        if (seq <= after) continue;
        if (isWanted && summary !== undefined) summary.add(message);
        else if (isWanted && !list.add(message, seq)) break;
        next = seq;
        if (list.full !== undefined) break;
      }
      watch.lookedAt(next);
      const timeLeftMs = deadline - performance.now();
      const isThere = list.messages.length > 0 || (summary?.count ?? 0) > 0;
      if (isThere || timeLeftMs <= 0 || watch.failure !== undefined) {
        if (!isThere && watch.failure !== undefined) throw watch.failure;
        if (summary === undefined) {
          const messages = list.messages.map((one) => ({ ...one, seq: one.seq ?? 0 }));
          return { messages, ...finished(watch, next, list.isTruncated ? [TRUNCATED_HINT] : []) };
        }
        const { hints, dropped: _notLost, ...topics } = await showSummary(summary, {
          maxEntries: input.max_messages,
          maxBytes: list.bytesLeft,
        });
        return { ...topics, ...finished(watch, next, hints) };
      }
      await bounded(arrival, {
        timeoutMs: timeLeftMs,
        signal,
        onTimeout: () => "timeout" as const,
      });
    }
  },
});

/** A number that was never given out would make later reads skip messages. */
function assertReached({ received }: Watch, after: number): void {
  if (after <= received) return;
  throw new McpMqttError(
    "invalid_argument",
    `after must be at most ${received}, the number of the last message so far, got ${after}`,
    { hint: "Give the next of an earlier read, or leave it out." },
  );
}

/** Ends the read at number `next`. */
function finished(
  watch: Watch,
  next: number,
  hints: readonly string[],
): { next: number; remaining: number; dropped: number; interruptions?: number; hint?: string } {
  const interruptions = watch.takeInterruptions();
  const remaining = watch.heldAfter(next);
  return {
    next,
    remaining,
    dropped: watch.endRead(next),
    ...(interruptions > 0 ? { interruptions } : {}),
    ...asHint([
      ...(remaining > 0 ? [`mqtt_watch_read with after ${next} gives the rest`] : []),
      ...hints,
    ]),
  };
}
