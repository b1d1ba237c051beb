/**
 * The connection as one client may use it: every read and every write passes its grants here, so
 * that no tool can forget to ask.
 *
 * @module
 */
import { within } from "../async.ts";
import type { Limits } from "../config/config.ts";
import { McpMqttError } from "../errors.ts";
import type { Permissions } from "../topics/permissions.ts";
import {
  parseTopicFilter,
  refuseSharedSubscription,
  type TopicFilter,
} from "../topics/topic_filter.ts";
import { parseTopicName } from "../topics/topic_name.ts";
import type {
  Collection,
  CollectOptions,
  Connection,
  ConnectionStatus,
  Published,
  Waiting,
} from "../mqtt/connection.ts";
import type { Publication } from "../mqtt/link.ts";
import { RateLimiter } from "./rate_limiter.ts";
import { TopicsSeen } from "./topics_seen.ts";

/** How long a call waits for the SUBACK: its own timeout, within these bounds, in milliseconds. */
const MIN_SUBACK_MS = 2_000;
const MAX_SUBACK_MS = 10_000;
/** How long the end of a call waits for the UNSUBACK, in milliseconds; the UNSUBSCRIBE is sent at once. */
const RELEASE_MS = 500;

/** What a client may do. */
export interface Grants {
  readonly permissions: Permissions;
  readonly readOnly: boolean;
  readonly limits: Limits;
}

/** A collection, and what became of the filters that were asked for. */
export interface GrantedCollection extends Collection {
  /** Whether something was cut off because it is not granted. */
  readonly narrowed: boolean;
}

/** Filters in force for a request. */
export interface GrantedFilters {
  readonly filters: readonly TopicFilter[];
  readonly narrowed: boolean;
}

/** A connection together with grants. */
export class Access {
  readonly grants: Grants;
  /** Where messages have come from. */
  readonly seen = new TopicsSeen();
  readonly #connection: Connection;
  readonly #writes: RateLimiter;

  constructor(connection: Connection, grants: Grants) {
    this.#connection = connection;
    this.grants = grants;
    this.#writes = new RateLimiter(grants.limits.publishPerMinute);
  }

  get status(): ConnectionStatus {
    return this.#connection.status;
  }

  /** See {@linkcode Connection.seek}. */
  seek(forMs?: number): void {
    this.#connection.seek(forMs);
  }

  /** Waits until it is known whether the first attempt to connect succeeds, or the time is up. */
  async firstAttempt(waiting: Waiting): Promise<void> {
    const { isConnected, lastError } = this.status;
    if (!isConnected && lastError === undefined) await this.#connection.attempted(waiting);
  }

  /**
   * Checks whether a message could be published, and sends nothing.
   *
   * @throws {McpMqttError} `invalid_topic`, `forbidden`, `payload_too_large`.
   */
  assertWritable({ topic, payload, retain }: Publication): void {
    const name = parseTopicName(topic);
    const { permissions, readOnly, limits } = this.grants;
    if (readOnly) {
      throw new McpMqttError("forbidden", "the server is read-only: nothing can be published", {
        hint: "Its owner decides that, with --read-only or read_only in the config.",
        outcome: "not_sent",
      });
    }
    permissions.assertWrite(name, { retain });
    if (payload.length > limits.maxPublishBytes) {
      throw new McpMqttError(
        "payload_too_large",
        `the payload has ${payload.length} bytes; at most ${limits.maxPublishBytes} are allowed (limits.max_publish_bytes)`,
        { outcome: "not_sent" },
      );
    }
  }

  /** Publishes what the grants allow; see {@linkcode Connection.publish}. */
  async publish(publication: Publication, waiting: Waiting): Promise<Published> {
    this.assertWritable(publication);
    const waitMs = this.#writes.take();
    if (waitMs > 0) {
      throw new McpMqttError(
        "rate_limited",
        `${this.grants.limits.publishPerMinute} messages a minute are allowed (limits.publish_per_minute); the next write is possible in ${
          Math.ceil(waitMs / 100) / 10
        } s`,
        { outcome: "not_sent" },
      );
    }
    return await this.#connection.publish(publication, waiting);
  }

  /**
   * Cuts topic filters down to what may be read.
   *
   * @throws {McpMqttError} `invalid_topic`; `forbidden` where nothing is left.
   */
  narrow(topics: readonly string[]): GrantedFilters {
    const filters = topics.map((topic) => {
      const filter = parseTopicFilter(topic);
      refuseSharedSubscription(filter);
      return filter;
    });
    const { permissions } = this.grants;
    const narrowing = permissions.narrow(filters);
    if (narrowing.filters.length === 0) throw permissions.readForbidden(filters);
    return narrowing;
  }

  /** Collects what the grants allow of `topics`; see {@linkcode Connection.collect}. */
  async collect(topics: readonly string[], options: CollectOptions): Promise<GrantedCollection> {
    const { filters, narrowed } = this.narrow(topics);
    const { permissions } = this.grants;
    const { waitMs, signal } = options;
    await this.#connection.ready({ waitMs, signal });
    using patience = new Patience(Math.min(Math.max(waitMs, MIN_SUBACK_MS), MAX_SUBACK_MS));
    const collection = await this.#connection.collect(filters, {
      ...options,
      signal: AbortSignal.any([signal, patience.signal]),
      onMessage: (message) => {
        if (!permissions.decide(message.topic, "read").allowed) return;
        this.seen.add(message.topic);
        options.onMessage(message);
      },
    });
    return {
      filters,
      narrowed,
      isInterrupted: () => collection.isInterrupted(),
      [Symbol.asyncDispose]: () => within(RELEASE_MS, collection[Symbol.asyncDispose]()),
    };
  }
}

/** Aborts its signal when the broker takes too long to acknowledge a subscription. */
class Patience implements Disposable {
  readonly signal: AbortSignal;
  readonly #timer: ReturnType<typeof setTimeout>;

  constructor(ms: number) {
    const controller = new AbortController();
    this.signal = controller.signal;
    this.#timer = setTimeout(() => {
      controller.abort(
        new McpMqttError(
          "timeout",
          `the broker did not acknowledge the subscription within ${ms / 1000} s`,
          { hint: "The broker is connected but does not answer; mqtt_status tells more." },
        ),
      );
    }, ms);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
