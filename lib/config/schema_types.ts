/**
 * The kinds of value in the config, each with one message that says what would be right.
 *
 * @module
 */

import * as z from "zod/v4";

/** An integer from `min` to `max`. */
export function integer(min: number, max: number): z.ZodInt {
  const error = `must be an integer from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
}

/** A number above zero, fractions allowed, of `unit`. */
export function positive(max: number, unit: string): z.ZodNumber {
  const error = `must be a number of ${unit} above 0, at most ${max}`;
  return z.number({ error }).gt(0, { error }).max(max, { error });
}

/** Text that is not empty. */
export function text(what = "text"): z.ZodString {
  const error = `must be ${what}, not empty`;
  return z.string({ error: `must be ${what}` }).min(1, { error });
}

/** Any text. */
export function anyText(): z.ZodString {
  return z.string({ error: "must be text in double quotes" });
}

/** True or false. */
export function flag(): z.ZodBoolean {
  return z.boolean({ error: "must be true or false" });
}

/** What may be null, and is where it is left out. */
export function orNull<Schema extends z.ZodType>(
  schema: Schema,
): z.ZodDefault<z.ZodNullable<Schema>> {
  return z._default(z.nullable(schema), null) as z.ZodDefault<z.ZodNullable<Schema>>;
}

/** One of a few words. */
export function oneOf<const Words extends readonly string[]>(
  words: Words,
): z.ZodEnum<z.util.ToEnum<Words[number]>> {
  return z.enum(words, { error: `must be ${anyOf(words.map((word) => JSON.stringify(word)))}` });
}

/**
 * A UTF-8 Encoded String of MQTT: at most 65,535 bytes, with no U+0000 and no lone surrogate
 * [MQTT-1.5.4-1], [MQTT-1.5.4-2].
 */
export function mqttString(options: { minLength: 0 | 1; maxBytes?: number }): z.ZodString {
  const { minLength, maxBytes = 65_535 } = options;
  return anyText().min(minLength, { error: "must not be empty" })
    .superRefine((value, context) => {
      const bytes = new TextEncoder().encode(value).length;
      if (value.includes("\0")) context.addIssue("must not hold the character U+0000");
      if (!value.isWellFormed()) context.addIssue("must not hold half of a surrogate pair");
      if (bytes > maxBytes) {
        context.addIssue(
          `must be at most ${maxBytes} bytes of UTF-8, not ${bytes}`,
        );
      }
    });
}

/** `max_messages` as `maxMessages`. */
type CamelCase<Key> = Key extends `${infer Word}_${infer Rest}`
  ? `${Word}${Capitalize<CamelCase<Rest> & string>}`
  : Key;

/** What a record of the file becomes: keys in camel case, and `undefined` for `null`. */
export type Exact<Written> = {
  [Key in keyof Written as CamelCase<Key>]: null extends Written[Key]
    ? Exclude<Written[Key], null> | undefined
    : Written[Key];
};

/**
 * An object of the given keys and no others.
 *
 * @param what is told of anything else
 */
export function record<Shape extends z.core.$ZodLooseShape>(
  shape: Shape,
  what = "an object",
): z.ZodPipe<
  z.ZodObject<Shape, z.core.$strict>,
  z.ZodTransform<
    Exact<z.output<z.ZodObject<Shape, z.core.$strict>>>,
    z.output<z.ZodObject<Shape, z.core.$strict>>
  >
> {
  const error = ({ code }: { code?: string }): string | undefined =>
    code === "unrecognized_keys" ? undefined : `must be ${what}`;
  return z.strictObject(shape, { error }).transform(exact);
}

/** `max_messages` as `maxMessages`. */
export function camelCase(key: string): string {
  return key.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

function exact<Written extends object>(written: Written): Exact<Written> {
  const entries = Object.entries(written).map((
    [key, value],
  ) => [camelCase(key), value ?? undefined]);
  return Object.fromEntries(entries) as Exact<Written>;
}

/** A list. */
export function list<Item extends z.ZodType>(item: Item, of: string): z.ZodArray<Item> {
  return z.array(item, { error: `must be a list of ${of}` });
}

/** `a, b or c`. */
export function anyOf(words: readonly string[]): string {
  const last = words.at(-1) ?? "";
  return words.length < 2 ? last : `${words.slice(0, -1).join(", ")} or ${last}`;
}
