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
import { type ListedMessage, MessageList, TRUNCATED_HINT } from "./message_list.ts";
import { hintSchema, messageSchema, whereSchema } from "./schemas.ts";
import { Turns } from "./turns.ts";
import { bounded } from "../wait.ts";

/** Gives what a watch has collected. */
export const mqttWatchRead = defineTool({
  name: "mqtt_watch_read",
  title: "Read a watch",
  description:
    "Gives the messages that a watch has collected, the oldest first, from where the last read ended, or after number after. With a timeout it waits that long for the first. remaining: more are held, call again. dropped: so many were lost since the last read, because the buffer was full.\n" +
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
      ),
      where: whereSchema,
    }),
  output: z.object({
    messages: z.array(messageSchema.extend({ seq: z.int() })),
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
    const isWanted = compileWhere(input.where);
    const deadline = performance.now() + input.timeout * 1000;
    const turns = new Turns();
    let lookedAt = 0;
    let next = after;
    while (true) {
      const { arrival } = watch;
      const list = new MessageList(input.max_messages, access.grants.limits);
      for (const { seq, message } of watch.held(lookedAt)) {
        if (turns.isOver) {
          watch.lookedAt(next);
          await turns.others();
          signal.throwIfAborted();
        }
        // Looked at even where it is before the start: `changed` compares with it.
        const wanted = isWanted(message);
        lookedAt = seq;
        if (seq <= after) continue;
        if (wanted && !list.add(message, seq)) break;
        next = seq;
        if (list.full !== undefined) break;
      }
      watch.lookedAt(next);
      const timeLeftMs = deadline - performance.now();
      if (list.messages.length > 0 || timeLeftMs <= 0 || watch.failure !== undefined) {
        if (list.messages.length === 0 && watch.failure !== undefined) throw watch.failure;
        return finished(watch, list, next);
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

function finished(watch: Watch, list: MessageList, next: number): {
  messages: Array<ListedMessage & { seq: number }>;
  next: number;
  remaining: number;
  dropped: number;
  interruptions?: number;
  hint?: string;
} {
  const interruptions = watch.takeInterruptions();
  const remaining = watch.heldAfter(next);
  const hints = [
    ...(remaining > 0 ? [`mqtt_watch_read with after ${next} gives the rest`] : []),
    ...(list.isTruncated ? [TRUNCATED_HINT] : []),
  ];
  return {
    messages: list.messages.map((message) => ({ ...message, seq: message.seq ?? 0 })),
    next,
    remaining,
    dropped: watch.endRead(next),
    ...(interruptions > 0 ? { interruptions } : {}),
    ...(hints.length > 0 ? { hint: hints.join("; ") } : {}),
  };
}
