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
    ...(deny.length === 0 ? {} : { deny: [...deny] }),
    ...(description === undefined ? {} : { description }),
    ...(retain ? { retain: true } : {}),
    ...(confirm ? { confirm: true } : {}),
    ...(rate === undefined
      ? {}
      : { rate: { messages: rate.writes, seconds: rate.windowMs / 1000 } }),
    ...(payload?.unit === undefined ? {} : { unit: payload.unit }),
    ...(payload?.examples === undefined ? {} : { examples: [...payload.examples] }),
    ...(payload?.schema === undefined ? {} : { schema: payload.schema.json }),
  };
}
