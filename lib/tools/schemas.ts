/**
 * The parts that the tools' schemas share.
 *
 * @module
 */
import * as z from "zod/v4";
import type { Limits } from "../config/config.ts";
import { WHERE_OPERATORS } from "../messages/where.ts";

/** A Message of the outward contract, as an output schema. */
export const messageShape = {
  topic: z.string(),
  payload: z.unknown(),
  encoding: z.literal("base64").optional(),
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
export const messageSchema = z.looseObject({
  topic: z.string(),
  payload: z.unknown(),
  received_at: z.string(),
});

/** The payload of a write: text, or what is sent as its JSON text. */
export const payloadSchema = z.unknown().refine(isPayload, {
  // Checked and passed on as it is: a copy would lose keys such as "__proto__".
  error: "must be a string, number, boolean, object or array",
}).meta({
  type: ["string", "number", "boolean", "object", "array"],
  description: "a string is sent as it is, anything else as its JSON text",
});

function isPayload(value: unknown): boolean {
  return typeof value === "object" && value !== null ||
    ["string", "number", "boolean"].includes(typeof value);
}

/** How a payload that is a string is to be understood. */
export const encodingSchema = z.enum(["text", "base64"]).default("text").describe(
  "base64: payload is the base64 of the bytes",
);

/** Quality of Service with its default. */
export function qosSchema(fallback: 0 | 1): z.ZodDefault<z.ZodLiteral<0 | 1 | 2>> {
  return z.literal([0, 1, 2]).default(fallback).describe(
    "0 at most once, 1 at least once, 2 exactly once",
  );
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

/** A topic filter, or several. */
export const topicsSchema = z.union([z.string(), z.array(z.string()).min(1).max(100)], {
  error: "must be a topic filter or a list of 1 to 100 topic filters",
}).describe('topic filter such as "sensors/+/temperature" (+ one level, # the rest), or a list');

/** A condition on the payload. */
export const whereSchema = z.strictObject({
  path: z.string().describe('JSON Pointer such as "/battery"; "" for the whole payload'),
  op: z.enum(WHERE_OPERATORS),
  value: z.unknown().optional(),
}).optional().describe("only messages whose payload meets this");
