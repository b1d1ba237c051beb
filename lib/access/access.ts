/**
 * The connection as one client may use it: every read and every write passes its grants here, so
 * that no tool can forget to ask.
 *
 * @module
 */
import type { Config, Limits } from "../config/config.ts";
import { McpMqttError } from "../errors.ts";
import type { Logger } from "../log.ts";
import type { MessageProperties } from "../messages/message.ts";
import { SparkplugBirths } from "../messages/sparkplug_births.ts";
import type {
  Collecting,
  CollectOptions,
  Connection,
  ConnectionStatus,
  Published,
  PublishOptions,
  Waiting,
} from "../mqtt/connection.ts";
import type { Publication } from "../mqtt/link/link.ts";
import { FilterIndex } from "../topics/filter_index.ts";
import type { Permissions, Rule } from "../topics/permissions.ts";
import {
  parseTopicFilter,
  refuseSharedSubscription,
  type TopicFilter,
} from "../topics/topic_filter.ts";
import { parseTopicName } from "../topics/topic_name.ts";
import { quoteTopic } from "../topics/topic_text.ts";
import { bounded } from "../wait.ts";
import { ConfirmationNeeded, confirmedAs } from "./confirmation.ts";
import { withFewConnections } from "./few_connections.ts";
import type { Rates } from "./rates.ts";
import { TopicsSeen } from "./topics_seen.ts";

/** How long the end of a call waits for the UNSUBACK, in milliseconds; the UNSUBSCRIBE is sent at once. */
const RELEASE_MS = 500;
/**
 * The QoS of what is collected, unless the call shows the QoS of a message. Brokers hold back what
 * is acknowledged one by one, and drop what becomes too much: mosquitto sends 20 messages of QoS 1
 * and 2, queues 1,000, and says nothing of the rest, be they retained or live. At QoS 0 a connection
 * loses no more than that, and brokers send as fast as it is read.
 */
const COLLECTING_QOS = 0;
/** How many filters a line of the log names. */
const MAX_LOGGED = 20;

/** What a client may do. */
export interface Grants {
  readonly permissions: Permissions;
  readonly readOnly: boolean;
  readonly limits: Limits;
  /** How often may be written; one for all clients. */
  readonly rates: Rates;
  /** Where devices describe themselves. */
  readonly devices: Config["devices"];
}

/** Filters in force for a request. */
export interface GrantedFilters {
  readonly filters: readonly TopicFilter[];
  /** Whether something was cut off because it is not granted. */
  readonly narrowed: boolean;
}

/** What to collect of what is granted. */
export interface GrantedCollectOptions extends CollectOptions {
  /** Messages of these topic filters are left out. */
  readonly exclude?: readonly string[];
}

/** A collection, and what became of the filters that were asked for. */
export interface GrantedCollection extends GrantedFilters, Collecting {}

/** A connection together with grants. When it is disposed of, nothing goes on that it began. */
export class Access implements AsyncDisposable {
  readonly grants: Grants;
  /** The topic names that messages came on. */
  readonly seen = new TopicsSeen();
  /** What births that this client may read have said. */
  readonly sparkplug: SparkplugBirths;
  readonly #connection: Connection;
  readonly #collections = new Set<Collecting>();
  /** The topics that were made for an answer each, while it is waited for. */
  readonly #answerTopics = new Set<string>();
  readonly #closing = new AbortController();
  readonly #log: Logger | undefined;

  constructor(connection: Connection, grants: Grants, log?: Logger) {
    this.#connection = connection;
    this.grants = grants;
    this.sparkplug = new SparkplugBirths({ prefixes: grants.devices.sparkplug });
    this.#log = log;
  }

  get status(): ConnectionStatus {
    return this.#connection.status;
  }

  /** See {@linkcode Connection.wantFor}. */
  wantFor(ms?: number): void {
    this.#connection.wantFor(ms);
  }

  /** Waits until it is known whether the first attempt to connect succeeds, or the time is up. */
  async firstAttempt(waiting: Waiting): Promise<void> {
    const { isConnected, lastError } = this.status;
    if (!isConnected && lastError === undefined) await this.#connection.attempted(waiting);
  }

  /**
   * Checks whether a message could be published, and sends nothing.
   *
   * @param confirmed what the person has confirmed, see {@linkcode confirmedAs}
   * @throws {McpMqttError} `invalid_topic`, `forbidden`, `payload_too_large`, `payload_invalid`; last
   * {@linkcode ConfirmationNeeded}, or `rate_limited` in its place.
   */
  assertWritable(publication: Publication, confirmed?: string): void {
    this.#assertAllowed(publication);
    const guards = this.grants.permissions.guards(publication.topic);
    const guard = guards.find(({ confirm }) => confirm);
    if (guard === undefined || confirmed === confirmedAs(publication)) return;
    // Nobody is asked for what could not be sent after a yes.
    this.grants.rates.assertFree(guards);
    throw new ConfirmationNeeded(publication, guard.pattern);
  }

  #assertAllowed({ topic, payload, retain, properties = {} }: Publication): void {
    const name = parseTopicName(topic);
    const { permissions, readOnly, limits } = this.grants;
    if (readOnly) {
      throw new McpMqttError("forbidden", "the server is read-only: nothing can be published", {
        hint: "Its owner decides that, with --read-only or read_only in the config.",
        outcome: "not_sent",
      });
    }
    permissions.assertWrite(name, { retain });
    this.#log?.debug(() => {
      const { rule } = permissions.decide(name, "write");
      return `write to ${quoteTopic(name)} is granted by the rule ${
        quoteTopic(rule?.pattern.text ?? "")
      }`;
    });
    for (const { pattern, payload: expected } of permissions.guards(name)) {
      const fault = expected?.schema?.faultOf(payload);
      if (fault !== undefined) throw payloadInvalid(fault, pattern, expected);
    }
    const { responseTopic } = properties;
    if (responseTopic !== undefined) this.#assertResponseTopic(responseTopic);
    const propertyBytes = sizeOf(properties);
    if (payload.length + propertyBytes <= limits.maxPublishBytes) return;
    const what = propertyBytes === 0
      ? `the payload has ${payload.length} bytes`
      : `payload and properties have ${payload.length + propertyBytes} bytes`;
    throw new McpMqttError(
      "payload_too_large",
      `${what}; at most ${limits.maxPublishBytes} are allowed (limits.max_publish_bytes)`,
      { outcome: "not_sent" },
    );
  }

  /** A device would write there: whoever may not read a topic makes nobody write to it. */
  #assertResponseTopic(topic: string): void {
    const { permissions } = this.grants;
    const name = parseTopicName(topic);
    if (this.#answerTopics.has(name) || permissions.decide(name, "read").allowed) return;
    const { hint } = permissions.readForbidden([parseTopicFilter(topic)]);
    throw new McpMqttError(
      "forbidden",
      `the response_topic ${
        quoteTopic(topic)
      } must be one that may be read, and no rule grants that`,
      { hint, outcome: "not_sent" },
    );
  }

  /** Publishes what the grants allow; see {@linkcode Connection.publish}. */
  async publish(
    publication: Publication,
    options: PublishOptions & { readonly confirmed?: string | undefined },
  ): Promise<Published> {
    this.assertWritable(publication, options.confirmed);
    const { permissions, rates } = this.grants;
    const giveBack = rates.take(permissions.guards(publication.topic));
    let isSent = false;
    try {
      return await this.#connection.publish(publication, {
        waitMs: options.waitMs,
        signal: AbortSignal.any([options.signal, this.#closing.signal]),
        onSent: () => {
          isSent = true;
          options.onSent?.();
        },
      });
    } finally {
      if (!isSent) giveBack();
    }
  }

  /**
   * Cuts topic filters down to what may be read.
   *
   * @throws {McpMqttError} `invalid_topic`; `forbidden` if nothing is left.
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
    this.#log?.debug(() => {
      const asked = filters.slice(0, MAX_LOGGED).map(({ text }) => quoteTopic(text));
      const granted = narrowing.filters.slice(0, MAX_LOGGED).map((filter) => {
        const { pattern } = permissions.readGrantOf(filter) ?? {};
        const by = pattern === undefined ? "" : ` by the rule ${quoteTopic(pattern.text)}`;
        return `${quoteTopic(filter.text)}${by}`;
      });
      const narrowed = narrowing.narrowed ? ", narrowed" : "";
      return `read of ${asked.join(", ")} is granted as ${granted.join(", ")}${narrowed}`;
    });
    return narrowing;
  }

  /**
   * Collects what the grants allow of `topics`; see {@linkcode Connection.collect}.
   *
   * @throws {McpMqttError} `invalid_topic` and `forbidden` besides.
   */
  async collect(
    topics: readonly string[],
    { exclude = [], ...options }: GrantedCollectOptions,
  ): Promise<GrantedCollection> {
    const excluded = new FilterIndex<true>();
    for (const topic of exclude) excluded.add(parseTopicFilter(topic), true);
    const { filters, narrowed } = this.narrow(topics);
    const { permissions } = this.grants;
    const few = withFewConnections(filters, (filter) => {
      const whole = permissions.narrow([filter]);
      return whole.filters.length > 0 && !whole.narrowed;
    });
    const collecting = await this.#begin(few.filters, {
      ...options,
      onMessage: (arrived) => {
        const { topic } = arrived;
        if (few.isWanted?.(topic) === false || !permissions.decide(topic, "read").allowed) return;
        // A birth that is left out tells names all the same.
        const message = this.sparkplug.received(arrived);
        if (excluded.anyMatch(topic)) return;
        this.seen.add(topic);
        options.onMessage(message);
      },
    });
    return { ...collecting, filters, narrowed };
  }

  /**
   * Collects what comes on a fresh topic, which is the Response Topic of one request (MQTT 5.0
   * §4.10). It needs no rule: nobody else can know the topic.
   *
   * @throws {McpMqttError} `invalid_argument` on MQTT 3.1.1, and what {@linkcode Connection.collect}
   * throws.
   */
  async collectAnswers(options: CollectOptions): Promise<GrantedCollection & { topic: string }> {
    await this.#connection.ready(options);
    if (this.status.protocolVersion !== "5") {
      throw new McpMqttError(
        "invalid_argument",
        "response_topic is missing, and the broker speaks MQTT 3.1.1, which has no response topics",
        { hint: "Give the topic on which the device answers.", outcome: "not_sent" },
      );
    }
    const topic = this.#connection.freshResponseTopic();
    const collecting = await this.#begin([parseTopicFilter(topic)], options);
    this.#answerTopics.add(topic);
    const dispose = async (): Promise<void> => {
      this.#answerTopics.delete(topic);
      await collecting[Symbol.asyncDispose]();
    };
    return { ...collecting, topic, narrowed: false, [Symbol.asyncDispose]: dispose };
  }

  /** Collects for as long as this client is there. */
  async #begin(filters: readonly TopicFilter[], options: CollectOptions): Promise<Collecting> {
    const closing = this.#closing.signal;
    const collecting = await this.#connection.collect(filters, {
      qos: COLLECTING_QOS,
      ...options,
      signal: AbortSignal.any([options.signal, closing]),
    });
    this.#collections.add(collecting);
    const dispose = async (): Promise<void> => {
      this.#collections.delete(collecting);
      await release(collecting);
    };
    if (closing.aborted) {
      await dispose();
      closing.throwIfAborted();
    }
    return { ...collecting, [Symbol.asyncDispose]: dispose };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new DOMException("the client is gone", "AbortError"));
    await Promise.all([...this.#collections].map(release));
  }
}

async function release(collecting: Collecting): Promise<void> {
  const released = async (): Promise<void> => await collecting[Symbol.asyncDispose]();
  await bounded(released(), { timeoutMs: RELEASE_MS, onTimeout: () => {} });
}

function payloadInvalid(
  fault: string,
  pattern: TopicFilter,
  { examples }: NonNullable<Rule["payload"]> = {},
): McpMqttError {
  const such = examples === undefined ? "" : `Payloads as they occur: ${examples.join(", ")}. `;
  return new McpMqttError(
    "payload_invalid",
    `the payload does not meet the schema of the rule ${quoteTopic(pattern.text)}: it ${fault}`,
    { outcome: "not_sent", hint: `${such}The schema stands in mcpmqtt://topics/allowed.` },
  );
}

/** Bytes of the properties' texts and data. */
function sizeOf(properties: MessageProperties): number {
  const { contentType = "", responseTopic = "", correlationData, userProperties = {} } = properties;
  const texts = Object.entries(userProperties).flatMap(([name, values]) =>
    [values].flat().flatMap((value) => [name, value])
  );
  const encoder = new TextEncoder();
  return [contentType, responseTopic, ...texts].reduce(
    (sum, text) => sum + encoder.encode(text).length,
    correlationData?.length ?? 0,
  );
}
