/**
 * The tool `mqtt_publish`.
 *
 * @module
 */
import * as z from "zod/v4";
import { McpMqttError } from "../errors.ts";
import type { MessageProperties } from "../mqtt/message.ts";
import { PUBLISH_TIMEOUT_MS } from "../mqtt/connection.ts";
import { defineTool } from "./define_tool.ts";
import { payloadBytes } from "./payload_argument.ts";
import { encodingSchema, payloadSchema, qosSchema } from "./schemas.ts";

const correlationDataSchema = z.union([z.string(), z.strictObject({ base64: z.string() })], {
  error: 'must be a string or { "base64": "…" }',
});

/** Publishes one message. */
export const mqttPublish = defineTool({
  name: "mqtt_publish",
  title: "Publish an MQTT message",
  description:
    "Sends one message to a topic, for example to switch an actuator. outcome acknowledged means the broker took it (qos 1 or 2), sent that it left this machine (qos 0); neither proves that a device acted: read its state topic for that. To ask a device and get its answer use mqtt_query.\n" +
    'Example: {"topic": "actuators/lights/kitchen/on", "payload": "1", "qos": 1}',
  effect: "write",
  isIdempotent: false,
  input: () =>
    z.strictObject({
      topic: z.string().describe("a topic name, without wildcards"),
      payload: payloadSchema,
      qos: qosSchema(0),
      retain: z.boolean().default(false).describe(
        "the broker keeps it for later subscribers; needs a grant of its own",
      ),
      encoding: encodingSchema,
      content_type: z.string().optional().describe("MQTT 5"),
      response_topic: z.string().optional().describe("MQTT 5"),
      correlation_data: correlationDataSchema.optional().describe("MQTT 5"),
      user_properties: z.record(z.string(), z.union([z.string(), z.array(z.string())]))
        .optional().describe("MQTT 5"),
      message_expiry_interval: z.int().min(0).max(0xFFFF_FFFF).optional().describe(
        "MQTT 5, seconds",
      ),
    }),
  output: z.object({
    topic: z.string(),
    qos: z.int(),
    retain: z.boolean(),
    size: z.int().describe("payload bytes"),
    outcome: z.enum(["sent", "acknowledged"]),
    no_subscribers: z.literal(true).optional().describe("the broker knows of no subscriber"),
  }),
  async run(input, { broker, signal }) {
    const { topic, qos, retain } = input;
    const { payload, isText } = payloadBytes(input.payload, input.encoding);
    const properties = propertiesOf(input);
    const { noSubscribers } = await broker.publish({
      topic,
      payload,
      isText,
      qos,
      retain,
      ...(properties === undefined ? {} : { properties }),
    }, { waitMs: PUBLISH_TIMEOUT_MS, signal });
    return {
      topic,
      qos,
      retain,
      size: payload.length,
      outcome: qos === 0 ? "sent" as const : "acknowledged" as const,
      ...(noSubscribers ? { no_subscribers: true as const } : {}),
    };
  },
});

interface PropertyArguments {
  readonly content_type?: string | undefined;
  readonly response_topic?: string | undefined;
  readonly correlation_data?: string | { readonly base64: string } | undefined;
  readonly user_properties?: Record<string, string | string[]> | undefined;
  readonly message_expiry_interval?: number | undefined;
}

function propertiesOf(args: PropertyArguments): MessageProperties | undefined {
  const { content_type, response_topic, correlation_data, user_properties } = args;
  const texts = { content_type, response_topic };
  for (const [name, text] of Object.entries(texts)) assertText(name, text);
  for (const [name, values] of Object.entries(user_properties ?? {})) {
    for (const text of [name, values].flat()) assertText("user_properties", text);
  }
  const properties: MessageProperties = {
    ...(content_type === undefined ? {} : { contentType: content_type }),
    ...(response_topic === undefined ? {} : { responseTopic: response_topic }),
    ...(correlation_data === undefined
      ? {}
      : { correlationData: correlationBytes(correlation_data) }),
    ...(user_properties === undefined ? {} : { userProperties: user_properties }),
    ...(args.message_expiry_interval === undefined
      ? {}
      : { messageExpiryInterval: args.message_expiry_interval }),
  };
  return Object.keys(properties).length === 0 ? undefined : properties;
}

function correlationBytes(data: string | { readonly base64: string }): Uint8Array {
  return typeof data === "string"
    ? payloadBytes(data, "text").payload
    : payloadBytes(data.base64, "base64").payload;
}

/** A UTF-8 Encoded String of MQTT, §1.5.4. */
function assertText(name: string, text: string | undefined): void {
  if (text === undefined) return;
  const bytes = new TextEncoder().encode(text).length;
  if (text.isWellFormed() && !text.includes("\0") && bytes <= 65_535) return;
  throw new McpMqttError(
    "invalid_argument",
    `${name} must be text of at most 65535 bytes in UTF-8, without U+0000 and lone surrogates`,
    { outcome: "not_sent" },
  );
}
