/**
 * Says where a topic filter was cut down to what is granted, in tools that say nothing of filters
 * where nothing was cut off.
 *
 * @module
 */
import type { GrantedFilters } from "../access/access.ts";

/** How many filters an error names. */
const MAX_NAMED = 5;

/** The filters in force, only where they are narrower than what was asked for. */
export function shownNarrowing(
  { filters, narrowed }: GrantedFilters,
): { narrowed?: true; filters?: string[] } {
  return narrowed ? { narrowed, filters: filters.map(({ text }) => text) } : {};
}

/** The same as a sentence for a hint, with a space before it; else nothing. */
export function narrowingNote({ filters, narrowed }: GrantedFilters): string {
  if (!narrowed) return "";
  const named = filters.slice(0, MAX_NAMED).map(({ text }) => JSON.stringify(text)).join(", ");
  const more = filters.length > MAX_NAMED ? ` and ${filters.length - MAX_NAMED} more` : "";
  return ` Of what you asked for only ${named}${more} may be read.`;
}
