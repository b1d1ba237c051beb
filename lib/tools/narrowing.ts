/**
 * Shows which topic filters are in force of those that were asked for.
 *
 * @module
 */
import type { GrantedFilters } from "../access/access.ts";
import { jsonBytes } from "../messages/payload.ts";

/** How many filters an error names, and how many characters of each. */
const MAX_NAMED = 5;
const MAX_NAMED_LENGTH = 100;
/** How much of a result its filters may take: at most so many bytes, and this share. */
const MAX_FILTERS_BYTES = 4_096;
const MAX_FILTERS_SHARE = 0.25;

/** Filters in force, as many as there is room for. */
export type ShownFilters = {
  filters: string[];
  /** How many more are in force. */
  filters_omitted?: number;
};

/** Shows filters in their part of a result of `maxBytes`. */
export function shownFilters(filters: readonly string[], maxBytes: number): ShownFilters {
  let room = Math.min(MAX_FILTERS_BYTES, maxBytes * MAX_FILTERS_SHARE);
  const shown: string[] = [];
  for (const text of filters) {
    room -= jsonBytes(text) + 1;
    if (room < 0) break;
    shown.push(text);
  }
  const omitted = filters.length - shown.length;
  return { filters: shown, ...(omitted > 0 ? { filters_omitted: omitted } : {}) };
}

/** The filters in force, only where they are narrower than what was asked for. */
export function shownNarrowing(
  { filters, narrowed }: GrantedFilters,
  maxBytes: number,
): { narrowed?: true } & Partial<ShownFilters> {
  return narrowed ? { narrowed, ...shownFilters(filters.map(({ text }) => text), maxBytes) } : {};
}

/** The same as a sentence for a hint, with a space before it; else nothing. */
export function narrowingNote({ filters, narrowed }: GrantedFilters): string {
  if (!narrowed) return "";
  const named = filters.slice(0, MAX_NAMED).map(({ text }) => JSON.stringify(cut(text))).join(", ");
  const more = filters.length > MAX_NAMED ? ` and ${filters.length - MAX_NAMED} more` : "";
  return ` Of what you asked for only ${named}${more} may be read.`;
}

function cut(text: string): string {
  return text.length > MAX_NAMED_LENGTH ? `${text.slice(0, MAX_NAMED_LENGTH)}…` : text;
}
