/**
 * When a broker has sent the retained messages that a SUBSCRIBE asked for.
 *
 * @module
 */
import { pause } from "../../wait.ts";
import { type Link, type LinkEnd, LinkLost } from "../link/link.ts";
import type { Feed } from "./feed.ts";

/**
 * How many round trips without a retained message say that there is none left. A broker sends so
 * many of QoS 1 and 2 at a time, and goes on when one was acknowledged: of QoS 2 that takes PUBREC
 * and PUBREL, then PUBCOMP.
 */
const QUIET_ROUNDS = 2;

/** How long a round lasts beside its trip: some brokers read what they keep beside answering. */
const ROUND_MS = 25;

/** Who waits for the retained messages of one feed. */
interface Awaited {
  readonly delivered: PromiseWithResolvers<void>;
  quietRounds: number;
}

/** Sends PINGREQs over one link for as long as somebody waits: one for all feeds that are waited for. */
export class RetainedFence {
  readonly #link: Link;
  readonly #over = new AbortController();
  readonly #awaited = new Map<Feed, Awaited>();

  constructor(link: Link) {
    this.#link = link;
  }

  /**
   * Settles when the retained messages of the last SUBSCRIBE of a feed have come, or nobody listens
   * to it any more.
   *
   * @throws {LinkLost} when the link ends before.
   */
  delivered(feed: Feed): Promise<void> {
    if (feed.isSettled) return Promise.resolve();
    const awaited = this.#awaited.get(feed) ??
      { delivered: Promise.withResolvers<void>(), quietRounds: 0 };
    awaited.delivered.promise.catch(() => {});
    const isFirst = this.#awaited.size === 0;
    this.#awaited.set(feed, awaited);
    // Not before all that are asked for together are among them.
    if (isFirst) queueMicrotask(() => this.#goRounds());
    return awaited.delivered.promise;
  }

  /** The link is lost. */
  end(end: LinkEnd): void {
    this.#over.abort();
    for (const { delivered } of this.#awaited.values()) delivered.reject(new LinkLost(end));
    this.#awaited.clear();
  }

  async #goRounds(): Promise<void> {
    while (this.#awaited.size > 0) {
      const before = [...this.#awaited].map(([feed, awaited]) => ({
        feed,
        awaited,
        isAnswered: feed.isAnswered,
        received: this.#received(feed),
      }));
      try {
        await this.#link.ping();
      } catch {
        // Who waits is told by the end of the link.
        return;
      }
      if (!await pause(ROUND_MS, this.#over.signal)) return;
      for (const { feed, awaited, isAnswered, received } of before) {
        const isQuiet = isAnswered && received === this.#received(feed);
        awaited.quietRounds = isQuiet ? awaited.quietRounds + 1 : 0;
        if (feed.isHeld && awaited.quietRounds < QUIET_ROUNDS) continue;
        feed.isSettled = true;
        this.#awaited.delete(feed);
        awaited.delivered.resolve();
      }
    }
  }

  /**
   * At QoS 0 the messages of a feed come before the PINGRESP. Else they may wait behind those of
   * others, of which the broker sends so many at a time.
   */
  #received(feed: Feed): number {
    return feed.qos === 0 ? feed.retainedReceived : this.#link.retainedReceived;
  }
}
