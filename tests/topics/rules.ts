/**
 * Rules for the tests, written short.
 *
 * @module
 */
import fc from "fast-check";
import type { Action, Rule } from "../../lib/topics/permissions.ts";
import { parseTopicFilter } from "../../lib/topics/topic_filter.ts";
import { smallFilter } from "./oracle.ts";

const MARKS: Readonly<Record<string, Partial<Rule>>> = {
  r: { permissions: ["read"] },
  w: { permissions: ["write"] },
  rw: { permissions: ["read", "write"] },
  wR: { permissions: ["write"], retain: true },
  rR: { permissions: ["read"], retain: true },
  "-r": { deny: ["read"] },
  "-w": { deny: ["write"] },
  "-rw": { deny: ["read", "write"] },
};

/** A rule from `"rw a/#"`: `r` and `w` grant, after `-` they deny, `R` grants retain. */
export function rule(text: string): Rule {
  const [mark = "", pattern = ""] = text.split(" ");
  const given = MARKS[mark];
  if (given === undefined) throw new Error(`No such mark: ${mark}`);
  return {
    pattern: parseTopicFilter(pattern),
    permissions: [],
    deny: [],
    retain: false,
    ...given,
  };
}

const actions: fc.Arbitrary<Action[]> = fc.subarray<Action>(["read", "write"]);

/** Rules over the small world, with more grants than denials. */
export const anyRules: fc.Arbitrary<Rule[]> = fc.array(
  fc.record({
    pattern: smallFilter,
    permissions: actions,
    deny: fc.oneof({ weight: 3, arbitrary: fc.constant<Action[]>([]) }, {
      weight: 1,
      arbitrary: actions,
    }),
    retain: fc.boolean(),
  }),
  { maxLength: 8, size: "max" },
);
