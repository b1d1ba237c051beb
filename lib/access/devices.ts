/**
 * The devices that one client may know of, kept up to date while it asks for them.
 *
 * @module
 */
import { conventionsOf } from "../devices/conventions.ts";
import { type Device, Directory } from "../devices/directory.ts";
import { McpMqttError } from "../errors.ts";
import { LinkLost } from "../mqtt/link/link.ts";
import { parseTopicFilter } from "../topics/topic_filter.ts";
import { Turns } from "../turns.ts";
import { bounded } from "../wait.ts";
import type { Access, GrantedCollection } from "./access.ts";

/** What nobody has asked for in this time is listened to no more, in milliseconds. */
const IDLE_MS = 5 * 60_000;
/** How long the broker may take to send what it keeps, in milliseconds. */
const MAX_RETAINED_MS = 10_000;
/** So many topics with values are subscribed to at most. */
const MAX_VALUE_TOPICS = 10_000;
/** So many are subscribed to in one go: it takes some 10 ms. */
const TOPICS_AT_ONCE = 200;

/** After so many refusals by the broker the rest of the filters is given up. */
const MAX_REFUSALS = 200;

/** What is known of devices. */
export interface KnownDevices {
  readonly devices: readonly Device[];
  readonly directory: Directory;
  /** Whether some of what describes devices may not be read, or the broker refuses some topic. */
  readonly narrowed: boolean;
  /** What may be missing, and why; none if all is known. */
  readonly hints: readonly string[];
}

/** A directory that is kept up to date. */
class KeptDirectory {
  readonly directory: Directory;
  readonly narrowed: boolean;
  /** Its connection was lost, or a subscription: what was told meanwhile is not known. */
  isStale = false;
  readonly #access: Access;
  readonly #closing = new AbortController();
  readonly #collections: GrantedCollection[] = [];
  /** The topics with values that are subscribed to. */
  readonly #topics = new Set<string>();
  /** What is being subscribed to, one after the other. */
  #collecting: Promise<void>;
  #refusals = 0;
  /** How many topics with values found no room. */
  #leftOut = 0;
  /** How many messages had been too large before. */
  readonly #tooLarge: number;

  constructor(access: Access, directory: Directory, filters: readonly string[]) {
    this.#access = access;
    this.directory = directory;
    this.#tooLarge = access.status.tooLarge;
    // Where brokers keep births is asked for besides, and no wildcard of a rule grants it.
    const usual = directory.filters.filter((one) => !one.startsWith("$"));
    this.narrowed = usual.some((one) => !filters.includes(one)) || access.narrow(filters).narrowed;
    this.#collecting = this.#collect(filters);
    this.#collecting.catch(() => {});
  }

  /** What is known of devices, with all that was published before. */
  async known(signal: AbortSignal): Promise<KnownDevices> {
    await bounded(this.#collecting, { signal });
    const before = this.#collections.length;
    const isDescribed = await this.#delivered(this.#collections, signal);
    const { narrowed, directory } = this;
    const devices = await directory.devices();
    const collecting = this.#collecting = this.#collecting.then(() => this.#collectValues(devices));
    collecting.catch(() => {});
    await bounded(collecting, { signal });
    // Of the others all has come that was published before the question.
    const added = this.#collections.slice(before);
    const isWhole = await this.#delivered(added, signal) && isDescribed;
    const tooLarge = this.#access.status.tooLarge - this.#tooLarge;
    const hints = [
      ...(isWhole
        ? []
        : [`the broker had not sent all that it keeps within ${MAX_RETAINED_MS / 1000} s`]),
      ...(this.#leftOut > 0
        ? [`${this.#leftOut} topics with values are too many: ${MAX_VALUE_TOPICS} are listened to`]
        : []),
      ...(tooLarge > 0
        ? [
          `${tooLarge} messages were larger than limits.max_message_bytes and not taken; descriptions may be among them`,
        ]
        : []),
    ];
    return { devices, directory, narrowed: narrowed || this.#refusals > 0, hints };
  }

  async end(): Promise<void> {
    this.isStale = true;
    this.#closing.abort(new DOMException("the devices are not kept any more", "AbortError"));
    await Promise.all(this.#collections.map((one) => one[Symbol.asyncDispose]()));
  }

  /** Waits until all has come that was published before; false if that takes too long. */
  async #delivered(
    collections: readonly GrantedCollection[],
    signal: AbortSignal,
  ): Promise<boolean> {
    const all = collections.map((one) => one.caughtUp());
    return await bounded(Promise.all(all).then(() => true), {
      timeoutMs: MAX_RETAINED_MS,
      signal,
      onTimeout: () => false,
    });
  }

  /** Subscribes to what is new of the topics with values, as far as they may be read. */
  async #collectValues(devices: readonly Device[]): Promise<void> {
    const { permissions } = this.#access.grants;
    const wanted = this.directory.valueTopics(devices);
    const turns = new Turns();
    const missing: string[] = [];
    for (const topic of wanted) {
      if (turns.isOver) await turns.others();
      const isMissing = !this.#topics.has(topic) && !this.directory.describes(topic);
      if (isMissing && permissions.decide(topic, "read").allowed) missing.push(topic);
    }
    const topics = missing.slice(0, MAX_VALUE_TOPICS - this.#topics.size);
    this.#leftOut = missing.length - topics.length;
    // What nobody needs any more takes their room: the next question begins anew.
    if (this.#leftOut > 0 && [...this.#topics].some((one) => !wanted.has(one))) this.isStale = true;
    for (let at = 0; at < topics.length; at += TOPICS_AT_ONCE) {
      const some = topics.slice(at, at + TOPICS_AT_ONCE);
      for (const topic of some) this.#topics.add(topic);
      await turns.others();
      await this.#collect(some);
    }
  }

  /** Subscribes to filters, but for those that the broker refuses, which are found by halving the list. */
  async #collect(filters: readonly string[]): Promise<void> {
    try {
      this.#collections.push(await this.#begin(filters));
    } catch (error) {
      if (!(error instanceof McpMqttError && error.code === "broker_refused")) throw error;
      this.#refusals++;
      if (filters.length === 1 || this.#refusals > MAX_REFUSALS) return;
      const half = Math.ceil(filters.length / 2);
      await this.#collect(filters.slice(0, half));
      await this.#collect(filters.slice(half));
    }
  }

  async #begin(filters: readonly string[]): Promise<GrantedCollection> {
    return await this.#access.collect(filters, {
      includeRetained: true,
      resume: false,
      waitMs: MAX_RETAINED_MS,
      signal: this.#closing.signal,
      onMessage: (message) => this.directory.receive(message),
      onInterrupted: () => this.isStale = true,
      onFailed: () => this.isStale = true,
    });
  }
}

/** Knows the devices of one client. When it is disposed of, nothing of it goes on. */
export class Devices implements AsyncDisposable {
  readonly #access: Access;
  readonly #idleMs: number;
  #kept: KeptDirectory | undefined;
  #idle: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  /** @param options.idleMs for how long they are kept after they were asked for; default 5 minutes. */
  constructor(access: Access, { idleMs = IDLE_MS }: { readonly idleMs?: number } = {}) {
    this.#access = access;
    this.#idleMs = idleMs;
  }

  /**
   * The devices that are described on topics that may be read.
   *
   * @throws {McpMqttError} `forbidden` if none may be read; `not_connected` if the connection is lost
   * twice meanwhile; what {@linkcode Access.collect} throws.
   */
  async known(signal: AbortSignal): Promise<KnownDevices> {
    const directory = this.#kept?.directory ?? this.#directory();
    if (directory.filters.length === 0) {
      return { devices: [], directory, narrowed: false, hints: [] };
    }
    const known = await this.#known(signal) ?? await this.#known(signal);
    if (known !== undefined) return known;
    throw new McpMqttError("not_connected", "the connection was lost", { hint: "Call again." });
  }

  /** Undefined if the connection is lost meanwhile. */
  async #known(signal: AbortSignal): Promise<KnownDevices | undefined> {
    clearTimeout(this.#idle);
    if (this.#kept?.isStale ?? false) await this.#drop();
    if (this.#isClosed) throw new DOMException("the client is gone", "AbortError");
    const kept = this.#kept ??= this.#begin();
    try {
      return await kept.known(signal);
    } catch (error) {
      // Another call may have what this one was cancelled before.
      if (signal.aborted || this.#isClosed) throw error;
      const isLost = kept.isStale || error instanceof LinkLost;
      await this.#drop(kept);
      if (!isLost) throw error;
      return undefined;
    } finally {
      clearTimeout(this.#idle);
      if (this.#kept !== undefined) this.#idle = setTimeout(() => this.#drop(), this.#idleMs);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#idle);
    await this.#drop();
  }

  /** Whether anything that describes devices may be read. */
  get isReadable(): boolean {
    return this.#readable(this.#directory()).length > 0;
  }

  #directory(): Directory {
    return new Directory(conventionsOf(this.#access.grants.devices));
  }

  #begin(): KeptDirectory {
    const directory = this.#directory();
    const filters = this.#readable(directory);
    if (filters.length > 0) return new KeptDirectory(this.#access, directory, filters);
    throw this.#access.grants.permissions.readForbidden(directory.filters.map(parseTopicFilter));
  }

  /** The filters of which something may be read. */
  #readable({ filters }: Directory): string[] {
    const { permissions } = this.#access.grants;
    return filters.filter((one) => permissions.narrow([parseTopicFilter(one)]).filters.length > 0);
  }

  async #drop(kept = this.#kept): Promise<void> {
    if (kept === undefined) return;
    if (this.#kept === kept) this.#kept = undefined;
    await kept.end();
  }
}
