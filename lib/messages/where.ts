/**
 * Picks messages by their payload.
 *
 * @module
 */
import { McpMqttError } from "../errors.ts";
import type { Message } from "./message.ts";
import { type Json, parseJson } from "./json.ts";
import { textOf } from "./payload.ts";

/** The operators of {@linkcode Where}. */
export const WHERE_OPERATORS = [
  "eq",
  "ne",
  "lt",
  "le",
  "gt",
  "ge",
  "contains",
  "exists",
  "changed",
] as const;

/** One of {@linkcode WHERE_OPERATORS}. */
export type WhereOperator = typeof WHERE_OPERATORS[number];

/** A condition on the payload of a message. */
export interface Where {
  /** A JSON Pointer (RFC 6901); empty: the whole payload. */
  readonly path: string;
  readonly op: WhereOperator;
  /** What to compare with; `exists` and `changed` take none. */
  readonly value?: unknown;
}

type Test = (message: Message) => boolean;

/**
 * Makes a test of a condition. `changed` holds for a message whose value differs from that of the
 * message before on the same topic; the first one on a topic is what later ones are compared with.
 *
 * @throws {McpMqttError} `invalid_argument` for a wrong pointer, or a value that does not fit the
 * operator.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { compileWhere } from "./where.ts";
 *
 * const low = compileWhere({ path: "/battery", op: "lt", value: 20 });
 * const payload = new TextEncoder().encode('{"battery": 7}');
 * assert(low({ topic: "a", payload, qos: 0, retain: false, receivedAt: 0 }));
 * ```
 */
export function compileWhere(where: Where | undefined): Test {
  if (where === undefined) return () => true;
  const tokens = parsePointer(where.path);
  const valueAt = (message: Message): Json | undefined => lookUp(message.payload, tokens);
  const test = operatorTest(where);
  if (test !== undefined) return (message) => test(valueAt(message));
  const before = new Map<string, string>();
  return (message) => {
    const now = canonical(valueAt(message)) ?? "";
    const last = before.get(message.topic);
    before.set(message.topic, now);
    return last !== undefined && last !== now;
  };
}

/** The test of one value, or undefined for `changed`, which needs the one before. */
function operatorTest(where: Where): ((value: Json | undefined) => boolean) | undefined {
  const { op, value: wanted } = where;
  const takesValue = op !== "exists" && op !== "changed";
  if (takesValue && wanted === undefined) throw wrong(`where.op "${op}" needs a where.value`);
  if (!takesValue && wanted !== undefined) throw wrong(`where.op "${op}" takes no where.value`);
  switch (op) {
    case "eq":
      return (value) => isEqual(value, wanted);
    case "ne":
      return (value) => value !== undefined && !isEqual(value, wanted);
    case "contains":
      return (value) => contains(value, wanted);
    case "exists":
      return (value) => value !== undefined;
    case "changed":
      return undefined;
    default: {
      const bound = toNumber(wanted);
      if (bound === undefined) {
        throw wrong(`where.value must be a number for where.op "${op}", got ${shown(wanted)}`);
      }
      return (value) => compare(op, toNumber(value), bound);
    }
  }
}

function compare(op: "lt" | "le" | "gt" | "ge", value: number | undefined, bound: number): boolean {
  if (value === undefined) return false;
  switch (op) {
    case "lt":
      return value < bound;
    case "le":
      return value <= bound;
    case "gt":
      return value > bound;
    case "ge":
      return value >= bound;
  }
}

/** The reference tokens of a JSON Pointer, RFC 6901 §3 and §4. */
function parsePointer(pointer: string): readonly string[] {
  if (pointer === "") return [];
  if (!pointer.startsWith("/") || /~(?![01])/.test(pointer)) {
    throw wrong(
      `where.path ${shown(pointer)} is not a JSON Pointer`,
      'Write it like "/battery" or "/sensors/0/value"; "" is the whole payload.',
    );
  }
  return pointer.slice(1).split("/").map((token) =>
    token.replaceAll("~1", "/").replaceAll("~0", "~")
  );
}

function lookUp(payload: Uint8Array, tokens: readonly string[]): Json | undefined {
  const text = textOf(payload);
  if (text === undefined) return undefined;
  let value: Json | undefined = parsed(text);
  for (const token of tokens) {
    if (Array.isArray(value)) {
      value = /^(0|[1-9]\d*)$/.test(token) ? value[Number(token)] : undefined;
    } else if (value !== null && typeof value === "object" && Object.hasOwn(value, token)) {
      value = value[token];
    } else {
      return undefined;
    }
  }
  return value;
}

/** The payload's JSON value, else the text itself; JSON that is too much is a text too. */
function parsed(text: string): Json {
  const value = parseJson(text);
  return value === undefined ? text : value;
}

/** A number, or a text that reads as one. */
function toNumber(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value !== "string" || value.trim() === "") return undefined;
  const number = Number(value);
  return Number.isFinite(number) && /^[\s\d.eE+-]+$/.test(value) ? number : undefined;
}

function isEqual(value: Json | undefined, wanted: unknown): boolean {
  if (value === undefined) return false;
  const [a, b] = [toNumber(value), toNumber(wanted)];
  if (a !== undefined && b !== undefined) return a === b;
  return canonical(value) === canonical(wanted);
}

function contains(value: Json | undefined, wanted: unknown): boolean {
  if (Array.isArray(value)) return value.some((item) => isEqual(item, wanted));
  if (value !== null && typeof value === "object") {
    return typeof wanted === "string" && Object.hasOwn(value, wanted);
  }
  return value !== undefined && String(value).includes(String(wanted));
}

/** JSON with the members of objects in one order. */
function canonical(value: unknown): string | undefined {
  return JSON.stringify(
    value,
    (_key, part) =>
      part !== null && typeof part === "object" && !Array.isArray(part)
        ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => a < b ? -1 : 1))
        : part,
  );
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

function wrong(message: string, hint?: string): McpMqttError {
  return new McpMqttError("invalid_argument", message, { hint });
}
