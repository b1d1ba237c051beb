/**
 * What a rule of the config is, and what comes of asking the rules.
 *
 * @module
 */
import type { TopicFilter } from "./topic_filter.ts";

/** What may be granted or denied on a topic. */
export type Action = "read" | "write";

/** One entry of the config's `topics`. */
export interface Rule {
  readonly pattern: TopicFilter;
  /** What it grants. */
  readonly permissions: readonly Action[];
  /** What it denies; that wins over every grant. */
  readonly deny: readonly Action[];
  /** Whether a write that it grants may set the retain flag. */
  readonly retain: boolean;
  /** Whether the person is asked before each write. */
  readonly confirm?: boolean;
  /** So many writes under this rule in so many milliseconds. */
  readonly rate?: { readonly writes: number; readonly windowMs: number };
  readonly description?: string;
  readonly payload?: {
    readonly unit?: string;
    readonly examples?: readonly string[];
    readonly schema?: PayloadSchema;
  };
}

/** What the payload of a write must be. */
export interface PayloadSchema {
  /** As it stands in the config. */
  readonly json: Readonly<Record<string, unknown>>;
  /** What keeps a payload from meeting it, as the end of a sentence; undefined if it does. */
  faultOf(payload: Uint8Array): string | undefined;
}

/** Whether an action is allowed on a topic name, and why. */
export interface Decision {
  readonly allowed: boolean;
  readonly reason: "granted" | "denied" | "not_granted";
  /** The rule that decides: the first in the config that denies, else that grants. */
  readonly rule?: Rule;
}

/** What is left of topic filters after the rules cut them down. */
export interface Narrowing {
  /**
   * The filters to subscribe to: the intersections of what was asked for with what is granted, but
   * for those that another covers, that a rule denies whole, or that would have more than 65,535
   * bytes. They come in the order of the request, then of the config.
   */
  readonly filters: readonly TopicFilter[];
  /**
   * Whether some topic name that was asked for will not be delivered. It is exact with two
   * exceptions, in which it may be true without need, and never false: if filters are so long that an
   * intersection would have more than 65,535 bytes, or that only names of about that length tell the
   * difference, and if it would take too long to find out.
   */
  readonly narrowed: boolean;
}
