/**
 * A summary instead of the messages of a result, within its limits.
 *
 * @module
 */
import { Fields } from "../messages/fields.ts";
import { jsonBytes } from "../messages/payload.ts";
import { Summary, type SummaryEntry } from "../messages/summary.ts";
import { Turns } from "../turns.ts";

/** How many entries a summary has if the call says nothing of it. */
export const DEFAULT_ENTRIES = 100;

/** The entries of a summary that find room. */
export interface ShownSummary {
  readonly topics: SummaryEntry[];
  /** Topics that found no room. */
  readonly topics_omitted?: number;
  /** Messages of topics that found no room. */
  readonly dropped: number;
  readonly hints: readonly string[];
}

/** The fields that the arguments ask for. */
export function fieldsOf(
  { fields }: { readonly fields?: readonly string[] | undefined },
): Fields | undefined {
  return fields?.length ? new Fields(fields, "fields") : undefined;
}

/** Several hints as the one of a result; nothing if there are none. */
export function asHint(hints: readonly string[]): { hint?: string } {
  return hints.length > 0 ? { hint: hints.join("; ") } : {};
}

/** The summary that the arguments ask for, or undefined if they ask for messages. */
export function summaryOf(
  { summary, fields }: {
    readonly summary?: boolean | readonly string[] | undefined;
    readonly fields?: readonly string[] | undefined;
  },
): Summary | undefined {
  if (summary === undefined || summary === false) return undefined;
  const named = summary === true || summary.length === 0 ? undefined : summary;
  return new Summary(named ? new Fields(named, "summary") : fieldsOf({ fields }));
}

/** Shows as many entries as there may be, in as many bytes as a result may have. */
export async function showSummary(
  summary: Summary,
  { maxEntries = DEFAULT_ENTRIES, maxBytes }: {
    readonly maxEntries?: number | undefined;
    readonly maxBytes: number;
  },
): Promise<ShownSummary> {
  const turns = new Turns();
  const topics: SummaryEntry[] = [];
  let bytes = 0;
  let dropped = summary.passedOver;
  let omitted = 0;
  for (const entry of summary.entries()) {
    if (turns.isOver) await turns.others();
    bytes += omitted > 0 ? 0 : jsonBytes(entry) + 1;
    if (omitted > 0 || topics.length === maxEntries || bytes > maxBytes && topics.length > 0) {
      omitted++;
      dropped += entry.count;
    } else topics.push(entry);
  }
  return {
    topics,
    ...(omitted > 0 ? { topics_omitted: omitted } : {}),
    dropped,
    hints: [
      ...(dropped > 0
        ? ["not all topics found room: ask for fewer, or leave some out with exclude"]
        : []),
      ...(summary.hasMoreNumbers
        ? ["some payloads have more than 16 numbers: name those you want in summary"]
        : []),
    ],
  };
}
