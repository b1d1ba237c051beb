/**
 * A rule as an agent sees it.
 *
 * @module
 */
import type { Rule } from "../topics/permissions.ts";

/** A rule of the config, in the config's own words; what is not set is left out. */
export type ShownRule = {
  pattern: string;
  permissions: string[];
  deny?: string[];
  description?: string;
  retain?: true;
  unit?: string;
  examples?: string[];
};

/** Shows a rule. */
export function showRule(
  { pattern, permissions, deny, retain, description, payload }: Rule,
): ShownRule {
  return {
    pattern: pattern.text,
    permissions: [...permissions],
    ...(deny.length === 0 ? {} : { deny: [...deny] }),
    ...(description === undefined ? {} : { description }),
    ...(retain ? { retain: true } : {}),
    ...(payload?.unit === undefined ? {} : { unit: payload.unit }),
    ...(payload?.examples === undefined ? {} : { examples: [...payload.examples] }),
  };
}
