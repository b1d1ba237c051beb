/**
 * Tells a client when the last message of a topic has changed.
 *
 * @module
 */
import { McpMqttError } from "../errors.ts";
import type { Logger } from "../log.ts";
import type { Message } from "../messages/message.ts";
import { fitMessage, type ShownMessage } from "../messages/payload.ts";
import type { TopicName } from "../topics/topic_name.ts";
import { quoteTopic } from "../topics/topic_text.ts";
import type { Access, GrantedCollection } from "./access.ts";

/** At most one update in this time for each topic, in milliseconds. */
const UPDATE_INTERVAL_MS = 1_000;
/** How many topics may be subscribed to at once. */
const MAX_TOPICS = 100;
/** How long the SUBACK is waited for if there is a connection, in milliseconds. */
const WAIT_MS = 5_000;

/** Who subscribes to what. */
export interface Subscriber {
  /** The URI as the client spells it, by which it is told. */
  readonly uri: string;
  /** A client may hold one URI several times; it is given up when every holder has given it up. */
  readonly holder: string;
}

/** Of a message with a larger payload, in bytes, only what is shown is kept. */
const MAX_KEPT_BYTES = 16_384;

interface Subscribed {
  /** The holders of each URI: one topic may be spelled in several ways. */
  readonly uris: Map<string, Set<string>>;
  readonly closing: AbortController;
  begun: Promise<GrantedCollection>;
  hasBegun: boolean;
  /** A large one is kept as it is shown. */
  last: Message | ShownMessage | undefined;
  timer: ReturnType<typeof setTimeout> | undefined;
  /** Whether something has arrived that was not told. */
  isDue: boolean;
}

/** The resource subscriptions of one client. */
export class Updates implements AsyncDisposable {
  /** Told the URI of what has changed; set by the server once it is connected. */
  notify: (uri: string) => void = () => {};
  readonly #access: Access;
  readonly #log: Logger;
  readonly #topics = new Map<TopicName, Subscribed>();

  constructor(access: Access, log: Logger) {
    this.#access = access;
    this.#log = log;
  }

  /** The last message of a topic that is subscribed to. */
  lastMessage(topic: TopicName): ShownMessage | undefined {
    const last = this.#topics.get(topic)?.last;
    return last === undefined || "received_at" in last ? last : this.#show(last);
  }

  /**
   * Begins to tell of a topic. Settles when the subscription is in force; without a connection at
   * once, and it is taken up as soon as there is one.
   *
   * @throws {McpMqttError} `forbidden`; `invalid_argument` if there are too many; `broker_refused`;
   * `timeout` without a SUBACK.
   */
  async subscribe(topic: TopicName, { uri, holder }: Subscriber): Promise<void> {
    const subscribed = this.#topics.get(topic) ?? this.#begin(topic);
    const holders = subscribed.uris.get(uri);
    if (holders === undefined) subscribed.uris.set(uri, new Set([holder]));
    else holders.add(holder);
    await subscribed.begun;
  }

  /** Gives up what a holder asked for. */
  async unsubscribe(topic: TopicName, { uri, holder }: Subscriber): Promise<void> {
    const subscribed = this.#topics.get(topic);
    const holders = subscribed?.uris.get(uri);
    if (subscribed === undefined || !holders?.delete(holder)) return;
    if (holders.size === 0) subscribed.uris.delete(uri);
    if (subscribed.uris.size > 0) return;
    this.#topics.delete(topic);
    await end(subscribed);
  }

  /** Gives up all that a holder asked for. */
  async release(holder: string): Promise<void> {
    await Promise.all(
      [...this.#topics].flatMap(([topic, { uris }]) =>
        [...uris.keys()].map((uri) => this.unsubscribe(topic, { uri, holder }))
      ),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const all = [...this.#topics.values()];
    this.#topics.clear();
    await Promise.all(all.map(end));
  }

  #begin(topic: TopicName): Subscribed {
    this.#access.narrow([topic]);
    if (this.#topics.size >= MAX_TOPICS) {
      throw new McpMqttError(
        "invalid_argument",
        `${MAX_TOPICS} resources are subscribed to, which is as many as there may be`,
      );
    }
    const closing = new AbortController();
    const subscribed: Subscribed = {
      uris: new Map(),
      closing,
      begun: this.#access.collect([topic], {
        includeRetained: true,
        resume: true,
        isPatient: true,
        waitMs: WAIT_MS,
        signal: closing.signal,
        onMessage: (message) => this.#onMessage(subscribed, message),
        onFailed: (error) => this.#onFailed(topic, subscribed, error),
      }),
      hasBegun: false,
      last: undefined,
      timer: undefined,
      isDue: false,
    };
    this.#topics.set(topic, subscribed);
    subscribed.begun.then(() => {
      subscribed.hasBegun = true;
      // After the answer to the subscription, which is on its way by then.
      if (subscribed.isDue) subscribed.timer = setTimeout(() => this.#tell(subscribed), 0);
    }, () => this.#forget(topic, subscribed));
    return subscribed;
  }

  #onMessage(subscribed: Subscribed, message: Message): void {
    subscribed.last = message.payload.length <= MAX_KEPT_BYTES ? message : this.#show(message);
    if (subscribed.timer === undefined && subscribed.hasBegun) this.#tell(subscribed);
    else subscribed.isDue = true;
  }

  #show(message: Message): ShownMessage {
    const { maxResultBytes: maxBytes } = this.#access.grants.limits;
    return fitMessage(message, { previewBytes: maxBytes, maxBytes });
  }

  /** Tells at once, and then not before the interval has passed. */
  #tell(subscribed: Subscribed): void {
    subscribed.isDue = false;
    for (const uri of subscribed.uris.keys()) this.notify(uri);
    subscribed.timer = setTimeout(() => {
      subscribed.timer = undefined;
      if (subscribed.isDue) this.#tell(subscribed);
    }, UPDATE_INTERVAL_MS);
  }

  /** It was in force, and the broker does not take it up again: whoever reads it now learns why. */
  #onFailed(topic: TopicName, subscribed: Subscribed, error: McpMqttError): void {
    this.#log.warning(`no updates of ${quoteTopic(topic)} any more: ${error.message}`);
    const uris = [...subscribed.uris.keys()];
    this.#forget(topic, subscribed);
    for (const uri of uris) this.notify(uri);
  }

  #forget(topic: TopicName, subscribed: Subscribed): void {
    if (this.#topics.get(topic) === subscribed) this.#topics.delete(topic);
    end(subscribed);
  }
}

async function end(subscribed: Subscribed): Promise<void> {
  subscribed.closing.abort();
  const collection = await subscribed.begun.catch(() => undefined);
  // Not before: one is set when it has begun.
  clearTimeout(subscribed.timer);
  await collection?.[Symbol.asyncDispose]();
}
