/**
 * One topic filter in force on one lane, for any number of listeners.
 *
 * @module
 */
import { McpMqttError } from "../../errors.ts";
import type { Message, QoS } from "../../messages/message.ts";
import type { TopicFilter } from "../../topics/topic_filter.ts";
import { reasonCodeName } from "../faults/reason_codes.ts";
import type { LinkEnd } from "../link/link.ts";
import type { Subscription } from "./subscription.ts";

/**
 * `waiting` for a connection, `pending` until the SUBACK, `active`, `leaving` until the UNSUBACK,
 * `draining` while the broker goes on to send what it had begun to [MQTT-3.10.4-3], and `gone`.
 */
export type FeedState = "waiting" | "pending" | "active" | "leaving" | "draining" | "gone";

/**
 * How often the connection may be lost while the first SUBSCRIBE is unanswered: some brokers close
 * it because of a topic filter, and would do so for ever.
 */
const MAX_ATTEMPTS = 2;

/**
 * Retained messages of so many bytes hold up what comes after them. Mosquitto 2.0.11 even drops live
 * messages of the connection while it has more than about 4 MB on the way.
 */
const MUCH_RETAINED_BYTES = 1024 * 1024;

/** A feed and its state; the lane moves it from state to state. */
export class Feed {
  readonly filter: TopicFilter;
  /** The highest QoS that messages are delivered with. */
  readonly qos: QoS;
  /** Settles when the broker holds it no more. */
  readonly left: Promise<void>;
  /** Whether the broker has sent the retained messages that the last SUBSCRIBE asked for. */
  isSettled = false;
  readonly #listeners = new Set<Subscription>();
  readonly #left = Promise.withResolvers<void>();
  #state: FeedState = "waiting";
  #isAnswered = false;
  #hasBeenInForce = false;
  #attempts = 0;
  #requestedMs = -Infinity;
  #retainedReceived = 0;
  #retainedBytes = 0;
  #lastServedMs = -Infinity;

  /** It has the filter and the QoS of its first listener. */
  constructor(first: Subscription) {
    this.filter = first.filter;
    this.qos = first.qos;
    this.left = this.#left.promise;
    this.attach(first);
  }

  get state(): FeedState {
    return this.#state;
  }

  /** Whether nobody listens. */
  get isEmpty(): boolean {
    return this.#listeners.size === 0;
  }

  /** Whether it is in force, or will be. */
  get isHeld(): boolean {
    return this.#state === "waiting" || this.#state === "pending" || this.#state === "active";
  }

  /** Whether the broker has answered the last SUBSCRIBE. */
  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  /** Whether the SUBSCRIBE asks for retained messages. */
  get includeRetained(): boolean {
    return [...this.#listeners].some((one) => one.includeRetained);
  }

  /** When the last SUBSCRIBE was sent, by `performance.now()`. */
  get requestedMs(): number {
    return this.#requestedMs;
  }

  /** How many retained messages have come. */
  get retainedReceived(): number {
    return this.#retainedReceived;
  }

  /** Whether the last SUBSCRIBE has had much sent. */
  get hasMuchRetained(): boolean {
    return this.#retainedBytes > MUCH_RETAINED_BYTES;
  }

  /**
   * Whether a SUBSCRIBE is to be sent: the first one over this connection, or a further one, so that
   * the broker sends its retained messages to those who came later [MQTT-3.8.4-3].
   */
  get isDue(): boolean {
    return this.#state === "waiting" || this.#state === "active" &&
        [...this.#listeners].some((one) => one.includeRetained && !one.isAsked);
  }

  /** Whether something came of it that the broker had queued, after it was given up. */
  get isStillServed(): boolean {
    return this.#lastServedMs > -Infinity;
  }

  /** When that was, by `performance.now()`. */
  get lastServedMs(): number {
    return this.#lastServedMs;
  }

  /**
   * Whether somebody can listen from now on. Who wants retained messages cannot while those are on
   * their way that others asked for: nothing tells which are whose.
   */
  isOpenTo({ includeRetained }: Subscription): boolean {
    return this.isHeld && (!includeRetained || this.isSettled || this.#state === "waiting");
  }

  /** Somebody listens from now on; see {@linkcode Feed.isOpenTo}. */
  attach(subscription: Subscription): void {
    this.#listeners.add(subscription);
    subscription.attach(this);
  }

  /** The broker has handled all that was there before somebody came who wants no retained messages. */
  join(subscription: Subscription): void {
    if (this.#state === "active") subscription.activate();
    // Else the SUBACK is still to come.
    else subscription.request(false);
  }

  /** Somebody listens no more. */
  detach(subscription: Subscription): void {
    this.#listeners.delete(subscription);
    subscription.end();
  }

  /** A SUBSCRIBE is on its way. */
  request(): void {
    const isFirst = this.#state !== "active";
    if (isFirst) this.#attempts++;
    if (isFirst) this.#state = "pending";
    this.isSettled = false;
    this.#isAnswered = false;
    this.#requestedMs = performance.now();
    this.#retainedBytes = 0;
    for (const one of this.#listeners) one.request(isFirst);
  }

  /** The SUBACK accepted it. */
  activate(): void {
    this.#state = "active";
    this.#isAnswered = true;
    this.#hasBeenInForce = true;
    for (const one of this.#listeners) if (one.isAsked) one.activate();
  }

  /** The SUBACK refused it: to all, or to those who came later if it is in force. */
  refuse(error: McpMqttError): void {
    this.#isAnswered = true;
    this.#fail(error, this.#state === "active");
  }

  /** The SUBSCRIBE was not answered. Who has been in force waits for the next connection. */
  unanswered(error: McpMqttError): void {
    this.#fail(error, true);
  }

  /** Takes a message that arrived on the lane. */
  receive(message: Message): void {
    if (message.retain) {
      this.#retainedReceived++;
      this.#retainedBytes += message.topic.length + message.payload.length;
    }
    if (this.isHeld) {
      for (const one of this.#listeners) one.receive(message);
    } else if (message.qos > 0 || message.retain) {
      this.#lastServedMs = performance.now();
    }
  }

  /** The connection is gone. Afterwards the state is `waiting` for the next one, or `gone`. */
  interrupt(end: LinkEnd): void {
    if (this.#state === "leaving" || this.#state === "draining") this.end();
    if (this.#state !== "active" && this.#state !== "pending") return;
    this.#state = "waiting";
    for (const one of this.#listeners) {
      one.interrupt();
      if (one.isGone) this.#listeners.delete(one);
    }
    if (this.isEmpty) this.end();
    if (this.#hasBeenInForce || this.#attempts < MAX_ATTEMPTS) return;
    this.#fail(lostWhileSubscribing(this.filter, end), false);
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
    for (const one of this.#listeners) this.detach(one);
    this.#left.resolve();
  }

  #fail(error: McpMqttError, isForNewOnes: boolean): void {
    for (const one of [...this.#listeners]) {
      if (isForNewOnes && (one.hasBeenInForce || !one.isAsked)) continue;
      this.#listeners.delete(one);
      one.fail(error);
    }
    if (this.isEmpty && this.#state !== "active") this.end();
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
