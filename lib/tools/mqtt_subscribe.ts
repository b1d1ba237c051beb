/**
 * The tool `mqtt_subscribe`.
 *
 * @module
 */
import * as z from "zod/v4";
import { McpMqttError } from "../errors.ts";
import { compileWhere } from "../messages/where.ts";
import { defineTool } from "./define_tool.ts";
import { MessageList, TRUNCATED_HINT } from "./message_list.ts";
import { shownFilters } from "./narrowing.ts";
import {
  hintSchema,
  includeRetainedSchema,
  messageSchema,
  narrowingShape,
  timeoutSchema,
  topicsSchema,
  whereSchema,
} from "./schemas.ts";
import { bounded, secondsSince } from "../wait.ts";

type Ended = "max_messages" | "timeout" | "result_size" | "disconnected";

/** Collects messages for a time. */
export const mqttSubscribe = defineTool({
  name: "mqtt_subscribe",
  title: "Collect MQTT messages",
  description:
    "Collects the messages of one or more topic filters until max_messages are there or the timeout is over; silence does not end it, and count 0 is an answer. For one value use mqtt_read; to act while collecting use mqtt_watch.\n" +
    'Example: {"topic": "sensors/+/temperature", "timeout": 10, "max_messages": 20}',
  effect: "observe",
  isIdempotent: true,
  input: (limits) =>
    z.strictObject({
      topic: topicsSchema,
      timeout: timeoutSchema(limits, 30),
      max_messages: z.int().min(1).max(limits.maxMessages).default(
        Math.min(10, limits.maxMessages),
      ),
      include_retained: includeRetainedSchema,
      where: whereSchema,
    }),
  output: z.object({
    topic: z.union([z.string(), z.array(z.string())]),
    ...narrowingShape,
    messages: z.array(messageSchema),
    count: z.int(),
    ended: z.enum(["max_messages", "timeout", "result_size", "disconnected"]),
    elapsed: z.number(),
    dropped: z.int().describe("found no room in the result"),
    hint: hintSchema,
  }),
  async run(input, { access, signal }) {
    const topics = [input.topic].flat();
    const timeoutMs = input.timeout * 1000;
    const isWanted = compileWhere(input.where);
    const list = new MessageList(input.max_messages, access.grants.limits);
    const over = Promise.withResolvers<Ended>();
    over.promise.catch(() => {});
    await using collection = await access.collect(topics, {
      includeRetained: input.include_retained,
      resume: false,
      waitMs: timeoutMs,
      signal,
      onMessage: (message) => {
        if (!isWanted(message)) return;
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
    const ended = await bounded(over.promise, {
      timeoutMs,
      signal,
      onTimeout: () => "timeout" as const,
    });
    return {
      topic: input.topic,
      ...filters,
      narrowed: collection.narrowed,
      messages: list.messages,
      count: list.messages.length,
      ended,
      elapsed: secondsSince(start),
      dropped: list.dropped,
      ...hintOf(list),
    };
  },
});

function hintOf(list: MessageList): { hint?: string } {
  const hints = [
    ...(list.full === "result_size"
      ? ["the result is full: collect with mqtt_watch and read in parts with mqtt_watch_read"]
      : []),
    ...(list.isTruncated ? [TRUNCATED_HINT] : []),
  ];
  return hints.length > 0 ? { hint: hints.join("; ") } : {};
}
