/**
 * How many bytes packets have, to keep to the broker's Maximum Packet Size before anything is sent.
 *
 * @module
 */
import type { ProtocolVersion, Publication } from "./link.ts";

/** How many filters go into one SUBSCRIBE or UNSUBSCRIBE. */
const MAX_FILTERS_PER_PACKET = 100;
/** Fixed header, Packet Identifier and Property Length of a SUBSCRIBE or UNSUBSCRIBE, at most. */
const SUBSCRIBE_OVERHEAD_BYTES = 5 + 2 + 1;

/** The bytes of a PUBLISH, §3.3. */
export function publishSize(publication: Publication, version: ProtocolVersion): number {
  const { topic, payload, qos } = publication;
  const propertyBytes = version === "5" ? propertiesSize(publication) : 0;
  const remaining = stringSize(topic) + (qos > 0 ? 2 : 0) + payload.length +
    (version === "5" ? variableSize(propertyBytes) + propertyBytes : 0);
  return 1 + variableSize(remaining) + remaining;
}

/**
 * Splits what is subscribed to, or unsubscribed from, into packets of at most `maxBytes`. Where one
 * filter alone is over that, it is a packet of its own.
 */
export function* packets<T extends { readonly filter: { readonly text: string } }>(
  subscriptions: readonly T[],
  maxBytes = Infinity,
): Generator<readonly T[]> {
  let packet: T[] = [];
  let bytes = SUBSCRIBE_OVERHEAD_BYTES;
  for (const subscription of subscriptions) {
    const more = stringSize(subscription.filter.text) + 1;
    if (packet.length > 0 && (packet.length >= MAX_FILTERS_PER_PACKET || bytes + more > maxBytes)) {
      yield packet;
      packet = [];
      bytes = SUBSCRIBE_OVERHEAD_BYTES;
    }
    packet.push(subscription);
    bytes += more;
  }
  if (packet.length > 0) yield packet;
}

function propertiesSize({ properties, isText }: Publication): number {
  let bytes = isText ? 2 : 0;
  if (properties === undefined) return bytes;
  const { contentType, responseTopic, correlationData, userProperties } = properties;
  if (properties.messageExpiryInterval !== undefined) bytes += 5;
  if (contentType !== undefined) bytes += 1 + stringSize(contentType);
  if (responseTopic !== undefined) bytes += 1 + stringSize(responseTopic);
  if (correlationData !== undefined) bytes += 3 + correlationData.length;
  for (const [name, values] of Object.entries(userProperties ?? {})) {
    for (const value of [values].flat()) bytes += 1 + stringSize(name) + stringSize(value);
  }
  return bytes;
}

/** A UTF-8 Encoded String, §1.5.4. */
function stringSize(text: string): number {
  return 2 + new TextEncoder().encode(text).length;
}

/** A Variable Byte Integer, §1.5.5. */
function variableSize(value: number): number {
  if (value < 128) return 1;
  if (value < 16_384) return 2;
  return value < 2_097_152 ? 3 : 4;
}
