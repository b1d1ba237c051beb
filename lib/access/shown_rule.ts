/**
 * A rule as an agent sees it.
 *
 * @module
 */
import { given } from "../messages/json.ts";
import type { Rule } from "../topics/permissions.ts";

/** A rule of the config, in the config's own words; what is not set is left out. */
export type ShownRule = {
  pattern: string;
  permissions: string[];
  deny?: string[];
  description?: string;
  retain?: true;
  confirm?: true;
  rate?: { messages: number; seconds: number };
  unit?: string;
  examples?: string[];
  /** The JSON Schema of what is written. */
  schema?: object;
};

/** Shows a rule. */
export function showRule(
  { pattern, permissions, deny, retain, confirm, rate, description, payload }: Rule,
): ShownRule {
  return {
    pattern: pattern.text,
    permissions: [...permissions],
    ...given({
      deny: deny.length === 0 ? undefined : [...deny],
      description,
      retain: retain ? true as const : undefined,
      confirm: confirm ? true as const : undefined,
      rate: rate && { messages: rate.writes, seconds: rate.windowMs / 1000 },
      unit: payload?.unit,
      examples: payload?.examples && [...payload.examples],
      schema: payload?.schema?.json,
    }),
  };
}
