/**
 * The program's connection to the broker: publishes, and collects for many calls at once.
 *
 * @module
 */
import { McpMqttError } from "../errors.ts";
import type { Logger } from "../log.ts";
import type { TopicFilter } from "../topics/topic_filter.ts";
import { isResponsePrefix } from "../topics/topic_name.ts";
import { bounded } from "../wait.ts";
import { Collection, type CollectionOptions } from "./collecting/collection.ts";
import type { Lane } from "./collecting/lane.ts";
import { Lanes, type Waiting } from "./collecting/lanes.ts";
import { LastingLink, type LastingLinkStatus } from "./link/lasting_link.ts";
import { LinkLost, type Publication } from "./link/link.ts";
import { type BrokerSettings, LinkOpener } from "./link/link_opener.ts";
import { notSent } from "./writing/publish_faults.ts";
import { NO_MATCHING_SUBSCRIBERS } from "./faults/reason_codes.ts";
import type { Subscription } from "./collecting/subscription.ts";
import { TIMES, type Times } from "./times.ts";
import { type PublishOptions, Writer } from "./writing/writer.ts";

export type { Waiting } from "./collecting/lanes.ts";
export type { PublishOptions } from "./writing/writer.ts";

/** How long a publish waits for its acknowledgement, in milliseconds. */
export const PUBLISH_TIMEOUT_MS = TIMES.publishMs;

/** How long a call waits for the SUBACK: its own timeout, within these bounds, in milliseconds. */
const MIN_SUBACK_MS = 2_000;
const MAX_SUBACK_MS = 10_000;
/** For how long the connection is wanted after a call that does not wait for it, in milliseconds. */
const LEAST_WANTED_MS = 5_000;

/** Bytes of randomness in a topic name that is made for one answer. */
const RESPONSE_LEVEL_BYTES = 16;

/** What to collect, for whom, and how long to wait until it begins. */
export interface CollectOptions extends CollectionOptions, Waiting {
  /**
   * Whether to begin even if there is no connection: the subscriptions are taken up as soon as there
   * is one.
   */
  readonly isPatient?: boolean;
}

/** A collection in force; disposing of it leaves no subscription behind. */
export interface Collecting extends AsyncDisposable {
  readonly filters: readonly TopicFilter[];
  /** Whether it goes on only when a connection that was lost has been found again. */
  isInterrupted(): boolean;
  /**
   * Waits until the broker has sent the retained messages that there were when it began, or nothing
   * of it is subscribed any more. That is exact for brokers that handle the packets of a connection in order;
   * of others, such as go on sending within some 25 ms are waited for.
   *
   * @throws {McpMqttError} `not_connected` if there is no connection.
   * @throws {LinkLost} if a connection of it is lost meanwhile.
   */
  retainedDelivered(): Promise<void>;
  /**
   * Waits until all has come that was published before, retained messages included; what the same
   * brokers do in order.
   *
   * @throws {McpMqttError} and {LinkLost} as {@linkcode Collecting.retainedDelivered}.
   */
  caughtUp(): Promise<void>;
}

/** What the broker said to a publish. */
export interface Published {
  /** MQTT 5: the broker said that nobody is subscribed. */
  readonly noSubscribers: boolean;
}

/** How the connection stands. Times are milliseconds since the epoch. */
export interface ConnectionStatus extends LastingLinkStatus {
  readonly protocolVersion: string | undefined;
  readonly clientId: string;
  readonly address: BrokerSettings["address"];
  /** How many messages were not taken because they were too large. */
  readonly tooLarge: number;
}

/**
 * One broker. What is collected comes over as many connections as overlapping filters need, usually
 * one; what is published goes over one of its own, so that no acknowledgement waits behind a flood.
 */
export class Connection implements AsyncDisposable {
  readonly #opener: LinkOpener;
  readonly #lanes: Lanes;
  /** Over which is published; that of the main lane if the owner chose the Client Identifier. */
  readonly #writing: LastingLink;
  readonly #writer: Writer;

  constructor(settings: BrokerSettings, log: Logger, overrides: Partial<Times> = {}) {
    const times: Times = { ...TIMES, ...overrides };
    const opener = this.#opener = new LinkOpener(settings);
    this.#lanes = new Lanes({
      opener,
      log,
      times,
      onConnected: () => {
        if (!settings.mayWrite) return;
        this.#writing.start();
        this.#writing.tryNow();
      },
    });
    // The broker's access rules may know the identifier that the owner chose, and no other.
    this.#writing = settings.isClientIdChosen
      ? this.#lanes.main.lasting
      : new LastingLink({ opener, clientId: `${settings.clientId}-w`, log });
    this.#writer = new Writer({
      lasting: this.#writing,
      log,
      connectTimeoutMs: settings.connectTimeoutMs,
      publishMs: times.publishMs,
    });
  }

  /** Begins to connect, and does not wait for it. */
  start(): void {
    this.#lanes.main.lasting.start();
  }

  get status(): ConnectionStatus {
    const { settings: { address, clientId }, protocolVersion, tooLarge } = this.#opener;
    const { status } = this.#lanes.main.lasting;
    return {
      ...status,
      lastError: status.lastError ?? this.#writing.lastError?.message,
      protocolVersion,
      clientId,
      address,
      tooLarge,
    };
  }

  /** Waits for the main connection; see {@linkcode Lanes.ready}. */
  async ready(waiting: Waiting): Promise<void> {
    await this.#lanes.ready(this.#lanes.main, waiting);
  }

  /** A topic name that nobody can know, for the answer to one request. */
  freshResponseTopic(): string {
    const { responsePrefix, clientId } = this.#opener.settings;
    const said = this.#lanes.main.lasting.link?.limits.responseInformation;
    const prefix = responsePrefix ??
      (said !== undefined && isResponsePrefix(said) ? said : `mcpmqtt/response/${clientId}`);
    const level = crypto.getRandomValues(new Uint8Array(RESPONSE_LEVEL_BYTES)).toHex();
    return `${prefix}${prefix.endsWith("/") ? "" : "/"}${level}`;
  }

  /** Waits until the attempt to connect that is under way has succeeded or failed, or the time is up. */
  async attempted({ waitMs, signal }: Waiting): Promise<void> {
    this.start();
    await this.#lanes.main.lasting.attempted(waitMs, signal).catch((error) => {
      if (!(error instanceof McpMqttError)) throw error;
    });
  }

  /**
   * Says that somebody wants the connection, without waiting for it; see
   * {@linkcode LastingLink.wantFor}.
   *
   * @param ms at least 5 s are taken
   */
  wantFor(ms = 0): void {
    this.#lanes.wantFor(Math.max(ms, LEAST_WANTED_MS));
  }

  /**
   * Publishes a message and waits for what the broker says: for its acknowledgement, at QoS 0 until
   * it has read the message, 10 s at most.
   *
   * @throws {McpMqttError} always with an outcome: `not_connected`, `timeout`, `broker_refused`,
   * `payload_too_large`, `invalid_argument`.
   */
  async publish(publication: Publication, options: PublishOptions): Promise<Published> {
    const { waitMs: timeoutMs, signal } = options;
    try {
      await this.#lanes.ready(this.#lanes.main, options);
      // Right after an outage: what a watch is there to see comes after its subscription.
      await bounded(this.#lanes.resumed(), { timeoutMs, signal, onTimeout: () => {} });
    } catch (error) {
      throw notSent(error);
    }
    try {
      const code = await this.#writer.publish(publication, options);
      return { noSubscribers: code === NO_MATCHING_SUBSCRIBERS };
    } catch (error) {
      throw this.#isOnlyWritingLost(error) ? onlyWritingLost(error) : error;
    }
  }

  /**
   * Collects the messages of `filters` until it is disposed of. Settles when every subscription is
   * in force.
   *
   * @throws {McpMqttError} `not_connected`, `broker_refused`, or `timeout` without a SUBACK.
   */
  async collect(filters: readonly TopicFilter[], options: CollectOptions): Promise<Collecting> {
    const { signal, isPatient = false } = options;
    const subackMs = Math.min(Math.max(options.waitMs, MIN_SUBACK_MS), MAX_SUBACK_MS);
    if (!isPatient) await this.#lanes.ready(this.#lanes.main, options);
    const collection = new Collection(filters, options);
    const taken = new Map<Lane, Subscription[]>();
    const release = async (): Promise<void> => {
      collection.end();
      await Promise.all([...taken].map(([lane, some]) => lane.release(some)));
    };
    try {
      await allOf(collection.subscriptions.map(async (subscription) => {
        const lane = await this.#lanes.reserve(subscription, { signal, patienceMs: subackMs });
        const some = taken.get(lane);
        if (some === undefined) taken.set(lane, [subscription]);
        else some.push(subscription);
      }));
      await Promise.all(
        [...taken].map(([lane, some]) => this.#begin(lane, some, { ...options, subackMs })),
      );
      signal.throwIfAborted();
    } catch (error) {
      release();
      throw error;
    }
    const retainedDelivered = async (): Promise<void> => {
      const delivered = [...taken].flatMap(([lane, some]) =>
        some.map(({ feed }) => feed && lane.retainedDelivered(feed))
      );
      await Promise.all(delivered);
    };
    return {
      filters,
      isInterrupted: () => collection.isInterrupted,
      retainedDelivered,
      caughtUp: async () => {
        await retainedDelivered();
        await Promise.all([...taken.keys()].map((lane) => lane.caughtUp()));
      },
      [Symbol.asyncDispose]: release,
    };
  }

  /** Disconnects. */
  async close(): Promise<void> {
    await Promise.all([this.#writing.close(), this.#lanes.close()]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Asks for the subscriptions of a lane, and waits for the SUBACKs. */
  async #begin(
    lane: Lane,
    subscriptions: readonly Subscription[],
    { waitMs, subackMs, signal, isPatient = false, onFailed }: CollectOptions & {
      readonly subackMs: number;
    },
  ): Promise<void> {
    const { lasting } = lane;
    lasting.start();
    // At once, or as soon as there is a connection.
    lane.subscribe(subscriptions);
    const inForce = Promise.all(subscriptions.map((one) => one.inForce));
    inForce.catch(() => {});
    const start = performance.now();
    const leftMs = (ms: number): number => Math.max(0, start + ms - performance.now());
    const isAway = (): boolean => this.#lanes.main.lasting.link === undefined;
    while (true) {
      if (isPatient && isAway()) {
        inForce.catch((error) => signal.aborted || onFailed?.(error));
        return;
      }
      try {
        await this.#lanes.ready(lane, { waitMs: leftMs(waitMs), signal });
        await bounded(lasting.link?.orLost(inForce) ?? inForce, {
          signal,
          timeoutMs: leftMs(subackMs),
          onTimeout: () => {
            throw subscriptionNotAcknowledged(subackMs);
          },
        });
        return;
      } catch (error) {
        // It is asked for again when the connection is back.
        const isLost = error instanceof LinkLost || isPatient && isAway();
        if (!isLost || signal.aborted) throw error;
      }
    }
  }

  /** Whether a publish failed for a connection that the collections do not need. */
  #isOnlyWritingLost(error: unknown): error is McpMqttError {
    return error instanceof McpMqttError && error.code === "not_connected" &&
      error.outcome === "not_sent" && this.#lanes.main.lasting.link !== undefined;
  }
}

/** Waits for all, even if one fails: each may leave something that is to be released. */
async function allOf(promises: readonly Promise<void>[]): Promise<void> {
  const settled = await Promise.allSettled(promises);
  for (const one of settled) if (one.status === "rejected") throw one.reason;
}

function onlyWritingLost(error: McpMqttError): McpMqttError {
  const { outcome, message } = error;
  return new McpMqttError("not_connected", message, {
    outcome,
    hint:
      "Reading works: publishing has a connection of its own. If the broker takes one connection only, its owner sets mqtt.client_id; then both go over one.",
    cause: error,
  });
}

function subscriptionNotAcknowledged(timeoutMs: number): McpMqttError {
  return new McpMqttError(
    "timeout",
    `the broker did not acknowledge the subscription within ${timeoutMs / 1000} s`,
    { hint: "The broker is connected but does not answer; mqtt_status tells more." },
  );
}
