/**
 * An entry of `topics`: what is granted, and what a write needs besides.
 *
 * @module
 */
import * as z from "zod/v4";
import { McpMqttError } from "../errors.ts";
import { given } from "../messages/json.ts";
import type { PayloadSchema, Rule } from "../topics/rule.ts";
import { parseTopicFilter, refuseSharedSubscription } from "../topics/topic_filter.ts";
import {
  anyText,
  flag,
  integer,
  list,
  oneOf,
  orNull,
  positive,
  record,
  text,
} from "./schema_types.ts";

const permissions = oneOf(["read", "write"]);

const topicFilter = text("a topic filter").transform((value, context) => {
  try {
    const filter = parseTopicFilter(value);
    refuseSharedSubscription(filter);
    return filter;
  } catch (cause) {
    if (!(cause instanceof McpMqttError)) throw cause;
    // The cause quotes the filter, which may have come from elsewhere and not be for showing.
    const message = "must be a valid topic filter that is not shared";
    context.addIssue({ code: "custom", message, params: { quoting: cause.message } });
    return z.NEVER;
  }
});

const payload = record({
  unit: orNull(anyText()).describe("The unit of the value, told to the agent."),
  examples: orNull(list(anyText(), "texts")).describe("Payloads as they occur, told to the agent."),
  // Compiled before, by payload_schema.ts.
  schema: orNull(z.record(z.string(), z.unknown(), { error: "must be a JSON Schema, an object" }))
    .describe(
      "A JSON Schema (2020-12) that each write under this rule must meet: of a payload that is JSON its value, of another its text. A `$ref` leads into the schema itself; `pattern` knows no lookaround and no backreference.",
    ),
}).transform(({ unit, examples, schema }): NonNullable<Rule["payload"]> =>
  given({ unit, examples, schema: schema as PayloadSchema | undefined })
);

const rate = record({
  messages: integer(1, 1_000_000).describe("How many writes: 1 to 1,000,000."),
  seconds: positive(86_400, "seconds").describe("In how many seconds: above 0, at most 86,400."),
}, 'an object such as { "messages": 10, "seconds": 60 }').transform(({ messages, seconds }) => ({
  writes: messages,
  windowMs: seconds * 1000,
}));

const topic = record({
  pattern: topicFilter
    .describe("A topic name, or a topic filter with `+` and `#`; at most 65,535 bytes."),
  permissions: list(permissions, '"read" and "write"').default([])
    .describe(
      "What is granted: `read` (subscribe), `write` (publish). At least one here or in `deny`.",
    ),
  deny: list(permissions, '"read" and "write"').default([])
    .describe("What is denied. A deny wins over every grant, whatever the order."),
  description: orNull(anyText()).describe("What it is and how to use it; told to the agent."),
  retain: flag().default(false).describe("Whether a write may set the retain flag."),
  confirm: flag().default(false).describe(
    "Ask the person before each write under this rule, by MCP elicitation. A host that cannot ask gets `declined`.",
  ),
  rate: orNull(rate).describe(
    "The most writes under this rule, all topics of it together. `null`: no limit but that of all writes.",
  ),
  payload: orNull(payload).describe("What the payload looks like."),
}).transform((
  { pattern, permissions, deny, retain, confirm, rate, description, payload },
): Rule => ({
  pattern,
  permissions: [...new Set(permissions)],
  deny: [...new Set(deny)],
  retain,
  confirm,
  ...given({ rate, description, payload }),
}));

/** The rules, in their order. */
export const topicRules = list(topic, "objects");
