/**
 * The rules as they bear on one action.
 *
 * @module
 */
import { FilterIndex } from "./filter_index.ts";
import { nearestFilters } from "./nearest_filters.ts";
import type { Action, Decision, Narrowing, Rule } from "./rule.ts";
import { canonicalText, intersect, overlaps, type TopicFilter } from "./topic_filter.ts";

/** A rule with its place in the config. */
interface Entry {
  readonly at: number;
  readonly rule: Rule;
  readonly decision: Decision;
}

const NOT_GRANTED: Decision = Object.freeze({ allowed: false, reason: "not_granted" });

/** The grants and denials of one action. What is asked does not cost more with more rules. */
export class ActionRules {
  readonly #grants: FilterIndex<Entry>;
  readonly #denials: FilterIndex<Entry>;
  #usable: readonly TopicFilter[] | undefined;

  constructor(rules: readonly Rule[], action: Action) {
    this.#grants = indexRules(rules, {
      picks: (rule) => rule.permissions.includes(action),
      decides: { allowed: true, reason: "granted" },
    });
    this.#denials = indexRules(rules, {
      picks: (rule) => rule.deny.includes(action),
      decides: { allowed: false, reason: "denied" },
    });
  }

  /** Decides on a topic name. */
  decide(name: string): Decision {
    const denial = this.#denials.size === 0 ? undefined : first(this.#denials.matching(name));
    return (denial ?? first(this.#grants.matching(name)))?.decision ?? NOT_GRANTED;
  }

  /** The rule that denies all of `filter`; undefined where no single one does. */
  denialOf(filter: TopicFilter): Rule | undefined {
    return first(this.#denials.covering(filter))?.rule;
  }

  /** Whether some rule grants a part of `filter`, denied or not. */
  grantsPart(filter: TopicFilter): boolean {
    return this.#grants.anyOverlapping(filter);
  }

  /** Cuts filters down to what is granted; see {@linkcode Narrowing}. */
  narrow(requested: readonly TopicFilter[]): Narrowing {
    const candidates = new Map<string, TopicFilter>();
    let narrowed = false;
    for (const filter of distinct(requested)) {
      narrowed ||= this.#denials.anyOverlapping(filter) || !this.#grants.coversJointly(filter);
      const entries = this.#grants.overlapping(filter).sort((a, b) => a.at - b.at);
      for (const { rule: { pattern } } of entries) {
        const common = intersect(filter, pattern);
        if (common === undefined) {
          // Too long to be subscribed to, and lost where no single grant covers the filter.
          narrowed ||= !this.#grants.anyCovering(filter) && overlaps(filter, pattern);
          continue;
        }
        const key = canonicalText(common);
        if (!candidates.has(key)) candidates.set(key, common);
      }
    }
    const index = new FilterIndex<TopicFilter>();
    for (const filter of candidates.values()) index.add(filter, filter);
    const filters = [...candidates.values()].filter((filter) =>
      index.covering(filter).length === 1 && !this.#denials.anyCovering(filter)
    );
    return { filters: Object.freeze(filters), narrowed };
  }

  /** The granted patterns nearest to a topic, without those that are denied whole. */
  nearest(text: string, limit: number): string[] {
    this.#usable ??= this.#grants.values()
      .sort((a, b) => a.at - b.at)
      .map(({ rule }) => rule.pattern)
      .filter((pattern) => !this.#denials.anyCovering(pattern));
    return nearestFilters(text, this.#usable, limit).map((filter) => filter.text);
  }
}

/** Indexes the rules that `picks` picks; of those with the same pattern the first will do. */
function indexRules(
  rules: readonly Rule[],
  { picks, decides }: { picks: (rule: Rule) => boolean; decides: Decision },
): FilterIndex<Entry> {
  const index = new FilterIndex<Entry>();
  const known = new Set<string>();
  for (const [at, rule] of rules.entries()) {
    const key = canonicalText(rule.pattern);
    if (!picks(rule) || known.has(key)) continue;
    known.add(key);
    index.add(rule.pattern, { at, rule, decision: Object.freeze({ ...decides, rule }) });
  }
  return index;
}

function first(entries: readonly Entry[]): Entry | undefined {
  let least: Entry | undefined;
  for (const entry of entries) {
    if (least === undefined || entry.at < least.at) least = entry;
  }
  return least;
}

function distinct(filters: readonly TopicFilter[]): TopicFilter[] {
  const byText = new Map<string, TopicFilter>();
  for (const filter of filters) {
    const key = canonicalText(filter);
    if (!byText.has(key)) byText.set(key, filter);
  }
  return [...byText.values()];
}
