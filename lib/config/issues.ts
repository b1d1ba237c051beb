/**
 * What zod found, in the program's own sentences.
 *
 * @module
 */

import * as z from "zod/v4";
import { nearest } from "./nearest_key.ts";
import { isRecord, type Path, shownKey, valueAt } from "./path.ts";
import { configSchema } from "./schema.ts";

/** Something wrong at a path of the config: at the value, or where that is missing at its holder. */
export interface Issue {
  readonly path: Path;
  readonly message: string;
  /** It is the key that is wrong. */
  readonly isOfKey?: boolean;
  /** It is accepted, but should be known. */
  readonly isWarning?: boolean;
}

/**
 * The issues of a config that failed the schema. There may be very many, so each is put into words
 * when its message is asked for.
 *
 * @param hidden tells which values are not to be shown.
 */
export function describeIssues(
  error: z.ZodError,
  { value, hidden }: { value: unknown; hidden: (path: Path) => boolean },
): Issue[] {
  return error.issues.flatMap(unionOpened(value)).flatMap((issue): Issue[] => {
    const path = pathOf(issue);
    if (issue.code !== "unrecognized_keys") {
      return [{
        path,
        get message(): string {
          return sentence(issue, valueAt(value, path), hidden(path));
        },
      }];
    }
    return issue.keys.map((key) => ({
      path: [...path, key],
      isOfKey: true,
      get message(): string {
        return unknownKey(path, key);
      },
    }));
  });
}

function pathOf({ path }: z.core.$ZodIssue): Path {
  return path.map((step) => typeof step === "number" ? step : String(step));
}

/** Of an object that is none of several kinds, what is wrong with it as an object. */
function unionOpened(root: unknown): (issue: z.core.$ZodIssue) => z.core.$ZodIssue[] {
  return (issue) => {
    const path = pathOf(issue);
    if (issue.code !== "invalid_union" || !isRecord(valueAt(root, path))) return [issue];
    const asObject = issue.errors.find((issues) =>
      issues.some((one) => one.path.length > 0 || one.code === "unrecognized_keys")
    );
    return asObject?.map((one) => ({ ...one, path: [...issue.path, ...one.path] })) ?? [issue];
  };
}

/** The schema of what stands at `path`, or undefined where there is none. */
export function schemaAt(path: Path): z.core.$ZodType | undefined {
  return path.reduce<z.core.$ZodType | undefined>((schema, step) => {
    const inner = schema && bare(schema);
    if (inner instanceof z.ZodArray) return inner.element;
    return inner && objectOf(inner)?.shape[step];
  }, configSchema);
}

/** The schema of what is written: inside defaults and `null`, before what becomes of it. */
export function bare(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodPipe) return bare(schema.in);
  const isWrapped = schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodNullable || schema instanceof z.ZodOptional;
  return isWrapped ? bare(schema.unwrap()) : schema;
}

function unknownKey(path: Path, key: string): string {
  const keys = keysAt(path);
  const near = nearest(key, keys);
  if (near !== undefined) return `unknown key ${shownKey(key)}; did you mean "${near}"?`;
  const [elsewhere] = placesOf(key, configSchema, []);
  if (elsewhere === key) return `unknown key ${shownKey(key)} here; it belongs at the top`;
  if (elsewhere !== undefined) {
    return `unknown key ${shownKey(key)} here; did you mean "${elsewhere}"?`;
  }
  return `unknown key ${shownKey(key)}; the keys here are ${keys.join(", ")}`;
}

function keysAt(path: Path): string[] {
  const schema = objectOf(bare(schemaAt(path) ?? configSchema));
  return schema === undefined ? [] : Object.keys(schema.shape);
}

/** The object that a value may be, among other things. */
function objectOf(schema: z.core.$ZodType): z.ZodObject | undefined {
  const kinds = schema instanceof z.ZodUnion ? schema.options.map(bare) : [schema];
  return kinds.find((one) => one instanceof z.ZodObject);
}

/** Every place in the config that has this key. */
function placesOf(key: string, schema: z.core.$ZodType, path: readonly string[]): string[] {
  const inner = bare(schema);
  if (inner instanceof z.ZodArray) {
    return placesOf(key, inner.element, [...path.slice(0, -1), `${path.at(-1)}[]`]);
  }
  if (!(inner instanceof z.ZodObject)) return [];
  return Object.entries(inner.shape).flatMap(([name, child]) => {
    const here = [...path, name];
    return [...name === key ? [here.join(".")] : [], ...placesOf(key, child, here)];
  });
}

function sentence(issue: z.core.$ZodIssue, value: unknown, hidden: boolean): string {
  const { code, message } = issue;
  if (value === undefined) return `is missing; it ${message}`;
  if (hidden) return message;
  if (code === "custom") return String(issue.params?.quoting ?? message);
  if (!message.startsWith("must be") || value === "") return message;
  const wantsContainer = code === "invalid_type" && ["object", "array"].includes(issue.expected);
  return `${message}, not ${wantsContainer ? kindOf(value) : shownOf(value)}`;
}

const MAX_SHOWN_CHARACTERS = 60;

/** The value, or its kind where it is long or may hold a password, as in `user:password@host`. */
export function shownOf(value: unknown): string {
  const shown = JSON.stringify(value);
  const isShown = typeof value !== "object" && shown.length <= MAX_SHOWN_CHARACTERS &&
    !shown.includes("@");
  return isShown ? shown : kindOf(value);
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  return typeof value === "string" ? "text" : typeof value === "number" ? "a number" : `${value}`;
}
