/**
 * What was published, what became of it, and what the broker was seen to take.
 *
 * @module
 */
import type { QoS } from "../../lib/messages/message.ts";

/**
 * What the publisher was told: `acknowledged` (QoS 1 and 2) and `sent` (QoS 0) in the end, `not_sent`
 * or `unknown` where it failed.
 */
export type Fate = "pending" | "acknowledged" | "sent" | "not_sent" | "unknown";

/** A message on its way. Times are of `performance.now()`. */
export interface Sent {
  readonly id: string;
  readonly topic: string;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly startedAt: number;
  endedAt: number | undefined;
  fate: Fate;
  /** How often the broker has passed it on to who listens there directly. */
  seen: number;
  /** The how-manyeth of all messages it was when that happened first. */
  seenAs: number | undefined;
}

/** A broker that was killed may have acknowledged what it had not yet passed on, so long before. */
const KILL_SHADOW_MS = 1_000;
/** What was not acknowledged may be held up in the network for so long. */
const MAX_ON_ITS_WAY_MS = 60_000;

/** Knows every message, and finds what is wrong. */
export class Ledger {
  readonly violations: string[] = [];
  readonly #sent = new Map<string, Sent>();
  /** Never to arrive, however late. */
  readonly #notSent = new Set<string>();
  readonly #kept = new Map<string, Sent>();
  /** The last of each topic that the broker has kept: still, until it gets the one under way. */
  readonly #lastKept = new Map<string, Sent>();
  readonly #kills: number[] = [];
  #number = 0;
  #seen = 0;

  /** How many messages there were. */
  get size(): number {
    return this.#number;
  }

  /** Something that must not be. */
  violation(text: string): void {
    this.violations.push(text);
  }

  /** A message is about to be published. */
  begin({ topic, qos, retain }: Pick<Sent, "topic" | "qos" | "retain">): Sent {
    const sent: Sent = {
      id: `m${++this.#number}`,
      topic,
      qos,
      retain,
      startedAt: performance.now(),
      endedAt: undefined,
      fate: "pending",
      seen: 0,
      seenAs: undefined,
    };
    this.#sent.set(sent.id, sent);
    // Until it is acknowledged nobody knows which one the broker keeps.
    if (retain) this.#kept.delete(topic);
    return sent;
  }

  /** The publisher was told what became of it. */
  end(sent: Sent, fate: Exclude<Fate, "pending">): void {
    sent.endedAt = performance.now();
    sent.fate = fate;
    if (fate === "not_sent") this.#notSent.add(sent.id);
    if (sent.retain && fate === "acknowledged") {
      this.#kept.set(sent.topic, sent);
      this.#lastKept.set(sent.topic, sent);
    }
    if (fate === "not_sent" && sent.seen > 0) this.#liar(sent.id);
  }

  /** Who listens at the broker directly has got it. */
  seenAtBroker(id: string): void {
    if (this.#notSent.has(id)) this.#liar(id);
    const sent = this.#sent.get(id);
    if (sent === undefined) return;
    sent.seen++;
    sent.seenAs ??= ++this.#seen;
    if (sent.seen > 1) {
      this.violation(`${id} (QoS ${sent.qos}, ${sent.fate}) reached the broker ${sent.seen} times`);
    }
  }

  /** The broker was killed: what it kept is gone. */
  killed(): void {
    this.#kills.push(performance.now());
    this.#kept.clear();
  }

  /** A message of this round, or one that is kept since an earlier one. */
  find(id: string): Sent | undefined {
    return this.#sent.get(id);
  }

  /** All messages of this round. */
  all(): Iterable<Sent> {
    return this.#sent.values();
  }

  /** The messages that the broker keeps for sure, by topic. */
  kept(): ReadonlyMap<string, Sent> {
    return this.#kept;
  }

  /** Acknowledged, and not seen at the broker. */
  unseen(): Sent[] {
    return [...this.#sent.values()].filter((sent) =>
      sent.fate === "acknowledged" && sent.seen === 0 && !this.#isInShadow(sent)
    );
  }

  /** A round is over: all is forgotten but what is kept, and what may still be on its way. */
  forget(): void {
    const kept = new Set(this.#lastKept.values());
    const now = performance.now();
    for (const sent of this.#sent.values()) {
      const mayCome = sent.fate !== "acknowledged" && now - sent.startedAt < MAX_ON_ITS_WAY_MS;
      if (!kept.has(sent) && !mayCome) this.#sent.delete(sent.id);
    }
    this.#kills.length = 0;
  }

  #isInShadow({ startedAt, endedAt }: Sent): boolean {
    const until = (endedAt ?? Infinity) + KILL_SHADOW_MS;
    return this.#kills.some((at) => at >= startedAt && at <= until);
  }

  #liar(id: string): void {
    this.violation(`${id} was said to be not_sent, and reached the broker`);
  }
}

/** The identifier at the beginning of a payload. */
export function idOf(payload: unknown): string {
  return /^m\d+/.exec(String(payload))?.[0] ?? "";
}
