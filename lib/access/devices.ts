/**
 * The devices that one client may know of, kept up to date while it asks for them.
 *
 * @module
 */
import type { Config } from "../config/config.ts";
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

/** How often a broker may refuse filters, until the whole is given up. */
const MAX_REFUSALS = 100;

/** What is known of devices. */
export interface KnownDevices {
  readonly devices: readonly Device[];
  readonly directory: Directory;
  /** Whether some of what describes devices may not be read, or the broker refuses some topic. */
  readonly narrowed: boolean;
  /** Whether the broker had not sent all that it keeps, or there are too many topics with values. */
  readonly isIncomplete: boolean;
}

/** One directory while it is kept up to date. */
class Kept {
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

  constructor(access: Access, directory: Directory, filters: readonly string[]) {
    this.#access = access;
    this.directory = directory;
    // Where brokers keep births is asked for besides, and no wildcard of a rule grants it.
    const usual = directory.filters.filter((one) => !one.startsWith("$"));
    this.narrowed = usual.some((one) => !filters.includes(one)) || access.narrow(filters).narrowed;
    this.#collecting = this.#collect(filters);
    this.#collecting.catch(() => {});
  }

  /** What is known of devices, with all that was published before. */
  async known(signal: AbortSignal): Promise<KnownDevices> {
    await bounded(this.#collecting, { signal });
    const isDescribed = await this.#delivered(signal);
    const { narrowed, directory } = this;
    const devices = await directory.devices();
    const collecting = this.#collecting = this.#collecting.then(() => this.#collectValues(devices));
    collecting.catch(() => {});
    await bounded(collecting, { signal });
    const isWhole = await this.#delivered(signal) && isDescribed &&
      this.#topics.size < MAX_VALUE_TOPICS;
    const isNarrowed = narrowed || this.#refusals > 0;
    return { devices, directory, narrowed: isNarrowed, isIncomplete: !isWhole };
  }

  async end(): Promise<void> {
    this.isStale = true;
    this.#closing.abort(new DOMException("the devices are not kept any more", "AbortError"));
    await Promise.all(this.#collections.map((one) => one[Symbol.asyncDispose]()));
  }

  /** Waits until all has come that was published before; false if that takes too long. */
  async #delivered(signal: AbortSignal): Promise<boolean> {
    const all = this.#collections.map((one) => one.caughtUp());
    return await bounded(Promise.all(all).then(() => true), {
      timeoutMs: MAX_RETAINED_MS,
      signal,
      onTimeout: () => false,
    });
  }

  /** Subscribes to what is new of the topics with values, as far as they may be read. */
  async #collectValues(devices: readonly Device[]): Promise<void> {
    const { permissions } = this.#access.grants;
    const topics = [...this.directory.valueTopics(devices)].filter((topic) =>
      !this.#topics.has(topic) && !this.directory.describes(topic) &&
      permissions.decide(topic, "read").allowed
    ).slice(0, MAX_VALUE_TOPICS - this.#topics.size);
    const turns = new Turns();
    for (let at = 0; at < topics.length; at += TOPICS_AT_ONCE) {
      const some = topics.slice(at, at + TOPICS_AT_ONCE);
      for (const topic of some) this.#topics.add(topic);
      await turns.others();
      await this.#collect(some);
    }
  }

  /** Subscribes to filters, but for those that the broker refuses. */
  async #collect(filters: readonly string[]): Promise<void> {
    try {
      this.#collections.push(await this.#begin(filters));
    } catch (error) {
      const isRefused = error instanceof McpMqttError && error.code === "broker_refused";
      if (!isRefused || ++this.#refusals > MAX_REFUSALS) throw error;
      const half = Math.ceil(filters.length / 2);
      for (const some of [filters.slice(0, half), filters.slice(half)]) {
        if (filters.length > 1) await this.#collect(some);
      }
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
  #kept: Kept | undefined;
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
    return this.#readable(new Directory(conventionsOf(this.#access.grants.devices))).length > 0;
  }

  #begin(): Kept {
    const { permissions, devices } = this.#access.grants;
    const directory = new Directory(conventionsOf(devices));
    const filters = this.#readable(directory);
    if (filters.length > 0) return new Kept(this.#access, directory, filters);
    throw permissions.readForbidden(directory.filters.map(parseTopicFilter));
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

/** The prefixes of each convention, as the config has them. */
export type DevicePrefixes = Config["devices"];
