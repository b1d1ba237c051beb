/**
 * The resource `mcpmqtt://topics/examples`.
 *
 * @module
 */
import { type ShownRule, showRule } from "../access/shown_rule.ts";
import type { Session } from "../access/session.ts";
import type { Rule } from "../topics/permissions.ts";

/** A call that uses a rule. */
export interface ExampleCall {
  readonly tool: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

/** A rule with concrete topics and calls. */
export type RuleExamples = ShownRule & {
  readonly topics: readonly string[];
  readonly calls: readonly ExampleCall[];
};

/** The whole resource. */
export interface TopicExamples {
  readonly examples: readonly RuleExamples[];
  readonly wildcard_info: Readonly<Record<string, string>>;
}

/** For each rule concrete topics and the calls that use them. */
export function topicExamples({ access }: Session): TopicExamples {
  const { permissions, readOnly } = access.grants;
  return {
    examples: permissions.rules
      .filter((rule) => rule.permissions.length > 0)
      .map((rule) => ({
        ...showRule(rule),
        topics: [exampleName(rule)],
        calls: exampleCalls(rule, readOnly),
      })),
    wildcard_info: {
      "+": "Single-level wildcard: matches exactly one topic level, an empty one too",
      "#":
        "Multi-level wildcard: matches the level before it and any number of levels after it; must be last",
      "$": "A filter that begins with a wildcard matches no topic that begins with $",
    },
  };
}

/** A name that the rule's pattern matches. */
function exampleName({ pattern }: Rule): string {
  return pattern.levels
    .map((level) => level === "+" ? "example" : level === "#" ? "example/data" : level)
    .join("/");
}

function exampleCalls(rule: Rule, readOnly: boolean): ExampleCall[] {
  const topic = exampleName(rule);
  const calls: ExampleCall[] = [];
  if (rule.permissions.includes("read")) {
    calls.push({ tool: "mqtt_read", arguments: { topic } });
    calls.push({ tool: "mqtt_subscribe", arguments: { topic: rule.pattern.text, timeout: 10 } });
  }
  if (rule.permissions.includes("write") && !readOnly) {
    const [payload = "1"] = rule.payload?.examples ?? [];
    calls.push({ tool: "mqtt_publish", arguments: { topic, payload, qos: 1 } });
  }
  return calls;
}
