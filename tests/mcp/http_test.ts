import assert from "node:assert/strict";
import { parse } from "jsonc-parser";
import { argon2id } from "../../lib/mcp/api_keys.ts";
import { makeAuthority } from "../brokers/certificates.ts";
import { until } from "../brokers/until.ts";
import { callHttp, connected, INITIALIZE, KEY, program, rpc, serving } from "./served_http.ts";

Deno.test("HTTP serves both protocol generations, each client with its own watches", async () => {
  await using server = await serving({ api_key: KEY });
  for (const mode of ["auto", "legacy"] as const) {
    await using client = await connected(server.url, mode);
    const { tools } = await client.listTools();
    assert.equal(tools.length, 10);
    assert.equal((await callHttp(client, "mqtt_read", { topic: "t/a" }))["payload"], "21");
    const { watch_id } = await callHttp(client, "mqtt_watch", { topic: "t/b" });
    await callHttp(client, "mqtt_publish", { topic: "t/b", payload: mode, qos: 1 });
    const { messages } = await callHttp(client, "mqtt_watch_read", { watch_id, timeout: 5 });
    const [message] = messages as Array<Record<string, unknown>>;
    assert.equal(message?.["payload"], mode);
    await callHttp(client, "mqtt_watch_stop", { watch_id });
    await client.readResource({ uri: "mcpmqtt://topics/allowed" });
  }
  // A session of the older generations is gone with its client.
  await using first = await connected(server.url, "legacy");
  await using second = await connected(server.url, "legacy");
  const { watch_id } = await callHttp(first, "mqtt_watch", { topic: "t/c" });
  const { isError } = await second.callTool({ name: "mqtt_watch_read", arguments: { watch_id } });
  assert.equal(isError, true);
});

Deno.test("HTTP refuses a wrong key, and takes the right one, while another key is still a placeholder", async () => {
  const kdf = { salt: "<base64-salt>", hash: "<base64-hash>" };
  await using server = await serving({
    api_key: KEY,
    keys: [{ name: "dashboard", api_key_kdf: kdf }],
  });
  for (const [key, status] of [["wrong", 401], [KEY, 200]] as const) {
    const answer = await rpc(server.url, { "x-api-key": key }, INITIALIZE);
    assert.equal(answer.status, status, await answer.text());
  }
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
    assert.equal((await callHttp(client, "mqtt_read", { topic: "t/a" }))["payload"], "21");
    const { isError } = await client.callTool({ name: "mqtt_read", arguments: { topic: "t/b" } });
    assert.equal(isError, true);
  }
});

Deno.test("HTTP counts the writes of all clients and sessions together", async () => {
  const topics = [
    { pattern: "t/#", permissions: ["write"] },
    { pattern: "t/a", permissions: ["write"], rate: { messages: 1, seconds: 60 } },
  ];
  await using server = await serving({ api_key: KEY }, {
    topics,
    limits: { publish_per_minute: 3 },
  });
  const answers: string[] = [];
  for (const [mode, topic] of [["auto", "a"], ["legacy", "a"], ["legacy", "b"]] as const) {
    await using client = await connected(server.url, mode);
    const args = { topic: `t/${topic}`, payload: "1" };
    answers.push(JSON.stringify(await client.callTool({ name: "mqtt_publish", arguments: args })));
  }
  await using last = await connected(server.url, "legacy");
  for (let i = 0; i < 2; i++) {
    const args = { topic: "t/c", payload: "1" };
    answers.push(JSON.stringify(await last.callTool({ name: "mqtt_publish", arguments: args })));
  }
  assert.deepEqual(answers.map((one) => /rate_limited: \d|\bsent/.exec(one)?.[0]), [
    "sent",
    "rate_limited: 1",
    "sent",
    "sent",
    "rate_limited: 3",
  ]);
});

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

Deno.test("HTTP on a Unix socket is for its owner alone, replaces a stale one, and spares what is no socket", async () => {
  const folder = await Deno.makeTempDir();
  const uds = `${folder}/mcp.sock`;
  // Nobody listens on it any more.
  await python("s.bind(path)", uds);
  {
    await using _server = await serving({ api_key: KEY, uds });
    assert.equal(((await Deno.stat(uds)).mode ?? 0) & 0o777, 0o600);
    const request = "GET /status HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n";
    const answer = await python(`s.connect(path); s.send(b"${request}"); print(s.recv(2000))`, uds);
    assert.match(answer, /"mqtt_connected":true/);
    const { stderr } = await second(uds);
    assert.match(stderr, /another program listens on .*mcp\.sock/);
  }
  {
    // It was killed, and its socket stayed.
    await using _again = await serving({ api_key: KEY, uds });
  }
  const file = `${folder}/file`;
  await Deno.writeTextFile(file, "keep");
  const { code, stderr } = await second(file);
  assert.equal(code, 2);
  assert.match(stderr, /is there already, and is no socket/);
  assert.equal(await Deno.readTextFile(file), "keep");
  await Deno.remove(folder, { recursive: true });
});

/** Does something with a Unix socket, for which the tests have no permission of their own. */
async function python(code: string, path: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("python3", {
    args: [
      "-c",
      `import socket, sys; path = sys.argv[1]; s = socket.socket(socket.AF_UNIX); ${code}`,
      path,
    ],
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** A second server on the same path, which does not start. */
async function second(uds: string): Promise<{ code: number; stderr: string }> {
  const path = await Deno.makeTempFile({ suffix: ".json" });
  const mqtt = { host: "127.0.0.1", port: 1 };
  await Deno.writeTextFile(path, JSON.stringify({ mqtt, remote_server: { api_key: KEY, uds } }));
  const { code, stderr } = await program("--transport", "remotehttp", "-c", path).output();
  await Deno.remove(path);
  return { code, stderr: new TextDecoder().decode(stderr) };
}

Deno.test("HTTP answers no more than it may at a time, and says when to come again", async () => {
  await using server = await serving({
    api_key: KEY,
    limits: { max_requests: 1, max_sessions: 1 },
  });
  const { url } = server;
  await using client = await connected(url, "legacy");
  const waiting = client.callTool({
    name: "mqtt_read",
    arguments: { topic: "t/none", timeout: 2 },
  });
  const { status, headers, body } = await rpc(url, { "x-api-key": KEY }, INITIALIZE);
  assert.equal(status, 503);
  assert.ok(Number(headers.get("retry-after")) > 0);
  await body?.cancel();
  await waiting;
});

Deno.test("HTTPS is served with a certificate, and no warning", async () => {
  const folder = await Deno.makeTempDir();
  const authority = makeAuthority("a test");
  const { cert, key } = authority.issue({ name: "127.0.0.1", hosts: ["127.0.0.1"] });
  await Deno.writeTextFile(`${folder}/cert.pem`, cert);
  await Deno.writeTextFile(`${folder}/key.pem`, key);
  const tls = { cert: `${folder}/cert.pem`, key: `${folder}/key.pem` };
  {
    await using server = await serving({ api_key: KEY, tls });
    using client = Deno.createHttpClient({ caCerts: [authority.cert] });
    const status = await fetch(new URL("/status", server.url), { client });
    assert.deepEqual(await status.json(), { running: true, mqtt_connected: true });
    assert.match(server.stderr(), /listening on https:/);
  }
  await Deno.remove(folder, { recursive: true });
});

const RESOURCE = "mcpmqtt://message/t/a";

Deno.test("HTTP tells each client of its resources, and nothing of one that has gone stays", async () => {
  await using server = await serving({ api_key: KEY });
  const { broker, url } = server;
  const isFree = (): boolean => !broker.subscriptions().includes("t/a");
  {
    await using client = await connected(url, "legacy");
    const updated: string[] = [];
    client.setNotificationHandler(
      "notifications/resources/updated",
      ({ params }) => void updated.push(params.uri),
    );
    await client.subscribeResource({ uri: RESOURCE });
    await broker.publish("t/a", "22");
    await until(() => updated.includes(RESOURCE), { what: "an update" });
  }
  await until(isFree, { what: "the end of the subscription" });
  // Since 2026-07-28 a stream that stays open says what it listens to.
  const closing = new AbortController();
  const response = await fetch(url, {
    method: "POST",
    signal: closing.signal,
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "x-api-key": KEY,
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": "subscriptions/listen",
    },
    body: JSON.stringify({
      jsonrpc: "2.0",
      id: 1,
      method: "subscriptions/listen",
      params: {
        notifications: { resourceSubscriptions: [RESOURCE] },
        _meta: {
          "io.modelcontextprotocol/protocolVersion": "2026-07-28",
          "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
          "io.modelcontextprotocol/clientCapabilities": {},
        },
      },
    }),
  });
  assert.equal(response.status, 200, await (response.ok ? "" : response.text()));
  let heard = "";
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const bytes of response.body ?? []) heard += decoder.decode(bytes);
  })().catch(() => {});
  await until(() => heard.includes("acknowledged"), {
    what: () => `an acknowledgement in ${heard}`,
  });
  await broker.publish("t/a", "23");
  await until(() => heard.includes("notifications/resources/updated"), { what: () => heard });
  closing.abort();
  await reading;
  await until(isFree, { what: "the end of the second subscription" });
});

Deno.test("HTTP takes a subscription of a resource that may not be read for none", async () => {
  await using server = await serving({ api_key: KEY });
  await using client = await connected(server.url, "legacy");
  await assert.rejects(client.subscribeResource({ uri: "mcpmqtt://message/x/y" }), /forbidden/);
  assert.ok(!server.broker.subscriptions().includes("x/y"));
});

Deno.test("HTTP acknowledges what is listened to as far as it is subscribed to", async () => {
  await using server = await serving({ api_key: KEY });
  await using client = await connected(server.url, "auto");
  const uris = [RESOURCE, "mcpmqtt://message/x/y", "mcpmqtt://status"];
  const listening = await client.listen({ resourceSubscriptions: uris });
  assert.deepEqual(listening.honoredFilter, { resourceSubscriptions: [RESOURCE] });
  assert.deepEqual(server.broker.subscriptions(), ["t/a"]);
  await listening.close();
  await until(() => server.broker.subscriptions().length === 0, { what: "its end" });
});

Deno.test("HTTP cancels a call whose client goes, and its subscription", async () => {
  await using server = await serving({ api_key: KEY });
  const { broker, url } = server;
  for (const mode of ["auto", "legacy"] as const) {
    await using client = await connected(url, mode);
    const controller = new AbortController();
    const reading = client.callTool(
      { name: "mqtt_read", arguments: { topic: "t/none", timeout: 60 } },
      { signal: controller.signal },
    );
    await until(() => broker.subscriptions().includes("t/none"), { what: "the subscription" });
    controller.abort();
    await assert.rejects(reading);
    await until(() => !broker.subscriptions().includes("t/none"), { what: "its end" });
  }
});

Deno.test("HTTP cancels a call that takes longer than a request may, and its subscription", async () => {
  await using server = await serving({ api_key: KEY, limits: { request_timeout: 1 } });
  const { broker, url } = server;
  await using client = await connected(url, "auto");
  const reading = client.callTool({
    name: "mqtt_read",
    arguments: { topic: "t/none", timeout: 60 },
  });
  reading.catch(() => {});
  await until(() => broker.subscriptions().includes("t/none"), { what: "the subscription" });
  await assert.rejects(reading, /504|no answer within 1 s/);
  await until(() => !broker.subscriptions().includes("t/none"), { what: "its end" });
});

Deno.test("HTTP records whose key did what", async () => {
  const path = await Deno.makeTempFile();
  {
    await using server = await serving({ api_key: KEY }, { logging: { audit: path } });
    await using client = await connected(server.url, "auto");
    await callHttp(client, "mqtt_publish", { topic: "t/a", payload: "1" });
  }
  const [line = ""] = (await Deno.readTextFile(path)).split("\n");
  const { client, tool, outcome } = JSON.parse(line);
  assert.deepEqual([client, tool, outcome], ["main", "mqtt_publish", "sent"]);
  await Deno.remove(path);
});

Deno.test("HTTP ends what nobody uses, and spares what is still read", async () => {
  await using server = await serving({ api_key: KEY, limits: { session_idle: 1 } });
  const { broker, url } = server;
  await using idle = await connected(url, "legacy");
  await idle.subscribeResource({ uri: RESOURCE });
  assert.ok(broker.subscriptions().includes("t/a"));
  // Its stream for what the server tells is open.
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  assert.ok(broker.subscriptions().includes("t/a"));
  const key = { "x-api-key": KEY };
  const begun = await rpc(url, key, INITIALIZE);
  const id = begun.headers.get("mcp-session-id") ?? "";
  await begun.body?.cancel();
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  const ping = JSON.stringify({ jsonrpc: "2.0", id: 2, method: "ping" });
  const { status, body } = await rpc(url, { ...key, "mcp-session-id": id }, ping);
  await body?.cancel();
  assert.equal(status, 404);
});
