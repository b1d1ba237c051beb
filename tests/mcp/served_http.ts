/** A server of this project over HTTP, and its clients. */

import assert from "node:assert/strict";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { type AedesBroker, startAedes } from "../brokers/aedes.ts";
import { freePort } from "../brokers/ports.ts";
import { until } from "../brokers/until.ts";
import { MAIN } from "../host.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
/** The key of its config. */
export const KEY = "the-plain-key-of-this-test";

/** A server of this project over HTTP. */
export interface Serving extends AsyncDisposable {
  readonly url: URL;
  readonly path: string;
  readonly child: Deno.ChildProcess;
  readonly broker: AedesBroker;
  stderr(): string;
  /** Ends the program in the middle of what it does. */
  kill(): Promise<void>;
}

const run = (args: readonly string[]): string[] => [
  "run",
  "-q",
  "-P",
  `--config=${ROOT}deno.json`,
  MAIN,
  ...args,
];
const PIPED = { stdin: "null", stdout: "piped", stderr: "piped" } as const;

/** Starts the program. */
export const program = (...args: readonly string[]): Deno.Command =>
  new Deno.Command(Deno.execPath(), { args: run(args), ...PIPED });

/** Starts the program with so many descriptors of files and connections at most. */
const programWith = (descriptors: number, ...args: readonly string[]): Deno.Command =>
  new Deno.Command("sh", {
    args: ["-c", `ulimit -n ${descriptors}; exec "$0" "$@"`, Deno.execPath(), ...run(args)],
    ...PIPED,
  });

/**
 * Serves over HTTP, with a broker: on a free port, or as `remote` says; with a bound of the
 * descriptors that the process may have, if one is given.
 */
export async function serving(
  remote: { readonly uds?: string; readonly tls?: object } & Record<string, unknown>,
  more: object = {},
  { descriptors }: { readonly descriptors?: number } = {},
): Promise<Serving> {
  await using stack = new AsyncDisposableStack();
  const broker = stack.use(await startAedes());
  await broker.publish("t/a", "21", { retain: true });
  const folder = await Deno.makeTempDir();
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const port = freePort();
  const path = `${folder}/c.json`;
  const config = {
    mqtt: { host: broker.host, port: broker.port },
    topics: [{ pattern: "t/#", permissions: ["read", "write"] }],
    remote_server: { ...(remote.uds === undefined ? { port } : {}), ...remote },
    ...more,
  };
  await Deno.writeTextFile(path, JSON.stringify(config));
  await Deno.chmod(path, 0o600);
  const args = ["--transport", "remotehttp", "-c", path];
  const command = descriptors === undefined ? program(...args) : programWith(descriptors, ...args);
  const child = command.spawn();
  let stderr = "";
  const decoder = new TextDecoder();
  const reading = (async () => {
    for await (const bytes of child.stderr) stderr += decoder.decode(bytes);
  })();
  const silent = child.stdout.cancel();
  let isKilled = false;
  stack.defer(async () => {
    if (!isKilled) {
      child.kill("SIGTERM");
      assert.equal((await child.status).code, 0, stderr);
    }
    await Promise.all([reading, silent]);
  });
  await until(() => /listening on/.test(stderr), { what: () => `a listener in ${stderr}` });
  await until(() => /connected as/.test(stderr), { what: () => `a connection in ${stderr}` });
  const running = stack.move();
  return {
    url: new URL(`http${remote.tls === undefined ? "" : "s"}://127.0.0.1:${port}/mcp`),
    path,
    child,
    broker,
    stderr: () => stderr,
    async kill(): Promise<void> {
      isKilled = true;
      child.kill("SIGKILL");
      await child.status;
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** Which protocol generation a client speaks. */
export type Mode = "auto" | "legacy";

/** A client that is connected. */
export async function connected(
  url: URL,
  mode: Mode,
  key = KEY,
): Promise<Client & AsyncDisposable> {
  const transport = new StreamableHTTPClientTransport(url, {
    requestInit: { headers: { authorization: `Bearer ${key}` } },
  });
  const client = new Client(
    { name: "http-test", version: "1" },
    { versionNegotiation: { mode } },
  );
  await client.connect(transport);
  return Object.assign(client, {
    [Symbol.asyncDispose]: async () => {
      if (mode === "legacy") await transport.terminateSession();
      await client.close();
    },
  });
}

/** The result of a call. */
export async function callHttp(
  client: Client,
  name: string,
  args: object,
): Promise<Record<string, unknown>> {
  const { structuredContent, isError, content } = await client.callTool({
    name,
    arguments: { ...args },
  });
  assert.ok(!isError, JSON.stringify(content));
  return structuredContent as Record<string, unknown>;
}

/** What begins a session of the older generations. */
export const INITIALIZE = JSON.stringify({
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: {
    protocolVersion: "2025-11-25",
    capabilities: {},
    clientInfo: { name: "x", version: "1" },
  },
});

/** A bare request. */
export const rpc = (
  url: URL,
  headers: Record<string, string> = {},
  body = "{}",
): Promise<Response> =>
  fetch(url, {
    method: "POST",
    body,
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      ...headers,
    },
  });
