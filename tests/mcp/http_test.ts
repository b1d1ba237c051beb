import assert from "node:assert/strict";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { parse } from "jsonc-parser";
import { argon2id } from "../../lib/mcp/api_keys.ts";
import { startAedes } from "../brokers/aedes.ts";
import { freePort } from "../brokers/ports.ts";
import { until } from "../brokers/until.ts";
import { MAIN } from "../host.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const KEY = "the-plain-key-of-this-test";

interface Serving extends AsyncDisposable {
  readonly url: URL;
  readonly path: string;
  readonly child: Deno.ChildProcess;
  stderr(): string;
}

const program = (...args: readonly string[]): Deno.Command =>
  new Deno.Command(Deno.execPath(), {
    args: ["run", "-q", "-P", `--config=${ROOT}deno.json`, MAIN, ...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });

/** Serves over HTTP on a free port, with a broker. */
async function serving(remote: object, more: object = {}): Promise<Serving> {
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
    remote_server: { port, ...remote },
    ...more,
  };
  await Deno.writeTextFile(path, JSON.stringify(config));
  await Deno.chmod(path, 0o600);
  const child = program("--transport", "remotehttp", "-c", path).spawn();
  let stderr = "";
  const decoder = new TextDecoder();
  const reading = (async () => {
    for await (const bytes of child.stderr) stderr += decoder.decode(bytes);
  })();
  const silent = child.stdout.cancel();
  stack.defer(async () => {
    child.kill("SIGTERM");
    assert.equal((await child.status).code, 0, stderr);
    await Promise.all([reading, silent]);
  });
  await until(() => /listening on/.test(stderr), { what: () => `a listener in ${stderr}` });
  await until(() => /connected as/.test(stderr), { what: () => `a connection in ${stderr}` });
  const running = stack.move();
  return {
    url: new URL(`http://127.0.0.1:${port}/mcp`),
    path,
    child,
    stderr: () => stderr,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

type Mode = "auto" | "legacy";

async function connected(url: URL, mode: Mode, key = KEY): Promise<Client & AsyncDisposable> {
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

async function call(client: Client, name: string, args: object): Promise<Record<string, unknown>> {
  const { structuredContent, isError, content } = await client.callTool({
    name,
    arguments: { ...args },
  });
  assert.ok(!isError, JSON.stringify(content));
  return structuredContent as Record<string, unknown>;
}

const rpc = (url: URL, headers: Record<string, string> = {}, body = "{}"): Promise<Response> =>
  fetch(url, {
    method: "POST",
    body,
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      ...headers,
    },
  });

Deno.test("HTTP serves both protocol generations, each client with its own watches", async () => {
  await using server = await serving({ api_key: KEY });
  for (const mode of ["auto", "legacy"] as const) {
    await using client = await connected(server.url, mode);
    const { tools } = await client.listTools();
    assert.equal(tools.length, 9);
    assert.equal((await call(client, "mqtt_read", { topic: "t/a" }))["payload"], "21");
    const { watch_id } = await call(client, "mqtt_watch", { topic: "t/b" });
    await call(client, "mqtt_publish", { topic: "t/b", payload: mode, qos: 1 });
    const { messages } = await call(client, "mqtt_watch_read", { watch_id, timeout: 5 });
    const [message] = messages as Array<Record<string, unknown>>;
    assert.equal(message?.["payload"], mode);
    await call(client, "mqtt_watch_stop", { watch_id });
    await client.readResource({ uri: "mcpmqtt://topics/allowed" });
  }
  // A session of the older generations is gone with its client.
  await using first = await connected(server.url, "legacy");
  await using second = await connected(server.url, "legacy");
  const { watch_id } = await call(first, "mqtt_watch", { topic: "t/c" });
  const { isError } = await second.callTool({ name: "mqtt_watch_read", arguments: { watch_id } });
  assert.equal(isError, true);
});

Deno.test("HTTP takes the key in three places, and nothing without it but the status", async () => {
  await using server = await serving({ api_key: KEY });
  const { url } = server;
  const status = await fetch(new URL("/status", url));
  assert.deepEqual(await status.json(), { running: true, mqtt_connected: true });
  for (const headers of [{}, { "x-api-key": "wrong" }, { authorization: `Bearer ${KEY}x` }]) {
    const refused = await rpc(url, headers as Record<string, string>);
    assert.equal(refused.status, 401);
    assert.match(refused.headers.get("www-authenticate") ?? "", /^Bearer realm="mcpmqtt"/);
    await refused.body?.cancel();
  }
  const ping = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" });
  const withQuery = new URL(`${url}?api_key=${KEY}`);
  for (
    const [to, headers] of [
      [url, { authorization: `Bearer ${KEY}` }],
      [url, { "x-api-key": KEY }],
      [withQuery, {}],
    ] as const
  ) {
    const taken = await rpc(to, headers, ping);
    assert.notEqual(taken.status, 401);
    await taken.body?.cancel();
  }
  const lost = await fetch(new URL("/other", url));
  assert.equal(lost.status, 404);
  await lost.body?.cancel();
  assert.ok(!server.stderr().includes(KEY));
});

Deno.test("HTTP refuses foreign hosts and origins, large bodies and what is no JSON", async () => {
  await using server = await serving({ api_key: KEY, limits: { max_body_bytes: 2_000 } });
  const { url } = server;
  const key = { "x-api-key": KEY };
  const expected: ReadonlyArray<readonly [number, Record<string, string>, string]> = [
    [403, { ...key, origin: "https://evil.example" }, "{}"],
    [413, key, JSON.stringify({ text: "x".repeat(3_000) })],
    [400, key, "{"],
    [
      404,
      { ...key, "mcp-session-id": crypto.randomUUID() },
      '{"jsonrpc":"2.0","id":1,"method":"ping"}',
    ],
  ];
  for (const [code, headers, body] of expected) {
    const { status, body: rest } = await rpc(url, headers, body);
    assert.equal(status, code, body.slice(0, 50));
    await rest?.cancel();
  }
  // fetch() sets Host itself.
  const socket = await Deno.connect({ hostname: "127.0.0.1", port: Number(url.port) });
  await socket.write(
    new TextEncoder().encode("GET /status HTTP/1.1\r\nHost: evil.example\r\n\r\n"),
  );
  const bytes = new Uint8Array(1_000);
  const size = await socket.read(bytes) ?? 0;
  socket.close();
  assert.match(new TextDecoder().decode(bytes.subarray(0, size)), /^HTTP\/1\.1 403/);
});

Deno.test("HTTP gives each key the grants of its client", async () => {
  const salt = new Uint8Array(16).fill(7).toBase64();
  const cost = { timeCost: 1, memoryCostKib: 64, parallelism: 1, hashBytes: 32 };
  const hash = await argon2id(new TextEncoder().encode("dashboard-key"), { ...cost, salt });
  await using server = await serving({
    api_key: KEY,
    keys: [{
      name: "dashboard",
      api_key_kdf: { salt, time_cost: 1, memory_cost: 64, parallelism: 1, hash: hash.toBase64() },
      read_only: true,
      topics: [{ pattern: "t/a", permissions: ["read"] }],
    }],
  });
  for (const mode of ["auto", "legacy"] as const) {
    await using client = await connected(server.url, mode, "dashboard-key");
    const { tools } = await client.listTools();
    assert.ok(!tools.some(({ name }) => name === "mqtt_publish"));
    assert.equal((await call(client, "mqtt_read", { topic: "t/a" }))["payload"], "21");
    const { isError } = await client.callTool({ name: "mqtt_read", arguments: { topic: "t/b" } });
    assert.equal(isError, true);
  }
});

Deno.test("argon2id() gives what argon2-cffi gives", async () => {
  // argon2.low_level.hash_secret_raw(b"key", bytes(16), 3, 65536, 1, 32, Type.ID)
  const salt = new Uint8Array(16).toBase64();
  const cost = { timeCost: 3, memoryCostKib: 65_536, parallelism: 1, hashBytes: 32, salt };
  assert.equal((await argon2id(new TextEncoder().encode("key"), cost)).toHex(), ARGON2_CFFI);
});

const ARGON2_CFFI = "9d20c56f3cadd9cfb0a40e2ade46ababb8221eba71dc060cf9dabcf448a78964";

Deno.test("genkey stores a hash in place, keeping comments, and prints the key that opens", async () => {
  await using server = await serving({ keys: [], api_key: KEY });
  const text = `{
  // keep me
  "mqtt": { "host": "127.0.0.1", "port": 1 }, "topics": [],
  "remote_server": { "port": 1, } /* and me */
}`;
  const path = `${server.path}.jsonc`;
  await Deno.writeTextFile(path, text, { mode: 0o600 });
  const genkey = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await program("genkey", ...args, "-c", path).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    return new TextDecoder().decode(stdout).trim();
  };
  const main = await genkey();
  const named = await genkey("dashboard");
  const again = await genkey("dashboard");
  const after = await Deno.readTextFile(path);
  assert.match(after, /\/\/ keep me/);
  assert.match(after, /\/\* and me \*\//);
  assert.ok(![main, named, again].some((key) => after.includes(key)));
  assert.equal(new Set([main, named, again]).size, 3);
  assert.equal((await Deno.stat(path)).mode ?? 0 & 0o777, (await Deno.stat(path)).mode);
  const { remote_server: { api_key_kdf: kdf, keys } } = parse(after, [], {
    allowTrailingComma: true,
  });
  assert.equal(keys.length, 1);
  for (const [key, stored] of [[main, kdf], [again, keys[0].api_key_kdf]] as const) {
    const how = {
      salt: stored.salt,
      timeCost: stored.time_cost,
      memoryCostKib: stored.memory_cost,
      parallelism: stored.parallelism,
      hashBytes: stored.hash_len,
    };
    const hash = await argon2id(new TextEncoder().encode(key), how);
    assert.equal(hash.toBase64(), stored.hash);
  }
});
