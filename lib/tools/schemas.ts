/**
 * The parts that the tools' schemas share.
 *
 * @module
 */
import * as z from "zod/v4";
import type { Limits } from "../config/config.ts";
import { WHERE_OPERATORS } from "../mqtt/where.ts";

/** A Message of the outward contract, as an output schema. */
export const messageShape = {
  topic: z.string(),
  payload: z.unknown().describe("parsed where it is a JSON object or array, else text or base64"),
  encoding: z.literal("base64").optional(),
  size: z.int().optional().describe("payload bytes; with base64 or truncated"),
  truncated: z.literal(true).optional(),
  qos: z.int().optional().describe("only when not 0"),
  retain: z.literal(true).optional().describe("a retained message"),
  received_at: z.string(),
  properties: z.record(z.string(), z.unknown()).optional().describe("MQTT 5 properties"),
};

/** {@linkcode messageShape} as an object. */
export const messageSchema = z.object(messageShape);

/** The payload of a write: text, or what is sent as its JSON text. */
export const payloadSchema = z.union([
  z.string(),
  z.number(),
  z.boolean(),
  z.record(z.string(), z.unknown()),
  z.array(z.unknown()),
], { error: "must be a string, number, boolean, object or array" }).describe(
  "a string is sent as it is; a number, boolean, object or array as its JSON text",
);

/** How a payload that is a string is to be understood. */
export const encodingSchema = z.enum(["text", "base64"]).default("text").describe(
  "base64: payload is the base64 of the bytes to send",
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
  "also the message the broker keeps for a topic",
);

/** A topic filter, or several. */
export const topicsSchema = z.union([z.string(), z.array(z.string()).min(1).max(100)], {
  error: "must be a topic filter or a list of 1 to 100 topic filters",
}).describe('a topic filter such as "sensors/+/temperature" (+ one level, # the rest), or a list');

/** A condition on the payload. */
export const whereSchema = z.strictObject({
  path: z.string().describe('JSON Pointer such as "/battery"; "" for the whole payload'),
  op: z.enum(WHERE_OPERATORS),
  value: z.unknown().optional(),
}).optional().describe("only messages whose payload meets this condition");
