/**
 * Picks messages by their payload.
 *
 * @module
 */
import { McpMqttError } from "../errors.ts";
import { BoundedMap } from "./bounded_map.ts";
import { digest, fingerprintOf } from "./digest.ts";
import {
  canonicalJson,
  type Json,
  parseExactly,
  parseJson,
  plainJsonFault,
  survives,
} from "./json.ts";
import type { Message } from "./message.ts";
import { placesOf } from "./payload.ts";
import { parsePointer, shownValue, toNumber } from "./pointer.ts";
import { textFinder } from "./text_search.ts";

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

/** What `changed` remembers of all topics, in bytes; the topic heard longest ago is forgotten first. */
const MAX_REMEMBERED_BYTES = 4 * 1024 * 1024;
/** Of a longer text `contains` looks at the beginning. */
const MAX_SEARCHED_LENGTH = 1024 * 1024;

const COMPARISONS = {
  lt: (a: number, b: number) => a < b,
  le: (a: number, b: number) => a <= b,
  gt: (a: number, b: number) => a > b,
  ge: (a: number, b: number) => a >= b,
};

type Test = (message: Message) => boolean;
type ValueTest = (value: Json) => boolean;

/**
 * Makes a test of a condition. It never throws, whatever the payload, and takes some milliseconds at
 * most. `changed` holds for a message whose value differs from that of the message before on the same
 * topic; the first one on a topic is what later ones are compared with.
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
  const tokens = parsePointer(where.path, "where.path");
  const test = operatorTest(where);
  if (test === undefined) return changedTest(tokens);
  return ({ payload }) => {
    const value = lookUp(payload, tokens);
    return value !== undefined && test(value);
  };
}

/** The test of a value that is there, or undefined for `changed`, which needs the one before. */
function operatorTest({ op, value }: Where): ValueTest | undefined {
  if (op === "exists" || op === "changed") {
    if (value !== undefined) throw wrong(`where.op "${op}" takes no where.value`);
    return op === "exists" ? () => true : undefined;
  }
  if (value === undefined) throw wrong(`where.op "${op}" needs a where.value`);
  const wanted = plainJson(value);
  switch (op) {
    case "eq":
      return equalTo(wanted);
    case "ne": {
      const isEqual = equalTo(wanted);
      return (value) => !isEqual(value);
    }
    case "contains":
      return containing(wanted);
    default: {
      const bound = toNumber(wanted);
      if (bound === undefined) {
        throw wrong(`where.value must be a number for where.op "${op}", got ${shownValue(wanted)}`);
      }
      const holds = COMPARISONS[op];
      return (value) => {
        const number = toNumber(value);
        return number !== undefined && holds(number, bound);
      };
    }
  }
}

function plainJson(value: unknown): Json {
  const fault = plainJsonFault(value);
  if (fault !== undefined) throw wrong(`where.value ${fault}`);
  return value as Json;
}

function changedTest(tokens: readonly string[]): Test {
  const before = new BoundedMap<string>(MAX_REMEMBERED_BYTES);
  return ({ topic, payload }) => {
    const now = fingerprint(payload, tokens);
    const last = before.get(topic);
    before.set(topic, now);
    return last !== undefined && last !== now;
  };
}

/** A short text that differs where what stands at a place differs, be it in the last digit. */
function fingerprint(payload: Uint8Array, tokens: readonly string[]): string {
  const value = placesOf(payload, parseExactly)?.(tokens);
  if (value === undefined) return tokens.length === 0 ? digest(payload) : "";
  const isExact = typeof value !== "string" || survives(value);
  return fingerprintOf(isExact ? toNumber(value) ?? value : value);
}

/** The value at a place of a payload; a text that is not parsed has only the whole. */
function lookUp(payload: Uint8Array, tokens: readonly string[]): Json | undefined {
  return placesOf(payload, parseJson)?.(tokens);
}

function equalTo(wanted: Json): ValueTest {
  const number = toNumber(wanted);
  const isEqual = sameAs(wanted);
  return (value) => {
    const other = number === undefined ? undefined : toNumber(value);
    return other === undefined ? isEqual(value) : other === number;
  };
}

/** Equality without taking texts for numbers. */
function sameAs(wanted: Json): ValueTest {
  if (wanted === null || typeof wanted !== "object") return (value) => value === wanted;
  const text = canonicalJson(wanted);
  return (value) => value !== null && typeof value === "object" && canonicalJson(value) === text;
}

function containing(wanted: Json): ValueTest {
  const isWanted = equalTo(wanted);
  const isWithin = wanted !== null && typeof wanted === "object"
    ? () => false
    : textFinder(String(wanted));
  return (value) => {
    if (Array.isArray(value)) return value.some(isWanted);
    if (value === null || typeof value !== "object") {
      return isWithin(String(value).slice(0, MAX_SEARCHED_LENGTH));
    }
    return typeof wanted === "string" && Object.hasOwn(value, wanted);
  };
}

function wrong(message: string): McpMqttError {
  return new McpMqttError("invalid_argument", message);
}
