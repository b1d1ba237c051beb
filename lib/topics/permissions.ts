/**
 * Which topics may be read and written: the rules of the config, ready to be asked.
 *
 * @module
 */
import { McpMqttError } from "../errors.ts";
import { ActionRules } from "./action_rules.ts";
import { FilterIndex } from "./filter_index.ts";
import { narrow } from "./narrow.ts";
import type { Action, Decision, Narrowing, Rule } from "./rule.ts";
import type { TopicFilter } from "./topic_filter.ts";
import type { TopicName } from "./topic_name.ts";
import { quoteTopic } from "./topic_text.ts";

export type { Action, Decision, Narrowing, Rule } from "./rule.ts";

/** How many filters an error names. */
const MAX_NAMED = 3;
/** How much of the owner's words on a pattern an error gives. */
const MAX_ABOUT_CHARACTERS = 60;

/**
 * The rules of a config. A name may be read (written) when some rule grants it and no rule denies
 * it, whatever their order.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { Permissions } from "./permissions.ts";
 * import { parseTopicFilter } from "./topic_filter.ts";
 *
 * const pattern = parseTopicFilter("sensors/+/temperature");
 * const permissions = new Permissions([{ pattern, permissions: ["read"], deny: [], retain: false }]);
 * assert(permissions.decide("sensors/attic/temperature", "read").allowed);
 * const { filters, narrowed } = permissions.narrow([parseTopicFilter("sensors/attic/#")]);
 * assert.equal(filters[0]?.text, "sensors/attic/temperature");
 * assert(narrowed);
 * ```
 */
export class Permissions {
  /** In the order of the config. */
  readonly rules: readonly Rule[];
  readonly #byAction: Readonly<Record<Action, ActionRules>>;
  readonly #retaining = new FilterIndex<Rule>();
  readonly #guarding = new FilterIndex<Rule>();

  constructor(rules: readonly Rule[]) {
    this.rules = Object.freeze([...rules]);
    this.#byAction = {
      read: new ActionRules(rules, "read"),
      write: new ActionRules(rules, "write"),
    };
    for (const rule of rules) {
      if (!rule.permissions.includes("write")) continue;
      if (rule.retain) this.#retaining.add(rule.pattern, rule);
      const { confirm = false, rate, payload } = rule;
      if (confirm || rate !== undefined || payload?.schema !== undefined) {
        this.#guarding.add(rule.pattern, rule);
      }
    }
  }

  /** Decides whether `action` is allowed on a topic name. */
  decide(name: string, action: Action): Decision {
    return this.#byAction[action].decide(name);
  }

  /** Whether some rule that grants write on the name grants retain with it. */
  mayRetain(name: string): boolean {
    return this.#retaining.anyMatch(name);
  }

  /**
   * The rules that grant write on the name and ask for more: a confirmation, a rate or a schema.
   * Each of them has to be met, whatever other rules grant.
   */
  guards(name: string): readonly Rule[] {
    return this.#guarding.matching(name);
  }

  /**
   * Cuts requested filters down to what may be read.
   *
   * @throws {McpMqttError} `invalid_argument` if that would be more than 10,000 filters, or would
   * take too long to find out.
   */
  narrow(filters: readonly TopicFilter[]): Narrowing {
    return narrow(filters, this.#byAction.read);
  }

  /** The first rule that grants to read all that a filter of {@linkcode narrow} stands for. */
  readGrantOf(filter: TopicFilter): Rule | undefined {
    return this.#byAction.read.grantOf(filter);
  }

  /** What {@linkcode narrow} leaves of the filters, in a word. */
  decideFilters(filters: readonly TopicFilter[]): Decision["reason"] | "narrowed" {
    const { filters: left, narrowed } = this.narrow(filters);
    if (left.length > 0) return narrowed ? "narrowed" : "granted";
    const rules = this.#byAction.read;
    const isDenied = filters.some((filter) => rules.denialOf(filter) !== undefined) ||
      rules.grantsPart(filters);
    return isDenied ? "denied" : "not_granted";
  }

  /**
   * The granted patterns nearest to a topic name or filter, at most `limit`: those that share the
   * most leading levels, of these those spelt most alike.
   */
  nearest(text: string, action: Action, limit = MAX_NAMED): string[] {
    return this.#byAction[action].nearest(text, limit);
  }

  /**
   * Demands that the name may be read.
   *
   * @throws {McpMqttError} `forbidden`, with what decides and what is granted near it.
   */
  assertRead(name: TopicName): void {
    const decision = this.decide(name, "read");
    if (decision.allowed) return;
    throw new McpMqttError("forbidden", refusal(decision, "read", name), {
      hint: this.#hint([name], "read"),
    });
  }

  /**
   * Demands that the name may be written and, if `retain` is set, with the retain flag.
   *
   * @throws {McpMqttError} `forbidden`, with what decides and what is granted near it.
   */
  assertWrite(name: TopicName, { retain }: { readonly retain: boolean }): void {
    const decision = this.decide(name, "write");
    if (!decision.allowed) {
      throw new McpMqttError("forbidden", refusal(decision, "write", name), {
        hint: this.#hint([name], "write"),
        outcome: "not_sent",
      });
    }
    if (retain && !this.mayRetain(name)) {
      throw new McpMqttError("forbidden", `no rule grants retain on ${quoteTopic(name)}`, {
        hint: `Publish it without retain, or have "retain": true set on a rule that grants write.`,
        outcome: "not_sent",
      });
    }
  }

  /** The `forbidden` error for filters of which {@linkcode narrow} leaves nothing. */
  readForbidden(filters: readonly TopicFilter[]): McpMqttError {
    const rules = this.#byAction.read;
    const [filter] = filters;
    const shown = filters.slice(0, MAX_NAMED).map(({ text }) => quoteTopic(text)).join(", ");
    const more = filters.length > MAX_NAMED ? ` and ${filters.length - MAX_NAMED} more` : "";
    const denial = filters.length === 1 && filter ? rules.denialOf(filter) : undefined;
    const message = denial !== undefined
      ? `the rule ${quoteTopic(denial.pattern.text)} denies read on ${shown}`
      : rules.grantsPart(filters)
      ? `rules deny read on all that is granted of ${shown}${more}`
      : `no rule grants read on ${shown}${more}`;
    return new McpMqttError("forbidden", message, {
      hint: this.#hint(filters.map(({ text }) => text), "read"),
    });
  }

  #hint(topics: readonly string[], action: Action): string {
    if (this.rules.length === 0) {
      return "No topic is granted, because there is no rule: the owner lists topics in the config, and `mcpmqtt init` writes one to start from.";
    }
    const near = topics.slice(0, MAX_NAMED).flatMap((topic) => this.nearest(topic, action));
    if (near.length === 0) return `No topic is granted for ${action}.`;
    const shown = [...new Set(near)].slice(0, MAX_NAMED)
      .map((pattern) => `${quoteTopic(pattern)}${this.#about(pattern, action)}`);
    return `Granted for ${action} near it: ${shown.join(", ")}.`;
  }

  /** The owner's words on a granted pattern, in parentheses; empty if there are none. */
  #about(pattern: string, action: Action): string {
    const rule = this.rules.find((one) =>
      one.pattern.text === pattern && one.permissions.includes(action)
    );
    const words = [rule?.description, rule?.payload?.unit].filter((one) => one !== undefined)
      .join(", ").replaceAll(/\s+/g, " ").trim();
    if (words === "") return "";
    const isLong = words.length > MAX_ABOUT_CHARACTERS;
    return ` (${isLong ? `${words.slice(0, MAX_ABOUT_CHARACTERS).toWellFormed()}…` : words})`;
  }
}

function refusal({ rule }: Decision, action: Action, name: string): string {
  return rule === undefined
    ? `no rule grants ${action} on ${quoteTopic(name)}`
    : `the rule ${quoteTopic(rule.pattern.text)} denies ${action} on ${quoteTopic(name)}`;
}
