/**
 * One topic filter of a collection: a listener of a feed.
 *
 * @module
 */
import type { McpMqttError } from "../../errors.ts";
import type { Message, QoS } from "../../messages/message.ts";
import { canonicalText, matches, type TopicFilter } from "../../topics/topic_filter.ts";
import type { Collection } from "./collection.ts";
import type { Feed } from "./feed.ts";

/** A subscription and what it hears of its feed, which moves it from state to state. */
export class Subscription {
  readonly filter: TopicFilter;
  /** Settles when it is in force for the first time; rejects when it cannot be. */
  readonly inForce: Promise<void>;
  readonly #collection: Collection;
  readonly #inForce = Promise.withResolvers<void>();
  #feed: Feed | undefined;
  /** Whether the feed has messages that are none of its. */
  #isNarrower = false;
  #isAsked = false;
  #hears = false;
  #hearsRetained = false;
  #hasBeenInForce = false;
  #isInterrupted = false;
  #isGone = false;

  constructor(filter: TopicFilter, collection: Collection) {
    this.filter = filter;
    this.#collection = collection;
    this.inForce = this.#inForce.promise;
    this.inForce.catch(() => {});
  }

  /** Whether retained messages are wanted. */
  get includeRetained(): boolean {
    return this.#collection.includeRetained;
  }

  /** The highest QoS that messages are delivered with. */
  get qos(): QoS {
    return this.#collection.qos;
  }

  /** What it listens to. */
  get feed(): Feed | undefined {
    return this.#feed;
  }

  /** Whether the broker has been asked for it. */
  get isAsked(): boolean {
    return this.#isAsked;
  }

  /** Whether it has ever been in force. */
  get hasBeenInForce(): boolean {
    return this.#hasBeenInForce;
  }

  /** Whether it was in force, is not, and will be again. */
  get isInterrupted(): boolean {
    return this.#isInterrupted && !this.#isGone;
  }

  /** Whether it hears nothing any more. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** It listens to a feed from now on. */
  attach(feed: Feed): void {
    this.#feed = feed;
    this.#isNarrower = canonicalText(this.filter) !== canonicalText(feed.filter);
  }

  /**
   * The broker is asked. `isFirst`: by the first SUBSCRIBE of the feed over this connection, so that
   * whatever comes is for it. Else it is for those who came later: they hear nothing that was there
   * before the broker has handled it, and nobody but them hears the retained messages.
   */
  request(isFirst: boolean): void {
    this.#hearsRetained = this.includeRetained && (isFirst || !this.#isAsked);
    if (isFirst) this.#hears = true;
    this.#isAsked = true;
  }

  /** It is in force. */
  activate(): void {
    this.#isAsked = true;
    this.#hears = true;
    this.#isInterrupted = false;
    this.#hasBeenInForce = true;
    this.#inForce.resolve();
  }

  /** Takes a message of its feed; some come before the SUBACK [MQTT-3.8.4-2]. */
  receive(message: Message): void {
    // The first that is replayed says that the broker has handled the SUBSCRIBE.
    if (message.retain) this.#hears ||= this.#hearsRetained;
    if (!this.#hears || message.retain && !this.#hearsRetained) return;
    if (this.#isNarrower && !matches(this.filter, message.topic)) return;
    this.#collection.receive(message, this);
  }

  /** The connection is gone. */
  interrupt(): void {
    if (!this.#hasBeenInForce || this.#isInterrupted) return;
    this.#isInterrupted = true;
    this.#isGone = !this.#collection.resume;
    this.#collection.interrupted(this);
  }

  /** It cannot be had. */
  fail(error: McpMqttError): void {
    this.end();
    this.#inForce.reject(error);
    if (this.#hasBeenInForce) this.#collection.failed(error);
  }

  /** It listens no more. */
  end(): void {
    this.#isGone = true;
  }
}
