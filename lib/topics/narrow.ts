/**
 * Cuts topic filters down to what is granted.
 *
 * @module
 */
import { McpMqttError } from "../errors.ts";
import type { Overlap } from "./filter_tree.ts";
import { OrderedFilters, rank, type Ranked } from "./ordered_filters.ts";
import type { Narrowing } from "./rule.ts";
import { attempt, type Steps } from "./steps.ts";
import { canonicalText, intersect, type TopicFilter } from "./topic_filter.ts";
import { quoteTopic } from "./topic_text.ts";

/** How many intersections there may be, and so how many filters in force for one call. */
const MAX_INTERSECTIONS = 10_000;

/** What the rules grant and deny of one action. */
export interface Grants {
  readonly granted: OrderedFilters;
  readonly denied: OrderedFilters;
  /** Those of `granted` that no other grant and no denial covers. */
  widest(steps: Steps): OrderedFilters;
}

/** A filter that is asked for and granted. */
interface Part {
  readonly filter: TopicFilter;
  /** The places of the first request and of the first rule that cover it. */
  readonly places: readonly [request: number, rule: number];
}

/** What requests and rules have in common. */
interface Relation {
  /** What needs no new filter: requests that a rule covers, and rules that a request covers. */
  readonly parts: readonly Part[];
  /** The requests that no rule covers. */
  readonly cut: readonly Ranked[];
  /** The pairs of such a request and a rule that overlap, neither of which covers the other. */
  readonly crossings: readonly Overlap<Ranked, Ranked>[];
}

/**
 * Cuts filters down to what is granted; see {@linkcode Narrowing}.
 *
 * @throws {McpMqttError} `invalid_argument` if there are more than 10,000 intersections, which are
 * counted before any is made, or if it takes too many steps to find them.
 */
export function narrow(requested: readonly TopicFilter[], grants: Grants): Narrowing {
  return attempt((steps) => {
    const asked = new OrderedFilters(rank(requested), steps);
    const { parts, cut, crossings } = relate(asked, grants, steps);
    const { filters, isTooLong } = intersectAll(crossings, steps);
    for (const { filter } of parts) filters.push(filter);
    const all = crossings.length === 0 ? parts : partsOf(filters, { asked, grants, steps });
    const inOrder = all.toSorted(({ places: a }, { places: b }) => a[0] - b[0] || a[1] - b[1]);
    return {
      filters: Object.freeze(inOrder.map(({ filter }) => filter)),
      narrowed: isTooLong || isCutOff(asked, cut, grants),
    };
  }, () => {
    throw tooMuch("the filters are too long, or cross too many rules, to be compared with them");
  });
}

/** Compares requests and rules. Throws if they have too many intersections. */
function relate(asked: OrderedFilters, grants: Grants, steps: Steps): Relation {
  const denialOf = asked.coveredBy(grants.denied, steps);
  const ruleOf = asked.coveredBy(grants.granted, steps);
  const [whole, cut] = split(
    asked.widest(steps).filter((request) => !denialOf.has(request)),
    ruleOf,
  );
  const rules = grants.widest(steps);
  const requestOf = rules.coveredBy(asked, steps);
  const [within, others] = split(rules.entries, requestOf);
  const known = new Set(whole.map(({ filter }) => canonicalText(filter)));
  const parts = [
    // Whatever else comes of such a request is covered by it, so its rule counts for no order.
    ...whole.map((one) => part(one, [one, undefined])),
    ...within.filter(({ filter }) => !known.has(canonicalText(filter)))
      .map((one) => part(one, [requestOf.get(one), one])),
  ];
  const crossed = within.length === 0 ? rules : new OrderedFilters(others, steps);
  const crossings: Overlap<Ranked, Ranked>[] = [];
  let count = parts.length;
  for (const crossing of new OrderedFilters(cut, steps).overlaps(crossed, steps)) {
    count += crossing.left.size * crossing.right.size;
    if (count <= MAX_INTERSECTIONS) crossings.push(crossing);
  }
  if (count > MAX_INTERSECTIONS) throw tooMany(asked, count);
  return { parts, cut, crossings };
}

/** The filters that come of crossings, and whether one is missing because it would be too long. */
function intersectAll(
  crossings: readonly Overlap<Ranked, Ranked>[],
  steps: Steps,
): { filters: TopicFilter[]; isTooLong: boolean } {
  const filters: TopicFilter[] = [];
  let isTooLong = false;
  for (const { left, right } of crossings) {
    for (const { filter: a } of left) {
      for (const { filter: b } of right) {
        steps.take(a.text.length + b.text.length);
        const filter = intersect(a, b);
        if (filter !== undefined) filters.push(filter);
        else isTooLong = true;
      }
    }
  }
  return { filters, isTooLong };
}

/** The filters as parts, without those that another or a denial covers. */
function partsOf(
  filters: readonly TopicFilter[],
  { asked, grants, steps }: {
    readonly asked: OrderedFilters;
    readonly grants: Grants;
    readonly steps: Steps;
  },
): Part[] {
  const all = new OrderedFilters(rank(filters), steps);
  const denialOf = all.coveredBy(grants.denied, steps);
  const requestOf = all.coveredBy(asked, steps);
  const ruleOf = all.coveredBy(grants.granted, steps);
  return all.widest(steps)
    .filter((one) => !denialOf.has(one))
    .map((one) => part(one, [requestOf.get(one), ruleOf.get(one)]));
}

function part(
  { filter }: Ranked,
  [request, rule]: readonly [Ranked | undefined, Ranked | undefined],
): Part {
  return { filter, places: [request?.at ?? 0, rule?.at ?? 0] };
}

/**
 * Whether some name that was asked for is denied or not granted. True as well if that takes too many
 * steps to find out.
 */
function isCutOff(
  asked: OrderedFilters,
  cut: readonly Ranked[],
  { granted, denied }: Grants,
): boolean {
  return attempt(
    (steps) =>
      cut.some(({ filter }) => !granted.coversJointly(filter, steps)) ||
      asked.overlapsAny(denied, steps),
    () => true,
  );
}

/** Those of `entries` that `map` has, and the rest. */
function split<T>(entries: readonly T[], map: ReadonlyMap<T, unknown>): [T[], T[]] {
  const groups = Map.groupBy(entries, (entry) => map.has(entry));
  return [groups.get(true) ?? [], groups.get(false) ?? []];
}

function tooMany({ entries }: OrderedFilters, count: number): McpMqttError {
  const [one] = entries;
  const asked = one !== undefined && entries.length === 1
    ? `the filter ${quoteTopic(one.filter.text)} has`
    : `the ${entries.length} filters have`;
  const [found, most] = [count, MAX_INTERSECTIONS].map((number) => number.toLocaleString("en"));
  return tooMuch(
    `${asked} ${found} intersections with the rules, and a call can have at most ${most} filters in force`,
  );
}

function tooMuch(message: string): McpMqttError {
  return new McpMqttError("invalid_argument", message, {
    hint: "Take narrower filters, or fewer of them in one call.",
  });
}
