/**
 * Topic names: what a message is published to. MQTT 5.0 §4.7.
 *
 * @module
 */
import { invalidTopic, textFault } from "./topic_text.ts";

declare const isTopicName: unique symbol;

/** A text that {@linkcode parseTopicName} found valid. */
export type TopicName = string & { readonly [isTopicName]: true };

/**
 * Checks a topic name: 1 to 65,535 bytes of well-formed UTF-8 [MQTT-4.7.3-1, MQTT-4.7.3-3,
 * MQTT-1.5.4-1], without U+0000 [MQTT-4.7.3-2] and without wildcards [MQTT-3.3.2-2]. The other
 * control characters and the noncharacters are refused too: a broker may close the connection
 * because of them (§1.5.4), and all calls share it. Every other character is taken as it is;
 * nothing is normalised.
 *
 * @throws {McpMqttError} `invalid_topic`, with the clause that is broken.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseTopicName } from "./topic_name.ts";
 *
 * assert.equal(parseTopicName("home/küche//$x"), "home/küche//$x");
 * ```
 */
export function parseTopicName(text: string): TopicName {
  const fault = textFault(text);
  if (fault !== undefined) throw invalidTopic("topic name", text, fault);
  if (/[+#]/.test(text)) {
    throw invalidTopic("topic name", text, {
      rule: "it must not contain the wildcard characters + and #",
      clause: "MQTT-3.3.2-2",
      hint: "Write the levels out in place of the wildcards: one topic name, not a topic filter.",
    });
  }
  return text as TopicName;
}

/** Whether topic names for answers can be made below a text: one like `$share/…` would mean more. */
export function isResponsePrefix(text: string): boolean {
  return textFault(text) === undefined && !/^\$|[+#]/.test(text);
}
