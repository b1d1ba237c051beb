/**
 * The program over HTTP in a process of its own, and what is asked of it.
 *
 * @module
 */
import { freePort } from "../tests/brokers/ports.ts";
import { until } from "../tests/brokers/until.ts";
import { beginRequest, initialized, legacy, modern, toolCall } from "../tests/mcp/raw_http.ts";
import { KEY } from "../tests/mcp/served_http.ts";
import type { BenchBroker } from "./brokers.ts";
import type { HttpRequest } from "./http_orders.ts";
import { startProgram } from "./processes.ts";

/** More than any benchmark has at a time; the defaults are bounds for what a stranger may do. */
const LIMITS = { max_requests: 1_000, max_sessions: 10_000 };
const STATUS = { name: "mqtt_status", args: {} };
const PUBLISH = { name: "mqtt_publish", args: { topic: "bench/a", payload: "21.5" } };

/** The program over HTTP. */
export interface Served extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
  /** What it has after collecting its garbage, in bytes. */
  memory(): Promise<{ readonly rss: number; readonly heapUsed: number }>;
}

/** Starts it, and waits until it is connected to the broker. */
export async function startServed(broker: BenchBroker): Promise<Served> {
  const path = await Deno.makeTempFile({ prefix: "mcpmqtt-bench-", suffix: ".json" });
  const port = freePort();
  const config = {
    mqtt: { host: broker.host, port: broker.port },
    topics: [{ pattern: "bench/#", permissions: ["read", "write"] }],
    limits: { publish_per_minute: 0 },
    logging: { level: "WARNING" },
    remote_server: { port, api_key: KEY, limits: LIMITS },
  };
  await Deno.writeTextFile(path, JSON.stringify(config), { mode: 0o600 });
  // mqtt.js is not to see the environment, as -P has it.
  const flags = ["-P", "--v8-flags=--expose-gc"];
  const program = startProgram("http", [path], { flags });
  const isConnected = (): Promise<boolean> =>
    fetch(`http://127.0.0.1:${port}/status`).then((response) => response.json())
      .then(({ mqtt_connected }) => mqtt_connected === true, () => false);
  await until(isConnected, { what: "the server to be connected" });
  return {
    pid: program.pid,
    port,
    async memory() {
      await program.tell("memory");
      return await program.hear();
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await program[Symbol.asyncDispose]();
      await Deno.remove(path);
    },
  };
}

/** The calls that are measured, in revision 2026-07-28. */
export const CALLS: Readonly<Record<string, HttpRequest>> = {
  "mqtt_status": modern(STATUS.name, STATUS.args),
  "mqtt_publish, QoS 0": modern(PUBLISH.name, { ...PUBLISH.args, qos: 0 }),
  "mqtt_publish, QoS 1": modern(PUBLISH.name, { ...PUBLISH.args, qos: 1 }),
};

/** `mqtt_status` in a session of an older generation. */
export function statusIn(session: string): HttpRequest {
  return legacy(session, toolCall(1, STATUS.name, STATUS.args));
}

/** What begins a session of an older generation. */
export const BEGINNING = {
  initialize: beginRequest(),
  initialized: legacy(undefined, initialized),
};

/** What opens the stream of a session. */
export const LISTENING = { "x-api-key": KEY, accept: "text/event-stream" };
