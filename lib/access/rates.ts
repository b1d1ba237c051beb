/**
 * How often may be written, by all clients together.
 *
 * @module
 */
import { McpMqttError } from "../errors.ts";
import type { Rule } from "../topics/permissions.ts";
import { quoteTopic } from "../topics/topic_text.ts";
import { RateLimiter } from "./rate_limiter.ts";

const MINUTE_MS = 60_000;

interface Counted {
  readonly limiter: RateLimiter;
  /** What is allowed. */
  readonly what: string;
}

/** Counts all writes, and those under each rule with a rate. */
export class Rates {
  readonly #all: readonly Counted[];
  readonly #byRule = new Map<Rule, Counted>();

  /** @param publishPerMinute 0: no limit. */
  constructor(publishPerMinute: number) {
    const what = `${publishPerMinute} messages a minute are allowed (limits.publish_per_minute)`;
    const rate = { writes: publishPerMinute, windowMs: MINUTE_MS };
    this.#all = publishPerMinute === 0 ? [] : [{ limiter: new RateLimiter(rate), what }];
  }

  /** @throws {McpMqttError} `rate_limited`, if no write under these rules is possible now. */
  assertFree(rules: readonly Rule[]): void {
    for (const { limiter: { waitMs }, what } of this.#counted(rules)) {
      if (waitMs === 0) continue;
      const seconds = Math.ceil(waitMs / 100) / 10;
      throw new McpMqttError(
        "rate_limited",
        `${what}; the next write is possible in ${seconds} s`,
        { outcome: "not_sent" },
      );
    }
  }

  /**
   * Takes a place for a write under these rules.
   *
   * @returns gives it back: nothing was sent.
   * @throws {McpMqttError} as {@linkcode Rates.assertFree}.
   */
  take(rules: readonly Rule[]): () => void {
    this.assertFree(rules);
    const places = this.#counted(rules).map(({ limiter }) => limiter.take());
    return () => places.forEach((giveBack) => giveBack());
  }

  #counted(rules: readonly Rule[]): Counted[] {
    return [...this.#all, ...rules.flatMap((rule) => this.#ofRule(rule))];
  }

  #ofRule(rule: Rule): Counted[] {
    const { rate, pattern } = rule;
    if (rate === undefined) return [];
    const { writes, windowMs } = rate;
    const counted = this.#byRule.get(rule) ?? {
      limiter: new RateLimiter(rate),
      what: `${writes} messages in ${windowMs / 1000} s are allowed by the rule ${
        quoteTopic(pattern.text)
      }`,
    };
    this.#byRule.set(rule, counted);
    return [counted];
  }
}
