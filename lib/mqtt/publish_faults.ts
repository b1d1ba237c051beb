/**
 * What can become of a message on its way out, as errors that claim no more than is known.
 *
 * @module
 */
import { McpMqttError } from "../errors.ts";
import type { Link, LinkEnd, Publication } from "./link.ts";
import { reasonCodeName } from "./reason_codes.ts";

/** The connection ended while something waited for it. */
class LinkLost extends Error {
  override readonly name = "LinkLost";
  constructor(readonly end: LinkEnd) {
    super(end.cause);
  }
}

/** A promise that rejects when the link ends, and never resolves. */
export async function lost(link: Link): Promise<never> {
  throw new LinkLost(await link.ended);
}

/** The same failure, said of a message that never left this process. */
export function notSent(error: unknown): unknown {
  if (error instanceof LinkLost) {
    return new McpMqttError("not_connected", `the message was not sent: ${error.end.cause}`, {
      outcome: "not_sent",
    });
  }
  if (!(error instanceof McpMqttError)) return error;
  return new McpMqttError(error.code, error.message, {
    hint: error.hint,
    outcome: "not_sent",
    cause: error,
  });
}

/** The connection was lost between the message and its acknowledgement. */
export function lostWhilePublishing(error: unknown): McpMqttError {
  const hint = "It may or may not have arrived; check before repeating it.";
  if (error instanceof LinkLost && (error.end.reasonCode ?? 0) >= 0x80) {
    return new McpMqttError(
      "broker_refused",
      `the broker disconnected with ${
        reasonCodeName(error.end.reasonCode ?? 0x80)
      } before it acknowledged the message`,
      { outcome: "unknown", hint, cause: error },
    );
  }
  return new McpMqttError(
    "not_connected",
    "the connection was lost before the broker acknowledged the message",
    { outcome: "unknown", hint, cause: error },
  );
}

/** No acknowledgement in time. */
export function notAcknowledged(timeoutMs: number): McpMqttError {
  return new McpMqttError(
    "timeout",
    `the broker did not acknowledge the message within ${timeoutMs / 1000} s`,
    { outcome: "unknown", hint: "It may or may not have arrived; check before repeating it." },
  );
}

/** The acknowledgement says no: the broker has not taken the message. */
export function publishRefused(code: number): McpMqttError {
  return new McpMqttError(
    "broker_refused",
    `the broker refused the message with ${reasonCodeName(code)}`,
    {
      outcome: "not_sent",
      hint: "The broker's own access rules must allow it too; ask its owner.",
    },
  );
}

/**
 * Refuses what the broker said it does not take, before anything is sent.
 *
 * @throws {McpMqttError} with the outcome `not_sent`.
 */
export function assertTaken(publication: Publication, link: Link): void {
  const { limits, protocolVersion } = link;
  const { qos, retain, properties } = publication;
  const refuse = (message: string, hint: string): never => {
    throw new McpMqttError("broker_refused", message, { hint, outcome: "not_sent" });
  };
  if (qos > limits.maximumQos) {
    refuse(
      `the broker takes QoS ${limits.maximumQos} at most, not ${qos} (Maximum QoS)`,
      `Publish with qos ${limits.maximumQos}.`,
    );
  }
  if (retain && !limits.retainAvailable) {
    refuse("the broker does not keep retained messages", "Publish with retain false.");
  }
  if (protocolVersion === "3.1.1" && properties !== undefined) {
    const names = Object.keys(properties).map(snakeCase).join(", ");
    throw new McpMqttError(
      "invalid_argument",
      `${names} cannot be sent: the broker speaks MQTT 3.1.1, which has no properties`,
      { hint: "Leave them out, or put the information into the payload.", outcome: "not_sent" },
    );
  }
  const { maximumPacketSize } = limits;
  const bytes = packetSize(publication);
  if (maximumPacketSize !== undefined && bytes > maximumPacketSize) {
    throw new McpMqttError(
      "payload_too_large",
      `the packet would have ${bytes} bytes; the broker takes ${maximumPacketSize} at most (Maximum Packet Size)`,
      { outcome: "not_sent" },
    );
  }
}

/** An upper bound of the PUBLISH packet's bytes, §3.3. */
function packetSize({ topic, payload, properties }: Publication): number {
  const encoder = new TextEncoder();
  const textBytes = (text: string): number => 3 + encoder.encode(text).length;
  // Fixed header, packet identifier, property length, payload format and expiry.
  let bytes = 5 + 2 + 4 + 2 + 5 + 2 + encoder.encode(topic).length + payload.length;
  if (properties?.contentType !== undefined) bytes += textBytes(properties.contentType);
  if (properties?.responseTopic !== undefined) bytes += textBytes(properties.responseTopic);
  if (properties?.correlationData !== undefined) bytes += 3 + properties.correlationData.length;
  for (const [name, value] of Object.entries(properties?.userProperties ?? {})) {
    for (const one of typeof value === "string" ? [value] : value) {
      bytes += textBytes(name) + textBytes(one);
    }
  }
  return bytes;
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
