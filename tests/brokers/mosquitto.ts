/** mosquitto, in a process of its own. */

import { TextLineStream } from "./text_line_stream.ts";
import type { TestBroker } from "./broker.ts";
import { MosquittoLog } from "./mosquitto_log.ts";
import { freePort, holdPort } from "./ports.ts";
import { within } from "./until.ts";

export { freePort };

/** How mosquitto is to run. */
export interface MosquittoOptions {
  /** Default: a free one. */
  readonly port?: number;
  /** Lines for mosquitto.conf, after those written here; a `listener` line opens another listener. */
  readonly config?: readonly string[] | string;
  /** What the acl_file holds; without it everyone may do everything. */
  readonly acl?: string;
  /** Names and passwords; with it a connection needs one of them. */
  readonly users?: Readonly<Record<string, string>>;
}

/** mosquitto with what tests ask of it. */
export interface MosquittoBroker extends TestBroker {
  readonly name: "mosquitto";
  /** A directory of its own, removed on close; for certificates and the like. */
  readonly dir: string;
  /** What it has logged, every packet included. */
  log(): string;
  /** Ends it as a system shutdown would; 2.0 sends no DISCONNECT before it closes connections. */
  stop(): Promise<void>;
  /** Freezes it: connections stay open and nothing is answered. */
  freeze(): void;
  /** Lets it go on after {@linkcode MosquittoBroker.freeze}. */
  thaw(): void;
}

const HOST = "127.0.0.1";
const START_DEADLINE_MS = 20_000;

/** Whether mosquitto is installed, or has to be. `MCPMQTT_REQUIRE_MOSQUITTO=1` makes it so. */
export function mosquittoAvailable(): boolean {
  return Deno.env.get("MCPMQTT_REQUIRE_MOSQUITTO") === "1" || findMosquitto() !== undefined;
}

/** The program: on the search path, or where Debian keeps it, which a user's path leaves out. */
function findMosquitto(): string | undefined {
  const folders = [
    ...(Deno.env.get("PATH") ?? "").split(":"),
    "/usr/sbin",
    "/usr/local/sbin",
    "/opt/homebrew/sbin",
  ];
  return folders.filter((folder) => folder !== "")
    .map((folder) => `${folder}/mosquitto`)
    .find((path) => {
      try {
        return Deno.statSync(path).isFile;
      } catch {
        return false;
      }
    });
}

/**
 * Starts mosquitto on a free port of the loopback and resolves when it accepts connections.
 *
 * @throws with mosquitto's log when it ends or does not come up
 */
export async function startMosquitto(options: MosquittoOptions = {}): Promise<MosquittoBroker> {
  const program = findMosquitto();
  if (program === undefined) {
    throw new Error("mosquitto is not installed; on Debian: apt-get install mosquitto");
  }
  await using stack = new AsyncDisposableStack();
  const dir = await Deno.makeTempDir({ prefix: "mcpmqtt-mosquitto-" });
  stack.defer(() => Deno.remove(dir, { recursive: true }));
  const port = options.port ?? stack.use(holdPort()).port;
  await writeConfig(dir, port, options);
  const settings = { program, dir, log: new MosquittoLog() };
  const process = await startProcess(settings);
  return controls({ ...settings, process, port, belongings: stack.move() });
}

interface Settings {
  readonly program: string;
  readonly dir: string;
  readonly log: MosquittoLog;
}

async function writeConfig(dir: string, port: number, options: MosquittoOptions): Promise<void> {
  const lines = [
    // As root it would change to a user that cannot read this directory.
    "user root",
    "persistence false",
    "log_dest stderr",
    "log_type all",
    "connection_messages true",
    "sys_interval 1",
  ];
  if (options.acl !== undefined) {
    await writePrivate(`${dir}/acl`, options.acl);
    lines.push(`acl_file ${dir}/acl`);
  }
  if (options.users !== undefined) {
    const users = Object.entries(options.users).map(([name, password]) => `${name}:${password}\n`);
    await writePrivate(`${dir}/passwords`, users.join(""));
    const hashing = new Deno.Command("mosquitto_passwd", { args: ["-U", `${dir}/passwords`] });
    const { success, stderr } = await hashing.output();
    if (!success) throw new Error(`mosquitto_passwd failed: ${new TextDecoder().decode(stderr)}`);
    lines.push(`password_file ${dir}/passwords`);
  }
  lines.push(
    `allow_anonymous ${options.users === undefined}`,
    `listener ${port} ${HOST}`,
    ...[options.config ?? []].flat(),
    "",
  );
  await Deno.writeTextFile(`${dir}/mosquitto.conf`, lines.join("\n"));
}

/** Newer versions refuse files that others may read. */
async function writePrivate(path: string, text: string): Promise<void> {
  await Deno.writeTextFile(path, text, { mode: 0o600 });
}

interface MosquittoProcess {
  readonly child: Deno.ChildProcess;
  /** Settles when the process has ended and its log has been read to the end. */
  readonly ended: Promise<void>;
}

async function startProcess({ program, dir, log }: Settings): Promise<MosquittoProcess> {
  log.begin();
  const child = new Deno.Command(program, {
    args: ["-c", `${dir}/mosquitto.conf`],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const logRead = (async () => {
    const lines = child.stderr.pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream());
    for await (const line of lines) log.add(line);
  })();
  const ended = Promise.all([child.status, logRead]).then(() => log.end());
  const process: MosquittoProcess = { child, ended };
  try {
    await within(log.running, START_DEADLINE_MS, "mosquitto to come up");
    return process;
  } catch (error) {
    await end(process, "SIGKILL");
    throw new Error(`mosquitto did not come up. Its log:\n${log.text}`, { cause: error });
  }
}

async function end(process: MosquittoProcess, signal: Deno.Signal): Promise<void> {
  try {
    process.child.kill(signal);
  } catch (error) {
    // It has ended already, which is what is wanted.
    if (!(error instanceof TypeError) && !(error instanceof Deno.errors.NotFound)) throw error;
  }
  await process.ended;
}

interface Started extends Settings {
  readonly process: MosquittoProcess;
  readonly port: number;
  /** Given back when it is closed. */
  readonly belongings: AsyncDisposable;
}

function controls({ process, port, belongings, ...settings }: Started): MosquittoBroker {
  const { dir, log } = settings;
  let current = process;
  let closing: Promise<void> | undefined;
  const kill = (): Promise<void> => end(current, "SIGKILL");
  const close = (): Promise<void> =>
    closing ??= kill().then(() => belongings[Symbol.asyncDispose]());
  return {
    name: "mosquitto",
    host: HOST,
    port,
    url: `mqtt://${HOST}:${port}`,
    dir,
    log: () => log.text,
    subscriptions: () => log.subscriptions(),
    clients: () => log.clients(),
    subscribeCounts: () => log.subscribeCounts,
    kill,
    stop: () => end(current, "SIGTERM"),
    freeze: () => current.child.kill("SIGSTOP"),
    thaw: () => current.child.kill("SIGCONT"),
    async restart(): Promise<void> {
      await kill();
      current = await startProcess(settings);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
