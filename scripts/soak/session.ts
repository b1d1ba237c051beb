/**
 * One client of the server in this process, without MCP in between: its tools, its watches and its
 * resources on a connection through the faulty network.
 *
 * @module
 */
import type { Limits } from "../../lib/config/config.ts";
import { McpMqttError } from "../../lib/errors.ts";
import { Connection } from "../../lib/mqtt/connection.ts";
import { Session } from "../../lib/access/session.ts";
import { Rates } from "../../lib/access/rates.ts";
import { findTool } from "../../lib/tools/catalogue.ts";
import { Permissions } from "../../lib/topics/permissions.ts";
import { parseTopicFilter } from "../../lib/topics/topic_filter.ts";
import type { ProtocolVersion } from "../../tests/brokers/broker.ts";
import { MemoryLog, settingsFor } from "../../tests/mqtt/connections.ts";
import type { Faults } from "./faults.ts";
import type { Ledger } from "./ledger.ts";
import type { World } from "./world.ts";

/** What a call came to. */
export interface CallResult {
  /** Undefined where it failed or was cancelled. */
  // deno-lint-ignore no-explicit-any -- the operations look into it as they please
  readonly data: any;
  readonly error: McpMqttError | undefined;
  /** There was no fault for long enough before it, and none during it. */
  readonly wasCalm: boolean;
}

/** How a call is made. */
export interface CallOptions {
  /** How long it may take in all; default 10 s. */
  readonly boundMs?: number;
  /** Cancels it. */
  readonly signal?: AbortSignal | undefined;
}

/** The broker's answers come at once or not at all, so that faults are through soon. */
const TIMES = { publishMs: 4_000, acknowledgementMs: 4_000, idleLaneMs: 300 };
const CONNECT_TIMEOUT_MS = 2_000;
const KEEPALIVE_S = 2;
/** A cancelled call ends within 100 ms; more is for a busy machine. */
const CANCELLED_WITHIN_MS = 1_000;
/** After a fault calls may fail for so long. */
const RECOVERY_MS = 3_000;

const NO_DEVICES = {
  homeassistant: [],
  zigbee2mqtt: [],
  tasmota: [],
  homie: [],
  sparkplug: [],
  shelly: [],
};

const LIMITS: Limits = {
  maxTimeoutMs: 300_000,
  maxMessages: 1_000,
  maxResultBytes: 65_536,
  payloadPreviewBytes: 256,
  maxPublishBytes: 262_144,
  publishPerMinute: 0,
  maxWatches: 8,
  watchBufferMessages: 200,
  watchBufferBytes: 16_777_216,
  maxMessageBytes: 8_388_608,
};

/** A client that lives until it is disposed of. */
export class Soaked implements AsyncDisposable {
  readonly connection: Connection;
  readonly session: Session;
  readonly ledger: Ledger;
  readonly #faults: Faults;
  /** The end of the client; each call listens to it, and no longer than it runs. */
  readonly #client = new AbortController();
  readonly #listeners: () => number;

  constructor(
    world: World,
    { ledger, faults, version }: {
      readonly ledger: Ledger;
      readonly faults: Faults;
      readonly version: ProtocolVersion;
    },
  ) {
    this.ledger = ledger;
    this.#faults = faults;
    this.#listeners = countListeners(this.#client.signal);
    const settings = settingsFor(world.proxy, {
      version,
      keepaliveSeconds: KEEPALIVE_S,
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
    });
    this.connection = new Connection(settings, new NoLog(), TIMES);
    const pattern = parseTopicFilter("s/#");
    const permissions = new Permissions([
      { pattern, permissions: ["read", "write"], deny: [], retain: false },
    ]);
    this.session = new Session({
      connection: this.connection,
      grants: {
        permissions,
        readOnly: false,
        limits: LIMITS,
        rates: new Rates(0),
        devices: NO_DEVICES,
      },
      configSource: undefined,
      log: new NoLog(),
    });
    this.connection.start();
  }

  /** Ends when the client does. */
  get signal(): AbortSignal {
    return this.#client.signal;
  }

  /** How many listeners hang on the client's end. */
  get listeners(): number {
    return this.#listeners();
  }

  /** 1 where the broker cannot be had within the connect timeout, else 0. */
  async missingConnections(): Promise<number> {
    const waiting = { waitMs: CONNECT_TIMEOUT_MS, signal: this.#client.signal };
    return await this.connection.ready(waiting).then(() => 0, () => 1);
  }

  /** Calls a tool; see {@linkcode Soaked.run}. */
  async call(name: string, args: object, options: CallOptions = {}): Promise<CallResult> {
    const tool = findTool(name);
    if (tool === undefined) throw new Error(`There is no tool ${name}`);
    const { access, watches, surveys, devices } = this.session;
    return await this.run(
      `${name} ${JSON.stringify(args).slice(0, 200)}`,
      (signal) => tool.run(args, { access, watches, surveys, devices, signal }),
      options,
    );
  }

  /** Does something that may fail as calls do, in time. */
  async run(
    name: string,
    work: (signal: AbortSignal) => Promise<unknown>,
    { boundMs = 10_000, signal }: CallOptions = {},
  ): Promise<CallResult> {
    const start = performance.now();
    const wasCalmBefore = start - this.#faults.calmSince >= RECOVERY_MS;
    const before = this.#faults.calmSince;
    let data: unknown;
    let error: McpMqttError | undefined;
    try {
      // Where it is not cancelled it is the client's own signal, whose listeners are counted.
      data = await work(signal ?? this.#client.signal);
    } catch (thrown) {
      if (thrown instanceof McpMqttError) error = thrown;
      else if (!signal?.aborted) this.ledger.violation(`${name} threw ${describe(thrown)}`);
    }
    if (error?.code === "internal") this.ledger.violation(`${name} gave ${describe(error)}`);
    const elapsed = Math.round(performance.now() - start);
    if (elapsed > boundMs) this.ledger.violation(`${name} took ${elapsed} ms`);
    return { data, error, wasCalm: wasCalmBefore && this.#faults.calmSince === before };
  }

  /** Cancels what it began, after a time; it has to end soon then. */
  async cancelled(
    name: string,
    { afterMs, work }: {
      readonly afterMs: number;
      readonly work: (signal: AbortSignal) => Promise<void>;
    },
  ): Promise<void> {
    const cancelling = new AbortController();
    let cancelledAt = Infinity;
    const timer = setTimeout(() => {
      cancelledAt = performance.now();
      cancelling.abort();
    }, afterMs);
    await work(cancelling.signal);
    clearTimeout(timer);
    const late = Math.round(performance.now() - cancelledAt);
    if (late > CANCELLED_WITHIN_MS) {
      this.ledger.violation(`${name} was cancelled after ${afterMs} ms, and took ${late} ms more`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.abort();
    await this.session[Symbol.asyncDispose]();
    await this.connection.close();
  }
}

/** What is logged would be what grows. */
class NoLog extends MemoryLog {
  override info(): void {}
  override warning(): void {}
  override debug(): void {}
}

/** Counts those that were added to a signal and not taken away again. */
function countListeners(signal: AbortSignal): () => number {
  const listening = new Set<unknown>();
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>): void => {
    listening.add(args[1]);
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>): void => {
    listening.delete(args[1]);
    remove(...args);
  };
  return () => listening.size;
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.stack ?? error.message}` : String(error);
}
