/**
 * Tells a host when the message of a subscribed resource has changed.
 *
 * @module
 */
import { McpMqttError } from "../errors.ts";
import type { Logger } from "../log.ts";
import type { Access, GrantedCollection } from "../access/access.ts";
import type { Message } from "../messages/message.ts";
import type { TopicName } from "../topics/topic_name.ts";

/** At most one update in this time for each topic, in milliseconds. */
const UPDATE_INTERVAL_MS = 1_000;
/** How many topics may be subscribed to at once. */
const MAX_TOPICS = 100;
/** A subscription outlives every wait of a call. */
const WAIT_MS = 300_000;

interface Subscribed {
  readonly uri: string;
  readonly holders: Set<string>;
  readonly closing: AbortController;
  collection: Promise<GrantedCollection> | undefined;
  last: Message | undefined;
  timer: ReturnType<typeof setTimeout> | undefined;
  /** Whether something has arrived since the last update. */
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
  lastMessage(topic: TopicName): Message | undefined {
    return this.#topics.get(topic)?.last;
  }

  /**
   * Begins to tell of a topic; does not wait for the broker. `holder` is who asked: the
   * subscription ends when every holder has given it up.
   *
   * @throws {McpMqttError} `forbidden`; `invalid_argument` where there are too many.
   */
  subscribe(topic: TopicName, uri: string, holder: string): void {
    const held = this.#topics.get(topic);
    if (held !== undefined) {
      held.holders.add(holder);
      return;
    }
    this.#access.narrow([topic]);
    if (this.#topics.size >= MAX_TOPICS) {
      throw new McpMqttError(
        "invalid_argument",
        `${MAX_TOPICS} resources are subscribed to, which is as many as there may be`,
      );
    }
    const subscribed: Subscribed = {
      uri,
      holders: new Set([holder]),
      closing: new AbortController(),
      collection: undefined,
      last: undefined,
      timer: undefined,
      isDue: false,
    };
    this.#topics.set(topic, subscribed);
    subscribed.collection = this.#access.collect([topic], {
      includeRetained: true,
      resume: true,
      waitMs: WAIT_MS,
      signal: subscribed.closing.signal,
      onMessage: (message) => this.#onMessage(subscribed, message),
      onFailed: (error) => this.#onFailed(topic, error),
    });
    subscribed.collection.catch((error) => {
      if (!subscribed.closing.signal.aborted) this.#onFailed(topic, error);
    });
  }

  /** Gives up a topic for a holder. */
  async unsubscribe(topic: TopicName, holder: string): Promise<void> {
    const subscribed = this.#topics.get(topic);
    if (subscribed === undefined) return;
    subscribed.holders.delete(holder);
    if (subscribed.holders.size > 0) return;
    this.#topics.delete(topic);
    clearTimeout(subscribed.timer);
    subscribed.closing.abort();
    const collection = await subscribed.collection?.catch(() => undefined);
    await collection?.[Symbol.asyncDispose]();
  }

  /** Gives up all that a holder asked for. */
  async release(holder: string): Promise<void> {
    await Promise.all([...this.#topics.keys()].map((topic) => this.unsubscribe(topic, holder)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      [...this.#topics].flatMap(([topic, { holders }]) =>
        [...holders].map((holder) => this.unsubscribe(topic, holder))
      ),
    );
  }

  #onMessage(subscribed: Subscribed, message: Message): void {
    subscribed.last = message;
    if (subscribed.timer === undefined) this.#tell(subscribed);
    else subscribed.isDue = true;
  }

  /** Tells at once, and then not before the interval has passed. */
  #tell(subscribed: Subscribed): void {
    subscribed.isDue = false;
    this.notify(subscribed.uri);
    subscribed.timer = setTimeout(() => {
      subscribed.timer = undefined;
      if (subscribed.isDue) this.#tell(subscribed);
    }, UPDATE_INTERVAL_MS);
  }

  #onFailed(topic: TopicName, error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    this.#log.warning(`no updates of the resource for ${JSON.stringify(topic)} any more: ${text}`);
    const subscribed = this.#topics.get(topic);
    this.#topics.delete(topic);
    clearTimeout(subscribed?.timer);
  }
}
