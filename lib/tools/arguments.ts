/**
 * Checks the arguments of a call and says what is wrong in words that name the argument, the value
 * and the bound.
 *
 * @module
 */
import type * as z from "zod/v4";
import { McpMqttError } from "../errors.ts";
import { isPlainContainer, isScalar, plainJsonFault } from "../messages/json.ts";

/** How many faults, and unknown arguments in one of them, an error names. */
const MAX_NAMED = 5;
/** No tool has more arguments; who gives more need not be told of each. */
const MAX_ARGUMENTS = 100;
/** Characters of a name or a value in an error. */
const MAX_SHOWN = 80;

/**
 * The arguments as the schema has them, defaults filled in. Whatever they are, they are plain JSON
 * of a bounded depth and number of values from here on.
 *
 * @throws {McpMqttError} `invalid_argument` with the faults.
 */
export function parseArguments<Input extends z.ZodObject>(
  schema: Input,
  args: unknown,
): z.output<Input> {
  const known = Object.keys(schema.shape).join(", ");
  const hint = known === "" ? "This tool takes no arguments." : `The arguments are: ${known}.`;
  const unfit = plainFault(args);
  if (unfit !== undefined) throw new McpMqttError("invalid_argument", unfit, { hint });
  const result = schema.safeParse(args ?? {}, { reportInput: true });
  if (result.success) return result.data;
  const { issues } = result.error;
  const faults = issues.slice(0, MAX_NAMED).map((issue) => describeIssue(issue, args, known));
  if (issues.length > MAX_NAMED) faults.push(`${issues.length - MAX_NAMED} more faults`);
  const message = [...new Set(faults)].join("; ").toWellFormed();
  throw new McpMqttError("invalid_argument", message, { hint });
}

/** What is wrong with the first argument that is no plain JSON, or too much of it. */
function plainFault(args: unknown): string | undefined {
  if (isScalar(args) || args === undefined) return undefined;
  if (!isPlainContainer(args) || Array.isArray(args)) {
    return "the arguments must be one JSON object";
  }
  const names = Object.keys(args);
  if (names.length > MAX_ARGUMENTS) {
    return `there are ${names.length} arguments, and no tool has so many`;
  }
  for (const [name, value] of Object.entries(args)) {
    const fault = plainJsonFault(value);
    if (fault !== undefined) return `${cut(name)} ${fault}`.toWellFormed();
  }
  return undefined;
}

function describeIssue(issue: z.core.$ZodIssue, args: unknown, known: string): string {
  const name = issue.path.map((key) => cut(String(key))).join(".");
  const got = shown(valueAt(args, issue.path));
  switch (issue.code) {
    case "unrecognized_keys": {
      const where = name === "" ? "" : ` in ${name}`;
      const keys = issue.keys.slice(0, MAX_NAMED).map((key) => JSON.stringify(cut(key))).join(", ");
      const more = issue.keys.length > MAX_NAMED
        ? ` and ${issue.keys.length - MAX_NAMED} more`
        : "";
      const list = name === "" && known !== "" ? `; known are ${known}` : "";
      return `unknown argument ${keys}${more}${where}${list}`;
    }
    case "invalid_type":
      if (name === "") return `the arguments must be one JSON object, got ${got}`;
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
      return `${name} must be one of ${
        issue.values.map((value) => JSON.stringify(value)).join(", ")
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
  const text = cut(JSON.stringify(value) ?? "nothing");
  return typeof value === "string" ? `the string ${text}` : text;
}

function cut(text: string): string {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}
