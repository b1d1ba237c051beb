/**
 * The program's connection to the broker: publishes, and collects for many calls at once.
 *
 * @module
 */
import { bounded } from "../async.ts";
import { McpMqttError } from "../errors.ts";
import type { Logger } from "../log.ts";
import { matches, overlaps, type TopicFilter } from "../topics/topic_filter.ts";
import type { Lane } from "./lane.ts";
import { Lanes } from "./lanes.ts";
import { LinkLost, type Publication } from "./link.ts";
import { type BrokerSettings, LinkOpener } from "./link_opener.ts";
import type { Message } from "../messages/message.ts";
import { NO_MATCHING_SUBSCRIBERS } from "./reason_codes.ts";
import { Subscription } from "./subscription.ts";
import { TIMES, type Times } from "./times.ts";
import { WritePath } from "./write_path.ts";

/** How long a publish waits for its acknowledgement, in milliseconds. */
export const PUBLISH_TIMEOUT_MS = TIMES.publishMs;

/** For how long the connection is sought after a call that does not wait for it, in milliseconds. */
const LEAST_SOUGHT_MS = 5_000;

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
  /**
   * A connection was lost; messages may have been missed, and are until {@linkcode
   * Collection.isInterrupted} is false. `isFurther`: another one is lost already.
   */
  readonly onInterrupted?: (isFurther: boolean) => void;
  /** It cannot go on. */
  readonly onFailed?: (error: McpMqttError) => void;
}

/** A collection in force; disposing of it leaves no subscription behind. */
export interface Collection extends AsyncDisposable {
  readonly filters: readonly TopicFilter[];
  /** Whether it goes on only when a connection that was lost has been found again. */
  isInterrupted(): boolean;
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
  readonly #lanes: Lanes;
  readonly #writes: WritePath;

  constructor(settings: BrokerSettings, log: Logger, times: Partial<Times> = {}) {
    const all: Times = { ...TIMES, ...times };
    this.#opener = new LinkOpener(settings);
    this.#lanes = new Lanes(this.#opener, { log, times: all });
    this.#writes = new WritePath({ opener: this.#opener, lanes: this.#lanes, log, times: all });
  }

  /** Begins to connect, and does not wait for it. */
  start(): void {
    this.#lanes.main.start();
  }

  get status(): ConnectionStatus {
    const { address, clientId } = this.#opener.settings;
    return {
      ...this.#lanes.main.status,
      protocolVersion: this.#opener.protocolVersion,
      clientId,
      address,
    };
  }

  /** Waits for the main connection; see {@linkcode Lanes.ready}. */
  async ready(waiting: Waiting): Promise<void> {
    await this.#lanes.ready(this.#lanes.main, waiting);
  }

  /** Waits until the attempt to connect that is under way has succeeded or failed, or the time is up. */
  async attempted({ waitMs, signal }: Waiting): Promise<void> {
    this.start();
    await this.#lanes.main.attempted(waitMs, signal).catch((error) => {
      if (!(error instanceof McpMqttError)) throw error;
    });
  }

  /**
   * Says that somebody cares for the connection, without waiting for it: where it is lost it is tried
   * every second then, and not at ever longer intervals.
   *
   * @param forMs for how long, in milliseconds; at least 5 s
   */
  seek(forMs = 0): void {
    this.#lanes.seek(Math.max(forMs, LEAST_SOUGHT_MS));
  }

  /**
   * Publishes a message and waits for what the broker says: at QoS 0 until it is handed to the
   * operating system, else for the acknowledgement, at most 10 s.
   *
   * @throws {McpMqttError} always with an outcome: `not_connected`, `timeout`, `broker_refused`,
   * `payload_too_large`, `invalid_argument`.
   */
  async publish(publication: Publication, waiting: Waiting): Promise<Published> {
    const code = await this.#writes.publish(publication, waiting);
    return { noSubscribers: code === NO_MATCHING_SUBSCRIBERS };
  }

  /**
   * Collects the messages of `filters` until it is disposed of. Settles when every subscription is
   * in force.
   *
   * @throws {McpMqttError} `not_connected`, `broker_refused`, or `timeout` without a SUBACK.
   */
  async collect(filters: readonly TopicFilter[], options: CollectOptions): Promise<Collection> {
    const { signal } = options;
    const deadline = performance.now() +
      Math.min(options.waitMs, this.#opener.settings.connectTimeoutMs);
    const subscriptions = subscriptionsFor(filters, options);
    const taken = new Map<Lane, Subscription[]>();
    const release = async (): Promise<void> => {
      await Promise.all([...taken].map(([lane, some]) => lane.release(some)));
    };
    try {
      for (const subscription of subscriptions) {
        const lane = await this.#lanes.reserve(subscription, signal);
        taken.set(lane, [...taken.get(lane) ?? [], subscription]);
      }
      await Promise.all([...taken].map(async ([lane, some]) => {
        await this.#bringInForce(some, { lane, deadline, signal });
      }));
    } catch (error) {
      const released = release();
      if (!signal.aborted) await released;
      throw error;
    }
    return {
      filters,
      isInterrupted: () => subscriptions.some((one) => one.isInterrupted),
      [Symbol.asyncDispose]: release,
    };
  }

  /** Disconnects every lane, and what was opened to publish. */
  async close(): Promise<void> {
    await Promise.all([this.#lanes.close(), this.#writes.close()]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Waits for the SUBACKs, through losses of the connection until `deadline`. */
  async #bringInForce(
    subscriptions: readonly Subscription[],
    { lane, deadline, signal }: {
      readonly lane: Lane;
      readonly deadline: number;
      readonly signal: AbortSignal;
    },
  ): Promise<void> {
    const done = new AbortController();
    const waiting = AbortSignal.any([signal, done.signal]);
    const inForce = Promise.all(subscriptions.map((one) => one.inForce)).then(() => undefined);
    try {
      while (true) {
        const waitMs = Math.max(0, deadline - performance.now());
        const ready = this.#lanes.ready(lane, { waitMs, signal: waiting });
        const link = await Promise.race([inForce, ready]);
        if (link === undefined) return;
        lane.subscribe(subscriptions);
        try {
          return await bounded(link.orLost(inForce), { signal });
        } catch (error) {
          if (!(error instanceof LinkLost)) throw error;
        }
      }
    } finally {
      done.abort();
    }
  }
}

/** One for each filter. The listener hears each message once. */
function subscriptionsFor(
  filters: readonly TopicFilter[],
  options: CollectOptions,
): readonly Subscription[] {
  let isOver = false;
  const subscriptions: Subscription[] = filters.map((filter, i) =>
    new Subscription({
      filter,
      includeRetained: options.includeRetained,
      resume: options.resume,
      onMessage: firstOf(filters, i, (message) => {
        // Another of its connections may go on: what is over is over for all of it.
        if (!isOver) options.onMessage(message);
      }),
      onInterrupted: () => {
        if (isOver) return;
        isOver = !options.resume;
        options.onInterrupted?.(subscriptions.some((one, j) => j !== i && one.isInterrupted));
      },
      onFailed: (error) => options.onFailed?.(error),
    })
  );
  return subscriptions;
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
