/**
 * Payloads of Sparkplug B as they are shown.
 *
 * @module
 */
import { given, type Json } from "./json.ts";
import { shownInteger, shownScalar, typeName } from "./sparkplug_types.ts";
import { type Raw, type RawValue, readPayload, type Unsigned } from "./sparkplug_wire.ts";

/** So many elements of arrays are shown of one payload, about. */
const MAX_ELEMENTS = 64 * 1024;

/** What birth certificates say of the metrics of one edge node or device. */
export interface Births {
  /** The metric with an alias. */
  named(alias: Unsigned): { readonly name: string; readonly type: number | undefined } | undefined;
  /** The data type of the metric with a name. */
  typeOf(name: string): number | undefined;
}

/** A payload on a topic of Sparkplug B. Whether it is a good one is found out when it is looked at. */
export class SparkplugPayload extends Uint8Array<ArrayBuffer> {
  /** What was known when it came; undefined: nothing. */
  births: Births | undefined;
  /** So many bytes at its beginning say when it was made, and the sender did not give them. */
  stampBytes = 0;

  /** The same bytes; they must not change afterwards. */
  static view(
    { buffer, byteOffset, length }: Uint8Array,
    births: Births | undefined,
  ): SparkplugPayload {
    const payload = new SparkplugPayload(buffer as ArrayBuffer, byteOffset, length);
    payload.births = births;
    return payload;
  }

  /** What it says: `{ timestamp, seq, metrics: [{ name, value, type, timestamp }] }`; else undefined. */
  shown(): { [key: string]: Json } | undefined {
    const raw = readPayload(this);
    return raw && new Shower(this.births).payload(raw);
  }
}

/**
 * The values of a shown payload by the names of their metrics: `{ metrics: { Temperature: 21.5 } }`,
 * templates likewise. Of several of one name the last counts, and historical ones do not.
 */
export function valuesByName(shown: Json): Json {
  if (shown === null || typeof shown !== "object" || Array.isArray(shown)) return {};
  const { metrics } = shown;
  if (!Array.isArray(metrics)) return {};
  const named: Array<[string, Json]> = [];
  for (const metric of metrics) {
    if (metric === null || typeof metric !== "object" || Array.isArray(metric)) continue;
    const { name, value, type, historical } = metric;
    if (typeof name !== "string" || value === undefined || historical === true) continue;
    named.push([name, type === "Template" && value !== null ? valuesByName(value) : value]);
  }
  return { metrics: Object.fromEntries(named) };
}

/** Shows one payload. */
class Shower {
  readonly #births: Births | undefined;
  readonly #room = { elements: MAX_ELEMENTS };
  #isNameless = false;

  constructor(births: Births | undefined) {
    this.#births = births;
  }

  payload(raw: Raw<"Payload">): { [key: string]: Json } {
    const metrics = (raw.metrics ?? []).map((metric) => this.#metric(metric));
    return given({
      timestamp: integer(raw.timestamp),
      seq: integer(raw.seq),
      uuid: raw.uuid,
      body: raw.body?.toBase64(),
      birth_known: this.#isNameless ? false : undefined,
      metrics,
    });
  }

  #metric(raw: Raw<"Metric">): { [key: string]: Json } {
    const { alias, properties } = raw;
    const known = alias === undefined || raw.name !== undefined
      ? undefined
      : this.#births?.named(alias);
    const name = raw.name ?? known?.name;
    if (name === undefined) this.#isNameless = true;
    const type = raw.datatype ?? known?.type ??
      (name === undefined ? undefined : this.#births?.typeOf(name));
    const value = raw.is_null ? null : this.#value(raw, type ?? 0);
    return given({
      name,
      alias: name === undefined ? integer(alias) : undefined,
      value,
      type: type === undefined ? undefined : typeName(type),
      timestamp: integer(raw.timestamp),
      historical: raw.is_historical || undefined,
      transient: raw.is_transient || undefined,
      metadata: raw.metadata && metadata(raw.metadata),
      properties: properties && this.#properties(properties),
    });
  }

  #value(raw: RawValue, type: number): Json | undefined {
    const { dataset_value, template_value, propertyset_value, propertysets_value } = raw;
    if (dataset_value !== undefined) return this.#dataSet(dataset_value);
    if (template_value !== undefined) return this.#template(template_value);
    if (propertyset_value !== undefined) return this.#properties(propertyset_value);
    if (propertysets_value !== undefined) {
      return (propertysets_value.propertyset ?? []).map((one) => this.#properties(one));
    }
    return shownScalar(raw, type, this.#room);
  }

  #properties({ keys = [], values = [] }: Raw<"PropertySet">): Json {
    return Object.fromEntries(keys.map((key, i) => {
      const raw = values[i] ?? {};
      return [key, raw.is_null ? null : this.#value(raw, raw.type ?? 0) ?? null];
    }));
  }

  #dataSet({ columns = [], types = [], rows = [] }: Raw<"DataSet">): Json {
    return {
      columns,
      types: types.map((type) => typeName(type)),
      rows: rows.map(({ elements = [] }) =>
        elements.map((element, i) => this.#value(element, types[i] ?? 0) ?? null)
      ),
    };
  }

  #template(raw: Raw<"Template">): Json {
    const { version, template_ref, is_definition, parameters, metrics = [] } = raw;
    return given({
      version,
      template_ref,
      is_definition,
      parameters: parameters?.map((parameter) =>
        given({
          name: parameter.name,
          value: this.#value(parameter, parameter.type ?? 0) ?? null,
          type: parameter.type === undefined ? undefined : typeName(parameter.type),
        })
      ),
      metrics: metrics.map((metric) => this.#metric(metric)),
    });
  }
}

function metadata(raw: Raw<"MetaData">): Json {
  return Object.fromEntries(
    Object.entries(raw).map(([name, value]) => [
      name,
      typeof value === "bigint" ? shownInteger(value) : value,
    ]),
  );
}

function integer(value: Unsigned | undefined): number | string | undefined {
  return value === undefined ? undefined : shownInteger(value);
}
