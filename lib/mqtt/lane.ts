/**
 * A lane keeps one connection to the broker alive and owns the topic filters in force on it. They
 * are pairwise disjoint, so that every PUBLISH that arrives has exactly one owner, on brokers that
 * send one copy for each overlapping subscription as on those that send one in all.
 *
 * @module
 */
import { bounded, pause } from "../async.ts";
import { McpMqttError } from "../errors.ts";
import type { Logger } from "../log.ts";
import { FilterIndex } from "../topics/filter_index.ts";
import type { TopicFilter } from "../topics/topic_filter.ts";
import { Backoff } from "./backoff.ts";
import type { Link, LinkEnd } from "./link.ts";
import { LinkError } from "./link_error.ts";
import type { LinkOpener } from "./link_opener.ts";
import type { Message } from "./message.ts";
import { reasonCodeName, SESSION_TAKEN_OVER } from "./reason_codes.ts";
import type { Subscription } from "./subscription.ts";

/** How long the broker may take for a SUBACK or UNSUBACK, in milliseconds. */
const ACKNOWLEDGEMENT_TIMEOUT_MS = 10_000;
/** How many filters go into one SUBSCRIBE or UNSUBSCRIBE. */
const FILTERS_PER_PACKET = 100;

/** What a lane needs. */
export interface LaneOptions {
  readonly opener: LinkOpener;
  readonly clientId: string;
  readonly log: Logger;
}

/** How a lane stands. Times are milliseconds since the epoch. */
export interface LaneStatus {
  readonly isConnected: boolean;
  readonly connectedSince: number | undefined;
  readonly disconnectedSince: number | undefined;
  readonly reconnects: number;
  readonly lastError: string | undefined;
}

/** One connection that is kept alive. */
export class Lane {
  readonly clientId: string;
  readonly #opener: LinkOpener;
  readonly #log: Logger;
  readonly #index = new FilterIndex<Subscription>();
  readonly #subscriptions = new Set<Subscription>();
  readonly #closing = new AbortController();
  readonly #backoff = new Backoff();
  #running: Promise<void> | undefined;
  #link: Link | undefined;
  /** Settled by the next attempt to connect, whether it succeeds or not. */
  #attempt = Promise.withResolvers<void>();
  #wakeUp = new AbortController();
  #waiting = 0;
  #connectedSince: number | undefined;
  #disconnectedSince: number | undefined = Date.now();
  #connections = 0;
  #lastError: LinkError | undefined;

  constructor({ opener, clientId, log }: LaneOptions) {
    this.#opener = opener;
    this.clientId = clientId;
    this.#log = log;
  }

  /** Begins to connect. Further calls do nothing. */
  start(): void {
    this.#running ??= this.#run();
  }

  get status(): LaneStatus {
    return {
      isConnected: this.#link?.isOpen ?? false,
      connectedSince: this.#connectedSince,
      disconnectedSince: this.#disconnectedSince,
      reconnects: Math.max(0, this.#connections - 1),
      lastError: this.#lastError?.message,
    };
  }

  /** Why the last attempt to connect failed; undefined while connected. */
  get lastError(): LinkError | undefined {
    return this.#lastError;
  }

  /** How many filters are in force or about to be. */
  get size(): number {
    return this.#subscriptions.size;
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
    if (this.#link?.isOpen) this.#request(this.#link, subscriptions);
  }

  /** Gives subscriptions up. Settles when nothing of them is left at the broker. */
  async release(subscriptions: readonly Subscription[]): Promise<void> {
    const link = this.#link;
    const held: Subscription[] = [];
    for (const subscription of subscriptions) {
      const { state } = subscription;
      if (link?.isOpen && (state === "pending" || state === "active")) {
        subscription.leave();
        held.push(subscription);
      } else if (state !== "leaving" && state !== "gone") {
        subscription.end();
      }
      if (subscription.state === "gone") this.#forget(subscription);
    }
    if (link !== undefined && held.length > 0) this.#unsubscribe(link, held);
    await Promise.all(subscriptions.map(({ gone }) => gone));
  }

  /**
   * Waits for a connection, at most `timeoutMs`.
   *
   * @throws {McpMqttError} `not_connected`, with since when and why.
   */
  async ready(timeoutMs: number, signal: AbortSignal): Promise<Link> {
    const deadline = Date.now() + timeoutMs;
    this.#waiting++;
    this.#wakeUp.abort();
    try {
      while (true) {
        if (this.#link?.isOpen) return this.#link;
        if (this.#closing.signal.aborted) throw this.#notConnected();
        await bounded(this.#attempt.promise, {
          timeoutMs: deadline - Date.now(),
          signal,
          onTimeout: () => this.#notConnected(),
        });
      }
    } finally {
      this.#waiting--;
    }
  }

  /** Waits for the outcome of the attempt to connect that is under way or comes next. */
  async attempted(timeoutMs: number, signal: AbortSignal): Promise<void> {
    if (this.#link?.isOpen) return;
    await bounded(this.#attempt.promise, {
      timeoutMs,
      signal,
      onTimeout: () => this.#notConnected(),
    });
  }

  /** Disconnects and stays so. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#link?.end();
    await this.#running;
    this.#attempt.resolve();
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      const link = await this.#open();
      if (link === undefined) {
        await this.#pause(this.#backoff.next());
        continue;
      }
      const end = await link.ended;
      this.#onEnded(end);
      if (signal.aborted) break;
      if (end.reasonCode === SESSION_TAKEN_OVER) await pause(Backoff.takenOverMs, signal);
      else await this.#pause(this.#backoff.next());
    }
    for (const subscription of [...this.#subscriptions]) {
      subscription.end();
      this.#forget(subscription);
    }
  }

  async #open(): Promise<Link | undefined> {
    const { signal } = this.#closing;
    const attempt = this.#attempt;
    try {
      const link = await this.#opener.open({
        clientId: this.clientId,
        onMessage: (message) => this.#onMessage(message),
        signal,
      });
      if (signal.aborted) {
        await link.end();
        return undefined;
      }
      this.#onConnected(link);
      return link;
    } catch (error) {
      if (signal.aborted) return undefined;
      const failure = LinkError.from(error, this.#opener.settings.address);
      if (failure.message !== this.#lastError?.message) this.#log.warning(failure.message);
      this.#lastError = failure;
      return undefined;
    } finally {
      this.#attempt = Promise.withResolvers<void>();
      attempt.resolve();
    }
  }

  #onConnected(link: Link): void {
    this.#link = link;
    this.#connections++;
    this.#connectedSince = Date.now();
    this.#disconnectedSince = undefined;
    this.#lastError = undefined;
    this.#log.info(`connected as ${this.clientId} with MQTT ${link.protocolVersion}`);
    this.#request(link, [...this.#subscriptions].filter(({ state }) => state === "waiting"));
  }

  #onEnded(end: LinkEnd): void {
    this.#link = undefined;
    this.#backoff.ended(Date.now() - (this.#connectedSince ?? 0));
    this.#connectedSince = undefined;
    this.#disconnectedSince = Date.now();
    if (!this.#closing.signal.aborted) {
      this.#lastError = new LinkError("closed", endSentence(end, this.clientId));
      this.#log.warning(this.#lastError.message);
    }
    for (const subscription of [...this.#subscriptions]) {
      subscription.interrupt(end);
      if (subscription.state === "gone") this.#forget(subscription);
    }
  }

  /** Sleeps, but not long while somebody waits for the connection. */
  async #pause(delayMs: number): Promise<void> {
    const until = Date.now() + delayMs;
    const soonest = Date.now() + Backoff.waitedForMs;
    while (!this.#closing.signal.aborted) {
      const end = this.#waiting > 0 ? Math.min(until, soonest) : until;
      if (end <= Date.now()) return;
      this.#wakeUp = new AbortController();
      await pause(end - Date.now(), AbortSignal.any([this.#closing.signal, this.#wakeUp.signal]));
    }
  }

  #onMessage(message: Message): void {
    for (const subscription of this.#index.matching(message.topic)) subscription.receive(message);
  }

  #request(link: Link, subscriptions: readonly Subscription[]): void {
    for (const subscription of subscriptions) subscription.request();
    for (const wantsRetained of [true, false]) {
      const alike = subscriptions.filter((one) => one.wantsRetained === wantsRetained);
      for (const some of chunks(alike, FILTERS_PER_PACKET)) {
        this.#requestTogether(link, some, wantsRetained);
      }
    }
  }

  async #requestTogether(
    link: Link,
    subscriptions: readonly Subscription[],
    retained: boolean,
  ): Promise<void> {
    const filters = subscriptions.map(({ filter }) => filter.text);
    try {
      const codes = await bounded(link.subscribe(filters, retained), {
        timeoutMs: ACKNOWLEDGEMENT_TIMEOUT_MS,
        onTimeout: () =>
          new McpMqttError(
            "timeout",
            `the broker did not acknowledge the subscription to ${
              JSON.stringify(filters[0])
            } within ${ACKNOWLEDGEMENT_TIMEOUT_MS / 1000} s`,
          ),
      });
      subscriptions.forEach((subscription, i) => {
        this.#settle(subscription, codes[i] ?? 0x80, link);
      });
    } catch (error) {
      if (!link.isOpen) return;
      const failure = error instanceof McpMqttError ? error : new McpMqttError(
        "broker_refused",
        "the broker answered the subscription with something that is no answer to it",
        { cause: error },
      );
      for (const subscription of subscriptions) {
        subscription.fail(failure);
        this.#forget(subscription);
      }
      // What the broker holds of them is not known any more; a new connection holds nothing.
      await link.end();
    }
  }

  #settle(subscription: Subscription, code: number, link: Link): void {
    if (code < 0x80) {
      subscription.activate();
      return;
    }
    if (subscription.state === "leaving") return;
    subscription.fail(subscriptionRefused(subscription.filter, code, link));
    this.#forget(subscription);
  }

  async #unsubscribe(link: Link, subscriptions: readonly Subscription[]): Promise<void> {
    try {
      for (const some of chunks(subscriptions, FILTERS_PER_PACKET)) {
        await bounded(link.unsubscribe(some.map(({ filter }) => filter.text)), {
          timeoutMs: ACKNOWLEDGEMENT_TIMEOUT_MS,
        });
      }
    } catch {
      // Not acknowledged: only the end of the connection makes sure that nothing stays subscribed.
      await link.end();
    }
    for (const subscription of subscriptions) {
      subscription.end();
      this.#forget(subscription);
    }
  }

  #forget(subscription: Subscription): void {
    if (!this.#subscriptions.delete(subscription)) return;
    this.#index.delete(subscription.filter, subscription);
  }

  #notConnected(): McpMqttError {
    const { host, port } = this.#opener.settings.address;
    const since = this.#disconnectedSince === undefined
      ? ""
      : ` since ${new Date(this.#disconnectedSince).toISOString()}`;
    const cause = this.#lastError === undefined ? "" : `: ${this.#lastError.message}`;
    return new McpMqttError(
      "not_connected",
      `no connection to the broker at ${host}:${port}${since}${cause}`,
      { hint: "The program keeps trying; mqtt_status tells when it is back." },
    );
  }
}

function subscriptionRefused(filter: TopicFilter, code: number, link: Link): McpMqttError {
  const reason = link.protocolVersion === "5"
    ? reasonCodeName(code)
    : `${code}; MQTT 3.1.1 gives no reason, usually it is "not authorized"`;
  return new McpMqttError(
    "broker_refused",
    `the broker refused the subscription to ${JSON.stringify(filter.text)} with ${reason}`,
    { hint: "The broker's own access rules must allow it too; ask its owner." },
  );
}

function endSentence({ reasonCode, cause }: LinkEnd, clientId: string): string {
  if (reasonCode === SESSION_TAKEN_OVER) {
    return `another client took over the Client Identifier ${JSON.stringify(clientId)}: ${
      reasonCodeName(reasonCode)
    }; give each client its own mqtt.client_id, or leave it null; trying again in ${
      Backoff.takenOverMs / 1000
    } s`;
  }
  if (reasonCode !== undefined) return `the broker disconnected: ${reasonCodeName(reasonCode)}`;
  return cause;
}

function* chunks<T>(list: readonly T[], size: number): Generator<readonly T[]> {
  for (let i = 0; i < list.length; i += size) yield list.slice(i, i + size);
}
