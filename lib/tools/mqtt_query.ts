/**
 * The tool `mqtt_query`.
 *
 * @module
 */
import * as z from "zod/v4";
import { McpMqttError } from "../errors.ts";
import type { Message } from "../messages/message.ts";
import type { Publication } from "../mqtt/link/link.ts";
import { defineTool } from "./define_tool.ts";
import { MessageList } from "./message_list.ts";
import { narrowingNote, shownNarrowing } from "./narrowing.ts";
import { payloadBytes } from "./payload_argument.ts";
import {
  encodingSchema,
  messageSchema,
  narrowingShape,
  payloadSchema,
  qosSchema,
  timeoutSchema,
} from "./schemas.ts";
import { bounded, secondsSince } from "../wait.ts";

/** Bytes of random correlation data. */
const CORRELATION_BYTES = 16;

/** Sends a request and waits for the response. */
export const mqttQuery = defineTool({
  name: "mqtt_query",
  title: "Ask a device over MQTT",
  description:
    "Subscribes to the response topic, publishes the request and gives what answers; a retained message is never an answer. On MQTT 5 it sends Response Topic and Correlation Data. No answer in time is the error timeout: the request may still have been carried out.\n" +
    'Example: {"request_topic": "commands/kitchen/request", "response_topic": "commands/kitchen/response", "payload": "get_status"}',
  effect: "write",
  isIdempotent: false,
  input: (limits) =>
    z.strictObject({
      request_topic: z.string().describe("a topic name, without wildcards"),
      response_topic: z.string().describe("a topic name, or a filter with + and #"),
      payload: payloadSchema,
      timeout: timeoutSchema(limits, 5),
      qos: qosSchema(1),
      encoding: encodingSchema,
      max_responses: z.int().min(1).max(limits.maxMessages).default(1),
    }),
  output: z.object({
    request_topic: z.string(),
    response_topic: z.string(),
    responses: z.array(messageSchema),
    elapsed: z.number(),
    ...z.object(narrowingShape).partial().shape,
    dropped: z.int().optional(),
  }),
  async run(input, { access, signal }) {
    const timeoutMs = input.timeout * 1000;
    const correlation = crypto.getRandomValues(new Uint8Array(CORRELATION_BYTES)).toHex();
    const request = {
      topic: input.request_topic,
      ...payloadBytes(input.payload, input.encoding),
      qos: input.qos,
      retain: false,
    };
    // What is not granted is refused before anything is subscribed.
    access.assertWritable(request);
    const list = new MessageList(input.max_responses, access.grants.limits);
    const over = Promise.withResolvers<void>();
    over.promise.catch(() => {});
    let isInterrupted = false;
    let isSent = false;
    await using collection = await access.collect([input.response_topic], {
      includeRetained: false,
      resume: true,
      waitMs: timeoutMs,
      signal,
      onMessage: (message) => {
        if (!isSent || !isAnswer(message, request, correlation)) return;
        list.add(message);
        if (list.full !== undefined) over.resolve();
      },
      onInterrupted: () => isInterrupted = true,
      onFailed: (error) => over.reject(withOutcome(error, isSent)),
    });
    const narrowing = list.withRoomFor((maxBytes) => shownNarrowing(collection, maxBytes));
    const isMqtt5 = access.status.protocolVersion === "5";
    const start = performance.now();
    const answered = new AbortController();
    try {
      const published = access.publish(
        isMqtt5 ? withCorrelation(request, input.response_topic, correlation) : request,
        {
          waitMs: timeoutMs,
          signal: AbortSignal.any([signal, answered.signal]),
          onSent: () => isSent = true,
        },
      );
      // The answer may come before the acknowledgement, and a failed request ends the wait.
      published.catch((error) => over.reject(error));
      await bounded(over.promise, { timeoutMs, signal, onTimeout: () => {} });
    } finally {
      // What was not sent by now is never sent.
      answered.abort();
    }
    if (list.messages.length > 0) {
      return {
        request_topic: input.request_topic,
        response_topic: input.response_topic,
        responses: list.messages,
        elapsed: secondsSince(start),
        ...narrowing,
        ...(list.dropped > 0 ? { dropped: list.dropped } : {}),
      };
    }
    if (!isSent) throw notSentInTime(input.timeout);
    throw new McpMqttError(
      "timeout",
      `no answer on ${JSON.stringify(input.response_topic)} within ${input.timeout} s${
        isInterrupted ? "; the connection to the broker was lost in between" : ""
      }`,
      {
        outcome: "unknown",
        hint:
          `The request was sent and may have been carried out. Is the device alive, and is this the topic it answers on?${
            narrowingNote(collection)
          }`,
      },
    );
  },
});

function notSentInTime(timeout: number): McpMqttError {
  return new McpMqttError(
    "timeout",
    `the request could not be sent within ${timeout} s: earlier messages wait for the broker`,
    { outcome: "not_sent", hint: "It will not be sent. Try again with a longer timeout." },
  );
}

/** The same error, with what became of the request. */
function withOutcome({ code, message, hint }: McpMqttError, isSent: boolean): McpMqttError {
  return new McpMqttError(code, message, { hint, outcome: isSent ? "unknown" : "not_sent" });
}

/** Response Topic and Correlation Data, MQTT 5.0 §4.10. A filter cannot be a Response Topic. */
function withCorrelation(
  request: Publication,
  responseTopic: string,
  correlation: string,
): Publication {
  return {
    ...request,
    properties: {
      correlationData: new TextEncoder().encode(correlation),
      ...(/[+#]/.test(responseTopic) ? {} : { responseTopic }),
    },
  };
}

/**
 * Whether a message answers the request: not the request itself, and not one with the correlation
 * data of another.
 */
function isAnswer(message: Message, request: Publication, correlation: string): boolean {
  const { correlationData } = message.properties ?? {};
  if (correlationData !== undefined && !isText(correlationData, correlation)) return false;
  return message.topic !== request.topic || !isSame(message.payload, request.payload);
}

/** Whether binary data is a text; what a parser made of data that was sent twice is none. */
function isText(data: unknown, text: string): boolean {
  return data instanceof Uint8Array && new TextDecoder().decode(data) === text;
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
