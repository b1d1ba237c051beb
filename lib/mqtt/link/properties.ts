/**
 * The properties of a PUBLISH, from and to the form that mqtt.js gives them.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { IPublishPacket } from "mqtt";
import { given } from "../../messages/json.ts";
import type { MessageProperties } from "../../messages/message.ts";

/** User properties that take more than so many bytes of the packet are not kept. */
const MAX_USER_PROPERTIES_BYTES = 32 * 1024;

type PacketProperties = NonNullable<IPublishPacket["properties"]>;

/**
 * Those that mean something to an application; undefined if there are none.
 *
 * @param bytes what the properties take of the packet, about
 */
export function messageProperties(
  from: PacketProperties | undefined,
  bytes: number,
): MessageProperties | undefined {
  if (from === undefined) return undefined;
  const { userProperties } = from;
  const correlationData = one(from.correlationData);
  const isKept = bytes <= MAX_USER_PROPERTIES_BYTES;
  const properties: MessageProperties = given({
    contentType: one(from.contentType),
    responseTopic: one(from.responseTopic),
    correlationData: correlationData && new Uint8Array(correlationData),
    userProperties: isKept ? userProperties : undefined,
    omittedBytes: isKept || userProperties === undefined ? undefined : bytes,
    messageExpiryInterval: one(from.messageExpiryInterval),
  });
  return Object.keys(properties).length === 0 ? undefined : properties;
}

/** One that a broker sent twice, which it must not (§2.2.2.2), is a list. */
function one<T>(value: T | T[] | undefined): T | undefined {
  return Array.isArray(value) ? value[0] : value;
}

/** The properties to send with a message. */
export function publishProperties(
  { properties = {}, isText }: {
    readonly properties?: MessageProperties;
    readonly isText: boolean;
  },
): PacketProperties {
  const { correlationData, userProperties, omittedBytes: _, ...same } = properties;
  return given({
    ...same,
    payloadFormatIndicator: isText || undefined,
    correlationData: correlationData && Buffer.from(correlationData),
    userProperties: userProperties && Object.fromEntries(
      Object.entries(userProperties).map(([name, value]) => [
        name,
        typeof value === "string" ? value : [...value],
      ]),
    ),
  });
}
