/**
 * The tool `mqtt_query`.
 *
 * @module
 */
import * as z from "zod/v4";
import { McpMqttError } from "../errors.ts";
import type { Message } from "../messages/message.ts";
import { showPayload } from "../messages/payload.ts";
import { compileWhere } from "../messages/where.ts";
import type { Publication } from "../mqtt/link/link.ts";
import { defineTool } from "./define_tool.ts";
import { giveSeveral, MessageList, PassedOver } from "./message_list.ts";
import { narrowingNote, shownNarrowing } from "./narrowing.ts";
import { payloadBytes } from "./payload_argument.ts";
import {
  encodingSchema,
  messageSchema,
  narrowingShape,
  payloadSchema,
  qosSchema,
  timeoutSchema,
  whereSchema,
} from "./schemas.ts";
import { bounded, secondsSince } from "../wait.ts";

/** Bytes of random correlation data. */
const CORRELATION_BYTES = 16;

/** How much is shown of what was retained before, in bytes. */
const BEFORE_BYTES = 128;

/** Sends a request and waits for the response. */
export const mqttQuery = defineTool({
  name: "mqtt_query",
  title: "Ask a device over MQTT",
  description:
    "Sends a request and gives what answers. Without response_topic a topic of its own is made, which a device of MQTT 5 answers on. To command a device and see that it obeyed, give its state topic as response_topic and in where what it must say then: before is what was retained there until then, so that an effect can be told from what was so already. A retained message is never an answer. No answer in time is the error timeout, with what came instead as last: the request may still have been carried out.\n" +
    'Example: {"request_topic": "zigbee/lamp/set", "payload": "{\\"state\\":\\"ON\\"}", "response_topic": "zigbee/lamp", "where": {"path": "/state", "op": "eq", "value": "ON"}}',
  effect: "write",
  isIdempotent: false,
  input: (limits) =>
    z.strictObject({
      request_topic: z.string().describe("a topic name, without wildcards"),
      response_topic: z.string().optional().describe(
        "a topic name, or a filter with + and #",
      ),
      payload: payloadSchema,
      timeout: timeoutSchema(limits, 5),
      qos: qosSchema(1),
      encoding: encodingSchema,
      max_responses: z.int().min(1).max(limits.maxMessages).default(1),
      where: whereSchema,
    }),
  output: z.object({
    request_topic: z.string(),
    response_topic: z.string(),
    responses: z.array(messageSchema),
    elapsed: z.number(),
    ...z.object(narrowingShape).partial().shape,
    dropped: z.int().optional(),
  }),
  async run(input, { access, signal, confirmed }) {
    const timeoutMs = input.timeout * 1000;
    const correlation = crypto.getRandomValues(new Uint8Array(CORRELATION_BYTES)).toHex();
    const request = {
      topic: input.request_topic,
      ...payloadBytes(input.payload, {
        encoding: input.encoding,
        births: access.sparkplug.of(input.request_topic),
      }),
      qos: input.qos,
      retain: false,
    };
    // What is not granted is refused before anything is subscribed.
    access.assertWritable(request, confirmed);
    const asked = input.response_topic;
    const isOneTopic = asked === undefined || !giveSeveral([asked]);
    const isWanted = compileWhere(input.where);
    const list = new MessageList(input.max_responses, access.grants.limits, {
      withTopic: !isOneTopic,
    });
    const over = Promise.withResolvers<void>();
    over.promise.catch(() => {});
    const passedOver = new PassedOver();
    let before: Message | undefined;
    let isInterrupted = false;
    let isSent = false;
    const options = {
      includeRetained: asked !== undefined && isOneTopic,
      resume: true,
      waitMs: timeoutMs,
      signal,
      onMessage: (message: Message) => {
        if (message.retain) {
          if (!isSent) before = message;
        } else if (isSent && isAnswer(message, request, correlation)) {
          if (!isWanted(message)) return passedOver.add(message);
          list.add(message);
          if (list.full !== undefined) over.resolve();
        }
      },
      onInterrupted: () => isInterrupted = true,
      onFailed: (error: McpMqttError) => over.reject(withOutcome(error, isSent)),
    };
    await using collection = asked === undefined
      ? await access.collectAnswers(options)
      : { topic: asked, ...await access.collect([asked], options) };
    const { topic } = collection;
    const narrowing = list.withRoomFor((maxBytes) => shownNarrowing(collection, maxBytes));
    const isMqtt5 = access.status.protocolVersion === "5";
    const start = performance.now();
    const answered = new AbortController();
    try {
      if (asked !== undefined && isOneTopic) {
        // If the connection is lost meanwhile, nobody knows what was retained.
        const delivered = collection.retainedDelivered().catch(() => {});
        const onTimeout = (): never => {
          throw notSentInTime(input.timeout);
        };
        await bounded(delivered, { timeoutMs, signal, onTimeout });
      }
      const published = access.publish(
        isMqtt5 ? withCorrelation(request, topic, correlation) : request,
        {
          waitMs: timeoutMs,
          signal: AbortSignal.any([signal, answered.signal]),
          confirmed,
          onSent: () => isSent = true,
        },
      );
      // The answer may come before the acknowledgement, and a failed request ends the wait.
      published.catch((error) => over.reject(error));
      const leftMs = Math.max(0, timeoutMs - (performance.now() - start));
      await bounded(over.promise, { timeoutMs: leftMs, signal, onTimeout: () => {} });
    } finally {
      // What was not sent by now is never sent.
      answered.abort();
    }
    if (list.messages.length > 0) {
      return {
        request_topic: input.request_topic,
        response_topic: topic,
        ...(before === undefined ? {} : { before: showBefore(before) }),
        responses: list.messages,
        elapsed: secondsSince(start),
        ...narrowing,
        ...(list.dropped > 0 ? { dropped: list.dropped } : {}),
      };
    }
    if (!isSent) throw notSentInTime(input.timeout);
    throw new McpMqttError(
      "timeout",
      `no ${passedOver.count > 0 ? "answer that meets the condition" : "answer"} on ${
        JSON.stringify(topic)
      } within ${input.timeout} s${passedOver.inWords}${
        isInterrupted ? "; the connection to the broker was lost in between" : ""
      }`,
      {
        outcome: "unknown",
        hint:
          `The request was sent and may have been carried out. Is the device alive, and is this the topic it answers on?${
            narrowingNote(collection)
          }`,
        last: passedOver.last,
      },
    );
  },
});

/** The payload that was retained before, or its beginning. */
function showBefore({ payload }: Message): unknown {
  return showPayload(payload, BEFORE_BYTES).payload;
}

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
