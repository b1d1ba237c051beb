/**
 * Places in a payload, named by JSON Pointers (RFC 6901).
 *
 * @module
 */
import { McpMqttError } from "../errors.ts";
import type { Json } from "./json.ts";

/** A longer text is no number. */
const MAX_NUMBER_LENGTH = 1_000;

/**
 * The reference tokens of a JSON Pointer, RFC 6901 §3 and §4; none for "", the whole payload.
 *
 * @param argument its name, for the error
 * @throws {McpMqttError} `invalid_argument`
 */
export function parsePointer(pointer: string, argument: string): readonly string[] {
  if (pointer === "") return [];
  if (!pointer.startsWith("/") || /~(?![01])/.test(pointer)) {
    throw new McpMqttError(
      "invalid_argument",
      `${argument} ${shownValue(pointer)} is not a JSON Pointer`,
      { hint: 'Write it like "/battery" or "/sensors/0/value"; "" is the whole payload.' },
    );
  }
  return pointer.slice(1).split("/").map((token) =>
    token.replaceAll("~1", "/").replaceAll("~0", "~")
  );
}

/** The value at a place, or undefined where there is none. */
export function valueAt(value: Json, tokens: readonly string[]): Json | undefined {
  let at: Json | undefined = value;
  for (const token of tokens) {
    if (Array.isArray(at)) {
      at = /^(0|[1-9]\d*)$/.test(token) ? at[Number(token)] : undefined;
    } else if (at !== null && typeof at === "object" && Object.hasOwn(at, token)) {
      at = at[token];
    } else {
      return undefined;
    }
  }
  return at;
}

/** A number, or a text that reads as one. */
export function toNumber(value: Json): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value !== "string" || value.length > MAX_NUMBER_LENGTH) return undefined;
  if (!/^[\s\d.eE+-]+$/.test(value) || !/\d/.test(value)) return undefined;
  const number = Number(value);
  return Number.isFinite(number) ? number : undefined;
}

/** A value of an argument as an error shows it. */
export function shownValue(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 80 ? `${text.slice(0, 80).toWellFormed()}…` : text;
}
