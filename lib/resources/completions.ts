/**
 * Completes topics from the rules and from what has been seen.
 *
 * @module
 */
import type { Session } from "../access/session.ts";

/** As many as MCP allows in one answer. */
const MAX_VALUES = 100;

/** What `completion/complete` gives. */
export interface Completion {
  readonly values: string[];
  readonly total: number;
  readonly hasMore: boolean;
}

/**
 * Topics that begin with `value` and may be read: names that were seen, and the patterns of the
 * rules; where only names fit, a pattern up to its first wildcard.
 */
export function completeTopic(
  value: string,
  { access }: Session,
  { namesOnly }: { readonly namesOnly: boolean },
): Completion {
  const { permissions } = access.grants;
  const found = new Set<string>();
  for (const { pattern, permissions: granted } of permissions.rules) {
    if (!granted.includes("read")) continue;
    const text = namesOnly ? upToWildcard(pattern.levels) : pattern.text;
    if (text !== "" && text.startsWith(value)) found.add(text);
  }
  for (const name of access.seen) {
    if (name.startsWith(value) && permissions.decide(name, "read").allowed) found.add(name);
  }
  const all = [...found].sort();
  return {
    values: all.slice(0, MAX_VALUES),
    total: all.length,
    hasMore: all.length > MAX_VALUES,
  };
}

/** `sensors/+/temperature` begins with `sensors/`. */
function upToWildcard(levels: readonly string[]): string {
  const at = levels.findIndex((level) => level === "+" || level === "#");
  if (at < 0) return levels.join("/");
  return levels.slice(0, at).map((level) => `${level}/`).join("");
}
