import assert from "node:assert/strict";
import { argon2id } from "../../lib/mcp/api_keys.ts";
import { until } from "../brokers/until.ts";
import {
  beginRequest,
  beginSession,
  connect,
  JSON_ONLY,
  legacy,
  modern,
  type Raw,
  toolCall,
} from "./raw_http.ts";
import { callHttp, connected, INITIALIZE, KEY, rpc, type Serving, serving } from "./served_http.ts";

const MAX_BODY_BYTES = 2_000;

/** How a call is made in each generation; the id of its session belongs to the older one. */
async function calls({ url }: Serving): Promise<Record<"modern" | "legacy" | "begin", Raw>> {
  const session = await beginSession(url);
  return {
    modern: modern("mqtt_status", {}),
    legacy: legacy(session, toolCall(1, "mqtt_status", {})),
    begin: beginRequest(),
  };
}

/** A request with some headers replaced, or left out. */
function changed(
  { headers, body }: Raw,
  more: Readonly<Record<string, string | undefined>>,
): Raw {
  const all = Object.entries({ ...headers, ...more }).filter(([, value]) => value !== undefined);
  return { headers: Object.fromEntries(all) as Record<string, string>, body };
}

/** The status of what is posted; as bytes, since `fetch` gives text a type. */
async function statusOf(url: URL, { headers, body }: Raw): Promise<number> {
  const bytes = new TextEncoder().encode(body);
  const response = await fetch(url, { method: "POST", headers, body: bytes });
  await response.text();
  return response.status;
}

/** Another client is served, and the program has noticed no fault of its own. */
async function assertServes({ url, stderr }: Serving): Promise<void> {
  await using client = await connected(url, "auto");
  assert.equal((await callHttp(client, "mqtt_read", { topic: "t/a" }))["payload"], "21");
  assert.doesNotMatch(stderr(), /ERROR|CRITICAL|Deno\.serve/);
}

Deno.test("HTTP answers a wrong method with 405 and those that are right, and a wrong path with 404", async () => {
  await using server = await serving({ api_key: KEY, limits: { max_sessions: 1 } });
  const { url } = server;
  // No place is left for a session, which none of them needs.
  await beginSession(url);
  const headers = { "x-api-key": KEY };
  const ask = async (path: string, method: string): Promise<[number, string | null]> => {
    const response = await fetch(new URL(path, url), { method, headers });
    await response.text();
    return [response.status, response.headers.get("allow")];
  };
  for (const method of ["PUT", "PATCH", "HEAD", "OPTIONS"]) {
    assert.deepEqual(await ask("/mcp", method), [405, "GET, POST, DELETE"], method);
  }
  for (const method of ["POST", "PUT", "DELETE"]) {
    assert.deepEqual(await ask("/status", method), [405, "GET, HEAD"], method);
  }
  assert.deepEqual(await ask("/status", "HEAD"), [200, null]);
  for (const path of ["/", "/mcp/", "/mcp/x", "/statu", "/%6dcp"]) {
    assert.deepEqual(await ask(path, "POST"), [404, null], path);
  }
  await assertServes(server);
});

Deno.test("HTTP answers a wrong content type with 415, and an Accept that takes no answer with 406", async () => {
  await using server = await serving({ api_key: KEY });
  const { url } = server;
  for (const [name, call] of Object.entries(await calls(server))) {
    for (const type of ["text/plain", "application/jsonx", "", undefined]) {
      const raw = changed(call, { "content-type": type });
      assert.equal(await statusOf(url, raw), 415, `${name}, ${type}`);
    }
    const charset = changed(call, { "content-type": "Application/JSON; charset=utf-8" });
    assert.equal(await statusOf(url, charset), 200, name);
    // Revision 2026-07-28 has no status for it: a client that says nothing of JSON gets JSON.
    const code = name === "modern" ? 200 : 406;
    for (const accept of ["text/html", JSON_ONLY, "text/event-stream"]) {
      assert.equal(await statusOf(url, changed(call, { accept })), code, `${name}, ${accept}`);
    }
  }
  await assertServes(server);
});

Deno.test("HTTP answers headers that disagree with the body, and versions that are none, with 400", async () => {
  await using server = await serving({ api_key: KEY });
  const { url } = server;
  const all = await calls(server);
  for (const [name, call] of Object.entries(all)) {
    for (const version of ["2099-01-01", "x"]) {
      const raw = changed(call, { "mcp-protocol-version": version });
      assert.equal(await statusOf(url, raw), 400, `${name}, ${version}`);
    }
  }
  const wrong: ReadonlyArray<readonly [Raw, Record<string, string | undefined>]> = [
    [all.modern, { "mcp-protocol-version": undefined }],
    [all.modern, { "mcp-protocol-version": "2025-06-18" }],
    [all.modern, { "mcp-method": undefined }],
    [all.modern, { "mcp-name": "mqtt_read" }],
    [all.legacy, { "mcp-protocol-version": "2026-07-28" }],
  ];
  for (const [call, headers] of wrong) {
    assert.equal(await statusOf(url, changed(call, headers)), 400, JSON.stringify(headers));
  }
  for (const id of [crypto.randomUUID(), "x y", "%00"]) {
    assert.equal(await statusOf(url, changed(all.legacy, { "mcp-session-id": id })), 404, id);
  }
  await assertServes(server);
});

Deno.test("HTTP takes the session of another client for none", async () => {
  const salt = new Uint8Array(16).fill(9).toBase64();
  const cost = { timeCost: 1, memoryCostKib: 64, parallelism: 1, hashBytes: 32 };
  const hash = await argon2id(new TextEncoder().encode("other-key"), { ...cost, salt });
  const kdf = { salt, time_cost: 1, memory_cost: 64, parallelism: 1, hash: hash.toBase64() };
  await using server = await serving({ api_key: KEY, keys: [{ name: "other", api_key_kdf: kdf }] });
  const begun = await rpc(server.url, { "x-api-key": KEY }, INITIALIZE);
  const id = begun.headers.get("mcp-session-id") ?? "";
  await begun.body?.cancel();
  const ping = JSON.stringify({ jsonrpc: "2.0", id: 2, method: "ping" });
  for (const [key, code] of [["other-key", 404], [KEY, 200]] as const) {
    const headers = { "x-api-key": key, "mcp-session-id": id };
    const { status, body } = await rpc(server.url, headers, ping);
    await body?.cancel();
    assert.equal(status, code);
  }
});

Deno.test("HTTP answers bodies that are no message with 400, and too large ones with 413", async () => {
  await using server = await serving({
    api_key: KEY,
    limits: { max_body_bytes: MAX_BODY_BYTES, max_sessions: 2 },
  });
  const { url } = server;
  const all = await calls(server);
  const none = ["", "null", "1", '"x"', "[]", "[1]", "{}", "{", "\0", "[".repeat(900)];
  const id = (value: string): string => `{"jsonrpc":"2.0","id":${value},"method":"ping"}`;
  const messages = [
    id("null"),
    id("{}"),
    id("1").replace("2.0", "1.0"),
    id("1").replace('"ping"', "5"),
  ];
  for (const [name, { headers }] of Object.entries(all)) {
    for (const body of [...none, ...messages]) {
      assert.equal(await statusOf(url, { headers, body }), 400, `${name}, ${body.slice(0, 60)}`);
    }
    const body = `"${"x".repeat(MAX_BODY_BYTES)}"`;
    assert.equal(await statusOf(url, { headers, body }), 413, name);
    // Of an unknown size.
    const chunks = ReadableStream.from([body, body]).pipeThrough(new TextEncoderStream());
    const response = await fetch(url, { method: "POST", headers, body: chunks });
    await response.text();
    assert.equal(response.status, 413, `${name}, in chunks`);
  }
  await assertServes(server);
});

Deno.test("HTTP refuses a body that says that it is too large before it comes", async () => {
  await using server = await serving({ api_key: KEY, limits: { max_body_bytes: MAX_BODY_BYTES } });
  for (const call of Object.values(await calls(server))) {
    const body = "x".repeat(MAX_BODY_BYTES + 1);
    // Only the headers are sent.
    using connection = await connect(server.url, { ...call, body });
    assert.match(await connection.read(), /^HTTP\/1\.1 413/);
  }
  await assertServes(server);
});

Deno.test("HTTP serves others while bodies never end, and carries nothing of them out", async () => {
  await using server = await serving({ api_key: KEY, limits: { request_timeout: 2 } });
  const { broker, url } = server;
  const raw = modern("mqtt_publish", { topic: "t/never", payload: "1" });
  await using stack = new AsyncDisposableStack();
  const all = await Promise.all(Array.from({ length: 20 }, async () => {
    const connection = stack.use(await connect(url, raw));
    await connection.write(raw.body.slice(0, -1));
    return connection;
  }));
  await assertServes(server);
  for (const connection of all) assert.match(await connection.read(), /^HTTP\/1\.1 504/);
  await assertServes(server);
  assert.ok(!broker.published.some(({ topic }) => topic === "t/never"));
});

/** How many descriptors a process of this user may have. */
async function descriptors(): Promise<number> {
  const { stdout } = await new Deno.Command("sh", { args: ["-c", "ulimit -n"] }).output();
  const text = new TextDecoder().decode(stdout).trim();
  return text === "unlimited" ? Infinity : Number(text);
}

/** What a connection says that then says nothing more. */
const SILENT = ["", "POST", "POST /mcp HTTP/1.1\r\nHost: localhost\r\nx-api-key: "];
const SILENT_CONNECTIONS = 10_000;

/** Opens connections that come to nothing. */
async function openSilent(
  url: URL,
  count: number,
): Promise<Disposable & { readonly open: number }> {
  const address = { hostname: url.hostname, port: Number(url.port) };
  const stack = new DisposableStack();
  let open = 0;
  for (let i = 0; i < count; i++) {
    let connection: Deno.TcpConn;
    try {
      connection = await Deno.connect(address);
    } catch {
      // Nobody listens.
      break;
    }
    stack.defer(() => connection.close());
    open++;
    const text = SILENT[i % SILENT.length] ?? "";
    if (text !== "") await connection.write(new TextEncoder().encode(text));
  }
  return { open, [Symbol.dispose]: () => stack.dispose() };
}

Deno.test("HTTP serves others while ten thousand connections say nothing", async () => {
  await using server = await serving({ api_key: KEY });
  const { url } = server;
  // Some are for the tests that run beside this one.
  const count = Math.min(SILENT_CONNECTIONS, Math.floor(await descriptors() / 2));
  if (count < SILENT_CONNECTIONS) console.info(`${count} connections, by the bound of descriptors`);
  const { legacy: inSession } = await calls(server);
  {
    using silent = await openSilent(url, count);
    assert.equal(silent.open, count);
    await assertServes(server);
    assert.equal(await statusOf(url, inSession), 200);
    const status = await fetch(new URL("/status", url));
    assert.deepEqual(await status.json(), { running: true, mqtt_connected: true });
  }
  await assertServes(server);
  assert.equal(await statusOf(url, inSession), 200);
});

Deno.test({
  name: "HTTP listens again after connections have taken all descriptors, and loses no session",
  ignore: Deno.build.os === "windows",
  async fn() {
    const bound = 256;
    await using server = await serving({ api_key: KEY }, {}, { descriptors: bound });
    const { url } = server;
    const { legacy: inSession } = await calls(server);
    {
      using _silent = await openSilent(url, bound);
      await until(() => /no connection can be accepted/.test(server.stderr()), {
        what: server.stderr,
      });
    }
    // Over a connection that was there, and over one of its own.
    assert.equal(await statusOf(url, inSession), 200);
    const isBack = async (): Promise<boolean> => {
      using client = Deno.createHttpClient({});
      const status = await fetch(new URL("/status", url), { client }).catch(() => undefined);
      await status?.body?.cancel();
      return status?.status === 200;
    };
    await until(isBack, { what: () => `an answer: ${server.stderr()}` });
    assert.equal(await statusOf(url, inSession), 200);
    await assertServes(server);
  },
});
