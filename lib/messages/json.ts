/**
 * JSON from devices and agents, handled in bounded time and memory.
 *
 * @module
 */
import { Buffer } from "node:buffer";

/** A value that JSON can write. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** The levels of nesting that are handled; few readers survive more. */
export const MAX_DEPTH = 64;
/** A longer text, in UTF-16 code units, is not parsed. */
const MAX_PARSED_LENGTH = 256 * 1024;
/**
 * A text with more brackets, commas and colons is not parsed: each new key may cost a microsecond,
 * which a text of that length could have 60,000 of.
 */
const MAX_PARSED_MARKS = 32 * 1024;
/** A value from an agent with more in it is not handled. */
const MAX_PARTS = 256 * 1024;
/** So many significant digits survive in a JavaScript number of a usual size, whatever they are. */
const SAFE_DIGITS = 15;
const MIN_SAFE_SIZE = 1e-300;
const MAX_SAFE_SIZE = 1e300;

/** What is looked for in a text: how it begins, and whether writing it again must change nothing. */
interface Wanted {
  readonly start: RegExp;
  readonly isExact: boolean;
}
/** Any JSON. Its beginning spares most other texts the exception. */
const ANY: Wanted = { start: /^[ \t\r\n]*[-\d"[{tfn]/, isExact: false };
const EXACT: Wanted = { ...ANY, isExact: true };
const STRUCTURE: Wanted = { start: /^[ \t\r\n]*[[{]/, isExact: true };

const QUOTE = 0x22;
const PLUS = 0x2B;
const COMMA = 0x2C;
const MINUS = 0x2D;
const POINT = 0x2E;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3A;
const UPPER_E = 0x45;
const OPENING_BRACKET = 0x5B;
const BACKSLASH = 0x5C;
const CLOSING_BRACKET = 0x5D;
const LOWER_E = 0x65;
const LOWER_U = 0x75;
const OPENING_BRACE = 0x7B;
const CLOSING_BRACE = 0x7D;

/**
 * The value that a text is the JSON of, or undefined: where it is no JSON, nested deeper than 64
 * levels, longer than 256 Ki code units, or has more than 32 Ki brackets, commas and colons.
 */
export function parseJson(text: string): Json | undefined {
  return countMembers(text, ANY) === undefined ? undefined : parsed(text);
}

/**
 * The object or array that a text is the JSON of, or undefined: where {@linkcode parseJson} gives
 * none, or where writing it again would change a number, give a text that is no Unicode, or lose one
 * of two members of one name.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { structureOf } from "./json.ts";
 *
 * assert(structureOf('{"id":12345678901234567890}') === undefined);
 * assert(structureOf('["\\ud800"]') === undefined);
 * assert(Array.isArray(structureOf("[1,2]")));
 * ```
 */
export function structureOf(text: string): Json | undefined {
  const members = countMembers(text, STRUCTURE);
  const value = members === undefined ? undefined : parsed(text);
  return value === undefined || membersIn(value) !== members ? undefined : value;
}

/**
 * As {@linkcode parseJson}, but nothing in it is another than in the text: a number that JavaScript
 * would change is a string of its digits, and a lone surrogate is replaced. The sign of a zero is none
 * of its digits.
 */
export function parseExactly(text: string): Json | undefined {
  if (countMembers(text, EXACT) !== undefined) return parsed(text);
  if (countMembers(text, ANY) === undefined) return undefined;
  return parsed(text, (_key, value, context) => {
    if (typeof value === "string") return value.toWellFormed();
    const source = context?.source;
    if (typeof value !== "number" || source === undefined) return value;
    return survives(source) || decimal(source) === "-0" ? value : source;
  });
}

/** JSON with the members of objects in one order, so that equal values have equal texts. */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (value !== null && typeof value === "object") {
    const members = Object.keys(value).sort().map((key) =>
      `${JSON.stringify(key)}:${canonicalJson(value[key] ?? null)}`
    );
    return `{${members.join(",")}}`;
  }
  // Not JSON.stringify() for numbers: it makes null of what is infinite.
  return typeof value === "number" ? String(value) : JSON.stringify(value);
}

/**
 * What keeps a value from being handled as JSON, as in "is nested deeper than 64 levels"; undefined
 * for a value that JSON.parse() could have given, of a depth and a number of parts that are handled.
 */
export function plainJsonFault(value: unknown): string | undefined {
  let level: unknown[] = isScalar(value) ? [] : [value];
  let parts = 1;
  for (let depth = 0; level.length > 0; depth++) {
    const next: unknown[] = [];
    for (const one of level) {
      if (!isPlainContainer(one)) return "is not plain JSON";
      if (depth === MAX_DEPTH) return `is nested deeper than ${MAX_DEPTH} levels`;
      const inner = Array.isArray(one) ? one : Object.values(one);
      parts += inner.length;
      if (parts > MAX_PARTS) return `has more than ${MAX_PARTS} values`;
      for (const part of inner) if (!isScalar(part)) next.push(part);
    }
    level = next;
  }
  return undefined;
}

/** Whether a value is one that JSON has, and has no parts. */
export function isScalar(value: unknown): value is null | string | number | boolean {
  const type = typeof value;
  return type === "string" || type === "number" || type === "boolean" || value === null;
}

/** Whether a value is an array or object as JSON.parse() makes them; says nothing of its parts. */
export function isPlainContainer(value: unknown): value is unknown[] | object {
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value)) return true;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** The record without what is undefined in it. */
export function given<T extends object>(
  record: T,
): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  const entries = Object.entries(record).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [Key in keyof T]?: Exclude<T[Key], undefined> };
}

/** The UTF-8 bytes of a value's JSON. */
export function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

/** Called for each value, with the text that it was read from if it has no parts. */
type Reviver = (key: string, value: Json, context?: { readonly source?: string }) => Json;

function parsed(text: string, reviver?: Reviver): Json | undefined {
  try {
    return JSON.parse(text, reviver);
  } catch {
    return undefined;
  }
}

/** How many members the objects in a value have, all together. */
function membersIn(value: Json): number {
  if (value === null || typeof value !== "object") return 0;
  const parts = Object.values(value);
  const own = Array.isArray(value) ? 0 : parts.length;
  return parts.reduce((sum: number, part) => sum + membersIn(part), own);
}

/**
 * How many members the objects in a text have, if it is JSON, which parsing finds out. Undefined where
 * parsing would take too long, or would not give what is wanted: for `isExact` a number that does not
 * survive, or a string with a lone surrogate.
 */
function countMembers(text: string, { start, isExact }: Wanted): number | undefined {
  if (text.length > MAX_PARSED_LENGTH || !start.test(text)) return undefined;
  let depth = 0;
  let marks = 0;
  let members = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (inString) {
      if (code === QUOTE) {
        inString = false;
      } else if (code === BACKSLASH) {
        const length = escapeLength(text, i);
        if (length === 0 && isExact) return undefined;
        i += Math.max(length, 2) - 1;
      }
      continue;
    }
    switch (code) {
      case QUOTE:
        inString = true;
        break;
      case OPENING_BRACKET:
      case OPENING_BRACE:
        if (++depth > MAX_DEPTH || ++marks > MAX_PARSED_MARKS) return undefined;
        break;
      case COLON:
        members++;
        if (++marks > MAX_PARSED_MARKS) return undefined;
        break;
      case COMMA:
        if (++marks > MAX_PARSED_MARKS) return undefined;
        break;
      case CLOSING_BRACKET:
      case CLOSING_BRACE:
        depth--;
        break;
      default: {
        if (code !== MINUS && !isDigit(code)) break;
        const end = numberEnd(text, i);
        if (isExact && !survives(text.slice(i, end))) return undefined;
        i = end - 1;
      }
    }
  }
  return members;
}

/** The length of an escape, of a surrogate pair for both; 0 where it is a lone surrogate's. */
function escapeLength(text: string, at: number): number {
  const unit = escapedSurrogate(text, at);
  if (unit === undefined) return 2;
  const isPair = unit < 0xDC00 && (escapedSurrogate(text, at + 6) ?? 0) >= 0xDC00;
  return isPair ? 12 : 0;
}

/** The surrogate that the escape at a place stands for, or undefined for anything else. */
function escapedSurrogate(text: string, at: number): number | undefined {
  if (text.charCodeAt(at) !== BACKSLASH || text.charCodeAt(at + 1) !== LOWER_U) return undefined;
  const unit = Number.parseInt(text.slice(at + 2, at + 6), 16);
  return unit >= 0xD800 && unit <= 0xDFFF ? unit : undefined;
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}

function numberEnd(text: string, start: number): number {
  let end = start + 1;
  while (end < text.length) {
    const code = text.charCodeAt(end);
    const isPart = isDigit(code) || code === POINT || code === LOWER_E || code === UPPER_E ||
      code === PLUS || code === MINUS;
    if (!isPart) break;
    end++;
  }
  return end;
}

/** Whether a number is the same once JavaScript has read and written it. */
export function survives(source: string): boolean {
  const isShort = source.length <= SAFE_DIGITS;
  if (isShort && /^[\d.]+$/.test(source)) return true;
  const value = Number(source);
  const size = Math.abs(value);
  if (isShort && size > MIN_SAFE_SIZE && size < MAX_SAFE_SIZE) return true;
  const written = String(value);
  if (written === source) return true;
  return Number.isFinite(value) && decimal(source) === decimal(written);
}

/**
 * A number's text in one form: sign, digits without zeros around them, and an exponent; undefined for
 * what is no number.
 */
function decimal(text: string): string | undefined {
  const parts = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (parts === null) return undefined;
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = parts;
  const digits = whole + fraction;
  let first = 0;
  while (first < digits.length && digits.charCodeAt(first) === ZERO) first++;
  let end = digits.length;
  while (end > first && digits.charCodeAt(end - 1) === ZERO) end--;
  if (first === end) return `${sign}0`;
  const power = Number(exponent) - fraction.length + (digits.length - end);
  return `${sign}${digits.slice(first, end)}e${power}`;
}
