/**
 * Which granted patterns are nearest to what was refused.
 *
 * @module
 */
import type { Rule } from "./permissions.ts";

/** How many levels of a long topic are compared. */
const MAX_LEVELS = 32;

/**
 * Up to three rules whose patterns share the most levels with `text`, in the order of nearness and
 * then of the config.
 */
export function nearestPatterns(text: string, rules: readonly Rule[], limit = 3): readonly Rule[] {
  const levels = text.split("/", MAX_LEVELS);
  return rules
    .map((rule) => ({ rule, score: likeness(levels, rule.pattern.levels) }))
    .sort((a, b) => b.score - a.score)
    .slice(0, limit)
    .map(({ rule }) => rule);
}

/** Equal levels count most, wildcards less, likely slips of the pen a little. */
function likeness(asked: readonly string[], pattern: readonly string[]): number {
  let score = 0;
  for (const [i, level] of asked.entries()) {
    const own = pattern[i];
    if (own === "#") return score + 1;
    if (own === undefined) break;
    if (own === level) score += 4;
    else if (own === "+" || level === "+") score += 2;
    else if (level === "#") return score + 1;
    else if (isAlike(own, level)) score += 3;
  }
  return score - Math.abs(asked.length - pattern.length);
}

/** The same but for case, or one the beginning of the other. */
function isAlike(a: string, b: string): boolean {
  const [x, y] = [a.toLowerCase(), b.toLowerCase()];
  return x === y || (x.length > 2 && y.startsWith(x)) || (y.length > 2 && x.startsWith(y));
}
