/**
 * Payloads of Sparkplug B from what an agent gives, in the form in which they are shown.
 *
 * @module
 */
import { McpMqttError } from "../errors.ts";
import { isPlainContainer, type Json, parseExactly, plainJsonFault } from "./json.ts";
import { type Births, SparkplugPayload } from "./sparkplug.ts";
import { integerOf, rawScalar, textOf, typeNumber, WrongValue } from "./sparkplug_types.ts";
import { type Raw, type RawValue, type Unsigned, writePayload } from "./sparkplug_wire.ts";

type JsonObject = Readonly<Record<string, Json>>;

/** A data type that goes without saying. */
const TYPE_OF: Readonly<Record<string, string>> = { boolean: "Boolean", string: "String" };

/**
 * The bytes of a payload; one without a timestamp gets that of now, and a metric without a type that
 * of its birth.
 *
 * @param value the object, or its JSON
 * @throws {McpMqttError} `payload_invalid`
 */
export function encodeSparkplug(value: unknown, births: Births | undefined): SparkplugPayload {
  const given = typeof value === "string" ? parseExactly(value) : value;
  const fault = plainJsonFault(given);
  if (fault !== undefined) throw invalid("payload", fault);
  const writer = new Writer(births);
  const { timestamp, seq, uuid, metrics } = members(given as Json, "payload", [
    "timestamp",
    "seq",
    "uuid",
    "metrics",
  ]);
  const rest = writePayload({
    ...at(
      "payload.metrics",
      () => ({ metrics: list(metrics).map((one, i) => writer.metric(one, `metrics[${i}]`)) }),
    ),
    ...unsigned("seq", seq),
    ...(uuid === undefined ? {} : at("payload.uuid", () => ({ uuid: textOf(uuid) }))),
  });
  const stamp = writePayload({ timestamp: Date.now(), ...unsigned("timestamp", timestamp) });
  const bytes = new Uint8Array(stamp.length + rest.length);
  bytes.set(stamp);
  bytes.set(rest, stamp.length);
  const payload = SparkplugPayload.view(bytes, births);
  if (timestamp === undefined) payload.stampBytes = stamp.length;
  if (payload.shown() === undefined) throw invalid("payload", "is nested too deep, or too large");
  return payload;
}

/** Makes what protobuf writes. */
class Writer {
  readonly #births: Births | undefined;

  constructor(births: Births | undefined) {
    this.#births = births;
  }

  metric(given: Json, place: string): Raw<"Metric"> {
    const metric = members(given, place, METRIC_MEMBERS);
    const { name, alias, value = null, type, timestamp, properties } = metric;
    const raw: Raw<"Metric"> = {
      ...(name === undefined ? {} : at(`${place}.name`, () => ({ name: textOf(name) }))),
      ...unsigned("alias", alias, place),
      ...unsigned("timestamp", timestamp, place),
    };
    if (raw.name === undefined && raw.alias === undefined) {
      throw invalid(place, "needs a name or an alias");
    }
    const known = raw.name === undefined
      ? raw.alias === undefined ? undefined : this.#births?.named(raw.alias)?.type
      : this.#births?.typeOf(raw.name);
    const datatype = this.#typeOf({ type, value, known, place });
    return {
      ...raw,
      datatype,
      ...(metric["historical"] === true ? { is_historical: true } : {}),
      ...(metric["transient"] === true ? { is_transient: true } : {}),
      ...(properties === undefined ? {} : {
        properties: this.#properties(properties, `${place}.properties`),
      }),
      ...(value === null ? { is_null: true } : this.#value(value, datatype, `${place}.value`)),
    };
  }

  #typeOf({ type, value, known, place }: {
    readonly type: Json | undefined;
    readonly value: Json;
    readonly known: number | undefined;
    readonly place: string;
  }): number {
    const named = typeNumber(type ?? TYPE_OF[known === undefined ? typeof value : ""]);
    const datatype = type === undefined ? known ?? named : named;
    if (datatype !== undefined) return datatype;
    throw invalid(
      `${place}.type`,
      type === undefined
        ? "is needed: no birth certificate that came told it"
        : 'must be a data type of Sparkplug B, such as "Int32", "Double", "Boolean" or "String"',
    );
  }

  #value(value: Json, type: number, place: string): RawValue {
    return at(place, () => rawScalar(value, type)) ?? this.#composed(value, type, place);
  }

  #composed(value: Json, type: number, place: string): RawValue {
    switch (type) {
      case DATA_SET:
        return { dataset_value: this.#dataSet(value, place) };
      case TEMPLATE:
        return { template_value: this.#template(value, place) };
      case PROPERTY_SET:
        return { propertyset_value: this.#properties(value, place) };
      default: {
        const sets = at(place, () => list(value));
        return {
          propertysets_value: {
            propertyset: sets.map((one, i) => this.#properties(one, `${place}[${i}]`)),
          },
        };
      }
    }
  }

  #dataSet(given: Json, place: string): Raw<"DataSet"> {
    const { columns, types, rows } = members(given, place, ["columns", "types", "rows"]);
    return at(place, () => {
      const numbers = list(types).map((type) =>
        this.#typeOf({ type, value: null, known: undefined, place })
      );
      const names = list(columns).map(textOf);
      if (names.length !== numbers.length) throw new WrongValue("needs as many types as columns");
      return {
        num_of_columns: names.length,
        columns: names,
        types: numbers,
        rows: list(rows).map((row) => ({
          elements: list(row).map((cell, i) => this.#value(cell, numbers[i] ?? 0, place)),
        })),
      };
    });
  }

  #template(given: Json, place: string): Raw<"Template"> {
    const { version, template_ref, is_definition, parameters, metrics = [] } = members(
      given,
      place,
      [
        "version",
        "template_ref",
        "is_definition",
        "parameters",
        "metrics",
      ],
    );
    return at(place, () => ({
      ...(version === undefined ? {} : { version: textOf(version) }),
      ...(template_ref === undefined ? {} : { template_ref: textOf(template_ref) }),
      ...(is_definition === undefined ? {} : { is_definition: is_definition === true }),
      ...(parameters === undefined ? {} : {
        parameters: list(parameters).map((parameter, i) => {
          const inner = `${place}.parameters[${i}]`;
          const { name = "", value = null, type } = members(parameter, inner, [
            "name",
            "value",
            "type",
          ]);
          const number = this.#typeOf({ type, value, known: undefined, place: inner });
          return { name: textOf(name), type: number, ...this.#value(value, number, inner) };
        }),
      }),
      metrics: list(metrics).map((one, i) => this.metric(one, `${place}.metrics[${i}]`)),
    }));
  }

  /** Of types only what JSON says of them: texts, truths, numbers, sets and lists of sets. */
  #properties(given: Json, place: string): Raw<"PropertySet"> {
    const entries: Array<[string, Json]> = Object.entries(members(given, place));
    return {
      keys: entries.map(([key]) => at(place, () => textOf(key))),
      values: entries.map(([key, value]) => {
        const type = propertyType(value);
        return value === null
          ? { type, is_null: true }
          : { type, ...this.#value(value, type, `${place}.${key}`) };
      }),
    };
  }
}

const numberOf = (name: string): number => typeNumber(name) ?? 0;
const DATA_SET = numberOf("DataSet");
const TEMPLATE = numberOf("Template");
const PROPERTY_SET = numberOf("PropertySet");
const METRIC_MEMBERS = [
  ..."name alias value type timestamp historical transient properties".split(" "),
];

function propertyType(value: Json): number {
  if (Array.isArray(value)) return numberOf("PropertySetList");
  switch (typeof value) {
    case "object":
      return value === null ? numberOf("String") : PROPERTY_SET;
    case "number":
      return numberOf(
        !Number.isInteger(value) ? "Double" : value === (value | 0) ? "Int32" : "Int64",
      );
    default:
      return numberOf(TYPE_OF[typeof value] ?? "");
  }
}

/** The members of an object. */
function members(value: Json, place: string, allowed?: readonly string[]): JsonObject {
  if (!isPlainContainer(value) || Array.isArray(value)) throw invalid(place, "must be an object");
  const unknown = allowed && Object.keys(value).find((key) => !allowed.includes(key));
  if (unknown === undefined) return value as JsonObject;
  throw invalid(
    place,
    `has the unknown member ${JSON.stringify(unknown.slice(0, 80))}; there are ${
      allowed?.join(", ")
    }`,
  );
}

function list(value: Json | undefined): Json[] {
  if (!Array.isArray(value)) throw new WrongValue("must be an array");
  return value;
}

function unsigned(
  name: string,
  value: Json | undefined,
  place = "payload",
): { [key: string]: Unsigned } {
  if (value === undefined) return {};
  const whole = at(`${place}.${name}`, () => integerOf(value, "UInt64"));
  return { [name]: Number.isSafeInteger(Number(whole)) ? Number(whole) : whole };
}

/** What a function makes; what is wrong is told with its place. */
function at<T>(place: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof WrongValue) throw invalid(place, error.message);
    throw error;
  }
}

function invalid(place: string, fault: string): McpMqttError {
  return new McpMqttError("payload_invalid", `${place.slice(0, 200).toWellFormed()} ${fault}`, {
    outcome: "not_sent",
    hint: 'Such as {"metrics": [{"name": "Speed", "value": 5, "type": "Int32"}]}.',
  });
}
