/**
 * What one collection was to hear, and what it heard.
 *
 * @module
 */
import { until } from "../../tests/brokers/until.ts";
import { obviouslyMatches } from "../../tests/topics/oracle.ts";
import { idOf, type Ledger, type Sent } from "./ledger.ts";

/** A message as the collection got it. */
export interface Heard {
  readonly topic: string;
  readonly payload: unknown;
  readonly retain: boolean;
}

/** What was asked for. */
export interface EarOptions {
  /** For the report. */
  readonly name: string;
  readonly topics: readonly string[];
  readonly includeRetained: boolean;
  /** Whether it goes on after an interruption. */
  readonly resume: boolean;
}

/** How long what is owed may be on its way; a line that is dead is noticed sooner. */
const OWED_WITHIN_MS = 10_000;
/** What is granted to read. */
const GRANTED = "s/#";

/**
 * Holds a collection to this: what was acknowledged while it was in force and not interrupted comes
 * exactly once, and whatever comes was published to a topic it asked for, not before it asked.
 */
export class Ear {
  readonly #ledger: Ledger;
  readonly #options: EarOptions;
  readonly #requestedAt = performance.now();
  readonly #heard = new Set<string>();
  /** What the broker kept for sure when it was asked. */
  #owedKept: Sent[];
  #filters: readonly string[] = [];
  /** Since when each filter is known to be in force. */
  #armedAt: number[] = [];
  #interruptedAt = -Infinity;
  #dropped = 0;
  #isOver = false;

  constructor(ledger: Ledger, options: EarOptions) {
    this.#ledger = ledger;
    this.#options = options;
    this.#owedKept = options.includeRetained
      ? [...ledger.kept().values()].filter(({ topic }) => this.#wants(topic))
      : [];
  }

  /** How many messages were heard. */
  get count(): number {
    return this.#heard.size;
  }

  /** The subscriptions are in force. */
  inForce(filters: readonly string[]): void {
    this.#filters = filters;
    // An interruption may have been told already: then only a message proves that it is in force.
    const isWhole = this.#interruptedAt === -Infinity;
    this.#armedAt = filters.map(() => isWhole ? performance.now() : Infinity);
    this.#owedKept = this.#owedKept.filter((sent) => this.#ledger.kept().get(sent.topic) === sent);
  }

  /** A message has come. */
  hear({ topic, payload, retain }: Heard): void {
    const id = idOf(payload);
    const wrong = (what: string): void =>
      this.#ledger.violation(`${this.#options.name} ${what}: ${id || payload} on ${topic}`);
    const sent = this.#ledger.find(id);
    if (this.#isOver) return wrong("heard something after its end");
    if (sent === undefined || sent.topic !== topic) return wrong("heard what nobody published");
    if (!this.#wants(topic)) return wrong("heard what it did not ask for");
    if (this.#heard.has(id)) return wrong("heard twice");
    this.#heard.add(id);
    if (retain) {
      if (!this.#options.includeRetained) wrong("heard an unwanted retained message");
      if (!sent.retain) wrong("heard as retained what is not");
      return;
    }
    const isOld = sent.fate === "acknowledged" && (sent.endedAt ?? Infinity) < this.#requestedAt;
    if (isOld) wrong("heard what was before its time");
    if (this.#interruptedAt > -Infinity && !this.#options.resume) {
      wrong("heard something after it was interrupted");
    }
    if (sent.startedAt > this.#interruptedAt) this.#arm(topic);
  }

  /** It was told that the connection was lost. */
  interrupted(): void {
    this.#interruptedAt = performance.now();
    this.#armedAt.fill(Infinity);
    this.#owedKept = [];
  }

  /** It was told that so many messages found no room. */
  dropped(count: number): void {
    this.#dropped += count;
  }

  /** It was given up, or has failed and said so. */
  close(): void {
    this.#isOver = true;
  }

  /** What it is owed and has not heard. */
  missing(): Sent[] {
    if (this.#isOver) return [];
    const missing = this.#owedKept.filter(({ id }) => !this.#heard.has(id));
    for (const sent of this.#ledger.all()) {
      if (sent.fate === "acknowledged" && !this.#heard.has(sent.id) && this.#isOwed(sent)) {
        missing.push(sent);
      }
    }
    return missing.length <= this.#dropped ? [] : missing;
  }

  /** Waits until it has heard what it is owed; `listen` is called again and again meanwhile. */
  async settle(listen: () => Promise<void> = () => Promise.resolve()): Promise<void> {
    try {
      await until(async () => {
        if (this.missing().length === 0) return true;
        await listen();
        return this.missing().length === 0;
      }, { deadlineMs: OWED_WITHIN_MS });
    } catch {
      for (const { id, topic, qos, retain, seen } of this.missing()) {
        this.#ledger.violation(
          `${this.#options.name} of ${
            this.#filters.join(" ")
          } never heard ${id} on ${topic} (QoS ${qos}${
            retain ? ", retained" : ""
          }, at the broker ${seen} times), and was told of no interruption`,
        );
      }
    }
  }

  #wants(topic: string): boolean {
    return obviouslyMatches(GRANTED, topic) &&
      this.#options.topics.some((filter) => obviouslyMatches(filter, topic));
  }

  #filterOf(topic: string): number {
    return this.#filters.findIndex((filter) => obviouslyMatches(filter, topic));
  }

  #arm(topic: string): void {
    const at = this.#filterOf(topic);
    if (this.#armedAt[at] === Infinity && this.#options.resume) {
      this.#armedAt[at] = performance.now();
    }
  }

  #isOwed({ topic, startedAt }: Sent): boolean {
    return startedAt > this.#interruptedAt &&
      startedAt > (this.#armedAt[this.#filterOf(topic)] ?? Infinity);
  }
}

/** A message as a tool shows it. */
export function heard(
  { topic, payload, retain = false }: { topic: string; payload: unknown; retain?: boolean },
): Heard {
  return { topic, payload, retain };
}
