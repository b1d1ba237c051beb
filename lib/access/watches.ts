/**
 * The watches of one client.
 *
 * @module
 */
import { McpMqttError } from "../errors.ts";
import type { Waiting } from "../mqtt/connection.ts";
import type { Access, GrantedCollection, GrantedCollectOptions } from "./access.ts";
import { Watch } from "../messages/watch.ts";

/** A watch that nobody reads is ended after this time, in milliseconds. */
const IDLE_MS = 30 * 60_000;
/** How many ended watches are remembered, to say why they are gone. */
const MAX_REMEMBERED = 100;

interface Running {
  readonly watch: Watch;
  readonly collection: GrantedCollection;
  timer: ReturnType<typeof setTimeout>;
}

/** Starts, finds and ends watches, within their limits. */
export class Watches implements AsyncDisposable {
  readonly #access: Access;
  readonly #running = new Map<string, Running>();
  readonly #ended = new Map<string, string>();
  readonly #idleMs: number;
  readonly #closing = new AbortController();
  #starting = 0;
  #number = 0;

  constructor(access: Access, options: { readonly idleMs?: number } = {}) {
    this.#access = access;
    // Longer than any wait of a read, which else would lose its watch meanwhile.
    this.#idleMs = options.idleMs ?? Math.max(IDLE_MS, 2 * access.grants.limits.maxTimeoutMs);
  }

  /** The watches that run. */
  list(): readonly Watch[] {
    return [...this.#running.values()].map(({ watch }) => watch);
  }

  /**
   * Begins to collect; settles when the subscriptions are in force.
   *
   * @throws {McpMqttError} `forbidden`, `invalid_argument` where there are too many already, and
   * what {@linkcode Access.collect} throws.
   */
  async start(
    topics: readonly string[],
    options: Waiting & Pick<GrantedCollectOptions, "includeRetained" | "exclude">,
  ): Promise<Watch> {
    const { maxWatches, watchBufferMessages, watchBufferBytes: maxBytes } =
      this.#access.grants.limits;
    if (this.#running.size + this.#starting >= maxWatches) {
      throw new McpMqttError(
        "invalid_argument",
        `${maxWatches} watches are running, which is as many as there may be (limits.max_watches)`,
        {
          hint: this.#running.size === 0
            ? "They are being started; try again when one has been."
            : `Stop one with mqtt_watch_stop: ${[...this.#running.keys()].join(", ")}.`,
        },
      );
    }
    const { filters, narrowed } = this.#access.narrow(topics);
    const about = { filters: filters.map(({ text }) => text), narrowed };
    const watch = new Watch({ id: `w${++this.#number}`, ...about }, watchBufferMessages, {
      maxBytes,
    });
    this.#starting++;
    try {
      const collection = await this.#access.collect(topics, {
        ...options,
        signal: AbortSignal.any([options.signal, this.#closing.signal]),
        resume: true,
        onMessage: (message) => watch.push(message),
        onInterrupted: (isFurther) => watch.interrupted(isFurther),
        onFailed: (error) => {
          watch.failure = error;
          watch.wake();
        },
      });
      if (this.#closing.signal.aborted) {
        await collection[Symbol.asyncDispose]();
        this.#closing.signal.throwIfAborted();
      }
      watch.isInterrupted = () => collection.isInterrupted();
      this.#running.set(watch.id, { watch, collection, timer: this.#idleTimer(watch) });
      return watch;
    } finally {
      this.#starting--;
    }
  }

  /**
   * The watch of that name, which counts as used now.
   *
   * @throws {McpMqttError} `not_found`, with why it is gone where that is known.
   */
  get(id: string): Watch {
    const running = this.#running.get(id);
    if (running === undefined) throw this.#notFound(id);
    clearTimeout(running.timer);
    running.timer = this.#idleTimer(running.watch);
    running.watch.lastReadAt = Date.now();
    return running.watch;
  }

  /**
   * Ends a watch; settles when nothing of it is subscribed any more.
   *
   * @throws {McpMqttError} `not_found`.
   */
  async stop(id: string, why = "it was stopped"): Promise<Watch> {
    const running = this.#running.get(id);
    if (running === undefined) throw this.#notFound(id);
    this.#running.delete(id);
    clearTimeout(running.timer);
    this.#ended.set(id, why);
    const [oldest] = this.#ended.keys();
    if (this.#ended.size > MAX_REMEMBERED && oldest !== undefined) this.#ended.delete(oldest);
    running.watch.failure ??= this.#notFound(id);
    running.watch.wake();
    await running.collection[Symbol.asyncDispose]();
    return running.watch;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new DOMException("the client is gone", "AbortError"));
    await Promise.all([...this.#running.keys()].map((id) => this.stop(id, "the client is gone")));
  }

  #idleTimer(watch: Watch): ReturnType<typeof setTimeout> {
    const minutes = this.#idleMs / 60_000;
    return setTimeout(() => {
      this.stop(watch.id, `it was not read for ${minutes} minutes and was ended`);
    }, this.#idleMs);
  }

  #notFound(id: string): McpMqttError {
    const why = this.#ended.get(id);
    const running = [...this.#running.keys()];
    return new McpMqttError(
      "not_found",
      `there is no watch ${JSON.stringify(id.slice(0, 80))}${why === undefined ? "" : `: ${why}`}`,
      {
        hint: running.length === 0
          ? "None is running; start one with mqtt_watch."
          : `Running are ${running.join(", ")}.`,
      },
    );
  }
}
