/**
 * What can become of a message on its way out, as errors that claim no more than is known.
 *
 * @module
 */
import { type ErrorCode, McpMqttError } from "../../errors.ts";
import { type Link, LinkLost, type Publication } from "../link/link.ts";
import type { QoS } from "../../messages/message.ts";
import { publishSize } from "../link/packet_size.ts";
import { reasonCodeName } from "../faults/reason_codes.ts";

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

/** The connection was lost between the message and its acknowledgement; at QoS 0 and the PINGRESP. */
export function lostWhilePublishing(error: LinkLost, qos: QoS): McpMqttError {
  const { reasonCode = 0 } = error.end;
  if (reasonCode >= 0x80) {
    const before = qos === 0 ? "it had read the message" : "it acknowledged the message";
    const message = `the broker disconnected with ${reasonCodeName(reasonCode)} before ${before}`;
    return unknown("broker_refused", message, { cause: error });
  }
  const before = qos === 0
    ? "the broker had read the message"
    : "the broker acknowledged the message";
  return unknown("not_connected", `the connection was lost before ${before}`, { cause: error });
}

/** No acknowledgement in time. */
export function notAcknowledged(timeoutMs: number): McpMqttError {
  const seconds = timeoutMs / 1000;
  return unknown("timeout", `the broker did not acknowledge the message within ${seconds} s`);
}

/** At QoS 0: no PINGRESP in time. */
export function notRead(timeoutMs: number): McpMqttError {
  const seconds = timeoutMs / 1000;
  return unknown(
    "timeout",
    `the broker did not say within ${seconds} s that it has read the message`,
  );
}

/** It was sent, and nobody knows more. */
function unknown(
  code: ErrorCode,
  message: string,
  options: { readonly cause?: LinkLost } = {},
): McpMqttError {
  const hint = "It may or may not have arrived; check before repeating it.";
  return new McpMqttError(code, message, { outcome: "unknown", hint, ...options });
}

/** The broker takes no further message before it has acknowledged an earlier one, §3.3.4. */
export function noPlace(timeoutMs: number): McpMqttError {
  return new McpMqttError(
    "timeout",
    `the broker has as many unacknowledged messages as it may be given at once (Receive Maximum, or one with QoS 2 in MQTT 3.1.1) and acknowledged none of them within ${
      timeoutMs / 1000
    } s; this one was not sent`,
    { outcome: "not_sent", hint: "Try again, or publish with qos 0, which has no such bound." },
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
  const bytes = publishSize(publication, protocolVersion);
  if (maximumPacketSize !== undefined && bytes > maximumPacketSize) {
    throw new McpMqttError(
      "payload_too_large",
      `the packet would have ${bytes} bytes; the broker takes ${maximumPacketSize} at most (Maximum Packet Size)`,
      { outcome: "not_sent" },
    );
  }
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
