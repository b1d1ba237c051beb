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
 * User properties as an argument. They are passed on by their own names, of which `__proto__` may be
 * one; a name without a value is left out, and without any name there are none.
 */
export const userPropertiesSchema: z.ZodPipe<
  z.ZodUnknown,
  z.ZodTransform<UserProperties | undefined, unknown>
> = z.unknown().meta({
  type: "object",
  additionalProperties: {
    anyOf: [{ type: "string" }, { type: "array", items: { type: "string" } }],
  },
  description: "MQTT 5",
}).transform((value, context) => {
  const refuse = (message: string, input: unknown, path: string[] = []): never => {
    context.issues.push({ code: "custom", message, input, path });
    return z.NEVER;
  };
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return refuse("must be an object", value);
  }
  const set: Array<[string, string | string[]]> = [];
  let count = 0;
  for (const [name, texts] of Object.entries(value)) {
    if (!isTextOrTexts(texts)) {
      return refuse("must be a string or a list of strings", texts, [name]);
    }
    const added = typeof texts === "string" ? 1 : texts.length;
    count += added;
    if (count > MAX_VALUES) return refuse(`must have at most ${MAX_VALUES} values`, value);
    if (added > 0) set.push([name, texts]);
  }
  return set.length === 0 ? undefined : Object.fromEntries(set);
});

function isTextOrTexts(value: unknown): value is string | string[] {
  return typeof value === "string" ||
    Array.isArray(value) && value.every((one) => typeof one === "string");
}
