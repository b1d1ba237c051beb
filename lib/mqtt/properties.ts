/**
 * The properties of a PUBLISH, from and to the form that mqtt.js gives them.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { MessageProperties } from "../messages/message.ts";

/** As mqtt.js has them. */
export interface PacketProperties {
  payloadFormatIndicator?: boolean;
  contentType?: string;
  responseTopic?: string;
  correlationData?: Buffer;
  userProperties?: Record<string, string | string[]>;
  messageExpiryInterval?: number;
}

/** Those that mean something to an application; undefined where there are none. */
export function messageProperties(
  from: PacketProperties | undefined,
): MessageProperties | undefined {
  if (from === undefined) return undefined;
  const { contentType, responseTopic, correlationData, userProperties, messageExpiryInterval } =
    from;
  const properties: MessageProperties = {
    ...(contentType === undefined ? {} : { contentType }),
    ...(responseTopic === undefined ? {} : { responseTopic }),
    ...(correlationData === undefined ? {} : { correlationData: new Uint8Array(correlationData) }),
    ...(userProperties === undefined ? {} : { userProperties: { ...userProperties } }),
    ...(messageExpiryInterval === undefined ? {} : { messageExpiryInterval }),
  };
  return Object.keys(properties).length === 0 ? undefined : properties;
}

/** The properties to send with a message. */
export function publishProperties(
  { properties = {}, isText }: {
    readonly properties?: MessageProperties;
    readonly isText: boolean;
  },
): PacketProperties {
  const { correlationData, userProperties, ...same } = properties;
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
