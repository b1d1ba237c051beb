import assert from "node:assert/strict";
import { Session } from "../../lib/access/session.ts";
import { grantsOf } from "../../lib/cli/setup.ts";
import { loadConfig } from "../../lib/config/load.ts";
import { ApiKeys } from "../../lib/mcp/api_keys.ts";
import { HttpServer } from "../../lib/mcp/http.ts";
import { freePort } from "../brokers/ports.ts";
import { until } from "../brokers/until.ts";
import { MemoryLog, startConnection } from "../mqtt/connections.ts";
import { JSON_ONLY, modern } from "./raw_http.ts";
import { KEY } from "./served_http.ts";

interface World extends AsyncDisposable {
  readonly server: HttpServer;
  readonly log: MemoryLog;
  /** How many clients have come as far as to have a session. */
  sessions(): number;
}

/** A server whose calls may take a second, in this process, and no broker. */
async function world({ bodyTimeoutMs = 30_000 } = {}): Promise<World> {
  const text = JSON.stringify({
    topics: [{ pattern: "t/#", permissions: ["write"] }],
    remote_server: { api_key: KEY, port: 1, limits: { request_timeout: 1 } },
  });
  const effects = { readTextFile: () => Promise.resolve(text), env: () => undefined };
  const config = await loadConfig({ path: "/c.json", effects });
  const { remoteServer: remote } = config;
  assert.ok(remote?.key);
  const log = new MemoryLog();
  const connection = startConnection({ host: "127.0.0.1", port: freePort() });
  let sessions = 0;
  const server = new HttpServer({
    remote,
    keys: new ApiKeys([{ name: "main", key: remote.key }]),
    clientOf: (name) => ({ id: name, name, rules: config.rules, readOnly: false }),
    tokens: undefined,
    sessionFor: () => {
      sessions++;
      return new Session({ connection, grants: grantsOf(config), configSource: undefined, log });
    },
    isConnected: () => false,
    log,
    audit: undefined,
    bodyTimeoutMs,
  });
  return {
    server,
    log,
    sessions: () => sessions,
    async [Symbol.asyncDispose](): Promise<void> {
      await server[Symbol.asyncDispose]();
      await connection.close();
    },
  };
}

const { headers, body } = modern("mqtt_publish", { topic: "t/a", payload: "1" }, {
  accept: JSON_ONLY,
});
const post = (text: BodyInit): Request =>
  new Request("http://localhost/mcp", { method: "POST", headers, body: text });

// Deno aborts the signal of a request when its answer has been written. Here nobody does.
Deno.test("HttpServer.handle() cancels a call when it answers 504", async () => {
  await using all = await world();
  const { status } = await all.server.handle(post(body));
  assert.equal(status, 504);
  const told = (): boolean => all.log.lines.some((line) => line.includes("was cancelled"));
  await until(told, { deadlineMs: 500, what: () => all.log.lines.join("\n") });
});

Deno.test("HttpServer.handle() carries nothing out whose last byte comes after the 504", async () => {
  await using all = await world();
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const bytes = new TextEncoder().encode(body);
  const answer = all.server.handle(post(readable));
  await writer.write(bytes.subarray(0, -1));
  assert.equal((await answer).status, 504);
  await writer.write(bytes.subarray(-1));
  await writer.close();
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(all.sessions(), 0);
});

Deno.test("HttpServer.handle() gives the place of a call free whose body does not come", async () => {
  await using all = await world({ bodyTimeoutMs: 50 });
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const answer = all.server.handle(post(readable));
  await writer.write(new TextEncoder().encode(body.slice(0, -1)));
  assert.equal((await answer).status, 408);
  await writer.write(new TextEncoder().encode(body.slice(-1)));
  await writer.close();
  assert.equal(all.sessions(), 0);
});
