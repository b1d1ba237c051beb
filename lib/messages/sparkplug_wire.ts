/**
 * The messages of Sparkplug B as protobuf carries them: sparkplug_b.proto of Eclipse Tahu, read and
 * written by one table.
 *
 * @module
 */
import { unzipSync } from "node:zlib";

/** An unsigned integer; a bigint where a number would lose digits. */
export type Unsigned = number | bigint;

const SCALARS = [
  "int_value uint",
  "long_value uint",
  "float_value float",
  "double_value double",
  "boolean_value bool",
  "string_value string",
] as const;

/** The fields of each message by their numbers, from 1 on; what is empty is passed over. */
const MESSAGES = {
  Payload: ["timestamp uint", "metrics Metric[]", "seq uint", "uuid string", "body bytes"],
  Metric: [
    "name string",
    "alias uint",
    "timestamp uint",
    "datatype uint32",
    "is_historical bool",
    "is_transient bool",
    "is_null bool",
    "metadata MetaData",
    "properties PropertySet",
    ...SCALARS,
    "bytes_value bytes",
    "dataset_value DataSet",
    "template_value Template",
  ],
  MetaData: [
    "is_multi_part bool",
    "content_type string",
    "size uint",
    "seq uint",
    "file_name string",
    "file_type string",
    "md5 string",
    "description string",
  ],
  PropertySet: ["keys string[]", "values PropertyValue[]"],
  PropertyValue: [
    "type uint32",
    "is_null bool",
    ...SCALARS,
    "propertyset_value PropertySet",
    "propertysets_value PropertySetList",
  ],
  PropertySetList: ["propertyset PropertySet[]"],
  DataSet: ["num_of_columns uint", "columns string[]", "types uint32[]", "rows Row[]"],
  Row: ["elements DataSetValue[]"],
  DataSetValue: SCALARS,
  Template: [
    "version string",
    "metrics Metric[]",
    "parameters Parameter[]",
    "template_ref string",
    "is_definition bool",
  ],
  Parameter: ["name string", "type uint32", ...SCALARS],
  /** Of a Payload and its metrics only what a birth certificate says of names. */
  Birth: ["", "metrics Birth.Metric[]", "", "uuid string", "body bytes"],
  "Birth.Metric": ["name string", "alias uint", "", "datatype uint32"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

type Messages = typeof MESSAGES;

/** A message as it is read and written. */
export type Raw<Name extends keyof Messages> = {
  [Field in Exclude<Messages[Name][number], ""> as NameOf<Field>]?: ValueOf<KindOf<Field>>;
};

/** The values that a metric, a property, a parameter or a cell of a DataSet may have: one of them. */
export type RawValue = Pick<AnyValue, Extract<keyof AnyValue, `${string}_value`>>;

type AnyValue = Raw<"Metric"> & Raw<"PropertyValue">;
type NameOf<Field extends string> = Field extends `${infer Name} ${string}` ? Name : never;
type KindOf<Field extends string> = Field extends `${string} ${infer Kind}` ? Kind : never;
type ValueOf<Kind extends string> = Kind extends `${infer One}[]` ? Array<ValueOf<One>>
  : Kind extends keyof Messages ? Raw<Kind>
  : Kind extends keyof ScalarKinds ? ScalarKinds[Kind]
  : never;
interface ScalarKinds {
  readonly uint: Unsigned;
  readonly uint32: number;
  readonly float: number;
  readonly double: number;
  readonly bool: boolean;
  readonly string: string;
  readonly bytes: Uint8Array;
}

interface Field {
  readonly number: number;
  readonly name: string;
  readonly kind: string;
  readonly isRepeated: boolean;
}

const FIELDS = new Map(
  Object.entries(MESSAGES).map(([message, fields]) => [
    message,
    fields.map((field, i): Field => {
      const [name = "", kind = ""] = field.split(" ");
      const isRepeated = kind.endsWith("[]");
      return { number: i + 1, name, kind: isRepeated ? kind.slice(0, -2) : kind, isRepeated };
    }),
  ]),
);

/** Protobuf messages within messages; a template within a template takes two levels. */
const MAX_DEPTH = 16;
/** So many fields are read of one payload, the elements of arrays not counted. */
const MAX_FIELDS = 48 * 1024;
const MAX_BYTES = 1024 * 1024;

const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;
const FIXED32 = 5;
const WIRE_TYPES: Readonly<Record<string, number>> = {
  uint: VARINT,
  uint32: VARINT,
  bool: VARINT,
  double: FIXED64,
  float: FIXED32,
};

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

class Malformed extends Error {}

/**
 * Reads a payload, in time linear in its length; undefined for what is none, has more than 1 MiB or
 * 48 Ki fields, or is nested deeper than 16 levels. One that Tahu has compressed is unpacked.
 */
export function readPayload(
  bytes: Uint8Array,
  message: "Payload" | "Birth" = "Payload",
): Raw<"Payload"> | undefined {
  const payload = readOne(bytes, message);
  if (payload?.uuid !== "SPBV1.0_COMPRESSED" || payload.body === undefined) return payload;
  let body: Uint8Array;
  try {
    body = unzipSync(payload.body, { maxOutputLength: MAX_BYTES });
  } catch {
    // It stays as it came.
    return payload;
  }
  return readOne(body, message) ?? payload;
}

function readOne(bytes: Uint8Array, message: string): Raw<"Payload"> | undefined {
  if (bytes.length === 0 || bytes.length > MAX_BYTES) return undefined;
  // A plain view: each part of a subclass would be one of it.
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  try {
    const payload = new Reader().message(plain, message, 0);
    // Fields that nobody knows are no payload: most likely they are text.
    return Object.keys(payload).length === 0 ? undefined : payload;
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}

/** Reads one payload. */
class Reader {
  #fieldsLeft = MAX_FIELDS;
  #bytes: Uint8Array = new Uint8Array();
  #at = 0;

  message(bytes: Uint8Array, name: string, depth: number): Record<string, unknown> {
    if (depth > MAX_DEPTH) throw new Malformed();
    const fields = FIELDS.get(name) ?? [];
    const message: Record<string, unknown> = {};
    for (let at = 0; at < bytes.length; at = this.#at) {
      if (--this.#fieldsLeft < 0) throw new Malformed();
      this.#bytes = bytes;
      this.#at = at;
      const tag = this.#small();
      const wireType = tag % 8;
      const raw = this.#raw(wireType);
      const after = this.#at;
      const field = fields[Math.floor(tag / 8) - 1];
      if (field !== undefined && field.name !== "") {
        this.#take(message, { field, wireType, raw, depth });
      } else if (tag < 8) throw new Malformed();
      this.#at = after;
    }
    return message;
  }

  #take(
    message: Record<string, unknown>,
    { field, wireType, raw, depth }: {
      readonly field: Field;
      readonly wireType: number;
      readonly raw: Unsigned | Uint8Array;
      readonly depth: number;
    },
  ): void {
    const { name, kind, isRepeated } = field;
    const isPacked = isRepeated && kind === "uint32" && raw instanceof Uint8Array;
    if (!isPacked && wireType !== (WIRE_TYPES[kind] ?? DELIMITED)) throw new Malformed();
    const values = isPacked ? this.#packed(raw) : [this.#value(raw, kind, depth)];
    if (!isRepeated) {
      message[name] = values[0];
      return;
    }
    const list = message[name] ??= [];
    if (Array.isArray(list)) { for (const value of values) list.push(value); }
  }

  #value(raw: Unsigned | Uint8Array, kind: string, depth: number): unknown {
    if (!(raw instanceof Uint8Array)) {
      return kind === "bool" ? raw !== 0 : kind === "uint32" ? lowBits(raw) : raw;
    }
    switch (kind) {
      case "float":
        return new DataView(raw.buffer, raw.byteOffset).getFloat32(0, true);
      case "double":
        return new DataView(raw.buffer, raw.byteOffset).getFloat64(0, true);
      case "string":
        return utf8.decode(raw);
      case "bytes":
        return raw;
      default:
        return this.message(raw, kind, depth + 1);
    }
  }

  #packed(bytes: Uint8Array): number[] {
    const values: number[] = [];
    this.#bytes = bytes;
    this.#at = 0;
    while (this.#at < bytes.length) {
      if (--this.#fieldsLeft < 0) throw new Malformed();
      values.push(lowBits(this.#varint()));
    }
    return values;
  }

  /** What a field holds, before it is known what it is. */
  #raw(wireType: number): Unsigned | Uint8Array {
    switch (wireType) {
      case VARINT:
        return this.#varint();
      case FIXED64:
        return this.#slice(8);
      case FIXED32:
        return this.#slice(4);
      case DELIMITED:
        return this.#slice(this.#small());
      default:
        throw new Malformed();
    }
  }

  #slice(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new Malformed();
    const slice = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return slice;
  }

  #small(): number {
    const value = this.#varint();
    if (typeof value !== "number") throw new Malformed();
    return value;
  }

  #varint(): Unsigned {
    let value = 0;
    // Seven bytes have 49 bits, which a number holds.
    for (let i = 0; i < 7; i++) {
      const byte = this.#byte();
      value += (byte & 0x7F) * 128 ** i;
      if (byte < 0x80) return value;
    }
    let large = BigInt(value);
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      large |= BigInt(byte & 0x7F) << shift;
      if (byte >= 0x80) continue;
      large = BigInt.asUintN(64, large);
      return large <= Number.MAX_SAFE_INTEGER ? Number(large) : large;
    }
    throw new Malformed();
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw new Malformed();
    return byte;
  }
}

/** What a field of 32 bits keeps of a longer integer. */
function lowBits(value: Unsigned): number {
  return typeof value === "number" ? value >>> 0 : Number(BigInt.asUintN(32, value));
}

/** Writes a payload. */
export function writePayload(payload: Raw<"Payload">): Uint8Array {
  return Uint8Array.from(writtenMessage("Payload", { ...payload }));
}

function writtenMessage(name: string, message: Readonly<Record<string, unknown>>): number[] {
  const bytes: number[] = [];
  for (const { number, name: field, kind, isRepeated } of FIELDS.get(name) ?? []) {
    const value = message[field];
    if (value === undefined) continue;
    for (const one of isRepeated && Array.isArray(value) ? value : [value]) {
      const wireType = WIRE_TYPES[kind] ?? DELIMITED;
      const written = writtenValue(one, kind);
      bytes.push(...varint(8 * number + wireType));
      if (wireType === DELIMITED) bytes.push(...varint(written.length));
      // One by one: as arguments they would be too many.
      for (let i = 0; i < written.length; i++) bytes.push(written[i] ?? 0);
    }
  }
  return bytes;
}

function writtenValue(value: unknown, kind: string): ArrayLike<number> {
  switch (kind) {
    case "uint":
    case "uint32":
    case "bool":
      return varint(value as Unsigned | boolean);
    case "float":
    case "double": {
      const view = new DataView(new ArrayBuffer(kind === "float" ? 4 : 8));
      if (kind === "float") view.setFloat32(0, value as number, true);
      else view.setFloat64(0, value as number, true);
      return new Uint8Array(view.buffer);
    }
    case "string":
      return new TextEncoder().encode(value as string);
    case "bytes":
      return value as Uint8Array;
    default:
      return writtenMessage(kind, value as Record<string, unknown>);
  }
}

function varint(value: Unsigned | boolean): number[] {
  const bytes: number[] = [];
  let left = BigInt(value);
  for (; left >= 0x80n; left >>= 7n) bytes.push(Number(left & 0x7Fn) | 0x80);
  bytes.push(Number(left));
  return bytes;
}
