/**
 * Topic filters: what is subscribed to and what rules grant. How they match names and lie to each
 * other, MQTT 5.0 §4.7 to the letter.
 *
 * @module
 */
import { McpMqttError } from "../errors.ts";
import { fitsTopic, invalidTopic, quoteTopic, textFault, type TopicFault } from "./topic_text.ts";

/** A valid topic filter, frozen: one that was parsed, or the intersection of such. */
export interface TopicFilter {
  readonly text: string;
  /** The text between the separators; `+` and `#` are wildcards. */
  readonly levels: readonly string[];
}

const SLASH = 0x2f;
const DOLLAR = 0x24;

/**
 * Checks a topic filter: 1 to 65,535 bytes of well-formed UTF-8 [MQTT-4.7.3-1, MQTT-4.7.3-3,
 * MQTT-1.5.4-1], without U+0000 [MQTT-4.7.3-2], other control characters and noncharacters
 * (§1.5.4); `#` is the whole last level [MQTT-4.7.1-1] and `+` a whole level [MQTT-4.7.1-2].
 *
 * @throws {McpMqttError} `invalid_topic`, with the clause that is broken.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseTopicFilter } from "./topic_filter.ts";
 *
 * assert.equal(parseTopicFilter("sensors/+/#").levels.length, 3);
 * ```
 */
export function parseTopicFilter(text: string): TopicFilter {
  const fault = textFault(text);
  if (fault !== undefined) throw invalidTopic("topic filter", text, fault);
  const levels = text.split("/");
  const wildcardFault = findWildcardFault(levels);
  if (wildcardFault !== undefined) throw invalidTopic("topic filter", text, wildcardFault);
  return freeze(text, levels);
}

/**
 * Refuses `$share/…`: a shared subscription takes messages away from their real consumer.
 *
 * @throws {McpMqttError} `forbidden`.
 */
export function refuseSharedSubscription(filter: TopicFilter): void {
  if (filter.levels[0] !== "$share" || filter.levels.length === 1) return;
  throw new McpMqttError(
    "forbidden",
    `${
      quoteTopic(filter.text)
    } is a shared subscription, which would take messages from their real consumer`,
    { hint: "Subscribe to the topic filter that follows the share name." },
  );
}

/**
 * Whether `filter` matches the topic name. A filter that begins with a wildcard matches no name that
 * begins with `$` [MQTT-4.7.2-1].
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { matches, parseTopicFilter } from "./topic_filter.ts";
 *
 * assert(matches(parseTopicFilter("sport/#"), "sport"));
 * assert(!matches(parseTopicFilter("#"), "$SYS/uptime"));
 * ```
 */
export function matches(filter: TopicFilter, name: string): boolean {
  const { levels } = filter;
  if (name === "" || (isHidden(name) && startsWithWildcard(filter))) return false;
  // Where the next level of the name begins; beyond the end of the name if it has no more.
  let at = 0;
  for (const level of levels) {
    if (level === "#") return true;
    if (at > name.length) return false;
    if (level === "+") {
      const slash = name.indexOf("/", at);
      at = slash < 0 ? name.length + 1 : slash + 1;
      continue;
    }
    if (!name.startsWith(level, at)) return false;
    at += level.length;
    if (at < name.length && name.charCodeAt(at) !== SLASH) return false;
    at++;
  }
  return at > name.length;
}

/**
 * The filter that matches exactly what both match. It is undefined if there is no such name, and if
 * the filter would have more than 65,535 bytes.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { intersect, parseTopicFilter } from "./topic_filter.ts";
 *
 * const both = intersect(parseTopicFilter("sensors/#"), parseTopicFilter("+/kitchen"));
 * assert.equal(both?.text, "sensors/kitchen");
 * ```
 */
export function intersect(a: TopicFilter, b: TopicFilter): TopicFilter | undefined {
  if (!isCompatible(a, b)) return undefined;
  const levels = jointLevels(a, b);
  if (isOpen(a) && isOpen(b)) levels.push("#");
  const text = levels.join("/");
  if (text === a.text) return a;
  if (text === b.text) return b;
  return fitsTopic(text) ? freeze(text, levels) : undefined;
}

/**
 * Whether `a` matches every topic name that `b` matches.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { covers, parseTopicFilter } from "./topic_filter.ts";
 *
 * assert(covers(parseTopicFilter("a/#"), parseTopicFilter("a")));
 * assert(covers(parseTopicFilter("+/#"), parseTopicFilter("#")));
 * assert(!covers(parseTopicFilter("#"), parseTopicFilter("$SYS/#")));
 * ```
 */
export function covers(a: TopicFilter, b: TopicFilter): boolean {
  const count = leastLevels(a);
  if (isOpen(a) ? leastLevels(b) < count : isOpen(b) || leastLevels(b) !== count) return false;
  if (isHidden(b.text) && startsWithWildcard(a)) return false;
  for (let i = 0; i < count; i++) {
    const level = levelAt(a, i);
    if (level !== "+" && level !== levelAt(b, i)) return false;
  }
  return true;
}

/** Whether the filter ends with `#`. */
export function isOpen({ levels }: TopicFilter): boolean {
  return levels[levels.length - 1] === "#";
}

/**
 * How many levels the shortest name has that the filter matches. A name has at least one character,
 * so that `#` is the same as `+/#`, and `/#` the same as `/+/#`.
 */
export function leastLevels(filter: TopicFilter): number {
  const { text, levels } = filter;
  if (text === "#" || text === "/#") return levels.length;
  return isOpen(filter) ? levels.length - 1 : levels.length;
}

/** The level at `i`, less than {@linkcode leastLevels}: a literal, or `+`. */
export function levelAt({ levels }: TopicFilter, i: number): string {
  const level = levels[i];
  return level === undefined || level === "#" ? "+" : level;
}

/** The same text for every filter that matches the same names. */
export function canonicalText({ text }: TopicFilter): string {
  if (text === "#") return "+/#";
  return text === "/#" ? "/+/#" : text;
}

/** Whether a name, filter or first level begins with `$`, which no wildcard matches [MQTT-4.7.2-1]. */
export function isHidden(text: string): boolean {
  return text.charCodeAt(0) === DOLLAR;
}

function startsWithWildcard({ levels }: TopicFilter): boolean {
  return levels[0] === "+" || levels[0] === "#";
}

/** Whether the filters have a name in common, if names of any length count. */
function isCompatible(a: TopicFilter, b: TopicFilter): boolean {
  const countA = leastLevels(a);
  const countB = leastLevels(b);
  if ((!isOpen(a) && countB > countA) || (!isOpen(b) && countA > countB)) return false;
  if (isHidden(a.text) && startsWithWildcard(b)) return false;
  if (isHidden(b.text) && startsWithWildcard(a)) return false;
  for (let i = Math.min(countA, countB) - 1; i >= 0; i--) {
    const levelA = levelAt(a, i);
    const levelB = levelAt(b, i);
    if (levelA !== levelB && levelA !== "+" && levelB !== "+") return false;
  }
  return true;
}

/** The levels before `#` of the intersection of two compatible filters. */
function jointLevels(a: TopicFilter, b: TopicFilter): string[] {
  const countA = a.levels.length - (isOpen(a) ? 1 : 0);
  const countB = b.levels.length - (isOpen(b) ? 1 : 0);
  return Array.from({ length: Math.max(countA, countB) }, (_, i) => {
    const level = i < countA ? levelAt(a, i) : "+";
    return level === "+" && i < countB ? levelAt(b, i) : level;
  });
}

function findWildcardFault(levels: readonly string[]): TopicFault | undefined {
  for (const [i, level] of levels.entries()) {
    if (level.includes("#") && (level !== "#" || i < levels.length - 1)) {
      return {
        rule: "# must be a whole level, and the last one",
        clause: "MQTT-4.7.1-1",
        hint: 'Write it as in "#" or "sport/#"; for one level in the middle take +.',
      };
    }
    if (level.includes("+") && level !== "+") {
      return {
        rule: "+ must be a whole level",
        clause: "MQTT-4.7.1-2",
        hint: 'Write it as in "+" or "sport/+/player1".',
      };
    }
  }
  return undefined;
}

function freeze(text: string, levels: readonly string[]): TopicFilter {
  return Object.freeze({ text, levels: Object.freeze(levels) });
}
