/**
 * Checks the arguments of a call and says what is wrong in words that name the argument, the value
 * and the bound.
 *
 * @module
 */
import type * as z from "zod/v4";
import { McpMqttError } from "../errors.ts";

/**
 * The arguments as the schema has them, defaults filled in.
 *
 * @throws {McpMqttError} `invalid_argument` with every fault.
 */
export function parseArguments<Input extends z.ZodObject>(
  schema: Input,
  args: unknown,
): z.output<Input> {
  const result = schema.safeParse(args ?? {}, { reportInput: true });
  if (result.success) return result.data;
  const known = Object.keys(schema.shape).join(", ");
  const faults = result.error.issues.map((issue) => describeIssue(issue, args, known));
  throw new McpMqttError("invalid_argument", [...new Set(faults)].join("; "), {
    hint: known === "" ? "This tool takes no arguments." : `The arguments are: ${known}.`,
  });
}

function describeIssue(issue: z.core.$ZodIssue, args: unknown, known: string): string {
  const name = issue.path.map(String).join(".");
  const got = shown(valueAt(args, issue.path));
  switch (issue.code) {
    case "unrecognized_keys": {
      const where = name === "" ? "" : ` in ${name}`;
      const keys = issue.keys.map((key) => JSON.stringify(key)).join(", ");
      const list = name === "" && known !== "" ? `; known are ${known}` : "";
      return `unknown argument ${keys}${where}${list}`;
    }
    case "invalid_type":
      if (name === "") return `the arguments must be an object, got ${got}`;
      if (valueAt(args, issue.path) === undefined) {
        return `missing argument "${name}" (${issue.expected})`;
      }
      return `${name} must be of type ${
        issue.expected === "int" ? "integer" : issue.expected
      }, got ${got}`;
    case "too_small":
    case "too_big":
      return `${name} must ${bound(issue)}, got ${got}`;
    case "invalid_value":
      return `${name} must be ${
        issue.values.map((value) => JSON.stringify(value)).join(" or ")
      }, got ${got}`;
    default:
      if (valueAt(args, issue.path) === undefined) return `missing argument "${name}"`;
      return `${name} ${issue.message}, got ${got}`;
  }
}

function bound(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig): string {
  const isNumber = issue.origin === "number" || issue.origin === "int";
  const what = isNumber ? "be" : issue.origin === "array" ? "have" : "have a length of";
  const unit = issue.origin === "array" ? " entries" : "";
  if (issue.code === "too_big") {
    return issue.inclusive === false
      ? `${what} less than ${issue.maximum}${unit}`
      : `${what} at most ${issue.maximum}${unit}`;
  }
  return issue.inclusive === false
    ? `${what} greater than ${issue.minimum}${unit}`
    : `${what} at least ${issue.minimum}${unit}`;
}

function valueAt(args: unknown, path: readonly PropertyKey[]): unknown {
  let value: unknown = args;
  for (const key of path) {
    if (value === null || typeof value !== "object") return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  const short = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  return typeof value === "string" ? `the string ${short}` : short;
}
