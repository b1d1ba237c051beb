/**
 * One topic filter of a collection, in force on one lane.
 *
 * @module
 */
import { McpMqttError } from "../../errors.ts";
import type { Message, QoS } from "../../messages/message.ts";
import type { TopicFilter } from "../../topics/topic_filter.ts";
import type { Collection } from "./collection.ts";
import type { LinkEnd } from "../link/link.ts";
import { reasonCodeName } from "../faults/reason_codes.ts";

/**
 * `waiting` for a connection, `pending` until the SUBACK, `active`, `leaving` until the UNSUBACK,
 * `draining` while the broker goes on to send what it had begun to [MQTT-3.10.4-3], and `gone`.
 */
export type SubscriptionState =
  | "waiting"
  | "pending"
  | "active"
  | "leaving"
  | "draining"
  | "gone";

/**
 * How often the connection may be lost while the first SUBSCRIBE is unanswered: some brokers close
 * it because of a topic filter, and would do so for ever.
 */
const MAX_ATTEMPTS = 2;

/** A subscription and its state; the lane moves it from state to state. */
export class Subscription {
  readonly filter: TopicFilter;
  /** Settles when the subscription is in force for the first time; rejects when it cannot be. */
  readonly inForce: Promise<void>;
  /** Settles when the broker holds it no more. */
  readonly left: Promise<void>;
  readonly #collection: Collection;
  readonly #inForce = Promise.withResolvers<void>();
  readonly #left = Promise.withResolvers<void>();
  #state: SubscriptionState = "waiting";
  #hasBeenInForce = false;
  #attempts = 0;
  #lastServedMs = -Infinity;

  constructor(filter: TopicFilter, collection: Collection) {
    this.filter = filter;
    this.#collection = collection;
    this.inForce = this.#inForce.promise;
    this.inForce.catch(() => {});
    this.left = this.#left.promise;
  }

  get state(): SubscriptionState {
    return this.#state;
  }

  /** Whether the SUBSCRIBE asks for retained messages. */
  get includeRetained(): boolean {
    return this.#collection.includeRetained;
  }

  /** The highest QoS that messages are delivered with. */
  get qos(): QoS {
    return this.#collection.qos;
  }

  /** Whether it was in force, is not, and will be again. */
  get isInterrupted(): boolean {
    return this.#hasBeenInForce && (this.#state === "waiting" || this.#state === "pending");
  }

  /** Whether something came of it that the broker had queued, after it was given up. */
  get isStillServed(): boolean {
    return this.#lastServedMs > -Infinity;
  }

  /** When the last of that came, by `performance.now()`. */
  get lastServedMs(): number {
    return this.#lastServedMs;
  }

  /** A SUBSCRIBE is on its way. */
  request(): void {
    this.#state = "pending";
    this.#attempts++;
  }

  /** The SUBACK accepted it. */
  activate(): void {
    this.#state = "active";
    this.#hasBeenInForce = true;
    this.#inForce.resolve();
  }

  /** Takes a message that arrived on the lane; some come before the SUBACK [MQTT-3.8.4-2]. */
  receive(message: Message): void {
    const isGivenUp = this.#state === "leaving" || this.#state === "draining";
    if (!isGivenUp) this.#collection.receive(message, this);
    else if (message.qos > 0 || message.retain) this.#lastServedMs = performance.now();
  }

  /** The connection is gone. Afterwards the state is `waiting` for the next one, or `gone`. */
  interrupt(end: LinkEnd): void {
    const was = this.#state;
    if (was === "leaving" || was === "draining") this.end();
    if (was !== "active" && was !== "pending") return;
    this.#state = "waiting";
    if (was === "active") {
      if (!this.#collection.resume) this.end();
      this.#collection.interrupted(this);
    } else if (!this.#hasBeenInForce && this.#attempts >= MAX_ATTEMPTS) {
      this.fail(lostWhileSubscribing(this.filter, end));
    }
  }

  /** The SUBSCRIBE was not answered. One that has been in force waits for the next connection. */
  unanswered(error: McpMqttError): void {
    if (!this.#hasBeenInForce) this.fail(error);
  }

  /** The subscription cannot be had. */
  fail(error: McpMqttError): void {
    this.end();
    this.#inForce.reject(error);
    if (this.#hasBeenInForce) this.#collection.failed(error);
  }

  /** It was given up; the UNSUBSCRIBE is on its way. */
  leave(): void {
    this.#state = "leaving";
  }

  /** The broker holds it no more, but still sends. */
  drain(): void {
    this.#state = "draining";
    this.#left.resolve();
  }

  /** Nothing of it is left on the lane. */
  end(): void {
    this.#state = "gone";
    this.#left.resolve();
  }
}

function lostWhileSubscribing(filter: TopicFilter, { reasonCode }: LinkEnd): McpMqttError {
  const reason = reasonCode === undefined
    ? ""
    : `; the broker disconnected with ${reasonCodeName(reasonCode)}`;
  return new McpMqttError(
    reasonCode === undefined ? "not_connected" : "broker_refused",
    `the connection was lost ${MAX_ATTEMPTS} times while subscribing to ${
      JSON.stringify(filter.text)
    }${reason}`,
    { hint: "The broker may not accept this topic filter; try a narrower one." },
  );
}
