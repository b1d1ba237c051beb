/**
 * What one check of the conformance set is, and what it works with.
 *
 * @module
 */
import assert from "node:assert/strict";
import { connectClient, type TestClient } from "../../tests/brokers/client.ts";
import { until, within } from "../../tests/brokers/until.ts";
import { type CollectOptions, Connection } from "../../lib/mqtt/connection.ts";
import type { QoS } from "../../lib/messages/message.ts";
import type { Publication } from "../../lib/mqtt/link/link.ts";
import type { Message } from "../../lib/messages/message.ts";
import type { Logger } from "../../lib/log.ts";
import { parseTopicFilter } from "../../lib/topics/topic_filter.ts";
import type { ProtocolVersion, RunningBroker } from "./broker.ts";
import type { NoteId } from "./notes.ts";

/** One question that every broker is asked in every protocol version. */
export interface Check {
  /** The row of the table. */
  readonly name: string;
  /** Where the other version has no such thing. */
  readonly only?: ProtocolVersion;
  /** Default 30 s: longer than the program waits for any acknowledgement. */
  readonly deadlineMs?: number;
  /** Returns when the answer is yes; throws {@linkcode Deviation}, or anything, where it is no. */
  run(context: Context): Promise<NoteId | void>;
}

/** The answer to one check. */
export interface Outcome {
  readonly answer: "yes" | "no" | "n/a";
  readonly note?: NoteId;
  /** Where it is no and no note tells why. */
  readonly fault?: string;
}

/** Something that is different on this broker, and known. */
export class Deviation extends Error {
  override readonly name = "Deviation";
  constructor(readonly note: NoteId, readonly answer: "no" | "n/a" = "no") {
    super(note);
  }
}

/** How the payload of {@linkcode Collected.before} begins. */
const LAST = "last-";

/** Messages collected through the library. */
export interface Collected extends AsyncDisposable {
  readonly messages: readonly Message[];
  /** The payloads as text, in the order of arrival, less those of {@linkcode Collected.before}. */
  texts(): string[];
  /** Publishes a last message to `topic` and gives the payloads that came before it. */
  before(topic: string): Promise<string[]>;
}

/** One broker in one protocol version. */
export class Context {
  readonly broker: RunningBroker;
  readonly version: ProtocolVersion;
  /** What `auto` is to find. */
  readonly newest: ProtocolVersion;
  #topics = 0;
  #opened: AsyncDisposable[] = [];

  constructor(
    options: Pick<Context, "broker" | "version" | "newest">,
  ) {
    this.broker = options.broker;
    this.version = options.version;
    this.newest = options.newest;
  }

  /** A topic name that nothing else uses. */
  topic(): string {
    return `interop/${crypto.randomUUID().slice(0, 8)}-${++this.#topics}`;
  }

  /** A device: mqtt.js as it comes. */
  async device(): Promise<TestClient> {
    const client = await connectClient(this.broker, { version: this.version });
    this.#opened.push(client);
    return client;
  }

  /** Closes what a check has left open because its time was up. */
  async closeAll(): Promise<void> {
    const opened = this.#opened;
    this.#opened = [];
    await Promise.all(opened.map((one) => one[Symbol.asyncDispose]()));
  }

  /** The library's connection to the broker, or to what stands before it. */
  async open(
    { version = this.version, port = this.broker.port }: {
      readonly version?: ProtocolVersion | "auto";
      readonly port?: number;
    } = {},
  ): Promise<Connection> {
    const connection = new Connection({
      address: {
        host: this.broker.host,
        port,
        transport: "tcp",
        path: "/mqtt",
        username: undefined,
        password: undefined,
        keepaliveSeconds: 60,
        tls: {
          ca: undefined,
          cert: undefined,
          key: undefined,
          keyPassphrase: undefined,
          serverName: undefined,
          verify: true,
        },
      },
      clientId: `interop-${crypto.randomUUID().slice(0, 8)}`,
      isClientIdChosen: false,
      mayWrite: true,
      maxMessageBytes: 8_388_608,
      protocolVersion: version,
      connectTimeoutMs: 10_000,
    }, SILENT);
    this.#opened.push(connection);
    connection.start();
    try {
      await connection.ready(waiting());
    } catch (error) {
      await connection.close();
      throw error;
    }
    return connection;
  }
}

const SILENT: Logger = {
  debug: () => {},
  info: () => {},
  warning: () => {},
  error: () => {},
  critical: () => {},
};

/** A patience of 10 s. */
export function waiting(): { readonly waitMs: number; readonly signal: AbortSignal } {
  return { waitMs: 10_000, signal: new AbortController().signal };
}

/** A message with what most checks do not care about filled in. */
export function publication(
  topic: string,
  payload: string | Uint8Array,
  options: Partial<Pick<Publication, "retain" | "properties" | "isText">> & { qos?: QoS } = {},
): Publication {
  return {
    topic,
    payload: typeof payload === "string" ? new TextEncoder().encode(payload) : payload,
    qos: 1,
    retain: false,
    isText: typeof payload === "string",
    ...options,
  };
}

/** Collects with the library. */
export async function collect(
  connection: Connection,
  filters: string | readonly string[],
  options: Partial<Pick<CollectOptions, "includeRetained" | "resume">> = {},
): Promise<Collected> {
  const messages: Message[] = [];
  const collection = await connection.collect([filters].flat().map(parseTopicFilter), {
    includeRetained: true,
    resume: false,
    ...options,
    ...waiting(),
    onMessage: (message) => messages.push(message),
  });
  const all = (): string[] => messages.map(({ payload }) => new TextDecoder().decode(payload));
  const texts = (some = all()): string[] => some.filter((text) => !text.startsWith(LAST));
  return {
    messages,
    texts: () => texts(),
    async before(topic): Promise<string[]> {
      const last = LAST + crypto.randomUUID();
      await connection.publish(publication(topic, last), waiting());
      await until(() => all().includes(last), { what: `the last message on ${topic}` });
      return texts(all().slice(0, all().indexOf(last)));
    },
    [Symbol.asyncDispose]: () => collection[Symbol.asyncDispose](),
  };
}

/** Runs one check to an answer. */
export async function ask(check: Check, context: Context): Promise<Outcome> {
  if (check.only !== undefined && check.only !== context.version) return { answer: "n/a" };
  try {
    const note = await within(check.run(context), check.deadlineMs ?? 30_000, "the check to end");
    return { answer: "yes", ...(note === undefined ? {} : { note }) };
  } catch (error) {
    if (error instanceof Deviation) return { answer: error.answer, note: error.note };
    return { answer: "no", fault: faultOf(error) };
  } finally {
    await context.closeAll();
  }
}

function faultOf(error: unknown): string {
  if (error instanceof assert.AssertionError && error.generatedMessage) {
    return `got ${JSON.stringify(error.actual)}, not ${JSON.stringify(error.expected)}`
      .slice(0, 200);
  }
  return (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";
}
