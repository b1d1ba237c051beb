/**
 * What a broker is to the conformance set, and what all that run in processes of their own share.
 *
 * @module
 */
import { connectClient } from "../../tests/brokers/client.ts";
import { freePort } from "../../tests/brokers/mosquitto.ts";
import { until } from "../../tests/brokers/until.ts";
import type { NoteId } from "./notes.ts";

/** A protocol version, by the names of the configuration. */
export type ProtocolVersion = "5" | "3.1.1";

/** The topic that every broker is configured to refuse, for SUBSCRIBE and PUBLISH. */
export const PROHIBITED = "prohibited";

/** A broker that accepts connections. */
export interface RunningBroker extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Ends it as a crash would, and starts it on the same port. */
  restart(): Promise<void>;
}

/** A broker that may be had here. */
export interface BrokerKind {
  readonly name: string;
  /** What it speaks, the newest first. */
  readonly protocols: readonly ProtocolVersion[];
  /** What explains a failure that comes and goes, found in the broker's own log. */
  readonly flaw?: NoteId;
  /**
   * Gets what it is made of with its package manager.
   *
   * @throws {Unavailable} where it cannot be had
   */
  prepare(dir: string): Promise<PreparedBroker>;
}

/** A broker that only has to be started. */
export interface PreparedBroker {
  /** The version of the broker, as its makers name it. */
  readonly version: string;
  start(): Promise<RunningBroker>;
}

/** Why a broker cannot be had here; the table names it. */
export class Unavailable extends Error {
  override readonly name = "Unavailable";
}

export const HOST = "127.0.0.1";
/** How long a broker may take until it accepts connections; a JVM on a busy machine needs some. */
const START_DEADLINE_MS = 60_000;
const END_GRACE_MS = 5_000;
/** Of a process's output, for the error where it does not come up. */
const KEPT_CHARACTERS = 4_000;

/** A command. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs a command to its end and gives what it printed to stdout.
 *
 * @throws {Unavailable} where it is not installed or fails
 */
export async function run(command: Command): Promise<string> {
  let output: Deno.CommandOutput;
  try {
    output = await toDeno(command).output();
  } catch (cause) {
    throw new Unavailable(`${command.program} is not installed`, { cause });
  }
  const [stdout, stderr] = [output.stdout, output.stderr].map((bytes) =>
    new TextDecoder().decode(bytes)
  );
  if (!output.success) {
    throw new Unavailable(
      `${command.program} ${command.args[0]} failed: ${stderr?.trim().split("\n").at(-1)}`,
      { cause: new Error(`${stdout}${stderr}`) },
    );
  }
  return stdout ?? "";
}

/** A process that is ended with the script. */
export interface BrokerProcess extends AsyncDisposable {
  output(): string;
  /** Ends it at once. */
  kill(): Promise<void>;
}

/** Starts a command, whose output is kept for errors only. */
export function startProcess(command: Command): BrokerProcess {
  const child = toDeno(command).spawn();
  let text = "";
  const read = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> => {
    for await (const part of stream.pipeThrough(new TextDecoderStream())) {
      text = (text + part).slice(-KEPT_CHARACTERS);
    }
  };
  const ended = Promise.all([child.status, read(child.stdout), read(child.stderr)]);
  const signal = (name: Deno.Signal): void => {
    try {
      child.kill(name);
    } catch (error) {
      // It has ended already, which is what is wanted.
      if (!(error instanceof TypeError) && !(error instanceof Deno.errors.NotFound)) throw error;
    }
  };
  const kill = async (): Promise<void> => {
    signal("SIGKILL");
    await ended;
  };
  return {
    output: () => text,
    kill,
    async [Symbol.asyncDispose](): Promise<void> {
      signal("SIGTERM");
      const timer = setTimeout(() => signal("SIGKILL"), END_GRACE_MS);
      await ended;
      clearTimeout(timer);
    },
  };
}

/**
 * Starts a broker that is one process and listens on the port that `command` is made for.
 *
 * @throws {Unavailable} with the last it printed, where it does not come up
 */
export async function startBroker(
  command: (port: number) => Command | Promise<Command>,
  port: number = freePort(),
): Promise<RunningBroker> {
  const start = async (): Promise<BrokerProcess> => {
    const process = startProcess(await command(port));
    try {
      await accepting(port);
      return process;
    } catch (cause) {
      await process.kill();
      throw new Unavailable(`it did not come up: ${process.output().trim().slice(-300)}`, {
        cause,
      });
    }
  };
  let process = await start();
  return {
    host: HOST,
    port,
    async restart(): Promise<void> {
      await process.kill();
      process = await start();
    },
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}

/** A listener alone is not enough: some take connections before they are ready, and drop them. */
async function accepting(port: number): Promise<void> {
  await until(async () => {
    try {
      await using _client = await connectClient({ host: HOST, port });
      return true;
    } catch {
      return false;
    }
  }, { deadlineMs: START_DEADLINE_MS, what: "a CONNACK" });
}

function toDeno({ program, args, cwd, env }: Command): Deno.Command {
  return new Deno.Command(program, {
    args: [...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env: { ...env } }),
  });
}
