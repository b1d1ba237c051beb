/**
 * Brokers in processes of their own, that log nothing and drop nothing: mosquitto without a bound on
 * what it queues for a slow reader, and aedes.
 *
 * @module
 */
import { freePort, mosquittoAvailable } from "../tests/brokers/mosquitto.ts";
import { until } from "../tests/brokers/until.ts";
import { startProgram } from "./processes.ts";

/** A broker of a benchmark. */
export interface BenchBroker extends AsyncDisposable {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** The newest protocol version that it speaks. */
  readonly protocolVersion: "5" | "3.1.1";
}

const HOST = "127.0.0.1";

/** Those that can be had here. */
export async function startBrokers(): Promise<BenchBroker[]> {
  return [...(mosquittoAvailable() ? [await startMosquitto()] : []), await startAedes()];
}

/** mosquitto where it is installed, else aedes. */
export async function startBroker(): Promise<BenchBroker> {
  return mosquittoAvailable() ? await startMosquitto() : await startAedes();
}

async function startMosquitto(): Promise<BenchBroker> {
  const dir = await Deno.makeTempDir({ prefix: "mcpmqtt-bench-" });
  const port = freePort();
  const config = [
    "user root",
    "persistence false",
    "log_dest none",
    "allow_anonymous true",
    "max_queued_messages 0",
    "max_queued_bytes 0",
    "set_tcp_nodelay true",
    `listener ${port} ${HOST}`,
  ];
  await Deno.writeTextFile(`${dir}/mosquitto.conf`, `${config.join("\n")}\n`);
  const child = new Deno.Command("/usr/bin/env", {
    args: ["mosquitto", "-c", `${dir}/mosquitto.conf`],
    env: { PATH: `${Deno.env.get("PATH") ?? ""}:/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin` },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  await until(() => accepts(port), { what: "mosquitto to come up", deadlineMs: 10_000 });
  return {
    name: "mosquitto",
    host: HOST,
    port,
    protocolVersion: "5",
    async [Symbol.asyncDispose](): Promise<void> {
      child.kill("SIGKILL");
      await child.status;
      await Deno.remove(dir, { recursive: true });
    },
  };
}

async function startAedes(): Promise<BenchBroker> {
  const program = startProgram("aedes");
  const { port } = await program.hear();
  return {
    name: "aedes",
    host: HOST,
    port,
    protocolVersion: "3.1.1",
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

async function accepts(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: HOST, port })).close();
    return true;
  } catch {
    return false;
  }
}
