/**
 * The rules as they bear on one action.
 *
 * @module
 */
import type { Grants } from "./narrow.ts";
import { nearestFilters } from "./nearest_filters.ts";
import { OrderedFilters, rank, type Ranked } from "./ordered_filters.ts";
import type { Action, Decision, Rule } from "./rule.ts";
import { attempt, type Steps } from "./steps.ts";
import { covers, type TopicFilter } from "./topic_filter.ts";

/** A rule, its place in the config and what it decides. */
interface Entry extends Ranked {
  readonly rule: Rule;
  readonly decision: Decision;
}

const NOT_GRANTED: Decision = Object.freeze({ allowed: false, reason: "not_granted" });

/** The grants and denials of one action. */
export class ActionRules implements Grants {
  readonly granted: OrderedFilters<Entry>;
  readonly denied: OrderedFilters<Entry>;
  #usable: readonly Entry[] | undefined;
  #widest: OrderedFilters<Entry> | undefined;

  constructor(rules: readonly Rule[], action: Action) {
    const entries = rules.map((rule, at) => ({ rule, at, filter: rule.pattern }));
    const grants = entries.filter(({ rule }) => rule.permissions.includes(action));
    const denials = entries.filter(({ rule }) => rule.deny.includes(action));
    this.granted = deciding(grants, { allowed: true, reason: "granted" });
    this.denied = deciding(denials, { allowed: false, reason: "denied" });
  }

  /** Decides on a topic name. */
  decide(name: string): Decision {
    const entry = this.denied.firstMatching(name) ?? this.granted.firstMatching(name);
    return entry?.decision ?? NOT_GRANTED;
  }

  /** The first rule that grants all of `filter`, denied or not; undefined if no single one does. */
  grantOf(filter: TopicFilter): Rule | undefined {
    return this.granted.entries.find(({ rule }) => covers(rule.pattern, filter))?.rule;
  }

  /** The first rule that denies all of `filter`; undefined if no single one does. */
  denialOf(filter: TopicFilter): Rule | undefined {
    return this.denied.entries.find(({ rule }) => covers(rule.pattern, filter))?.rule;
  }

  /**
   * Whether some rule grants a part of the filters, denied or not. True as well if that takes too
   * many steps to find out.
   */
  grantsPart(filters: readonly TopicFilter[]): boolean {
    return attempt(
      (steps) => new OrderedFilters(rank(filters), steps).overlapsAny(this.granted, steps),
      () => true,
    );
  }

  /** The granted patterns nearest to a topic, without those that are denied whole. */
  nearest(text: string, limit: number): string[] {
    const usable = attempt((steps) => this.usable(steps), () => this.granted.entries);
    const filters = usable.map(({ filter }) => filter);
    return nearestFilters(text, filters, limit).map((filter) => filter.text);
  }

  /** The grants that no denial covers. */
  usable(steps: Steps): readonly Entry[] {
    if (this.#usable !== undefined) return this.#usable;
    const denials = this.granted.coveredBy(this.denied, steps);
    return this.#usable = this.granted.entries.filter((entry) => !denials.has(entry));
  }

  /** Those of {@linkcode usable} that no other grant covers. */
  widest(steps: Steps): OrderedFilters<Entry> {
    if (this.#widest !== undefined) return this.#widest;
    const covered = this.granted.coveredBy(this.granted, steps);
    return this.#widest = new OrderedFilters(
      this.usable(steps).filter((entry) => !covered.has(entry)),
    );
  }
}

function deciding(
  entries: readonly Omit<Entry, "decision">[],
  decision: Omit<Decision, "rule">,
): OrderedFilters<Entry> {
  return new OrderedFilters(entries.map((entry) => {
    return { ...entry, decision: Object.freeze({ ...decision, rule: entry.rule }) };
  }));
}
