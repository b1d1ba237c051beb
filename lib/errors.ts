/**
 * The errors that a caller sees. Their codes are a closed set: agents and tests are written
 * against them, so one is never renamed and never given a second meaning.
 *
 * @module
 */

/** Every error code of the outward contract. */
export const ERROR_CODES = [
  "invalid_argument",
  "invalid_topic",
  "forbidden",
  "not_connected",
  "broker_refused",
  "timeout",
  "payload_too_large",
  "payload_invalid",
  "rate_limited",
  "declined",
  "not_found",
  "internal",
] as const;

/** One of {@linkcode ERROR_CODES}. */
export type ErrorCode = typeof ERROR_CODES[number];

/**
 * What became of a write that failed: `not_sent`, it never left this machine, or the broker said
 * that it did not take it; `unknown`, it was sent and the broker may or may not have taken it.
 */
export type Outcome = "not_sent" | "unknown";

/** What an {@linkcode McpMqttError} carries beside its code and message. */
export interface McpMqttErrorOptions {
  /** The next step that would help, as a sentence. */
  readonly hint?: string | undefined;
  /** What became of the write. */
  readonly outcome?: Outcome | undefined;
  /** The message that came instead of what was waited for: data, and never part of a sentence. */
  readonly last?: Readonly<Record<string, unknown>> | undefined;
  /** What led to it; for the log, never for the caller. */
  readonly cause?: unknown;
}

/**
 * An error that is meant for the caller. The message names the value and the bound; text that came
 * from a broker or a device never enters it.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { McpMqttError } from "./errors.ts";
 *
 * const error = new McpMqttError("timeout", "no message arrived within 5 s", {
 *   hint: "Take a longer timeout.",
 * });
 * assert(error.code === "timeout");
 * ```
 */
export class McpMqttError extends Error {
  override readonly name = "McpMqttError";
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly outcome: Outcome | undefined;
  readonly last: Readonly<Record<string, unknown>> | undefined;

  constructor(code: ErrorCode, message: string, options: McpMqttErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.outcome = options.outcome;
    this.last = options.last;
  }
}

/** What was thrown, in words. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
