/**
 * The lanes to one broker: as many as filters that overlap need, usually one.
 *
 * @module
 */
import { McpMqttError } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import { bounded } from "../../wait.ts";
import type { TopicFilter } from "../../topics/topic_filter.ts";
import type { Feed } from "./feed.ts";
import { Lane } from "./lane.ts";
import type { LinkOpener } from "../link/link_opener.ts";
import type { Subscription } from "./subscription.ts";
import type { Times } from "../times.ts";

/** How many connections there may be at once. */
const MAX_LANES = 128;
/** So many are opened before a filter that overlaps others is heard over a feed that covers it. */
const MAX_OWN_LANES = 2;
/** How long a filter's leaving a lane is waited for before another lane is taken, in milliseconds. */
const MAX_LEAVING_WAIT_MS = 300;

/** How often it is tried in vain to open a further connection while there is one. */
const MAX_FURTHER_ATTEMPTS = 2;

/** How long a further connection may take at least, whatever the timeout of a call, in milliseconds. */
const MIN_FURTHER_MS = 2_000;

/** Bounds of a wait for the connection. */
export interface Waiting {
  /** Milliseconds; never longer than the configured connect timeout. */
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

/** What may change where a subscription finds a feed, and how long to wait for it, in milliseconds. */
interface Change {
  readonly change: Promise<unknown>;
  readonly timeoutMs: number;
}

/** What lanes need. */
export interface LanesOptions {
  readonly opener: LinkOpener;
  readonly log: Logger;
  readonly times: Times;
  /** The first lane is connected. */
  readonly onConnected: () => void;
}

/** Opens lanes as they are needed, and closes those of no use. */
export class Lanes {
  /** The first, which is never closed before the end. */
  readonly main: Lane;
  readonly #options: LanesOptions;
  readonly #lanes: Lane[];
  readonly #idle = new Map<Lane, ReturnType<typeof setTimeout>>();
  readonly #closing = new Map<Lane, Promise<void>>();
  #isClosed = false;

  constructor(options: LanesOptions) {
    this.#options = options;
    this.main = this.#lane(options.opener.settings.clientId);
    this.#lanes = [this.main];
  }

  /**
   * Waits for the connection of a lane, never longer than the connect timeout.
   *
   * @throws {McpMqttError} `not_connected`; `broker_refused` if it takes no further connection.
   */
  async ready({ lasting }: Lane, { waitMs, signal }: Waiting): Promise<void> {
    lasting.start();
    const { connectTimeoutMs } = this.#options.opener.settings;
    const timeoutMs = Math.min(waitMs, connectTimeoutMs);
    if (lasting === this.main.lasting || this.main.lasting.link === undefined) {
      await lasting.ready(timeoutMs, signal);
      return;
    }
    // The broker is there: if it takes no further connection, waiting long does not help.
    const deadline = performance.now() + Math.max(timeoutMs, MIN_FURTHER_MS);
    for (let attempts = 0; attempts < MAX_FURTHER_ATTEMPTS; attempts++) {
      await lasting.attempted(Math.max(0, deadline - performance.now()), signal);
      if (lasting.lastError === undefined) break;
    }
    if (lasting.lastError !== undefined) throw noFurtherConnection(lasting.lastError);
    await lasting.ready(Math.max(0, deadline - performance.now()), signal);
  }

  /**
   * Has a subscription listen to the feed of its filter. If there is none one is opened, on the first
   * lane on which it overlaps no other, or on a new lane. If that were one too many, it listens to a
   * feed that covers its filter.
   *
   * @param options.patienceMs how long to wait, from their SUBSCRIBE on, for the retained messages
   * that others have asked for; then a further lane is taken
   * @returns the lane of the feed
   * @throws {McpMqttError} where there are too many, or the program is shutting down.
   */
  async reserve(
    subscription: Subscription,
    { signal, patienceMs }: { readonly signal: AbortSignal; readonly patienceMs: number },
  ): Promise<Lane> {
    const start = performance.now();
    while (true) {
      signal.throwIfAborted();
      const waitedMs = performance.now() - start;
      const found = this.#find(subscription, { waitedMs, patienceMs });
      if (found instanceof Lane) return found;
      const { change, timeoutMs } = found;
      await bounded(change, { timeoutMs, signal, onTimeout: () => {} });
    }
  }

  /** Settles when all that is connected has its subscriptions again. */
  async resumed(): Promise<void> {
    await Promise.all(this.#lanes.map(({ resumed }) => resumed));
  }

  /** See {@linkcode LastingLink.wantFor}. */
  wantFor(ms: number): void {
    for (const { lasting } of this.#lanes) lasting.wantFor(ms);
  }

  /** Disconnects all. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const timer of this.#idle.values()) clearTimeout(timer);
    this.#idle.clear();
    await Promise.all([...this.#lanes.map((lane) => lane.close()), ...this.#closing.values()]);
  }

  /** A lane on which `subscription` has a feed now, or what to wait for. */
  #find(
    subscription: Subscription,
    { waitedMs, patienceMs }: { readonly waitedMs: number; readonly patienceMs: number },
  ): Lane | Change {
    const { filter, includeRetained, qos } = subscription;
    const free = this.#lanes.find((lane) => lane.isFreeFor(filter));
    const hasRoom = free !== undefined || this.#lanes.length < MAX_OWN_LANES;
    const wait = { sinceMs: performance.now() - waitedMs, patienceMs };
    const same = this.#listen(subscription, wait, (lane) => {
      const feed = lane.feedOf(subscription);
      return includeRetained && feed?.hasMuchRetained && hasRoom ? undefined : feed;
    });
    if (same !== undefined) return same;
    if (free !== undefined) return this.#openFeed(free, subscription);
    const change = this.#leaving(filter);
    const timeoutMs = MAX_LEAVING_WAIT_MS - waitedMs;
    if (change !== undefined && timeoutMs > 0) return { change, timeoutMs };
    // All that is retained below the wider filter is sent again for it: at QoS 1 and 2 brokers drop what
    // becomes too many, and at QoS 0 live messages where it becomes too much.
    const wider = hasRoom || qos > 0 ? undefined : this.#listen(subscription, wait, (lane) => {
      const feed = lane.feedCovering(subscription);
      return includeRetained && feed?.hasMuchRetained ? undefined : feed;
    });
    return wider ?? this.#openFeed(this.#openLane(), subscription);
  }

  /**
   * Attaches it to the best of the feeds that `feedOn` gives, or says for whose retained messages to
   * wait; undefined if there is none, or the time is up.
   */
  #listen(
    subscription: Subscription,
    { sinceMs, patienceMs }: { readonly sinceMs: number; readonly patienceMs: number },
    feedOn: (lane: Lane) => Feed | undefined,
  ): Lane | Change | undefined {
    // On the later lanes first, which are there for calls that come and go.
    const found = this.#lanes.toReversed().flatMap((lane) => {
      const feed = feedOn(lane);
      return feed === undefined ? [] : [{ lane, feed }];
    });
    // Before that the narrower ones, of which the broker replays less.
    found.sort((a, b) => b.feed.filter.levels.length - a.feed.filter.levels.length);
    const open = found.find(({ feed }) => feed.isOpenTo(subscription));
    open?.feed.attach(subscription);
    if (open !== undefined) return open.lane;
    if (found.length === 0) return undefined;
    // One that was opened for others who waited in vain has its own time.
    const since = Math.max(sinceMs, ...found.map(({ feed }) => feed.requestedMs));
    const timeoutMs = since + patienceMs - performance.now();
    if (timeoutMs <= 0) return undefined;
    const delivered = found.map(({ lane, feed }) => lane.retainedDelivered(feed).catch(() => {}));
    return { change: Promise.race(delivered), timeoutMs };
  }

  #openFeed(lane: Lane, subscription: Subscription): Lane {
    clearTimeout(this.#idle.get(lane));
    this.#idle.delete(lane);
    lane.open(subscription);
    return lane;
  }

  /** When a lane may be free of what is in the way; undefined where nothing is about to go. */
  #leaving(filter: TopicFilter): Promise<unknown> | undefined {
    for (const lane of this.#lanes) {
      const inTheWay = lane.overlapping(filter);
      if (inTheWay.every(({ state }) => state === "leaving")) {
        return Promise.all(inTheWay.map(({ left }) => left));
      }
    }
    return undefined;
  }

  #openLane(): Lane {
    if (this.#isClosed) throw new McpMqttError("not_connected", "the program is shutting down");
    if (this.#lanes.length >= MAX_LANES) {
      throw new McpMqttError(
        "broker_refused",
        `${MAX_LANES} connections are in use, which is as many as there may be`,
        { hint: "Wait for calls on the same topics to end, or stop watches." },
      );
    }
    const lane = this.#lane(this.#freeClientId());
    this.#lanes.push(lane);
    return lane;
  }

  #lane(clientId: string): Lane {
    const { opener, log, times } = this.#options;
    return new Lane({
      opener,
      clientId,
      log,
      times,
      onConnected: (lane) => {
        if (lane !== this.main) return;
        // It finds the broker back: the others need not wait for the end of their pauses.
        for (const { lasting } of this.#lanes.slice(1)) lasting.tryNow();
        this.#options.onConnected();
      },
      onEmpty: (lane) => this.#rest(lane),
    });
  }

  /** The first of `<id>-2`, `<id>-3`, … that no lane has, and none that is being closed. */
  #freeClientId(): string {
    const taken = new Set([...this.#lanes, ...this.#closing.keys()].map((lane) => lane.clientId));
    for (let number = 2;; number++) {
      const clientId = `${this.#options.opener.settings.clientId}-${number}`;
      if (!taken.has(clientId)) return clientId;
    }
  }

  /** Closes a lane when it has been of no use for a while, or at once where it is not connected. */
  #rest(lane: Lane): void {
    if (this.#isClosed || lane === this.main) return;
    clearTimeout(this.#idle.get(lane));
    if (lane.lasting.link !== undefined) {
      this.#idle.set(lane, setTimeout(() => this.#drop(lane), this.#options.times.idleLaneMs));
    } else {
      this.#drop(lane);
    }
  }

  #drop(lane: Lane): void {
    this.#idle.delete(lane);
    const at = this.#lanes.indexOf(lane);
    if (at < 0) return;
    this.#lanes.splice(at, 1);
    this.#closing.set(lane, lane.close().finally(() => this.#closing.delete(lane)));
  }
}

function noFurtherConnection(cause: Error): McpMqttError {
  return new McpMqttError(
    "broker_refused",
    `a further connection is needed, because the topic filter overlaps one in use, but ${cause.message}`,
    { hint: "Call again when the other calls and watches on these topics have ended.", cause },
  );
}
