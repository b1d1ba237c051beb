/**
 * The program's connection to the broker: publishes, and collects for many calls at once.
 *
 * @module
 */
import { bounded, Semaphore } from "../async.ts";
import { McpMqttError } from "../errors.ts";
import type { Logger } from "../log.ts";
import { matches, overlaps, type TopicFilter } from "../topics/topic_filter.ts";
import { Lane } from "./lane.ts";
import type { Link, Publication } from "./link.ts";
import { type BrokerSettings, LinkOpener } from "./link_opener.ts";
import type { Message } from "./message.ts";
import {
  assertTaken,
  lost,
  lostWhilePublishing,
  notAcknowledged,
  notSent,
  publishRefused,
} from "./publish_faults.ts";
import { NO_MATCHING_SUBSCRIBERS } from "./reason_codes.ts";
import { Subscription } from "./subscription.ts";

/** How long a publish waits for its acknowledgement, in milliseconds. */
export const PUBLISH_TIMEOUT_MS = 10_000;
/** How many connections there may be at once, for filters that overlap. */
const MAX_LANES = 128;
/** How long a further lane is kept without a subscription, in milliseconds. */
const IDLE_LANE_MS = 60_000;

/** Bounds of a wait for the connection. */
export interface Waiting {
  /** Milliseconds; never longer than the configured connect timeout. */
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

/** What to collect, and for whom. */
export interface CollectOptions extends Waiting {
  readonly includeRetained: boolean;
  /** Whether to go on after the connection was lost and found again. */
  readonly resume: boolean;
  /** Called once for each message, whatever else is subscribed. */
  readonly onMessage: (message: Message) => void;
  /** The connection was lost; messages may have been missed. */
  readonly onInterrupted?: () => void;
  /** It cannot go on. */
  readonly onFailed?: (error: McpMqttError) => void;
}

/** A collection in force; disposing of it leaves no subscription behind. */
export interface Collection extends AsyncDisposable {
  readonly filters: readonly TopicFilter[];
}

/** What the broker said to a publish. */
export interface Published {
  /** MQTT 5: the broker said that nobody is subscribed. */
  readonly noSubscribers: boolean;
}

/** How the connection stands. Times are milliseconds since the epoch. */
export interface ConnectionStatus {
  readonly isConnected: boolean;
  readonly connectedSince: number | undefined;
  readonly disconnectedSince: number | undefined;
  readonly reconnects: number;
  readonly lastError: string | undefined;
  readonly protocolVersion: string | undefined;
  readonly clientId: string;
  readonly address: BrokerSettings["address"];
}

/** One broker, over as many lanes as overlapping filters need; usually one. */
export class Connection implements AsyncDisposable {
  readonly #opener: LinkOpener;
  readonly #log: Logger;
  readonly #main: Lane;
  readonly #lanes: Lane[];
  readonly #idle = new Map<Lane, ReturnType<typeof setTimeout>>();
  readonly #inFlight = new WeakMap<Link, Semaphore>();
  #laneNumber = 1;
  #isClosed = false;

  constructor(settings: BrokerSettings, log: Logger) {
    this.#opener = new LinkOpener(settings);
    this.#log = log;
    this.#main = new Lane({ opener: this.#opener, clientId: settings.clientId, log });
    this.#lanes = [this.#main];
  }

  /** Begins to connect, and does not wait for it. */
  start(): void {
    this.#main.start();
  }

  get status(): ConnectionStatus {
    const { address, clientId } = this.#opener.settings;
    return {
      ...this.#main.status,
      protocolVersion: this.#opener.protocolVersion,
      clientId,
      address,
    };
  }

  /** Waits for the main connection; see {@linkcode Lane.ready}. */
  async ready(waiting: Waiting): Promise<void> {
    await this.#ready(this.#main, waiting);
  }

  /**
   * Publishes a message and waits for what the broker says: at QoS 0 until it is handed to the
   * operating system, else for the acknowledgement, at most 10 s.
   *
   * @throws {McpMqttError} always with an outcome: `not_connected`, `timeout`, `broker_refused`,
   * `payload_too_large`, `invalid_argument`.
   */
  async publish(publication: Publication, waiting: Waiting): Promise<Published> {
    const link = await this.#ready(this.#main, waiting).catch((error) => {
      throw notSent(error);
    });
    assertTaken(publication, link);
    const release = publication.qos === 0 ? undefined : await this.#place(link, waiting.signal);
    const answer = link.publish(publication);
    answer.then(release, release);
    try {
      const code = await bounded(Promise.race([answer, lost(link)]), {
        timeoutMs: PUBLISH_TIMEOUT_MS,
        signal: waiting.signal,
        onTimeout: () => notAcknowledged(PUBLISH_TIMEOUT_MS),
      });
      if (code >= 0x80) throw publishRefused(code);
      return { noSubscribers: code === NO_MATCHING_SUBSCRIBERS };
    } catch (error) {
      if (error instanceof McpMqttError || waiting.signal.aborted) throw error;
      throw lostWhilePublishing(error);
    }
  }

  /**
   * Collects the messages of `filters` until it is disposed of. Settles when every subscription is
   * in force.
   *
   * @throws {McpMqttError} `not_connected`, `broker_refused`, or `timeout` without a SUBACK.
   */
  async collect(filters: readonly TopicFilter[], options: CollectOptions): Promise<Collection> {
    const taken = new Map<Subscription, Lane>();
    const release = async (): Promise<void> => {
      await Promise.all([...byLane(taken)].map(async ([lane, subscriptions]) => {
        await lane.release(subscriptions);
        this.#rest(lane);
      }));
    };
    try {
      for (const [i, filter] of filters.entries()) {
        const subscription = new Subscription({
          filter,
          includeRetained: options.includeRetained,
          resume: options.resume,
          onMessage: firstOf(filters, i, options.onMessage),
          onInterrupted: () => options.onInterrupted?.(),
          onFailed: (error) => options.onFailed?.(error),
        });
        taken.set(subscription, await this.#reserve(subscription, options));
      }
      await Promise.all([...byLane(taken)].map(async ([lane, subscriptions]) => {
        await this.#ready(lane, options);
        lane.subscribe(subscriptions.filter(({ state }) => state === "waiting"));
        await bounded(Promise.all(subscriptions.map(({ inForce }) => inForce)), options);
      }));
    } catch (error) {
      const released = release();
      if (!options.signal.aborted) await released;
      throw error;
    }
    return { filters, [Symbol.asyncDispose]: release };
  }

  /** Disconnects every lane. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const timer of this.#idle.values()) clearTimeout(timer);
    this.#idle.clear();
    await Promise.all(this.#lanes.map((lane) => lane.close()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #ready(lane: Lane, { waitMs, signal }: Waiting): Promise<Link> {
    lane.start();
    const timeoutMs = Math.min(waitMs, this.#opener.settings.connectTimeoutMs);
    if (lane === this.#main || !this.#main.status.isConnected) {
      return await lane.ready(timeoutMs, signal);
    }
    // The broker is there: if it does not take a further connection, waiting does not help.
    await lane.attempted(timeoutMs, signal);
    if (lane.lastError !== undefined) throw this.#noFurtherConnection(lane);
    return await lane.ready(timeoutMs, signal);
  }

  /** Takes the first lane on which the filter overlaps nothing, or a new one. */
  async #reserve(subscription: Subscription, { signal }: Waiting): Promise<Lane> {
    while (true) {
      signal.throwIfAborted();
      let leaving: Promise<unknown> | undefined;
      let free: Lane | undefined;
      for (const lane of this.#lanes) {
        const inTheWay = lane.overlapping(subscription.filter);
        if (inTheWay.length === 0) {
          free = lane;
          break;
        }
        if (inTheWay.every(({ state }) => state === "leaving")) {
          leaving ??= Promise.all(inTheWay.map(({ gone }) => gone));
        }
      }
      if (free !== undefined || leaving === undefined) {
        const lane = free ?? this.#openLane();
        clearTimeout(this.#idle.get(lane));
        this.#idle.delete(lane);
        lane.reserve(subscription);
        return lane;
      }
      await bounded(leaving, { signal });
    }
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
    const clientId = `${this.#opener.settings.clientId}-${++this.#laneNumber}`;
    const lane = new Lane({ opener: this.#opener, clientId, log: this.#log });
    this.#lanes.push(lane);
    return lane;
  }

  /** Closes a further lane when it has been of no use for a while, or cannot be had. */
  #rest(lane: Lane): void {
    if (lane === this.#main || lane.size > 0 || this.#isClosed) return;
    clearTimeout(this.#idle.get(lane));
    if (!lane.status.isConnected) {
      this.#drop(lane);
      return;
    }
    const timer = setTimeout(() => this.#drop(lane), IDLE_LANE_MS);
    this.#idle.set(lane, timer);
  }

  #drop(lane: Lane): void {
    if (lane.size > 0) return;
    this.#idle.delete(lane);
    const at = this.#lanes.indexOf(lane);
    if (at >= 0) this.#lanes.splice(at, 1);
    lane.close();
  }

  #noFurtherConnection(lane: Lane): McpMqttError {
    return new McpMqttError(
      "broker_refused",
      `a further connection is needed, because the topic filter overlaps one in use, but ${
        lane.lastError?.message ?? "it was lost"
      }`,
      { hint: "Call again when the other calls and watches on these topics have ended." },
    );
  }

  /** A place among the messages that the broker takes unacknowledged: Receive Maximum, §3.3.4. */
  async #place(link: Link, signal: AbortSignal): Promise<() => void> {
    let places = this.#inFlight.get(link);
    if (places === undefined) {
      places = new Semaphore(link.limits.receiveMaximum);
      this.#inFlight.set(link, places);
    }
    const inLine = new AbortController();
    const place = places.acquire(AbortSignal.any([signal, inLine.signal]));
    try {
      return await bounded(Promise.race([place, lost(link)]), {
        timeoutMs: PUBLISH_TIMEOUT_MS,
        signal,
        onTimeout: () => notAcknowledged(PUBLISH_TIMEOUT_MS),
      });
    } catch (error) {
      inLine.abort();
      throw notSent(error);
    }
  }
}

/** Passes on what no earlier filter of the same collection matches: that one has its own copy. */
function firstOf(
  filters: readonly TopicFilter[],
  at: number,
  onMessage: (message: Message) => void,
): (message: Message) => void {
  const filter = filters[at];
  const earlier = filters.slice(0, at).filter((one) => filter && overlaps(one, filter));
  if (earlier.length === 0) return onMessage;
  return (message) => {
    if (!earlier.some((one) => matches(one, message.topic))) onMessage(message);
  };
}

function byLane(taken: ReadonlyMap<Subscription, Lane>): Map<Lane, Subscription[]> {
  return Map.groupBy(taken.keys(), (subscription) => taken.get(subscription) as Lane);
}
