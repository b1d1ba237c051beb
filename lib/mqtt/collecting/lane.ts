/**
 * A lane is one connection to the broker and owns the feeds on it. Their topic filters are pairwise
 * disjoint, so that every PUBLISH that arrives is for exactly one feed, on brokers that send one copy
 * for each overlapping subscription as on those that send one in all.
 *
 * @module
 */
import { McpMqttError } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import { FilterIndex } from "../../topics/filter_index.ts";
import { quoteTopic } from "../../topics/topic_text.ts";
import { canonicalText, covers, type TopicFilter } from "../../topics/topic_filter.ts";
import { bounded } from "../../wait.ts";
import { LastingLink } from "../link/lasting_link.ts";
import { type Link, type LinkEnd, LinkLost } from "../link/link.ts";
import type { LinkOpener } from "../link/link_opener.ts";
import { packets } from "../link/packet_size.ts";
import { reasonCodeName } from "../faults/reason_codes.ts";
import { Feed } from "./feed.ts";
import { RetainedFence } from "./retained_fence.ts";
import type { Subscription } from "./subscription.ts";
import type { Times } from "../times.ts";

/** How many filters a line of the log names. */
const MAX_LOGGED = 20;

/** What a lane needs. */
export interface LaneOptions {
  readonly opener: LinkOpener;
  readonly clientId: string;
  readonly log: Logger;
  readonly times: Times;
  readonly onConnected: (lane: Lane) => void;
  /** The last feed has left it. */
  readonly onEmpty: (lane: Lane) => void;
}

/** One connection that is kept alive, and its feeds. */
export class Lane {
  readonly clientId: string;
  readonly lasting: LastingLink;
  readonly #options: LaneOptions;
  readonly #index = new FilterIndex<Feed>();
  readonly #feeds = new Map<string, Feed>();
  readonly #draining = new Map<Feed, ReturnType<typeof setTimeout>>();
  #fence: RetainedFence | undefined;
  #resumed: Promise<void> = Promise.resolve();

  constructor(options: LaneOptions) {
    const { opener, clientId, log } = options;
    this.#options = options;
    this.clientId = clientId;
    this.lasting = new LastingLink({
      opener,
      clientId,
      log,
      onMessage: (message) => {
        for (const feed of this.#index.matching(message.topic)) feed.receive(message);
      },
      onConnected: (link) => this.#onConnected(link),
      onEnded: (end) => this.#onEnded(end),
    });
  }

  /** Settles when what was subscribed to before a loss of the connection is in force again. */
  get resumed(): Promise<void> {
    return this.#resumed;
  }

  /** Whether `filter` overlaps none that is taken. */
  isFreeFor(filter: TopicFilter): boolean {
    return !this.#index.anyOverlapping(filter);
  }

  /** The feeds that stand in the way of `filter`. */
  overlapping(filter: TopicFilter): Feed[] {
    return this.#index.overlapping(filter);
  }

  /** The feed of the very filter of `subscription`, if it may ever listen to that. */
  feedOf({ filter, qos }: Subscription): Feed | undefined {
    const feed = this.#feeds.get(canonicalText(filter));
    return feed?.isHeld && feed.qos === qos ? feed : undefined;
  }

  /** The same of a feed that covers its filter. */
  feedCovering({ filter, qos }: Subscription): Feed | undefined {
    return this.overlapping(filter).find((feed) =>
      feed.isHeld && feed.qos === qos && covers(feed.filter, filter)
    );
  }

  /** Makes a feed for `subscription`, whose filter overlaps none on this lane. */
  open(subscription: Subscription): void {
    const feed = new Feed(subscription);
    this.#feeds.set(canonicalText(feed.filter), feed);
    this.#index.add(feed.filter, feed);
  }

  /** Asks the broker for what listens to its feeds, at once or as soon as there is a connection. */
  subscribe(subscriptions: readonly Subscription[]): void {
    const { link } = this.lasting;
    if (link === undefined) return;
    const feeds = new Set(subscriptions.flatMap(({ feed }) => feed ?? []));
    this.#request(link, [...feeds].filter(({ isDue }) => isDue));
    this.#join(link, subscriptions.filter(({ isAsked }) => !isAsked));
  }

  /**
   * Waits until the broker has sent the retained messages that a feed asked for last, or nobody
   * listens to it any more.
   *
   * @throws {McpMqttError} `not_connected`.
   * @throws {LinkLost} if the connection is lost meanwhile.
   */
  async retainedDelivered(feed: Feed): Promise<void> {
    if (!feed.isHeld) return;
    if (feed.state === "waiting" || this.#fence === undefined) {
      throw new McpMqttError("not_connected", "The connection was lost");
    }
    await this.#fence.delivered(feed);
  }

  /** Waits until the broker has sent what came before; throws as {@linkcode Lane.retainedDelivered}. */
  async caughtUp(): Promise<void> {
    const { link } = this.lasting;
    if (link === undefined) throw new McpMqttError("not_connected", "The connection was lost");
    await link.ping();
  }

  /** Gives subscriptions up. Settles when nothing of those feeds is left that had no other listener. */
  async release(subscriptions: readonly Subscription[]): Promise<void> {
    const feeds = new Set<Feed>();
    for (const subscription of subscriptions) {
      const { feed } = subscription;
      feed?.detach(subscription);
      if (feed?.isEmpty) feeds.add(feed);
    }
    const { link } = this.lasting;
    const held: Feed[] = [];
    for (const feed of feeds) {
      if (!feed.isHeld) continue;
      if (link === undefined || feed.state === "waiting") {
        this.#end(feed);
      } else {
        feed.leave();
        held.push(feed);
      }
    }
    if (link !== undefined && held.length > 0) this.#unsubscribe(link, held);
    await Promise.all([...feeds].map(({ left }) => left));
  }

  /** Disconnects and stays so. */
  async close(): Promise<void> {
    await this.lasting.close();
    for (const feed of [...this.#feeds.values()]) this.#end(feed);
  }

  #onConnected(link: Link): void {
    this.#fence = new RetainedFence(link);
    this.#resumed = this.#request(link, [...this.#feeds.values()].filter(({ isDue }) => isDue));
    this.#options.onConnected(this);
  }

  #onEnded(end: LinkEnd): void {
    this.#fence?.end(end);
    for (const feed of [...this.#feeds.values()]) {
      feed.interrupt(end);
      if (feed.state === "gone") this.#end(feed);
    }
  }

  async #request(link: Link, feeds: readonly Feed[]): Promise<void> {
    for (const feed of feeds) feed.request();
    const alike = Map.groupBy(feeds, (one) => `${one.qos} ${one.includeRetained}`);
    await Promise.all(
      [...alike.values()].flatMap((some) => [...packets(some, link.limits.maximumPacketSize)])
        .map((some) => this.#requestTogether(link, some)),
    );
  }

  /** Has those hear a feed that is there for others who need no SUBSCRIBE for it. */
  async #join(link: Link, subscriptions: readonly Subscription[]): Promise<void> {
    if (subscriptions.length === 0) return;
    try {
      // What was published before they came arrives before the PINGRESP.
      await link.ping();
    } catch {
      // They are asked for over the next connection.
      return;
    }
    for (const one of subscriptions) one.feed?.join(one);
  }

  #tell(packet: string, filters: readonly string[]): void {
    this.#options.log.debug(() => {
      const named = filters.slice(0, MAX_LOGGED).map(quoteTopic).join(", ");
      const more = filters.length > MAX_LOGGED ? ` and ${filters.length - MAX_LOGGED} more` : "";
      return `${packet} ${named}${more} as ${this.clientId}`;
    });
  }

  /** Sends one SUBSCRIBE for feeds that ask for the same. */
  async #requestTogether(link: Link, feeds: readonly Feed[]): Promise<void> {
    const [first] = feeds;
    if (first === undefined) return;
    const { includeRetained: retained, qos } = first;
    const filters = feeds.map(({ filter }) => filter.text);
    this.#tell("SUBSCRIBE", filters);
    const timeoutMs = this.#options.times.acknowledgementMs;
    let codes: readonly number[];
    try {
      codes = await bounded(link.subscribe(filters, { retained, qos }), {
        timeoutMs,
        onTimeout: () => {
          throw notAcknowledged(filters, timeoutMs);
        },
      });
    } catch (error) {
      // What became of them is told by the end of the link.
      if (error instanceof LinkLost) return;
      const failure = error instanceof McpMqttError ? error : new McpMqttError(
        "broker_refused",
        "the broker answered the subscription with something that is no answer to it",
        { cause: error },
      );
      for (const feed of feeds) {
        if (feed.isHeld) feed.unanswered(failure);
        if (feed.state === "gone") this.#end(feed);
      }
      // What the broker holds of them is not known any more; a new connection holds nothing.
      await link.end("a SUBSCRIBE was not acknowledged");
      return;
    }
    feeds.forEach((feed, i) => this.#settle(feed, { code: codes[i] ?? 0x80, link }));
  }

  #settle(feed: Feed, { code, link }: { readonly code: number; readonly link: Link }): void {
    if (!feed.isHeld) return;
    if (code < 0x80) {
      feed.activate();
      return;
    }
    feed.refuse(subscriptionRefused(feed.filter, { code, link }));
    if (feed.state === "gone") this.#end(feed);
  }

  async #unsubscribe(link: Link, feeds: readonly Feed[]): Promise<void> {
    this.#tell("UNSUBSCRIBE", feeds.map(({ filter }) => filter.text));
    try {
      const timeoutMs = this.#options.times.acknowledgementMs;
      const sent = [...packets(feeds, link.limits.maximumPacketSize)]
        .map((some) => link.unsubscribe(some.map(({ filter }) => filter.text)));
      await bounded(Promise.all(sent), { timeoutMs });
    } catch {
      // Not acknowledged: only the end of the connection makes sure that nothing stays subscribed.
      await link.end("an UNSUBSCRIBE was not acknowledged");
    }
    for (const feed of feeds) {
      if (link.isOpen && feed.isStillServed) this.#drain(feed);
      else this.#end(feed);
    }
  }

  /** Keeps the filter until nothing more has come for a while. */
  #drain(feed: Feed): void {
    if (feed.state !== "leaving" && feed.state !== "draining") return;
    feed.drain();
    const leftMs = feed.lastServedMs + this.#options.times.quietMs - performance.now();
    if (leftMs <= 0) this.#end(feed);
    else this.#draining.set(feed, setTimeout(() => this.#drain(feed), leftMs));
  }

  #end(feed: Feed): void {
    feed.end();
    clearTimeout(this.#draining.get(feed));
    this.#draining.delete(feed);
    const key = canonicalText(feed.filter);
    if (this.#feeds.get(key) !== feed) return;
    this.#feeds.delete(key);
    this.#index.delete(feed.filter, feed);
    if (this.#feeds.size === 0) this.#options.onEmpty(this);
  }
}

function notAcknowledged(filters: readonly string[], timeoutMs: number): McpMqttError {
  return new McpMqttError(
    "timeout",
    `the broker did not acknowledge the subscription to ${JSON.stringify(filters[0])} within ${
      timeoutMs / 1000
    } s`,
  );
}

function subscriptionRefused(
  filter: TopicFilter,
  { code, link }: { readonly code: number; readonly link: Link },
): McpMqttError {
  const reason = link.protocolVersion === "5"
    ? reasonCodeName(code)
    : `${code}; MQTT 3.1.1 gives no reason, usually it is "not authorized"`;
  return new McpMqttError(
    "broker_refused",
    `the broker refused the subscription to ${JSON.stringify(filter.text)} with ${reason}`,
    { hint: "The broker's own access rules must allow it too; ask its owner." },
  );
}
