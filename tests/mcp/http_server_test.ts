import assert from "node:assert/strict";
import { Session } from "../../lib/access/session.ts";
import { grantsOf } from "../../lib/cli/setup.ts";
import { loadConfig } from "../../lib/config/load.ts";
import { ApiKeys } from "../../lib/mcp/api_keys.ts";
import { HttpServer } from "../../lib/mcp/http.ts";
import { TokenVerifier } from "../../lib/mcp/oauth.ts";
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
async function world({ bodyTimeoutMs = 30_000, remote: changes = {} }: {
  readonly bodyTimeoutMs?: number;
  readonly remote?: object;
} = {}): Promise<World> {
  const text = JSON.stringify({
    topics: [{ pattern: "t/#", permissions: ["write"] }],
    remote_server: { api_key: KEY, port: 1, limits: { request_timeout: 1 }, ...changes },
  });
  const effects = { readTextFile: () => Promise.resolve(text), env: () => undefined };
  const config = await loadConfig({ path: "/c.json", effects });
  const { remoteServer: remote } = config;
  assert.ok(remote?.key);
  const log = new MemoryLog();
  const connection = startConnection({ host: "127.0.0.1", port: freePort() });
  let sessions = 0;
  const client = { id: "main", name: "main", rules: config.rules, readOnly: false };
  const server = new HttpServer({
    remote,
    keys: new ApiKeys([{ key: remote.key, client }]),
    tokens: remote.oauth && new TokenVerifier(remote.oauth, config.rules, log),
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

Deno.test("HttpServer.handle() refuses foreign names on each address of loopback", async () => {
  for (const host of ["127.0.0.1", "127.0.0.2", "LOCALHOST", "::1", "0:0:0:0:0:0:0:1", "127.1"]) {
    await using all = await world({ remote: { host } });
    const ask = async (url: string, origin?: string): Promise<number> => {
      const headers = origin === undefined ? {} : { headers: { origin } };
      return (await all.server.handle(new Request(`${url}/status`, headers))).status;
    };
    for (
      const own of ["http://localhost:1", "http://127.0.0.1:1", "http://127.0.0.2", "http://[::1]"]
    ) {
      assert.equal(await ask(own), 200, own);
      assert.equal(await ask(own, own), 200, own);
      assert.equal(await ask(own, "http://evil.example"), 403, own);
    }
    for (
      const foreign of ["http://evil.example", "http://127.0.0.1.evil.example", "http://128.0.0.1"]
    ) {
      assert.equal(await ask(foreign), 403, `${foreign} on ${host}`);
      assert.equal(await ask(foreign, foreign), 403, `${foreign} on ${host}`);
    }
  }
});

Deno.test("HttpServer.handle() takes allowed hosts and origins however they are written", async () => {
  const remote = { allowed_hosts: ["MQTT.Example"], allowed_origins: ["https://App.example/"] };
  await using all = await world({ remote });
  const headers = { origin: "https://app.example" };
  const { status } = await all.server.handle(
    new Request("http://mqtt.example:8080/status", { headers }),
  );
  assert.equal(status, 200);
});

Deno.test("HttpServer.handle() lets web pages of allowed origins use it from a browser", async () => {
  await using all = await world({ remote: { allowed_origins: ["https://app.example"] } });
  const ask = (origin: string, method: string, more: Record<string, string> = {}) =>
    all.server.handle(
      new Request("http://localhost/mcp", { method, headers: { origin, ...more } }),
    );
  // What a browser asks before it sends what no form could send; it has no key.
  const preflight = await ask("https://app.example", "OPTIONS", {
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization,content-type,mcp-protocol-version",
  });
  assert.equal(preflight.status, 204);
  const told = (response: Response, name: string) =>
    response.headers.get(`access-control-${name}`)?.toLowerCase();
  assert.equal(told(preflight, "allow-origin"), "https://app.example");
  assert.equal(told(preflight, "allow-methods"), "get, post, delete");
  assert.equal(
    told(preflight, "allow-headers"),
    "authorization,content-type,mcp-protocol-version",
  );
  assert.match(preflight.headers.get("vary") ?? "", /origin/i);
  const refused = await ask("https://app.example", "POST");
  assert.equal(refused.status, 401);
  assert.equal(told(refused, "allow-origin"), "https://app.example");
  assert.match(told(refused, "expose-headers") ?? "", /mcp-session-id.*www-authenticate/);
  const foreign = await ask("https://evil.example", "OPTIONS");
  assert.equal(foreign.status, 403);
  assert.equal(told(foreign, "allow-origin"), undefined);
  // Its own pages need no leave, and others than browsers do not ask.
  const own = await ask("http://localhost", "OPTIONS");
  assert.equal(own.status, 405);
  assert.equal(told(own, "allow-origin"), undefined);
});

Deno.test("HttpServer.handle() answers 503 while the authorization server is away", async () => {
  const issuer = `http://127.0.0.1:${freePort()}`;
  const oauth = { issuer, audience: "http://localhost/mcp", scopes: { "mqtt:read": {} } };
  await using all = await world({ remote: { oauth } });
  const authorization = "Bearer e30.e30.e30";
  const request = new Request("http://localhost/mcp", { headers: { authorization } });
  const { status, headers } = await all.server.handle(request);
  assert.deepEqual([status, headers.get("retry-after")], [503, "10"]);
});
