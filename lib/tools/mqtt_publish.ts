/**
 * The tool `mqtt_publish`.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import * as z from "zod/v4";
import { McpMqttError } from "../errors.ts";
import { given } from "../messages/json.ts";
import type { MessageProperties } from "../messages/message.ts";
import { PUBLISH_TIMEOUT_MS } from "../mqtt/connection.ts";
import { parseTopicName } from "../topics/topic_name.ts";
import { defineTool } from "./define_tool.ts";
import { payloadBytes } from "./payload_argument.ts";
import { encodingSchema, payloadSchema, qosSchema } from "./schemas.ts";
import { type UserProperties, userPropertiesSchema } from "./user_properties.ts";

/** The longest text or binary data in a property, MQTT 5.0 §1.5.4 and §1.5.6. */
const MAX_FIELD_BYTES = 65_535;

const correlationDataSchema = z.union([z.string(), z.strictObject({ base64: z.string() })], {
  error: 'must be a string or { "base64": "…" }',
});

/** Publishes one message. */
export const mqttPublish = defineTool({
  name: "mqtt_publish",
  title: "Publish an MQTT message",
  description:
    "Sends one message. outcome acknowledged: the broker took it (qos 1 or 2); sent: the broker has read it (qos 0); neither proves that a device acted. To ask a device and get its answer use mqtt_query.\n" +
    'Example: {"topic": "actuators/lights/kitchen/on", "payload": "1", "qos": 1}',
  effect: "write",
  isIdempotent: false,
  input: () =>
    z.strictObject({
      topic: z.string().describe("a topic name, without wildcards"),
      payload: payloadSchema,
      qos: qosSchema(0),
      retain: z.boolean().default(false).describe(
        "the broker keeps it for later subscribers; needs its own grant",
      ),
      encoding: encodingSchema,
      content_type: z.string().optional().describe("MQTT 5"),
      response_topic: z.string().optional().describe("MQTT 5"),
      correlation_data: correlationDataSchema.optional().describe("MQTT 5"),
      user_properties: userPropertiesSchema.optional(),
      message_expiry_interval: z.int().min(0).max(0xFFFF_FFFF).optional().describe(
        "MQTT 5, seconds",
      ),
    }),
  output: z.object({
    topic: z.string(),
    qos: z.int(),
    retain: z.boolean(),
    size: z.int(),
    outcome: z.enum(["sent", "acknowledged"]),
    no_subscribers: z.literal(true).optional(),
  }),
  async run(input, { access, signal, confirmed }) {
    const { topic, qos, retain } = input;
    const { payload, isText } = payloadBytes(input.payload, {
      encoding: input.encoding,
      births: access.sparkplug.of(topic),
    });
    const properties = propertiesOf(input);
    const { noSubscribers } = await access.publish({
      topic,
      payload,
      isText,
      qos,
      retain,
      ...(properties === undefined ? {} : { properties }),
    }, { waitMs: PUBLISH_TIMEOUT_MS, signal, confirmed });
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
  readonly user_properties?: UserProperties | undefined;
  readonly message_expiry_interval?: number | undefined;
}

function propertiesOf(args: PropertyArguments): MessageProperties | undefined {
  const { content_type, response_topic, correlation_data, user_properties } = args;
  assertText("content_type", content_type);
  // [MQTT-3.3.2-14]: a broker closes the connection over wildcards.
  if (response_topic !== undefined) parseTopicName(response_topic);
  for (const [name, values] of Object.entries(user_properties ?? {})) {
    for (const text of [name, values].flat()) assertText("user_properties", text);
  }
  const properties: MessageProperties = given({
    contentType: content_type,
    responseTopic: response_topic,
    correlationData: correlation_data === undefined
      ? undefined
      : correlationBytes(correlation_data),
    userProperties: user_properties,
    messageExpiryInterval: args.message_expiry_interval,
  });
  return Object.keys(properties).length === 0 ? undefined : properties;
}

/** Binary Data of MQTT, §1.5.6. */
function correlationBytes(data: string | { readonly base64: string }): Uint8Array {
  if (typeof data === "string") {
    assertText("correlation_data", data, { mayHoldNull: true });
    return new TextEncoder().encode(data);
  }
  let bytes: Uint8Array;
  try {
    bytes = Uint8Array.fromBase64(data.base64);
  } catch (cause) {
    throw new McpMqttError("invalid_argument", "correlation_data.base64 is not valid base64", {
      cause,
    });
  }
  if (bytes.length <= MAX_FIELD_BYTES) return bytes;
  throw new McpMqttError(
    "invalid_argument",
    `correlation_data must have at most ${MAX_FIELD_BYTES} bytes, got ${bytes.length}`,
  );
}

/** A UTF-8 Encoded String of MQTT, §1.5.4. */
function assertText(
  name: string,
  text: string | undefined,
  { mayHoldNull = false }: { readonly mayHoldNull?: boolean } = {},
): void {
  if (text === undefined) return;
  const hasNull = !mayHoldNull && text.includes("\0");
  if (text.isWellFormed() && !hasNull && Buffer.byteLength(text) <= MAX_FIELD_BYTES) return;
  throw new McpMqttError(
    "invalid_argument",
    `${name} must be text of at most ${MAX_FIELD_BYTES} bytes in UTF-8, without ${
      mayHoldNull ? "" : "U+0000 and "
    }lone surrogates`,
  );
}
