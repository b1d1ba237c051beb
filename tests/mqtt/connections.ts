/** Connections under test, and what they collect. */

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { McpMqttError } from "../../lib/errors.ts";
import type { Logger, LogText } from "../../lib/log.ts";
import { type Collecting, Connection, type Waiting } from "../../lib/mqtt/connection.ts";
import type { Publication } from "../../lib/mqtt/link/link.ts";
import type { BrokerSettings } from "../../lib/mqtt/link/link_opener.ts";
import type { Message, QoS } from "../../lib/messages/message.ts";
import type { Times } from "../../lib/mqtt/times.ts";
import { parseTopicFilter } from "../../lib/topics/topic_filter.ts";
import { until } from "../brokers/until.ts";

/** What a test may want to be different. */
export interface TestConnectionOptions {
  readonly version?: BrokerSettings["protocolVersion"];
  readonly clientId?: string;
  /** Whether all goes over one connection; default: what is published goes over one of its own. */
  readonly isClientIdChosen?: boolean;
  /** Whether that one is opened at once and not only when it is needed. */
  readonly mayWrite?: boolean;
  readonly maxMessageBytes?: number;
  readonly username?: string;
  readonly password?: string;
  readonly keepaliveSeconds?: number;
  readonly connectTimeoutMs?: number;
  readonly times?: Partial<Times>;
  readonly log?: Logger;
}

/** How to reach a broker of the tests. */
export function settingsFor(
  { host, port }: { readonly host: string; readonly port: number },
  options: TestConnectionOptions = {},
): BrokerSettings {
  return {
    address: {
      host,
      port,
      transport: "tcp",
      path: "/mqtt",
      username: options.username,
      password: options.password,
      keepaliveSeconds: options.keepaliveSeconds ?? 60,
      tls: {
        ca: undefined,
        cert: undefined,
        key: undefined,
        keyPassphrase: undefined,
        serverName: undefined,
        verify: true,
      },
    },
    clientId: options.clientId ?? `mcpmqtt-${crypto.randomUUID().slice(0, 8)}`,
    isClientIdChosen: options.isClientIdChosen ?? false,
    mayWrite: options.mayWrite ?? false,
    maxMessageBytes: options.maxMessageBytes ?? 8_388_608,
    protocolVersion: options.version ?? "auto",
    connectTimeoutMs: options.connectTimeoutMs ?? 5_000,
  };
}

/** mqtt.js closes its stores in a turn of the event loop after the last one of a connection. */
class TestConnection extends Connection {
  override async close(): Promise<void> {
    await super.close();
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

/** A connection that has been started, whether the broker is there or not. */
export function startConnection(
  broker: { readonly host: string; readonly port: number },
  options: TestConnectionOptions = {},
): Connection {
  const connection = new TestConnection(
    settingsFor(broker, options),
    options.log ?? new MemoryLog(),
    options.times,
  );
  connection.start();
  return connection;
}

/** A connection that the broker has accepted. */
export async function openConnection(
  broker: { readonly host: string; readonly port: number },
  options: TestConnectionOptions = {},
): Promise<Connection> {
  const connection = startConnection(broker, options);
  try {
    await connection.ready(waiting());
    return connection;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** Keeps what is logged but at DEBUG, which is a line for each message. */
export class MemoryLog implements Logger {
  readonly lines: string[] = [];
  debug(_text: LogText): void {}
  info(text: LogText): void {
    this.#add(text);
  }
  warning(text: LogText): void {
    this.#add(text);
  }
  error(text: LogText): void {
    this.#add(text);
  }
  critical(text: LogText): void {
    this.#add(text);
  }
  #add(text: LogText): void {
    this.lines.push(typeof text === "string" ? text : text());
  }
}

/** Bounds of a call of the tests; default 5 s. */
export function waiting(
  waitMs = 5_000,
  signal: AbortSignal = new AbortController().signal,
): Waiting {
  return { waitMs, signal };
}

/** What a test publishes. */
export function publication(
  topic: string,
  payload: string | Uint8Array = "x",
  options: Partial<Publication> = {},
): Publication {
  const bytes = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
  return { topic, payload: bytes, qos: 0, retain: false, isText: true, ...options };
}

/** A collection and everything that it has told. */
export class Gathering implements AsyncDisposable {
  readonly messages: Message[] = [];
  readonly failures: McpMqttError[] = [];
  interruptions = 0;
  /** Of further connections, while one was lost already. */
  furtherInterruptions = 0;
  #collection: Collecting | undefined;

  /** Collects; resolves when the subscriptions are in force. */
  static async open(
    connection: Connection,
    filters: string | readonly string[],
    options: Partial<Waiting> & {
      readonly includeRetained?: boolean;
      readonly resume?: boolean;
      readonly qos?: QoS;
      readonly onMessage?: (message: Message) => void;
    } = {},
  ): Promise<Gathering> {
    const gathering = new Gathering();
    gathering.#collection = await connection.collect([filters].flat().map(parseTopicFilter), {
      ...waiting(options.waitMs, options.signal),
      includeRetained: options.includeRetained ?? true,
      resume: options.resume ?? false,
      ...(options.qos === undefined ? {} : { qos: options.qos }),
      onMessage: (message) => {
        gathering.messages.push(message);
        options.onMessage?.(message);
      },
      onInterrupted: (isFurther) => {
        if (isFurther) gathering.furtherInterruptions++;
        else gathering.interruptions++;
      },
      onFailed: (error) => gathering.failures.push(error),
    });
    return gathering;
  }

  /** Topic and payload of each message, in the order of arrival. */
  get texts(): string[] {
    return this.messages.map((message) => `${message.topic} ${textOf(message)}`);
  }

  /** Waits for `count` messages. */
  async atLeast(count: number, deadlineMs = 5_000): Promise<void> {
    await until(() => this.messages.length >= count, {
      deadlineMs,
      what: () => `${count} messages, of which ${this.messages.length} arrived`,
    });
  }

  /** Whether one of its connections is lost now. */
  get isInterrupted(): boolean {
    return this.#collection?.isInterrupted() ?? false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#collection?.[Symbol.asyncDispose]();
  }
}

/** The payload as UTF-8. */
export function textOf({ payload }: Message): string {
  return new TextDecoder().decode(payload);
}

/** Bytes in use after a garbage collection. */
export async function heapBytes(): Promise<number> {
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  for (let i = 0; i < 3; i++) {
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  return Deno.memoryUsage().heapUsed;
}

/** How often each text occurs. */
export function countOf(texts: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return counts;
}

/** The error a promise rejects with; fails where it resolves. */
export async function rejection(promise: Promise<unknown>): Promise<McpMqttError> {
  try {
    await promise;
  } catch (error) {
    return error as McpMqttError;
  }
  throw new Error("It was expected to fail, and did not");
}
