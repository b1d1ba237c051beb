/**
 * The properties of a PUBLISH, from and to the form that mqtt.js gives them.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { MessageProperties } from "../../messages/message.ts";

/** User properties that take more than so many bytes of the packet are not kept. */
const MAX_USER_PROPERTIES_BYTES = 32 * 1024;

/** As mqtt.js has them. One that a broker sent twice, which it must not (§2.2.2.2), is a list. */
export interface PacketProperties {
  payloadFormatIndicator?: boolean;
  contentType?: string;
  responseTopic?: string;
  correlationData?: Buffer;
  userProperties?: Record<string, string | string[]>;
  messageExpiryInterval?: number;
}

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
  const contentType = one(from.contentType);
  const responseTopic = one(from.responseTopic);
  const correlationData = one(from.correlationData);
  const messageExpiryInterval = one(from.messageExpiryInterval);
  const properties: MessageProperties = {
    ...(contentType === undefined ? {} : { contentType }),
    ...(responseTopic === undefined ? {} : { responseTopic }),
    ...(correlationData === undefined ? {} : { correlationData: new Uint8Array(correlationData) }),
    ...(userProperties === undefined
      ? {}
      : bytes > MAX_USER_PROPERTIES_BYTES
      ? { omittedBytes: bytes }
      : { userProperties }),
    ...(messageExpiryInterval === undefined ? {} : { messageExpiryInterval }),
  };
  return Object.keys(properties).length === 0 ? undefined : properties;
}

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
  return {
    ...(isText ? { payloadFormatIndicator: true } : {}),
    ...same,
    ...(correlationData === undefined ? {} : { correlationData: Buffer.from(correlationData) }),
    ...(userProperties === undefined ? {} : {
      userProperties: Object.fromEntries(
        Object.entries(userProperties).map(([name, value]) => [
          name,
          typeof value === "string" ? value : [...value],
        ]),
      ),
    }),
  };
}
