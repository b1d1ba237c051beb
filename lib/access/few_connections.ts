/**
 * Keeps one call from needing many connections.
 *
 * @module
 */
import { McpMqttError } from "../errors.ts";
import { FilterIndex } from "../topics/filter_index.ts";
import { hull } from "../topics/hull.ts";
import type { TopicFilter } from "../topics/topic_filter.ts";

/** Filters that overlap each other need a connection each; one call has no more than so many. */
const MAX_CONNECTIONS = 8;

/** What to subscribe to instead of the filters of a call. */
export interface FewFilters {
  readonly filters: readonly TopicFilter[];
  /** Whether a message is wanted; undefined if all are. */
  readonly isWanted: ((topic: string) => boolean) | undefined;
}

/**
 * Gives `filters` themselves, or one that covers them all if they overlap each other so much that
 * they would need more than eight connections.
 *
 * @param isGranted whether all that a filter matches may be read
 * @throws {McpMqttError} `invalid_argument` if there is no such filter, or it is not granted.
 */
export function withFewConnections(
  filters: readonly TopicFilter[],
  isGranted: (filter: TopicFilter) => boolean,
): FewFilters {
  if (filters.length <= MAX_CONNECTIONS || fit(filters)) return { filters, isWanted: undefined };
  const one = hull(filters);
  if (one === undefined || !isGranted(one)) {
    throw new McpMqttError(
      "invalid_argument",
      `the ${filters.length} topic filters overlap each other so much that they would need more than ${MAX_CONNECTIONS} connections to the broker`,
      { hint: "Take fewer filters in one call, or a single wider one that is granted." },
    );
  }
  const wanted = new FilterIndex<TopicFilter>();
  for (const filter of filters) wanted.add(filter, filter);
  return { filters: [one], isWanted: (topic) => wanted.anyMatch(topic) };
}

/** Whether they can be spread over that many connections, on each of which none overlaps another. */
function fit(filters: readonly TopicFilter[]): boolean {
  const connections: FilterIndex<TopicFilter>[] = [];
  for (const filter of filters) {
    let free = connections.find((one) => !one.anyOverlapping(filter));
    if (free === undefined) {
      if (connections.length === MAX_CONNECTIONS) return false;
      connections.push(free = new FilterIndex());
    }
    free.add(filter, filter);
  }
  return true;
}
