/**
 * The reason codes of MQTT 5.0 §2.4 and the return codes of MQTT 3.1.1 by the names the
 * specifications give them.
 *
 * @module
 */

/** 1…5 are of MQTT 3.1.1, §3.2.2.3: what MQTT 5 means by them no broker sends as a failure. */
const REASON_CODES: Readonly<Record<number, string>> = {
  0x00: "Success",
  0x01: "unacceptable protocol version",
  0x02: "identifier rejected",
  0x03: "server unavailable",
  0x04: "bad user name or password",
  0x05: "not authorized",
  0x10: "No matching subscribers",
  0x11: "No subscription existed",
  0x80: "Unspecified error",
  0x81: "Malformed Packet",
  0x82: "Protocol Error",
  0x83: "Implementation specific error",
  0x84: "Unsupported Protocol Version",
  0x85: "Client Identifier not valid",
  0x86: "Bad User Name or Password",
  0x87: "Not authorized",
  0x88: "Server unavailable",
  0x89: "Server busy",
  0x8A: "Banned",
  0x8B: "Server shutting down",
  0x8C: "Bad authentication method",
  0x8D: "Keep Alive timeout",
  0x8E: "Session taken over",
  0x8F: "Topic Filter invalid",
  0x90: "Topic Name invalid",
  0x91: "Packet Identifier in use",
  0x92: "Packet Identifier not found",
  0x93: "Receive Maximum exceeded",
  0x94: "Topic Alias invalid",
  0x95: "Packet too large",
  0x96: "Message rate too high",
  0x97: "Quota exceeded",
  0x98: "Administrative action",
  0x99: "Payload format invalid",
  0x9A: "Retain not supported",
  0x9B: "QoS not supported",
  0x9C: "Use another server",
  0x9D: "Server moved",
  0x9E: "Shared Subscriptions not supported",
  0x9F: "Connection rate exceeded",
  0xA0: "Maximum connect time",
  0xA1: "Subscription Identifiers not supported",
  0xA2: "Wildcard Subscriptions not supported",
};

/** A PUBLISH was accepted and nobody is subscribed, §3.4.2.1. */
export const NO_MATCHING_SUBSCRIBERS = 0x10;
/** The broker closed the connection because another client uses the Client Identifier. */
export const SESSION_TAKEN_OVER = 0x8E;

/**
 * Number and name of a reason code (MQTT 5.0 §2.4, or MQTT 3.1.1 §3.2.2.3 for a CONNACK with 1…5).
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { reasonCodeName } from "./reason_codes.ts";
 *
 * assert(reasonCodeName(0x87) === "135 (Not authorized)");
 * ```
 */
export function reasonCodeName(code: number): string {
  return `${code} (${REASON_CODES[code] ?? "unknown reason code"})`;
}
