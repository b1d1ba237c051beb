/**
 * Payloads of Sparkplug B from what an agent gives, in the form in which they are shown.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { McpMqttError } from "../errors.ts";
import { isPlainContainer, type Json, parseExactly, plainJsonFault } from "./json.ts";
import { type Births, SparkplugPayload } from "./sparkplug.ts";
import { integerOf, rawScalar, textOf, typeNumber, WrongValue } from "./sparkplug_types.ts";
import { type RawMetric, type Unsigned, writePayload } from "./sparkplug_wire.ts";

type JsonObject = Readonly<Record<string, Json>>;

/** A data type that goes without saying. */
const TYPE_OF: Readonly<Record<string, string>> = { boolean: "Boolean", string: "String" };

/**
 * The bytes of a payload; one without a timestamp gets that of now, and a metric without a type that
 * of its birth. Values with parts of their own are shown, but not written: commands need none.
 *
 * @param value the object, or its JSON
 * @throws {McpMqttError} `payload_invalid`
 */
export function encodeSparkplug(value: unknown, births: Births | undefined): SparkplugPayload {
  const given = typeof value === "string" ? parseExactly(value) : value;
  const fault = plainJsonFault(given);
  if (fault !== undefined) throw invalid("payload", fault);
  const { timestamp, seq, uuid, metrics } = members(given as Json, "payload", [
    "timestamp",
    "seq",
    "uuid",
    "metrics",
  ]);
  if (!Array.isArray(metrics)) throw invalid("payload.metrics", "must be an array");
  const rest = writePayload({
    metrics: metrics.map((one, i) => metricOf(one, `metrics[${i}]`, births)),
    ...unsigned("seq", seq),
    ...(uuid === undefined ? {} : at("payload.uuid", () => ({ uuid: textOf(uuid) }))),
  });
  const stamp = writePayload({ timestamp: Date.now(), ...unsigned("timestamp", timestamp) });
  const payload = SparkplugPayload.view(Buffer.concat([stamp, rest]), births);
  if (timestamp === undefined) payload.stampBytes = stamp.length;
  if (payload.shown() === undefined) throw invalid("payload", "is too large");
  return payload;
}

function metricOf(given: Json, place: string, births: Births | undefined): RawMetric {
  const metric = members(given, place, METRIC_MEMBERS);
  const { name, alias, value = null, type, timestamp } = metric;
  const raw: RawMetric = {
    ...(name === undefined ? {} : at(`${place}.name`, () => ({ name: textOf(name) }))),
    ...unsigned("alias", alias, place),
    ...unsigned("timestamp", timestamp, place),
  };
  if (raw.name === undefined && raw.alias === undefined) {
    throw invalid(place, "needs a name or an alias");
  }
  const known = raw.name === undefined
    ? raw.alias === undefined ? undefined : births?.named(raw.alias)?.type
    : births?.typeOf(raw.name);
  const datatype = typeNumber(type ?? TYPE_OF[known === undefined ? typeof value : ""]) ??
    (type === undefined ? known : undefined);
  if (datatype === undefined) {
    throw invalid(
      `${place}.type`,
      type === undefined
        ? "is needed: no birth certificate that came told it"
        : 'must be a data type of Sparkplug B, such as "Int32", "Double", "Boolean" or "String"',
    );
  }
  return {
    ...raw,
    datatype,
    ...(metric["historical"] === true ? { is_historical: true } : {}),
    ...(metric["transient"] === true ? { is_transient: true } : {}),
    ...(value === null
      ? { is_null: true }
      : at(`${place}.value`, () => rawScalar(value, datatype))),
  };
}

const METRIC_MEMBERS = "name alias value type timestamp historical transient".split(" ");

/** The members of an object. */
function members(value: Json, place: string, allowed: readonly string[]): JsonObject {
  if (!isPlainContainer(value) || Array.isArray(value)) throw invalid(place, "must be an object");
  const unknown = Object.keys(value).find((key) => !allowed.includes(key));
  if (unknown === undefined) return value as JsonObject;
  throw invalid(
    place,
    `has the unknown member ${JSON.stringify(unknown.slice(0, 80))}; there are ${
      allowed.join(", ")
    }`,
  );
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
