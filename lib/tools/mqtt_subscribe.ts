/**
 * The tool `mqtt_subscribe`.
 *
 * @module
 */
import * as z from "zod/v4";
import { McpMqttError } from "../errors.ts";
import { compileWhere } from "../messages/where.ts";
import { defineTool } from "./define_tool.ts";
import { giveSeveral, MessageList, TRUNCATED_HINT } from "./message_list.ts";
import { shownFilters } from "./narrowing.ts";
import {
  excludeSchema,
  fieldsSchema,
  hintSchema,
  includeRetainedSchema,
  messageSchema,
  narrowingShape,
  retainedOnlySchema,
  summaryEntrySchema,
  summarySchema,
  timeoutSchema,
  topicsSchema,
  whereSchema,
} from "./schemas.ts";
import { asHint, fieldsOf, showSummary, summaryOf } from "./summary_list.ts";
import { bounded, secondsSince } from "../wait.ts";

/** How many messages are collected if the call does not say. */
const DEFAULT_MESSAGES = 10;
const ENDED = ["max_messages", "timeout", "result_size", "disconnected", "retained"] as const;

/** Collects messages for a time. */
export const mqttSubscribe = defineTool({
  name: "mqtt_subscribe",
  title: "Collect MQTT messages",
  description:
    "Collects the messages of topic filters until max_messages are there, or else for the whole timeout: silence does not end it, and count 0 is an answer. retained_only: only what the broker keeps, at once. To learn min, max, mean or count take summary, which looks at all that comes until the timeout. One value: mqtt_read. To act meanwhile: mqtt_watch.\n" +
    'Example: {"topic": "sensors/+/temperature", "timeout": 10, "summary": true}',
  effect: "observe",
  isIdempotent: true,
  input: (limits) =>
    z.strictObject({
      topic: topicsSchema,
      timeout: timeoutSchema(limits, 30),
      max_messages: z.int().min(1).max(limits.maxMessages).optional().describe(
        "default 10; with summary 100 topics",
      ),
      include_retained: includeRetainedSchema,
      retained_only: retainedOnlySchema,
      exclude: excludeSchema,
      where: whereSchema,
      fields: fieldsSchema,
      summary: summarySchema,
    }),
  output: z.object({
    topic: z.union([z.string(), z.array(z.string())]),
    ...narrowingShape,
    messages: z.array(messageSchema).optional(),
    topics: z.array(summaryEntrySchema).optional(),
    count: z.int(),
    ended: z.enum(ENDED),
    elapsed: z.number(),
    dropped: z.int().describe("found no room in the result"),
    hint: hintSchema,
  }),
  async run(input, { access, signal }) {
    const topics = [input.topic].flat();
    const timeoutMs = input.timeout * 1000;
    const { limits } = access.grants;
    const isWanted = compileWhere(input.where);
    const summary = summaryOf(input);
    const fields = fieldsOf(input);
    const list = new MessageList(
      input.max_messages ?? Math.min(DEFAULT_MESSAGES, limits.maxMessages),
      limits,
      { withTopic: giveSeveral(topics), fields },
    );
    const over = Promise.withResolvers<typeof ENDED[number]>();
    over.promise.catch(() => {});
    await using collection = await access.collect(topics, {
      includeRetained: input.include_retained || input.retained_only,
      exclude: [input.exclude ?? []].flat(),
      resume: false,
      waitMs: timeoutMs,
      signal,
      onMessage: (message) => {
        if (input.retained_only && !message.retain || !isWanted(message)) return;
        if (fields?.isIn(message.payload) === false) return;
        if (summary !== undefined) return summary.add(message);
        list.add(message);
        if (list.full !== undefined) over.resolve(list.full);
      },
      onInterrupted: () => over.resolve("disconnected"),
      onFailed: (error: McpMqttError) => over.reject(error),
    });
    const filters = list.withRoomFor((maxBytes) =>
      shownFilters(collection.filters.map(({ text }) => text), maxBytes)
    );
    const start = performance.now();
    if (input.retained_only) {
      // If a connection is lost meanwhile, that is told as such.
      collection.retainedDelivered().then(() => over.resolve("retained"), () => {});
    }
    const ended = await bounded(over.promise, {
      timeoutMs,
      signal,
      onTimeout: () => "timeout" as const,
    });
    const elapsed = secondsSince(start);
    const about = { topic: input.topic, ...filters, narrowed: collection.narrowed };
    if (summary === undefined) {
      const { messages, dropped } = list;
      return {
        ...about,
        messages,
        count: messages.length,
        ended,
        elapsed,
        dropped,
        ...hintOf(list),
      };
    }
    const { hints, ...shown } = await showSummary(summary, {
      maxEntries: input.max_messages,
      maxBytes: list.bytesLeft,
    });
    const count = summary.count + summary.passedOver;
    return { ...about, ...shown, count, ended, elapsed, ...asHint(hints) };
  },
});

function hintOf(list: MessageList): { hint?: string } {
  return asHint([
    ...(list.full === "result_size"
      ? [
        "the result is full: collect with mqtt_watch and read in parts with mqtt_watch_read, or take fields or summary",
      ]
      : []),
    ...(list.isTruncated ? [TRUNCATED_HINT] : []),
  ]);
}
