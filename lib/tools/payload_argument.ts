/**
 * Turns the payload argument of a write into bytes.
 *
 * @module
 */
import { McpMqttError } from "../errors.ts";
import type { Births } from "../messages/sparkplug.ts";
import { encodeSparkplug } from "../messages/sparkplug_encode.ts";

/** The bytes to send, and whether they are UTF-8 text. */
export interface OutgoingPayload {
  readonly payload: Uint8Array;
  readonly isText: boolean;
}

/** How a payload argument may be understood. */
export const PAYLOAD_ENCODINGS = ["text", "base64", "sparkplug"] as const;

/** One of {@linkcode PAYLOAD_ENCODINGS}. */
export type PayloadEncoding = typeof PAYLOAD_ENCODINGS[number];

/**
 * The bytes of a payload argument.
 *
 * @throws {McpMqttError} `payload_invalid` for what is not base64, is no well-formed text, is no
 * payload of Sparkplug B, or holds a number that has already lost digits on its way here.
 */
export function payloadBytes(
  payload: unknown,
  { encoding, births }: {
    readonly encoding: PayloadEncoding;
    /** What is known of the metrics, for Sparkplug B. */
    readonly births?: Births | undefined;
  },
): OutgoingPayload {
  if (encoding === "sparkplug") {
    return { payload: encodeSparkplug(payload, births), isText: false };
  }
  if (encoding === "base64") {
    if (typeof payload !== "string") {
      throw invalid("with encoding base64 the payload must be a string");
    }
    try {
      return { payload: Uint8Array.fromBase64(payload), isText: false };
    } catch (error) {
      throw invalid("the payload is not valid base64", error);
    }
  }
  const text = typeof payload === "string" ? payload : jsonText(payload);
  if (!text.isWellFormed()) {
    throw invalid("the payload holds a lone surrogate, which UTF-8 cannot carry");
  }
  return { payload: new TextEncoder().encode(text), isText: true };
}

function jsonText(payload: unknown): string {
  return JSON.stringify(payload, (_key, value) => {
    if (typeof value !== "number" || Number.isFinite(value) && !mayHaveLostDigits(value)) {
      return value;
    }
    throw invalid(
      Number.isFinite(value)
        ? `the number ${value} is beyond 2^53 and may have lost digits on its way`
        : "a number is too large for JSON's usual readers and was lost on its way",
      undefined,
      "Send the payload as a string, with the number's digits as they should be.",
    );
  });
}

function mayHaveLostDigits(value: number): boolean {
  return Number.isInteger(value) && !Number.isSafeInteger(value);
}

function invalid(message: string, cause?: unknown, hint?: string): McpMqttError {
  return new McpMqttError("payload_invalid", message, { cause, hint, outcome: "not_sent" });
}
