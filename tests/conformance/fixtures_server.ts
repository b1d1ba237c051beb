/** The program's HTTP server in this process, with the conformance suite's fixtures in it. */

import assert from "node:assert/strict";
import { Session } from "../../lib/access/session.ts";
import { grantsOf } from "../../lib/cli/setup.ts";
import { loadConfig } from "../../lib/config/load.ts";
import { ApiKeys } from "../../lib/mcp/api_keys.ts";
import { HttpServer } from "../../lib/mcp/http.ts";
import { createServer } from "../../lib/mcp/server.ts";
import { TOOLS } from "../../lib/tools/catalogue.ts";
import { freePort } from "../brokers/ports.ts";
import { KEY } from "../mcp/served_http.ts";
import { MemoryLog, startConnection } from "../mqtt/connections.ts";
import { FIXTURE_TOOLS } from "./fixture_tools.ts";
import { withFixtures } from "./fixtures.ts";

/** A server that listens. */
export interface FixturesServer extends AsyncDisposable {
  readonly url: URL;
}

/** Serves on a free port. No fixture needs a broker. */
export async function serveFixtures(): Promise<FixturesServer> {
  const text = JSON.stringify({
    topics: [{ pattern: "t/#", permissions: ["read", "write"] }],
    remote_server: { api_key: KEY, port: 1 },
  });
  const effects = { readTextFile: () => Promise.resolve(text), env: () => undefined };
  const config = await loadConfig({ path: "/c.json", effects });
  const { remoteServer: remote } = config;
  assert.ok(remote?.key);
  const log = new MemoryLog();
  const connection = startConnection({ host: "127.0.0.1", port: freePort() });
  const client = { id: "main", name: "main", rules: config.rules, readOnly: false };
  const http = new HttpServer({
    remote,
    keys: new ApiKeys([{ key: remote.key, client }]),
    tokens: undefined,
    sessionFor: () =>
      new Session({ connection, grants: grantsOf(config), configSource: undefined, log }),
    isConnected: () => false,
    log,
    audit: undefined,
    createServer: (options) =>
      withFixtures(createServer({ ...options, tools: [...TOOLS, ...FIXTURE_TOOLS] })),
  });
  const onListen = (): void => {};
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen },
    (request) => http.handle(request),
  );
  return {
    url: new URL(`http://127.0.0.1:${server.addr.port}/mcp`),
    async [Symbol.asyncDispose](): Promise<void> {
      await http[Symbol.asyncDispose]();
      await server.shutdown();
      await connection.close();
    },
  };
}
