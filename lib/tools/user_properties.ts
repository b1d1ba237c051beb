/**
 * The user properties of a write.
 *
 * @module
 */
import * as z from "zod/v4";
import type { MessageProperties } from "../messages/message.ts";

/** How many values all user properties together may have. */
const MAX_VALUES = 1_000;

/** User properties as a message has them: at least one, and each with a value. */
export type UserProperties = NonNullable<MessageProperties["userProperties"]>;

/**
 * User properties as an argument: a list of names and values, in which a name may stand again, or an
 * object. They are passed on by their own names, of which `__proto__` may be one; a name without a
 * value is left out, and without any name there are none.
 */
export const userPropertiesSchema: z.ZodPipe<
  z.ZodUnknown,
  z.ZodTransform<UserProperties | undefined, unknown>
> = z.unknown().meta({
  type: "array",
  items: {
    type: "object",
    properties: { name: { type: "string" }, value: { type: "string" } },
    required: ["name", "value"],
  },
  description: "MQTT 5",
}).transform((value, context) => {
  const refuse = (message: string, input: unknown, path: PropertyKey[] = []): never => {
    context.issues.push({ code: "custom", message, input, path });
    return z.NEVER;
  };
  if (typeof value !== "object" || value === null) {
    return refuse("must be a list of { name, value }", value);
  }
  const set = new Map<string, string | string[]>();
  let count = 0;
  const entries = Array.isArray(value) ? value.map(pairOf) : Object.entries(value);
  for (const [i, entry] of entries.entries()) {
    if (entry === undefined) return refuse("must be { name, value }, both strings", value, [i]);
    const [name, texts] = entry;
    if (!isTextOrTexts(texts)) {
      return refuse("must be a string or a list of strings", texts, [name]);
    }
    const added = typeof texts === "string" ? 1 : texts.length;
    count += added;
    if (count > MAX_VALUES) return refuse(`must have at most ${MAX_VALUES} values`, value);
    const before = set.get(name);
    if (added > 0) set.set(name, before === undefined ? texts : [before, texts].flat());
  }
  return set.size === 0 ? undefined : Object.fromEntries(set);
});

/** Name and value of an entry of the list, or undefined if it is none. */
function pairOf(entry: unknown): readonly [string, unknown] | undefined {
  if (typeof entry !== "object" || entry === null) return undefined;
  const { name, value, ...others } = entry as Readonly<Record<string, unknown>>;
  if (typeof name !== "string" || typeof value !== "string") return undefined;
  return Object.keys(others).length === 0 ? [name, value] : undefined;
}

function isTextOrTexts(value: unknown): value is string | string[] {
  return typeof value === "string" ||
    Array.isArray(value) && value.every((one) => typeof one === "string");
}
