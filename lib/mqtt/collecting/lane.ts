/**
 * A lane is one connection to the broker and owns the topic filters in force on it. They are
 * pairwise disjoint, so that every PUBLISH that arrives has exactly one owner, on brokers that send
 * one copy for each overlapping subscription as on those that send one in all.
 *
 * @module
 */
import { McpMqttError } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import { FilterIndex } from "../../topics/filter_index.ts";
import { quoteTopic } from "../../topics/topic_text.ts";
import type { TopicFilter } from "../../topics/topic_filter.ts";
import { bounded } from "../../wait.ts";
import { LastingLink } from "../link/lasting_link.ts";
import { type Link, type LinkEnd, LinkLost } from "../link/link.ts";
import type { LinkOpener } from "../link/link_opener.ts";
import { packets } from "../link/packet_size.ts";
import { reasonCodeName } from "../faults/reason_codes.ts";
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
  /** The last filter has left it. */
  readonly onEmpty: (lane: Lane) => void;
}

/** One connection that is kept alive, and its subscriptions. */
export class Lane {
  readonly clientId: string;
  readonly lasting: LastingLink;
  readonly #options: LaneOptions;
  readonly #index = new FilterIndex<Subscription>();
  readonly #subscriptions = new Set<Subscription>();
  readonly #draining = new Map<Subscription, ReturnType<typeof setTimeout>>();
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
        for (const subscription of this.#index.matching(message.topic)) {
          subscription.receive(message);
        }
      },
      onConnected: (link) => this.#onConnected(link),
      onEnded: (end) => this.#onEnded(end),
    });
  }

  /** Settles when what was subscribed to before a loss of the connection is in force again. */
  get resumed(): Promise<void> {
    return this.#resumed;
  }

  /** How many filters are taken. */
  get size(): number {
    return this.#subscriptions.size;
  }

  /** Whether `filter` overlaps none that is taken. */
  isFreeFor(filter: TopicFilter): boolean {
    return !this.#index.anyOverlapping(filter);
  }

  /** The subscriptions that stand in the way of `filter`. */
  overlapping(filter: TopicFilter): Subscription[] {
    return this.#index.overlapping(filter);
  }

  /** Reserves the filter of `subscription`, which overlaps none on this lane. */
  reserve(subscription: Subscription): void {
    this.#subscriptions.add(subscription);
    this.#index.add(subscription.filter, subscription);
  }

  /** Asks the broker for reserved subscriptions, at once or as soon as there is a connection. */
  subscribe(subscriptions: readonly Subscription[]): void {
    const { link } = this.lasting;
    if (link === undefined) return;
    this.#request(link, subscriptions.filter(({ state }) => state === "waiting"));
  }

  /** Gives subscriptions up. Settles when nothing of them is left at the broker. */
  async release(subscriptions: readonly Subscription[]): Promise<void> {
    const { link } = this.lasting;
    const held: Subscription[] = [];
    for (const subscription of subscriptions) {
      const { state } = subscription;
      if (state === "leaving" || state === "draining") continue;
      if (link !== undefined && (state === "pending" || state === "active")) {
        subscription.leave();
        held.push(subscription);
      } else {
        this.#end(subscription);
      }
    }
    if (link !== undefined && held.length > 0) this.#unsubscribe(link, held);
    await Promise.all(subscriptions.map(({ left }) => left));
  }

  /** Disconnects and stays so. */
  async close(): Promise<void> {
    await this.lasting.close();
    for (const subscription of [...this.#subscriptions]) this.#end(subscription);
  }

  #onConnected(link: Link): void {
    const waiting = [...this.#subscriptions].filter(({ state }) => state === "waiting");
    this.#resumed = this.#request(link, waiting);
    this.#options.onConnected(this);
  }

  #onEnded(end: LinkEnd): void {
    for (const subscription of [...this.#subscriptions]) {
      subscription.interrupt(end);
      if (subscription.state === "gone") this.#end(subscription);
    }
  }

  async #request(link: Link, subscriptions: readonly Subscription[]): Promise<void> {
    for (const subscription of subscriptions) subscription.request();
    const alike = Map.groupBy(subscriptions, (one) => `${one.qos} ${one.includeRetained}`);
    await Promise.all(
      [...alike.values()].flatMap((some) => [...packets(some, link.limits.maximumPacketSize)])
        .map((some) => this.#requestTogether(link, some)),
    );
  }

  #tell(packet: string, filters: readonly string[]): void {
    this.#options.log.debug(() => {
      const named = filters.slice(0, MAX_LOGGED).map(quoteTopic).join(", ");
      const more = filters.length > MAX_LOGGED ? ` and ${filters.length - MAX_LOGGED} more` : "";
      return `${packet} ${named}${more} as ${this.clientId}`;
    });
  }

  /** Sends one SUBSCRIBE for subscriptions that ask for the same. */
  async #requestTogether(link: Link, subscriptions: readonly Subscription[]): Promise<void> {
    const [first] = subscriptions;
    if (first === undefined) return;
    const { includeRetained: retained, qos } = first;
    const filters = subscriptions.map(({ filter }) => filter.text);
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
      for (const subscription of subscriptions) {
        if (subscription.state === "pending") subscription.unanswered(failure);
        if (subscription.state === "gone") this.#end(subscription);
      }
      // What the broker holds of them is not known any more; a new connection holds nothing.
      await link.end("a SUBSCRIBE was not acknowledged");
      return;
    }
    subscriptions.forEach((subscription, i) => {
      this.#settle(subscription, { code: codes[i] ?? 0x80, link });
    });
  }

  #settle(
    subscription: Subscription,
    { code, link }: { readonly code: number; readonly link: Link },
  ): void {
    if (subscription.state !== "pending") return;
    if (code < 0x80) {
      subscription.activate();
      return;
    }
    subscription.fail(subscriptionRefused(subscription.filter, { code, link }));
    this.#end(subscription);
  }

  async #unsubscribe(link: Link, subscriptions: readonly Subscription[]): Promise<void> {
    this.#tell("UNSUBSCRIBE", subscriptions.map(({ filter }) => filter.text));
    try {
      const timeoutMs = this.#options.times.acknowledgementMs;
      const sent = [...packets(subscriptions, link.limits.maximumPacketSize)]
        .map((some) => link.unsubscribe(some.map(({ filter }) => filter.text)));
      await bounded(Promise.all(sent), { timeoutMs });
    } catch {
      // Not acknowledged: only the end of the connection makes sure that nothing stays subscribed.
      await link.end("an UNSUBSCRIBE was not acknowledged");
    }
    for (const subscription of subscriptions) {
      if (link.isOpen && subscription.isStillServed) this.#drain(subscription);
      else this.#end(subscription);
    }
  }

  /** Keeps the filter until nothing more has come for a while. */
  #drain(subscription: Subscription): void {
    if (subscription.state !== "leaving" && subscription.state !== "draining") return;
    subscription.drain();
    const leftMs = subscription.lastServedMs + this.#options.times.quietMs - performance.now();
    if (leftMs <= 0) this.#end(subscription);
    else this.#draining.set(subscription, setTimeout(() => this.#drain(subscription), leftMs));
  }

  #end(subscription: Subscription): void {
    subscription.end();
    clearTimeout(this.#draining.get(subscription));
    this.#draining.delete(subscription);
    if (!this.#subscriptions.delete(subscription)) return;
    this.#index.delete(subscription.filter, subscription);
    if (this.#subscriptions.size === 0) this.#options.onEmpty(this);
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
