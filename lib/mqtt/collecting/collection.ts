/**
 * What one call, watch or resource collects.
 *
 * @module
 */
import { McpMqttError } from "../../errors.ts";
import { LastByTopic } from "../../messages/last_by_topic.ts";
import type { Message, QoS } from "../../messages/message.ts";
import { FilterIndex } from "../../topics/filter_index.ts";
import type { TopicFilter } from "../../topics/topic_filter.ts";
import { Subscription } from "./subscription.ts";

/** What to collect, and for whom. */
export interface CollectionOptions {
  readonly includeRetained: boolean;
  /**
   * The highest QoS that messages are delivered with; default 2, so that each has the QoS that it
   * was published with.
   */
  readonly qos?: QoS;
  /** Whether to go on after the connection was lost and found again. */
  readonly resume: boolean;
  /** Called once for each message, whatever else is subscribed. */
  readonly onMessage: (message: Message) => void;
  /**
   * A connection was lost; messages may be missed until {@linkcode Collection.isInterrupted} is
   * false again. `isFurther`: another one is lost already.
   */
  readonly onInterrupted?: ((isFurther: boolean) => void) | undefined;
  /** It cannot go on. */
  readonly onFailed?: ((error: McpMqttError) => void) | undefined;
}

/** The subscriptions of one collection. Its listener hears each message once. */
export class Collection {
  readonly subscriptions: readonly Subscription[];
  readonly #options: CollectionOptions;
  /** The place of each filter among all; undefined if there is one only. */
  readonly #places: FilterIndex<Subscription> | undefined;
  /** What was heard last, to tell what changed while the connection was lost. */
  readonly #last = new LastByTopic();
  #isOver = false;

  constructor(filters: readonly TopicFilter[], options: CollectionOptions) {
    this.#options = options;
    this.subscriptions = filters.map((filter) => new Subscription(filter, this));
    if (filters.length > 1) {
      this.#places = new FilterIndex();
      for (const one of this.subscriptions) this.#places.add(one.filter, one);
    }
  }

  get includeRetained(): boolean {
    return this.#options.includeRetained;
  }

  get qos(): QoS {
    return this.#options.qos ?? 2;
  }

  /** Whether it goes on after the connection was lost and found again. */
  get resume(): boolean {
    return this.#options.resume;
  }

  /** Whether it goes on only when a connection that was lost has been found again. */
  get isInterrupted(): boolean {
    return this.subscriptions.some((one) => one.isInterrupted);
  }

  /** Nothing more is wanted. */
  end(): void {
    this.#isOver = true;
  }

  /** Takes a message that arrived for one of its filters. */
  receive(message: Message, by: Subscription): void {
    if (this.#isOver || !this.#isFirst(message.topic, by)) return;
    if (this.includeRetained) {
      if (message.retain && this.#last.isSame(message)) return;
      this.#last.remember(message);
    }
    try {
      this.#options.onMessage(message);
    } catch (cause) {
      // Whoever listens is at fault, and alone bears it: the connection is everybody's.
      this.#isOver = true;
      this.#options.onFailed?.(
        new McpMqttError("internal", "the program failed at a message in a way it should not", {
          hint: "The log says more; please report it.",
          cause,
        }),
      );
    }
  }

  /** The connection of one of its filters is lost. */
  interrupted(by: Subscription): void {
    if (this.#isOver) return;
    this.#isOver = !this.resume;
    const isFurther = this.subscriptions.some((one) => one !== by && one.isInterrupted);
    this.#options.onInterrupted?.(isFurther);
  }

  /** One of its filters could not be taken up again; the others go on. */
  failed(error: McpMqttError): void {
    if (!this.#isOver) this.#options.onFailed?.(error);
  }

  /**
   * Whether `by` is the first of the filters that match and have not been given up. Each of those
   * that overlap gets a copy of its own, mostly over a connection of its own.
   */
  #isFirst(topic: string, by: Subscription): boolean {
    if (this.#places === undefined) return true;
    const matching = this.#places.matching(topic);
    if (matching.length < 2) return true;
    const first = this.subscriptions.find((one) => !one.isGone && matching.includes(one));
    return first === by;
  }
}
