/** An `Access` without a broker: the test says when what is collected begins, and what comes. */

import type { Access, GrantedCollection } from "../../lib/access/access.ts";
import { McpMqttError } from "../../lib/errors.ts";
import type { Message } from "../../lib/messages/message.ts";
import type { CollectOptions } from "../../lib/mqtt/connection.ts";
import { parseTopicFilter } from "../../lib/topics/topic_filter.ts";

/** No convention is looked for. */
export const NO_DEVICES = {
  homeassistant: [],
  zigbee2mqtt: [],
  tasmota: [],
  homie: [],
  sparkplug: ["spBv1.0"],
  shelly: [],
};

/** What the tests' clients may do. */
export const LIMITS = {
  maxTimeoutMs: 1_000,
  maxMessages: 10,
  maxResultBytes: 1_000,
  payloadPreviewBytes: 100,
  maxPublishBytes: 10,
  publishPerMinute: 2,
  maxWatches: 2,
  watchBufferMessages: 10,
  watchBufferBytes: 16_777_216,
  maxMessageBytes: 8_388_608,
};

/** One call of `collect()`. */
export class Collected {
  readonly topics: readonly string[];
  readonly options: CollectOptions;
  readonly promise: Promise<GrantedCollection>;
  isDisposed = false;
  readonly #begun = Promise.withResolvers<GrantedCollection>();

  constructor(topics: readonly string[], options: CollectOptions) {
    this.topics = topics;
    this.options = options;
    this.promise = this.#begun.promise;
  }

  /** It is in force. */
  begin(): void {
    this.#begun.resolve({
      filters: this.topics.map(parseTopicFilter),
      narrowed: false,
      isInterrupted: () => false,
      retainedDelivered: () => Promise.resolve(),
      caughtUp: () => Promise.resolve(),
      [Symbol.asyncDispose]: (): Promise<void> => {
        this.isDisposed = true;
        return Promise.resolve();
      },
    });
  }

  /** It cannot be had. */
  refuse(error: Error): void {
    this.#begun.reject(error);
  }
}

/** Collects nothing by itself. */
export class StubAccess {
  readonly grants: { readonly limits: typeof LIMITS };
  readonly collected: Collected[] = [];
  /** Whether what is collected begins without being told to. */
  beginsAtOnce = true;
  /** How the topics begin that may not be read. */
  forbidden: string | undefined;

  constructor(limits: Partial<typeof LIMITS> = {}) {
    this.grants = { limits: { ...LIMITS, ...limits } };
  }

  /** For what takes an `Access`. */
  get access(): Access {
    return this as unknown as Access;
  }

  narrow(topics: readonly string[]): object {
    const { forbidden } = this;
    if (topics.some((topic) => forbidden !== undefined && topic.startsWith(forbidden))) {
      throw new McpMqttError("forbidden", "not granted");
    }
    return { filters: topics.map(parseTopicFilter), narrowed: false };
  }

  // deno-lint-ignore require-await -- as `Access` does, it rejects and does not throw
  async collect(topics: readonly string[], options: CollectOptions): Promise<GrantedCollection> {
    this.narrow(topics);
    const one = new Collected(topics, options);
    this.collected.push(one);
    if (this.beginsAtOnce) one.begin();
    return one.promise;
  }

  /** The `n`-th call of `collect()`, from 0; by default the last. */
  at(n = -1): Collected {
    const found = this.collected.at(n);
    if (found === undefined) throw new Error("nothing is collected");
    return found;
  }
}

/** A message as it arrives. */
export function message(topic: string, payload = "x"): Message {
  const bytes = new TextEncoder().encode(payload);
  return { topic, payload: bytes, qos: 0, retain: false, receivedAt: 0 };
}
