/**
 * The parts that the tools' schemas share.
 *
 * @module
 */
import * as z from "zod/v4";
import type { Limits } from "../config/config.ts";
import { WHERE_OPERATORS } from "../messages/where.ts";
import { PAYLOAD_ENCODINGS } from "./payload_argument.ts";

const MAX_FILTERS = 100;
const MAX_POINTERS = 32;
const MAX_POINTER_LENGTH = 256;

/**
 * A Message of the outward contract, as an output schema. Its payload may be anything, so that there
 * is nothing to say of it.
 */
export const messageShape = {
  topic: z.string(),
  values: z.looseObject({}).optional(),
  encoding: z.string().optional(),
  size: z.int().optional(),
  truncated: z.literal(true).optional(),
  qos: z.int().optional(),
  retain: z.literal(true).optional(),
  received_at: z.string(),
  properties: z.looseObject({}).optional(),
};

/** What was left out, and the next call that gets it. */
export const hintSchema = z.string().optional();

/**
 * What is in force of the topic filters that were asked for. `filters_omitted`, which is rare, is
 * allowed as any other: what stands here stands in the context of every chat.
 */
export const narrowingShape = { filters: z.array(z.string()), narrowed: z.boolean() };

/** A Message in a list: what every one has. */
export const messageSchema = z.looseObject({ received_at: z.string() });

/** An entry of a summary: what every one has. */
export const summaryEntrySchema = z.looseObject({ topic: z.string(), count: z.int() });

/**
 * The payload of a write: text, or what is sent as its JSON text. Not every model's API takes a
 * schema for any object or list, so the published one has them as their text only.
 */
export const payloadSchema = z.unknown().refine(isPayload, {
  // Checked and passed on as it is: a copy would lose keys such as "__proto__".
  error: "must be a string, number, boolean, object or array",
}).meta({
  anyOf: [
    { type: "string", description: 'sent as it is; JSON as its text, such as {"state":"ON"}' },
    { type: "number" },
    { type: "boolean" },
  ],
});

function isPayload(value: unknown): boolean {
  return typeof value === "object" && value !== null ||
    ["string", "number", "boolean"].includes(typeof value);
}

/** How a payload is to be understood. */
export const encodingSchema = z.enum(PAYLOAD_ENCODINGS).default("text").describe(
  "sparkplug: {metrics:[{name,value,type}]}",
);

/** Quality of Service with its default. */
export function qosSchema(fallback: 0 | 1): z.ZodDefault<z.ZodLiteral<0 | 1 | 2>> {
  return z.literal([0, 1, 2]).meta({ enum: undefined, type: "integer", minimum: 0, maximum: 2 })
    .default(fallback);
}

/** A wait in seconds. */
export function timeoutSchema(limits: Limits, fallback: number): z.ZodDefault<z.ZodNumber> {
  const max = limits.maxTimeoutMs / 1000;
  return z.number().gt(0).max(max).default(Math.min(fallback, max)).describe("seconds");
}

/** Whether retained messages count. */
export const includeRetainedSchema = z.boolean().default(true).describe(
  "also the messages the broker keeps",
);

/** Whether only retained messages count, and nothing is waited for. */
export const retainedOnlySchema = z.boolean().default(false).describe(
  "only those, and at once",
);

/** A topic filter, or `least` to 100 of them; how it is described. */
function filtersSchema(
  least: 0 | 1,
  description: string,
): z.ZodUnion<readonly [z.ZodString, z.ZodArray<z.ZodString>]> {
  return z.union([z.string(), z.array(z.string()).min(least).max(MAX_FILTERS)], {
    error: `must be a topic filter or a list of ${least} to ${MAX_FILTERS} topic filters`,
  }).describe(description);
}

/** What to collect. */
export const topicsSchema = filtersSchema(
  1,
  'topic filter such as "sensors/+/temperature" (+ one level, # the rest), or a list',
);

/** What to leave out. */
export const excludeSchema = filtersSchema(0, "leave out these topics").optional();

/** None are as if they were not asked for. */
const pointersSchema = z.array(z.string().max(MAX_POINTER_LENGTH)).max(MAX_POINTERS);

/** Values instead of payloads. */
export const fieldsSchema = pointersSchema.optional().describe(
  'JSON Pointers such as "/t": these values instead of payloads',
);

/** What messages say in sum instead of the messages. */
export const summarySchema = z.union([z.boolean(), pointersSchema], {
  error: "must be true or a list of JSON Pointers",
}).optional().describe(
  "true, or JSON Pointers: per topic count, and min, max, mean, first, last of its numbers, over all that came, instead of messages",
);

/** A condition on the payload. */
export const whereSchema = z.strictObject({
  path: z.string().describe('JSON Pointer as "/battery"; "": the payload'),
  op: z.enum(WHERE_OPERATORS).describe("changed: since the topic's message before"),
  value: z.unknown().optional().meta({
    anyOf: [
      { type: "string", description: '"20" is 20' },
      { type: "number" },
      { type: "boolean" },
    ],
  }),
}).optional().describe("what payloads must meet");
