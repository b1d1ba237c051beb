/**
 * JSON Schemas (2020-12) for what is written. Loaded only where there is one, for the sake of a
 * quick start.
 *
 * @module
 */
import { Ajv2020, type ErrorObject } from "ajv/2020";
import { RE2JS } from "re2js";
import { canonicalJson, type Json, parseJson } from "../messages/json.ts";
import { contentOf } from "../messages/payload.ts";
import type { PayloadSchema } from "../topics/rule.ts";

/** So many characters of a payload are matched against patterns, in all. */
const MAX_MATCHED = 16_384;
/** So many expectations are told of one payload. */
const MAX_TOLD = 8;

/**
 * Compiles a schema. A `$ref` leads into the schema itself and nowhere else, and a `pattern` is
 * matched in linear time.
 *
 * @throws {Error} whose message says what is wrong with it.
 */
export function compileSchema(schema: Readonly<Record<string, unknown>>): PayloadSchema {
  let left = MAX_MATCHED;
  const matcher = (pattern: string): { test(text: string): boolean; toString(): string } => {
    const compiled = RE2JS.compile(RE2JS.translateRegExp(pattern));
    return {
      // By which ajv tells one pattern from another.
      toString: () => pattern,
      test(text) {
        left -= text.length;
        if (left < 0) throw new TooLong();
        return compiled.matcher(text).find();
      },
    };
  };
  const ajv = new Ajv2020({
    strict: true,
    strictTypes: false,
    strictTuples: false,
    strictRequired: false,
    allowMatchingProperties: true,
    // 0.3 / 0.1 is not quite 3.
    multipleOfPrecision: 9,
    // Of no effect unless a vocabulary makes it so, JSON Schema 2020-12 §7.2.1.
    validateFormats: false,
    logger: false,
    code: { regExp: Object.assign(matcher, { code: "matcher" }) },
  });
  // Its own compares each item with each.
  ajv.removeKeyword("uniqueItems").addKeyword({
    keyword: "uniqueItems",
    type: "array",
    schemaType: "boolean",
    error: { message: "must have no item twice" },
    validate: (isWanted: boolean, items: Json[]) =>
      !isWanted || new Set(items.map(canonicalJson)).size === items.length,
  });
  // It knows it as the target of a reference, and not as a keyword.
  ajv.addKeyword("$anchor");
  if (ajv.validateSchema(schema) === false && ajv.errors?.[0] !== undefined) {
    throw new Error(describe(ajv.errors[0]));
  }
  const validate = ajv.compile(schema);
  return {
    json: schema,
    faultOf(payload) {
      const content = contentOf(payload, parseJson);
      if (content === undefined) return "is binary, and must be text or JSON";
      left = MAX_MATCHED;
      try {
        if (validate(content)) return undefined;
      } catch (cause) {
        if (!(cause instanceof TooLong)) throw cause;
        return `has more than ${MAX_MATCHED} characters of text to be matched against patterns`;
      }
      return describeAll(validate.errors ?? []);
    },
  };
}

class TooLong extends Error {}

/** Of a choice, what each branch expects; the last is what all of it comes to. */
function describeAll(errors: readonly ErrorObject[]): string {
  const said = errors.map(describe);
  return said.length <= MAX_TOLD
    ? said.join("; ")
    : [...said.slice(0, MAX_TOLD - 1), "…", said.at(-1)].join("; ");
}

/** The place by a JSON Pointer, and what is expected there. */
function describe({ instancePath, message, params }: ErrorObject): string {
  const { allowedValues, allowedValue, propertyName } = params;
  const { additionalProperty = propertyName, unevaluatedProperty = additionalProperty } = params;
  const detail = allowedValues ?? allowedValue ?? unevaluatedProperty;
  const place = instancePath === "" ? "" : `at ${JSON.stringify(instancePath.slice(0, 200))} `;
  const more = detail === undefined ? "" : `: ${JSON.stringify(detail).slice(0, 200)}`;
  return `${place}${message}${more}`.toWellFormed();
}
