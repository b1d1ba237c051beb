/**
 * The tool `mqtt_read`.
 *
 * @module
 */
import * as z from "zod/v4";
import { McpMqttError } from "../errors.ts";
import type { Message } from "../messages/message.ts";
import { fitMessage, jsonBytes } from "../messages/payload.ts";
import { compileWhere } from "../messages/where.ts";
import { defineTool } from "./define_tool.ts";
import { giveSeveral, PassedOver } from "./message_list.ts";
import { narrowingNote, shownNarrowing } from "./narrowing.ts";
import {
  fieldsSchema,
  includeRetainedSchema,
  messageShape,
  narrowingShape,
  timeoutSchema,
  whereSchema,
} from "./schemas.ts";
import { fieldsOf } from "./summary_list.ts";
import { bounded } from "../wait.ts";

/** Waits for one message. */
export const mqttRead = defineTool({
  name: "mqtt_read",
  title: "Read one MQTT message",
  description:
    "Gives one message of a topic: the retained one at once if there is one, else the next to arrive. No message in time is the error timeout. Several messages: mqtt_subscribe. In Sparkplug B /metrics/NAME is a metric's value.\n" +
    'Example: {"topic": "status/system"}, or the next low battery: {"topic": "zigbee/+", "where": {"path": "/battery", "op": "lt", "value": 20}, "timeout": 60}',
  effect: "observe",
  isIdempotent: true,
  input: (limits) =>
    z.strictObject({
      topic: z.string().describe("a topic name, or a filter with + and #"),
      timeout: timeoutSchema(limits, 5),
      include_retained: includeRetainedSchema,
      max_payload_bytes: z.int().min(1).max(limits.maxResultBytes).optional().describe(
        `a longer payload is cut; default ${limits.maxResultBytes}`,
      ),
      where: whereSchema,
      fields: fieldsSchema,
    }),
  output: z.object({ ...messageShape, ...z.object(narrowingShape).partial().shape }),
  async run(input, { access, signal }) {
    const timeoutMs = input.timeout * 1000;
    const isWanted = compileWhere(input.where);
    const fields = fieldsOf(input);
    const first = Promise.withResolvers<Message>();
    first.promise.catch(() => {});
    let isInterrupted = false;
    const passedOver = new PassedOver();
    await using collection = await access.collect([input.topic], {
      includeRetained: input.include_retained,
      // The message that is shown has the QoS that it was published with, unless it may be any of
      // more than brokers hold ready at that QoS.
      ...giveSeveral([input.topic]) && (input.where !== undefined || fields !== undefined)
        ? {}
        : { qos: 2 },
      resume: true,
      waitMs: timeoutMs,
      signal,
      onMessage: (message) => {
        if (isWanted(message) && fields?.isIn(message.payload) !== false) first.resolve(message);
        else passedOver.add(message);
      },
      onInterrupted: () => isInterrupted = true,
      onFailed: (error) => first.reject(error),
    });
    const message = await bounded(first.promise, {
      timeoutMs,
      signal,
      onTimeout: () => "timeout" as const,
    });
    if (message !== "timeout") {
      const { maxResultBytes } = access.grants.limits;
      const narrowing = shownNarrowing(collection, maxResultBytes);
      const maxBytes = maxResultBytes - jsonBytes(narrowing);
      return {
        ...fitMessage(message, {
          previewBytes: input.max_payload_bytes ?? maxBytes,
          maxBytes,
          fields,
        }),
        ...narrowing,
      };
    }
    throw new McpMqttError(
      "timeout",
      `no ${passedOver.count > 0 ? "message that meets the condition" : "message"} on ${
        JSON.stringify(input.topic)
      } within ${input.timeout} s${passedOver.inWords}${
        isInterrupted ? "; the connection to the broker was lost in between" : ""
      }`,
      {
        hint: `Take a longer timeout, or find topics that are alive with mqtt_topics.${
          narrowingNote(collection)
        }`,
        last: passedOver.last,
      },
    );
  },
});
