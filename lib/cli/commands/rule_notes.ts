/**
 * What an owner should know of the rules: those that are of no use, and those that are wide.
 *
 * @module
 */
import type { Action, Rule } from "../../topics/permissions.ts";
import { covers } from "../../topics/topic_filter.ts";

/** So many rules are compared with each other; more take too long for a command. */
const MAX_COMPARED = 1_000;

/** One line for each thing worth knowing, with the numbers of the rules from 1. */
export function ruleNotes(rules: readonly Rule[]): string[] {
  const compared = rules.slice(0, MAX_COMPARED);
  const notes = compared.flatMap((rule, at) => [
    ...wide(rule).map((note) => `${named(rule, at)} ${note}`),
    ...(["read", "write"] as const).flatMap((action) =>
      useless(compared, at, action).map((note) => `${named(rule, at)} ${note}`)
    ),
  ]);
  const left = rules.length - compared.length;
  return left === 0 ? notes : [...notes, `${left} more rules were not compared`];
}

function named({ pattern }: Rule, at: number): string {
  return `rule ${at + 1}, "${pattern.text}",`;
}

/** Where a pattern grants more than is easily seen. */
function wide({ pattern: { text, levels }, permissions }: Rule): string[] {
  const actions = permissions.join(" and ");
  if (actions === "") return [];
  const [first] = levels;
  return [
    ...(first === "#" || first === "+" && levels.at(-1) === "#"
      ? [`grants ${actions} on every topic but those that begin with $`]
      : []),
    ...(text.startsWith("$") && permissions.includes("write")
      ? ["grants write below $, where brokers keep their own topics"]
      : []),
  ];
}

/** Why what a rule grants or denies makes no difference. */
function useless(rules: readonly Rule[], at: number, action: Action): string[] {
  const rule = rules[at];
  if (rule === undefined) return [];
  const covering = (deciding: (one: Rule) => boolean): string | undefined => {
    const other = rules.findIndex((one, i) =>
      i !== at && deciding(one) && covers(one.pattern, rule.pattern) &&
      // Of two that are the same the later one is of no use.
      (i < at || !covers(rule.pattern, one.pattern))
    );
    return other < 0 ? undefined : `rule ${other + 1}, "${rules[other]?.pattern.text}"`;
  };
  const denies = (one: Rule): boolean => one.deny.includes(action);
  const grants = (one: Rule): boolean => one.permissions.includes(action);
  if (denies(rule)) {
    const other = covering(denies);
    return other === undefined ? [] : [`denies ${action} for nothing: ${other} denies it already`];
  }
  if (!grants(rule)) return [];
  const denial = rules.findIndex((one) => denies(one) && covers(one.pattern, rule.pattern));
  if (denial >= 0) {
    return [
      `grants ${action} for nothing: rule ${denial + 1}, "${
        rules[denial]?.pattern.text
      }", denies it`,
    ];
  }
  // A rule may stand for its words, its retain, or what it asks for.
  const { retain, confirm = false, rate, description, payload } = rule;
  const says = retain || confirm || [rate, description, payload].some((one) => one !== undefined);
  const other = says ? undefined : covering(grants);
  return other === undefined ? [] : [`grants ${action} for nothing: ${other} grants it already`];
}
