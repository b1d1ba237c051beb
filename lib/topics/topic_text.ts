/**
 * What topic names and topic filters have in common, MQTT 5.0 §4.7.3 and §1.5.4.
 *
 * @module
 */
import { McpMqttError } from "../errors.ts";

/** The longest topic name and topic filter, [MQTT-4.7.3-3]. */
export const MAX_TOPIC_BYTES = 65_535;

const MAX_QUOTED_CHARACTERS = 120;

/** Which of the two a text is meant to be, as error messages say it. */
export type TopicKind = "topic name" | "topic filter";

/** A rule of the standard that a text breaks. */
export interface TopicFault {
  /** What must be, as in `it must have at least one character`. */
  readonly rule: string;
  /** As in `MQTT-4.7.3-1`. */
  readonly clause: string;
  readonly hint: string;
}

/**
 * A topic as messages show it: quoted as in JSON, and cut after 120 characters.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { quoteTopic } from "./topic_text.ts";
 *
 * assert.equal(quoteTopic('a/"b"'), String.raw`"a/\"b\""`);
 * assert(quoteTopic("a".repeat(200)).endsWith('a…" (200 characters)'));
 * ```
 */
export function quoteTopic(text: string): string {
  if (text.length <= MAX_QUOTED_CHARACTERS) return JSON.stringify(text);
  const shown = text.slice(0, MAX_QUOTED_CHARACTERS);
  const whole = text.isWellFormed() && !shown.isWellFormed() ? shown.slice(0, -1) : shown;
  return `${JSON.stringify(`${whole}…`)} (${text.length.toLocaleString("en")} characters)`;
}

/** Whether `text` has at most {@linkcode MAX_TOPIC_BYTES} in UTF-8. */
export function fitsTopic(text: string): boolean {
  if (text.length > MAX_TOPIC_BYTES) return false;
  return text.length * 3 <= MAX_TOPIC_BYTES || utf8Length(text) <= MAX_TOPIC_BYTES;
}

/** The rule that `text` breaks of those that hold for names and filters alike. */
export function textFault(text: string): TopicFault | undefined {
  if (text === "") {
    return {
      rule: "it must have at least one character",
      clause: "MQTT-4.7.3-1",
      hint: 'Name a topic, as in "home/kitchen/temperature".',
    };
  }
  if (text.includes("\0")) {
    return {
      rule: "it must not contain U+0000",
      clause: "MQTT-4.7.3-2",
      hint: "Leave the null character out.",
    };
  }
  if (!text.isWellFormed()) {
    return {
      rule: "it must be well-formed Unicode, without lone surrogates",
      clause: "MQTT-1.5.4-1",
      hint: "Give characters beyond U+FFFF as a whole surrogate pair.",
    };
  }
  if (!fitsTopic(text)) {
    return {
      rule: `it must have at most 65,535 bytes in UTF-8 and has ${
        utf8Length(text).toLocaleString("en")
      }`,
      clause: "MQTT-4.7.3-3",
      hint: "Take a shorter topic.",
    };
  }
  return undefined;
}

/** The `invalid_topic` error for a text that breaks a rule. */
export function invalidTopic(kind: TopicKind, text: string, fault: TopicFault): McpMqttError {
  return new McpMqttError(
    "invalid_topic",
    `${quoteTopic(text)} is not a valid ${kind}: ${fault.rule} [${fault.clause}]`,
    { hint: fault.hint },
  );
}

function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length;
}
