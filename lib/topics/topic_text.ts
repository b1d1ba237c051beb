/**
 * What topic names and topic filters have in common, MQTT 5.0 §4.7.3 and §1.5.4.
 *
 * @module
 */
import { McpMqttError } from "../errors.ts";
import { escapeUnits } from "../text.ts";

/** The longest topic name and topic filter, [MQTT-4.7.3-3]. */
const MAX_TOPIC_BYTES = 65_535;

const MAX_QUOTED_CHARACTERS = 120;

/** Code points because of which a broker may close the connection, MQTT 5.0 §1.5.4. */
const UNSAFE = /[\p{Cc}\p{Noncharacter_Code_Point}]/u;

/**
 * Characters that would not be seen, or that change how others are shown: control and format
 * characters, line and paragraph separators, noncharacters, and U+2065, which is not assigned but
 * ignored when it is shown.
 */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Noncharacter_Code_Point}\u2065]/gu;

/** A rule of the standard that a text breaks. */
export interface TopicFault {
  /** What must be, as in `it must have at least one character`. */
  readonly rule: string;
  /** As in `MQTT-4.7.3-1`, or the section if the rule has no number. */
  readonly clause: string;
  readonly hint: string;
}

/**
 * A topic as messages show it: quoted as in JSON, and cut after 120 characters. Invisible
 * characters, and those that turn the direction of writing, are escaped as well, so that a topic
 * cannot paint over the message.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { quoteTopic } from "./topic_text.ts";
 *
 * assert.equal(quoteTopic('a/"b"'), String.raw`"a/\"b\""`);
 * assert.equal(quoteTopic("a\u202eb"), String.raw`"a\u202eb"`);
 * assert(quoteTopic("a".repeat(200)).endsWith('a…" (200 characters)'));
 * ```
 */
export function quoteTopic(text: string): string {
  if (text.length <= MAX_QUOTED_CHARACTERS) return quoteWhole(text);
  const shown = text.slice(0, MAX_QUOTED_CHARACTERS);
  const whole = text.isWellFormed() && !shown.isWellFormed() ? shown.slice(0, -1) : shown;
  return `${quoteWhole(`${whole}…`)} (${text.length.toLocaleString("en")} characters)`;
}

/** The same of any length, where the whole topic is needed. */
export function quoteWhole(text: string): string {
  return JSON.stringify(text).replaceAll(UNSEEN, escapeUnits);
}

/** Whether `text` has at most 65,535 bytes in UTF-8 [MQTT-4.7.3-3]. */
export function fitsTopic(text: string): boolean {
  if (text.length > MAX_TOPIC_BYTES) return false;
  return text.length * 3 <= MAX_TOPIC_BYTES || utf8Length(text) <= MAX_TOPIC_BYTES;
}

/** The rule that `text` breaks, of those that hold for names and filters alike; else undefined. */
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
  const [unsafe] = UNSAFE.exec(text) ?? [];
  if (unsafe !== undefined) {
    const kind = /\p{Cc}/u.test(unsafe) ? "control character" : "noncharacter";
    const code = unsafe.codePointAt(0)?.toString(16).toUpperCase().padStart(4, "0");
    return {
      rule: `it must not contain the ${kind} U+${code}`,
      clause: "MQTT 5.0 §1.5.4",
      hint: "Leave it out: a broker may close the connection because of it.",
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

/** The error `invalid_topic`. */
export function invalidTopic(
  kind: "topic name" | "topic filter",
  text: string,
  fault: TopicFault,
): McpMqttError {
  return new McpMqttError(
    "invalid_topic",
    `${quoteTopic(text)} is not a valid ${kind}: ${fault.rule} [${fault.clause}]`,
    { hint: fault.hint },
  );
}

function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length;
}
