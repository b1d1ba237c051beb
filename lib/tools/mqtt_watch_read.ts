/**
 * The tool `mqtt_watch_read`.
 *
 * @module
 */
import * as z from "zod/v4";
import type { Limits } from "../config/config.ts";
import type { Message } from "../mqtt/message.ts";
import type { ShownMessage } from "../mqtt/payload.ts";
import type { Watch } from "../mqtt/watch.ts";
import { compileWhere } from "../mqtt/where.ts";
import { defineTool } from "./define_tool.ts";
import { MessageList } from "./message_list.ts";
import { messageShape, whereSchema } from "./schemas.ts";
import { eventOrTimeout } from "../wait.ts";

/** Gives what a watch has collected. */
export const mqttWatchRead = defineTool({
  name: "mqtt_watch_read",
  title: "Read a watch",
  description:
    "Gives the messages that a watch has collected, the oldest first, from where the last read ended, or after the number given in after. With a timeout it waits that long for the first message. remaining > 0: call again with after = next. dropped > 0: so many were lost because the buffer was full.\n" +
    'Example: {"watch_id": "w1", "timeout": 10, "where": {"path": "/on", "op": "eq", "value": true}}',
  effect: "observe",
  isIdempotent: false,
  input: (limits) =>
    z.strictObject({
      watch_id: z.string(),
      after: z.int().min(0).optional().describe("a sequence number; 0 for all that is held"),
      timeout: z.number().min(0).max(limits.maxTimeoutMs / 1000).default(0).describe("seconds"),
      max_messages: z.int().min(1).max(limits.maxMessages).default(
        Math.min(100, limits.maxMessages),
      ),
      where: whereSchema,
    }),
  output: z.object({
    messages: z.array(z.object({ seq: z.int(), ...messageShape })),
    next: z.int().describe("give it as after to go on from here"),
    remaining: z.int().describe("messages held that have not been looked at"),
    dropped: z.int().describe("messages lost since the last read"),
    interruptions: z.int().optional().describe(
      "how often the connection was lost since the last read; messages may be missing",
    ),
  }),
  async run(input, { watches, broker, signal }) {
    const watch = watches.get(input.watch_id);
    const after = input.after ?? watch.position;
    const deadline = performance.now() + input.timeout * 1000;
    const dropped = watch.lostAfter(after);
    let from = after;
    while (true) {
      const arrival = watch.arrival;
      const batch = take(watch, from, { ...input, limits: broker.grants.limits, base: after });
      const timeLeftMs = deadline - performance.now();
      if (batch.messages.length > 0 || timeLeftMs <= 0 || watch.failure !== undefined) {
        if (batch.messages.length === 0 && watch.failure !== undefined) throw watch.failure;
        return finished(watch, batch, dropped);
      }
      from = batch.next;
      await eventOrTimeout(arrival, timeLeftMs, signal);
    }
  },
});

interface TakeOptions {
  readonly max_messages: number;
  readonly where?: Parameters<typeof compileWhere>[0] | undefined;
  readonly limits: Limits;
  /** The number after which the read began. */
  readonly base: number;
}

interface Batch {
  readonly messages: Array<ShownMessage & { seq: number }>;
  readonly next: number;
}

/** What is held after number `from` and meets the condition. */
function take(watch: Watch, from: number, options: TakeOptions): Batch {
  const isWanted: (message: Message) => boolean = compileWhere(options.where);
  const list = new MessageList(options.max_messages, options.limits);
  const numbers: number[] = [];
  let next = from;
  for (const { seq, message } of watch.held()) {
    // Looked at even before the start: `changed` compares with them.
    const wanted = isWanted(message);
    if (seq <= from) continue;
    if (list.full !== undefined) break;
    if (wanted) {
      if (!list.add(message)) break;
      numbers.push(seq);
    }
    next = seq;
  }
  const messages = list.messages.map((message, i) => ({ seq: numbers[i] ?? 0, ...message }));
  return { messages, next };
}

function finished(watch: Watch, { messages, next }: Batch, dropped: number): {
  messages: Array<ShownMessage & { seq: number }>;
  next: number;
  remaining: number;
  dropped: number;
  interruptions?: number;
} {
  watch.position = Math.max(watch.position, next);
  const { interruptions } = watch;
  watch.interruptions = 0;
  return {
    messages,
    next,
    remaining: watch.heldAfter(next),
    dropped,
    ...(interruptions > 0 ? { interruptions } : {}),
  };
}
