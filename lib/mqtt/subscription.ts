/**
 * One topic filter in force on one lane, for one collection.
 *
 * @module
 */
import { McpMqttError } from "../errors.ts";
import type { TopicFilter } from "../topics/topic_filter.ts";
import type { LinkEnd } from "./link.ts";
import type { Message } from "../messages/message.ts";
import { reasonCodeName } from "./reason_codes.ts";

/** Who is told what happens to a subscription. */
export interface SubscriptionListener {
  onMessage(message: Message): void;
  /** The connection was lost: messages may have been missed from now on until it is back. */
  onInterrupted(): void;
  /** The subscription could not be taken up again. */
  onFailed(error: McpMqttError): void;
}

/** What a subscription is made of. */
export interface SubscriptionOptions extends SubscriptionListener {
  readonly filter: TopicFilter;
  /** Whether retained messages are wanted. */
  readonly includeRetained: boolean;
  /** Whether to subscribe again after the connection was lost. */
  readonly resume: boolean;
}

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
/** How many topics are remembered, so that after an interruption no retained message comes again. */
const MAX_REMEMBERED_TOPICS = 10_000;

/** A subscription and its state; the lane moves it from state to state. */
export class Subscription {
  readonly filter: TopicFilter;
  /** Settles when the subscription is in force for the first time; rejects when it cannot be. */
  readonly inForce: Promise<void>;
  /** Settles when the broker holds it no more. */
  readonly left: Promise<void>;
  readonly #options: SubscriptionOptions;
  readonly #inForce = Promise.withResolvers<void>();
  readonly #left = Promise.withResolvers<void>();
  #state: SubscriptionState = "waiting";
  /**
   * Messages that came before the SUBACK, as they may [MQTT-3.8.4-2]: they count only if the
   * subscription comes into force. The lane bounds how long that can take.
   */
  #held: Message[] = [];
  #hasDelivered = false;
  /** From where something was delivered; undefined where that is of no use, or would be too much. */
  #topics: Set<string> | undefined;
  #hasBeenInForce = false;
  #isResumed = false;
  #acceptsRetained = false;
  #attempts = 0;
  #lastServedMs = -Infinity;

  constructor(options: SubscriptionOptions) {
    this.#options = options;
    this.filter = options.filter;
    this.inForce = this.#inForce.promise;
    this.inForce.catch(() => {});
    this.left = this.#left.promise;
    if (options.includeRetained && options.resume) this.#topics = new Set();
  }

  get state(): SubscriptionState {
    return this.#state;
  }

  /**
   * Whether the next SUBSCRIBE asks for retained messages: not where those that were delivered
   * before could not be told from the others.
   */
  get wantsRetained(): boolean {
    return this.#options.includeRetained && (!this.#hasDelivered || this.#topics !== undefined);
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
    this.#isResumed = this.#hasDelivered;
    // In MQTT 3.1.1 retained messages come unasked.
    this.#acceptsRetained = this.wantsRetained;
  }

  /** The SUBACK accepted it. */
  activate(): void {
    if (this.#state !== "pending") return;
    this.#state = "active";
    this.#hasBeenInForce = true;
    const held = this.#held;
    this.#held = [];
    for (const message of held) this.receive(message);
    this.#inForce.resolve();
  }

  /** Takes a message that arrived on the lane. */
  receive(message: Message): void {
    if (message.qos > 0 || message.retain) this.begin();
    if (message.retain && !this.#isNewRetained(message.topic)) return;
    if (this.#state === "pending") this.#held.push(message);
    if (this.#state !== "active") return;
    this.#hasDelivered = true;
    this.#remember(message.topic);
    this.#options.onMessage(message);
  }

  /** A message that the broker may have queued begins to arrive. */
  begin(): void {
    if (this.#state === "leaving" || this.#state === "draining") {
      this.#lastServedMs = performance.now();
    }
  }

  /** The connection is gone. Afterwards the state is `waiting` for the next one, or `gone`. */
  interrupt(end: LinkEnd): void {
    const was = this.#state;
    if (was === "leaving" || was === "draining") this.end();
    if (was !== "active" && was !== "pending") return;
    this.#held = [];
    this.#state = "waiting";
    if (was === "active") {
      if (!this.#options.resume) this.end();
      this.#options.onInterrupted();
    } else if (!this.#hasBeenInForce && this.#attempts >= MAX_ATTEMPTS) {
      this.fail(
        new McpMqttError(
          end.reasonCode === undefined ? "not_connected" : "broker_refused",
          `the connection was lost ${MAX_ATTEMPTS} times while subscribing to ${
            JSON.stringify(this.filter.text)
          }${
            end.reasonCode === undefined
              ? ""
              : `; the broker disconnected with ${reasonCodeName(end.reasonCode)}`
          }`,
          { hint: "The broker may not accept this topic filter; try a narrower one." },
        ),
      );
    }
  }

  /** The subscription cannot be had. */
  fail(error: McpMqttError): void {
    if (this.#state === "gone") return;
    this.end();
    this.#inForce.reject(error);
    if (this.#hasBeenInForce) this.#options.onFailed(error);
  }

  /** It was given up; the UNSUBSCRIBE is on its way. */
  leave(): void {
    this.#state = "leaving";
    this.#held = [];
  }

  /** The broker holds it no more, but still sends. */
  drain(): void {
    this.#state = "draining";
    this.#left.resolve();
  }

  /** Nothing of it is left on the lane. */
  end(): void {
    this.#state = "gone";
    this.#held = [];
    this.#topics = undefined;
    this.#left.resolve();
  }

  /** Not one that may have been delivered before the connection was lost. */
  #isNewRetained(topic: string): boolean {
    return this.#acceptsRetained && !(this.#isResumed && this.#topics?.has(topic));
  }

  #remember(topic: string): void {
    if (this.#topics === undefined) return;
    this.#topics.add(topic);
    if (this.#topics.size > MAX_REMEMBERED_TOPICS) this.#topics = undefined;
  }
}
