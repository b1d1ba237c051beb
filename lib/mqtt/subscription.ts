/**
 * One topic filter in force on one lane, for one collection.
 *
 * @module
 */
import { McpMqttError } from "../errors.ts";
import type { TopicFilter } from "../topics/topic_filter.ts";
import type { LinkEnd } from "./link.ts";
import type { Message } from "./message.ts";
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
 * and `gone`.
 */
export type SubscriptionState = "waiting" | "pending" | "active" | "leaving" | "gone";

/** How often the connection may be lost while a SUBSCRIBE is unanswered before it is given up. */
const MAX_ATTEMPTS = 2;

/** A subscription and its state; the lane moves it from state to state. */
export class Subscription {
  readonly filter: TopicFilter;
  /** Settles when the subscription is in force for the first time; rejects when it cannot be. */
  readonly inForce: Promise<void>;
  /** Settles when the filter is free again on its lane. */
  readonly gone: Promise<void>;
  readonly #options: SubscriptionOptions;
  readonly #inForce = Promise.withResolvers<void>();
  readonly #gone = Promise.withResolvers<void>();
  #state: SubscriptionState = "waiting";
  /**
   * Messages that came before the SUBACK, as they may [MQTT-3.8.4-2]: they count only if the
   * subscription comes into force. The lane bounds how long that can take.
   */
  #held: Message[] = [];
  #hasDelivered = false;
  #hasBeenInForce = false;
  #acceptsRetained = false;
  #attempts = 0;

  constructor(options: SubscriptionOptions) {
    this.#options = options;
    this.filter = options.filter;
    this.inForce = this.#inForce.promise;
    this.inForce.catch(() => {});
    this.gone = this.#gone.promise;
  }

  get state(): SubscriptionState {
    return this.#state;
  }

  /**
   * Whether the next SUBSCRIBE asks for retained messages. Not again once something has been
   * delivered, or the same retained message would be delivered twice.
   */
  get wantsRetained(): boolean {
    return this.#options.includeRetained && !this.#hasDelivered;
  }

  /** A SUBSCRIBE is on its way. */
  request(): void {
    this.#state = "pending";
    this.#attempts++;
    // In MQTT 3.1.1 retained messages come unasked.
    this.#acceptsRetained = this.wantsRetained;
  }

  /** The SUBACK accepted it. */
  activate(): void {
    if (this.#state !== "pending") return;
    this.#state = "active";
    this.#attempts = 0;
    this.#hasBeenInForce = true;
    const held = this.#held;
    this.#held = [];
    for (const message of held) this.receive(message);
    this.#inForce.resolve();
  }

  /** Takes a message that arrived on the lane. */
  receive(message: Message): void {
    if (message.retain && !this.#acceptsRetained) return;
    if (this.#state === "pending") this.#held.push(message);
    if (this.#state !== "active") return;
    this.#hasDelivered = true;
    this.#options.onMessage(message);
  }

  /** The connection is gone. Afterwards the state is `waiting` for the next one, or `gone`. */
  interrupt(end: LinkEnd): void {
    const was = this.#state;
    if (was === "leaving") this.end();
    if (was !== "active" && was !== "pending") return;
    this.#held = [];
    this.#state = "waiting";
    if (was === "active") {
      if (!this.#options.resume) this.end();
      this.#options.onInterrupted();
    } else if (this.#attempts >= MAX_ATTEMPTS) {
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

  /** Nothing of it is left on the lane. */
  end(): void {
    this.#state = "gone";
    this.#held = [];
    this.#gone.resolve();
  }
}
