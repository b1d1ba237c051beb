/**
 * The data types of Sparkplug B, 3.0 §6.4.16: their names, and their values in JSON.
 *
 * @module
 */
import type { Json } from "./json.ts";
import type { RawValue, Unsigned } from "./sparkplug_wire.ts";

/** By their numbers, from 1 on. */
const NAMES = [
  ..."Int8 Int16 Int32 Int64 UInt8 UInt16 UInt32 UInt64 Float Double Boolean".split(" "),
  ..."String DateTime Text UUID DataSet Bytes File Template PropertySet PropertySetList".split(" "),
  ..."Int8Array Int16Array Int32Array Int64Array UInt8Array UInt16Array UInt32Array".split(" "),
  ..."UInt64Array FloatArray DoubleArray BooleanArray StringArray DateTimeArray".split(" "),
];

/** The name of a type; the number of one that the standard has not. */
export function typeName(type: number): string {
  return NAMES[type - 1] ?? String(type);
}

/** The number of a type, or undefined. */
export function typeNumber(name: Json | undefined): number | undefined {
  const at = NAMES.findIndex((one) => one === name);
  return at < 0 ? undefined : at + 1;
}

/** The integers: how many bits they have, and whether one of them is for the sign. */
const INTEGERS: Readonly<Record<string, { readonly bits: number; readonly isSigned: boolean }>> = {
  ...Object.fromEntries([8, 16, 32, 64].flatMap((bits) => [
    [`Int${bits}`, { bits, isSigned: true }],
    [`UInt${bits}`, { bits, isSigned: false }],
  ])),
  DateTime: { bits: 64, isSigned: false },
};

/** A number where JavaScript keeps it, else the text of its digits. */
export function shownInteger(value: Unsigned): number | string {
  return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
}

/** A number; JSON has none for those that are not finite. Of a Float no digits but those it has. */
function shownFloat(value: number, isSingle: boolean): number | string {
  if (!Number.isFinite(value)) return String(value);
  for (let digits = 6; isSingle && digits < 9; digits++) {
    const shorter = Number(value.toPrecision(digits));
    if (Math.fround(shorter) === value) return shorter;
  }
  return value;
}

/**
 * The value of a number, text or array; undefined where there is none.
 *
 * @param room how many elements of arrays may still be shown; the others are base64
 */
export function shownScalar(
  raw: RawValue,
  type: number,
  room: { elements: number },
): Json | undefined {
  const name = typeName(type);
  if (raw.int_value !== undefined) return shownUnsigned(raw.int_value, name, 32);
  if (raw.long_value !== undefined) return shownUnsigned(raw.long_value, name, 64);
  if (raw.float_value !== undefined) return shownFloat(raw.float_value, true);
  if (raw.double_value !== undefined) return shownFloat(raw.double_value, name === "Float");
  if (raw.bytes_value !== undefined) {
    const perByte = name === "BooleanArray" ? 8 : 1;
    if (name.endsWith("Array")) room.elements -= perByte * raw.bytes_value.length;
    return shownBytes(raw.bytes_value, room.elements < 0 ? "Bytes" : name);
  }
  return raw.boolean_value ?? raw.string_value;
}

/** Some send the two's complement in as many bits as the type has, others in those of the field. */
function shownUnsigned(value: Unsigned, name: string, fieldBits: number): Json {
  if (name === "Boolean" && value <= 1) return value === 1;
  const { bits = 0, isSigned = false } = INTEGERS[name] ?? {};
  if (!isSigned) return shownInteger(value);
  const whole = BigInt(value);
  const isWhole = whole >> BigInt(bits) === 0n;
  return shownInteger(BigInt.asIntN(isWhole ? bits : fieldBits, whole));
}

/** The arrays of numbers, which lie in their bytes as JavaScript's do: little-endian. */
const ARRAYS = {
  Int8Array,
  Int16Array,
  Int32Array,
  Int64Array: BigInt64Array,
  UInt8Array: Uint8Array,
  UInt16Array: Uint16Array,
  UInt32Array: Uint32Array,
  UInt64Array: BigUint64Array,
  FloatArray: Float32Array,
  DoubleArray: Float64Array,
  DateTimeArray: BigUint64Array,
};

function arrayOf(name: string): typeof ARRAYS[keyof typeof ARRAYS] | undefined {
  return Object.hasOwn(ARRAYS, name) ? ARRAYS[name as keyof typeof ARRAYS] : undefined;
}

/** An array's elements; of any other type, or of an array that is not well made, the base64. */
function shownBytes(bytes: Uint8Array, name: string): Json {
  const numbers = arrayOf(name);
  if (numbers !== undefined && bytes.length % numbers.BYTES_PER_ELEMENT === 0) {
    const isSingle = name === "FloatArray";
    const array: Iterable<Unsigned> = new numbers(bytes.slice().buffer);
    return Array.from(
      array,
      (one) => typeof one === "bigint" ? shownInteger(one) : shownFloat(one, isSingle),
    );
  }
  if (name === "BooleanArray" && bytes.length >= 4) {
    // How many there are, then one bit each, the highest first.
    const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    if (Math.ceil(length / 8) === bytes.length - 4) {
      return Array.from({ length }, (_, i) => ((bytes[4 + (i >> 3)] ?? 0) << i % 8 & 0x80) !== 0);
    }
  }
  if (name === "StringArray" && (bytes.at(-1) ?? 0) === 0) {
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes).split("\0").slice(0, -1);
  }
  return bytes.toBase64();
}

/** What is wrong with a value that is to be written. */
export class WrongValue extends Error {}

/**
 * A number, text or array as a metric carries it; undefined for a type that is none of these.
 *
 * @throws {WrongValue}
 */
export function rawScalar(value: Json, type: number): RawValue | undefined {
  const name = typeName(type);
  const { bits } = INTEGERS[name] ?? {};
  if (bits !== undefined) {
    const whole = integerOf(value, name);
    // UInt32, too, goes in the long value: as most devices read and write it.
    return bits === 64 || name === "UInt32"
      ? { long_value: BigInt.asUintN(64, whole) }
      : { int_value: BigInt.asUintN(32, whole) };
  }
  switch (name) {
    case "Float":
      return { float_value: floatOf(value) };
    case "Double":
      return { double_value: floatOf(value) };
    case "Boolean":
      if (typeof value !== "boolean") throw new WrongValue("must be true or false");
      return { boolean_value: value };
    case "String":
    case "Text":
    case "UUID":
      return { string_value: textOf(value) };
    case "Bytes":
    case "File":
      return { bytes_value: base64Of(value) };
  }
  return name.endsWith("Array") ? { bytes_value: arrayBytes(value, name) } : undefined;
}

function arrayBytes(value: Json, name: string): Uint8Array {
  if (!Array.isArray(value)) throw new WrongValue("must be an array");
  const numbers = arrayOf(name);
  if (numbers === Float32Array || numbers === Float64Array) {
    return new Uint8Array(numbers.from(value.map(floatOf)).buffer);
  }
  if (numbers !== undefined) {
    const whole = value.map((one) => integerOf(one, name.slice(0, -"Array".length)));
    const isLarge = numbers === BigInt64Array || numbers === BigUint64Array;
    const array = isLarge
      ? BigInt64Array.from(whole)
      : (numbers as typeof Int8Array).from(whole.map(Number));
    return new Uint8Array(array.buffer);
  }
  if (name === "StringArray") {
    const texts = value.map(textOf);
    if (texts.some((text) => text.includes("\0"))) throw new WrongValue("must not hold U+0000");
    return new TextEncoder().encode(texts.map((text) => `${text}\0`).join(""));
  }
  const bytes = new Uint8Array(4 + Math.ceil(value.length / 8));
  new DataView(bytes.buffer).setUint32(0, value.length, true);
  for (const [i, one] of value.entries()) {
    if (typeof one !== "boolean") throw new WrongValue("must be an array of true and false");
    if (one) bytes[4 + (i >> 3)] = (bytes[4 + (i >> 3)] ?? 0) | 0x80 >> i % 8;
  }
  return bytes;
}

/**
 * A whole number, which may be given as the text of its digits.
 *
 * @throws {WrongValue}
 */
export function integerOf(value: Json | undefined, name: string): bigint {
  const { bits = 64, isSigned = false } = INTEGERS[name] ?? {};
  const isText = typeof value === "string" && /^-?\d{1,20}$/.test(value);
  if (!isText && !Number.isSafeInteger(value)) {
    throw new WrongValue(`must be a whole number, beyond 2^53 the text of its digits`);
  }
  const whole = BigInt(value as string | number);
  const wrapped = isSigned ? BigInt.asIntN(bits, whole) : BigInt.asUintN(bits, whole);
  if (wrapped !== whole) throw new WrongValue(`is out of the range of ${name}`);
  return whole;
}

function floatOf(value: Json | undefined): number {
  if (typeof value === "number") return value;
  if (value === "NaN" || value === "Infinity" || value === "-Infinity") return Number(value);
  throw new WrongValue("must be a number");
}

/** @throws {WrongValue} */
export function textOf(value: Json): string {
  if (typeof value === "string" && value.isWellFormed()) return value;
  throw new WrongValue("must be well-formed text");
}

function base64Of(value: Json): Uint8Array {
  try {
    return Uint8Array.fromBase64(textOf(value));
  } catch {
    throw new WrongValue("must be base64");
  }
}
