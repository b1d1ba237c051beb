import assert from "node:assert/strict";
import { createServer } from "node:http";
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";
import Provider from "oidc-provider";
import { loadConfig } from "../../lib/config/load.ts";
import { argon2id } from "../../lib/mcp/api_keys.ts";
import type { Verdict } from "../../lib/mcp/http_door.ts";
import { TokenVerifier } from "../../lib/mcp/oauth.ts";
import { freePort } from "../brokers/ports.ts";
import { MemoryLog } from "../mqtt/connections.ts";
import { beginSession, legacy, post } from "./raw_http.ts";
import { callHttp, connected, rpc, serving } from "./served_http.ts";

const AUDIENCE = "https://mqtt.example/mcp";

interface World extends AsyncDisposable {
  readonly issuer: string;
  readonly verifier: TokenVerifier;
  sign(
    claims: Record<string, unknown>,
    options?: { readonly alg?: string; readonly kid?: string; readonly typ?: string },
  ): Promise<string>;
  /** Signs with another key from now on. */
  rotate(): Promise<void>;
}

/** An authorization server, and a verifier of its tokens. */
async function world(
  { named, scopes = {} }: { readonly named?: string; readonly scopes?: object } = {},
): Promise<World> {
  let number = 0;
  const make = async (alg = "ES256") => {
    const pair = await generateKeyPair(alg, { extractable: true });
    const kid = `k${++number}`;
    return { ...pair, kid, jwk: { ...await exportJWK(pair.publicKey), kid, alg } };
  };
  // One that is not taken, although the authorization server has it.
  const odd = await make("ES512");
  const keys = [await make()];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, ({ url }) => {
    const { pathname, origin } = new URL(url);
    if (pathname === "/.well-known/openid-configuration") {
      return Response.json({ issuer: named ?? origin, jwks_uri: `${origin}/jwks` });
    }
    if (pathname === "/jwks") return Response.json({ keys: [odd, ...keys].map(({ jwk }) => jwk) });
    return new Response(null, { status: 404 });
  });
  const issuer = `http://127.0.0.1:${server.addr.port}`;
  const config = {
    topics: [{ pattern: "t/#", permissions: ["read", "write"] }],
    remote_server: {
      oauth: {
        issuer,
        audience: AUDIENCE,
        scopes: {
          "mqtt:read": { read_only: true },
          "mqtt:valve": { topics: [{ pattern: "valve/#", permissions: ["write"] }] },
          ...scopes,
        },
      },
    },
  };
  const effects = {
    readTextFile: () => Promise.resolve(JSON.stringify(config)),
    env: () => undefined,
  };
  const { remoteServer, rules } = await loadConfig({ path: "/c.json", effects });
  assert.ok(remoteServer?.oauth);
  const claims = { iss: issuer, aud: AUDIENCE, sub: "ada", scope: "mqtt:read" };
  const now = Math.floor(Date.now() / 1000);
  return {
    issuer,
    verifier: new TokenVerifier(remoteServer.oauth, rules, new MemoryLog()),
    async sign(
      changed,
      { alg = "ES256", kid = keys.at(-1)?.kid ?? "", typ = "at+jwt" } = {},
    ): Promise<string> {
      const key = alg === "ES512" ? odd : keys.at(-1);
      assert.ok(key);
      const all: Record<string, unknown> = { ...claims, exp: now + 60, ...changed };
      return await new SignJWT(all)
        .setProtectedHeader({ alg, kid, typ }).sign(key.privateKey);
    },
    rotate: async () => void keys.push(await make()),
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

function granted(verdict: Verdict): unknown {
  assert.equal(verdict.kind, "known", JSON.stringify(verdict));
  assert.ok("client" in verdict);
  const { name, readOnly, rules } = verdict.client;
  return [
    name,
    readOnly,
    rules.map(({ pattern, permissions }) => `${pattern.text} ${permissions}`),
  ];
}

Deno.test("TokenVerifier gives what the scopes of a token grant", async () => {
  await using some = await world();
  const { verifier, sign } = some;
  assert.deepEqual(granted(await verifier.verify(await sign({}))), [
    "ada (mqtt:read)",
    true,
    ["t/# read"],
  ]);
  const both = await sign({ scope: "openid mqtt:valve mqtt:read" });
  assert.deepEqual(granted(await verifier.verify(both)), [
    "ada (mqtt:read mqtt:valve)",
    false,
    ["t/# read", "valve/# write"],
  ]);
  const list = await sign({ scope: undefined, scp: ["mqtt:valve"] });
  assert.deepEqual(granted(await verifier.verify(list)), ["ada (mqtt:valve)", false, [
    "valve/# write",
  ]]);
  for (const scope of ["openid", "", undefined, "constructor", 5]) {
    assert.deepEqual(await verifier.verify(await sign({ scope })), { kind: "scopeless" });
  }
});

Deno.test("TokenVerifier takes no token that is forged, expired, for another or from another", async () => {
  await using some = await world();
  await using other = await world();
  const { verifier, sign } = some;
  const past = Math.floor(Date.now() / 1000) - 100;
  const good = await sign({});
  const [head = "", body = "", signature = ""] = good.split(".");
  const forged = btoa(JSON.stringify({ ...JSON.parse(atob(body)), sub: "eve" })).replace(/=+$/, "");
  const none = new UnsecuredJWT({ iss: some.issuer, aud: AUDIENCE, sub: "a", scope: "mqtt:read" })
    .setExpirationTime("1h").encode();
  const publicText = new TextEncoder().encode(JSON.stringify({ kty: "EC" }));
  const symmetric = await new SignJWT({
    iss: some.issuer,
    aud: AUDIENCE,
    sub: "a",
    scope: "mqtt:read",
  })
    .setProtectedHeader({ alg: "HS256", kid: "k1" }).setExpirationTime("1h").sign(publicText);
  const tokens = {
    "of another authorization server": await other.sign({}),
    "with the signature of another": await other.sign({ iss: some.issuer }),
    expired: await sign({ exp: past }),
    "not valid yet": await sign({ nbf: Math.floor(Date.now() / 1000) + 1_000 }),
    "without an end": await sign({ exp: undefined }),
    "for another audience": await sign({ aud: "https://other.example/mcp" }),
    "without an audience": await sign({ aud: undefined }),
    "without a subject": await sign({ sub: undefined }),
    changed: [head, forged, signature].join("."),
    "of a key that is unknown": await sign({}, { kid: "k99" }),
    "with an algorithm that is not taken": await sign({}, { alg: "ES512", kid: "k1" }),
    "alg none": none,
    "signed with a public key as a secret": symmetric,
    "for logging out": await sign({}, { typ: "logout+jwt" }),
    garbage: "a.b.c",
  };
  for (const [what, token] of Object.entries(tokens)) {
    assert.equal((await verifier.verify(token)).kind, "wrong", what);
  }
  for (const token of [good, await sign({}, { typ: "JWT" })]) {
    assert.equal((await verifier.verify(token)).kind, "known");
  }
});

Deno.test("TokenVerifier finds a key that was added, and says that a server is not there", async () => {
  const some = await world();
  const { verifier, sign, rotate } = some;
  assert.equal((await verifier.verify(await sign({}))).kind, "known");
  await rotate();
  const { kind } = await verifier.verify(await sign({}));
  // jose asks for the keys no more often than each 30 s.
  assert.ok(kind === "known" || kind === "wrong");
  const token = await sign({});
  await some[Symbol.asyncDispose]();
  const gone = await world();
  await gone[Symbol.asyncDispose]();
  assert.equal((await gone.verifier.verify(token)).kind, "away");
});

Deno.test("HTTP takes access tokens, and points who has none to where there are some", async () => {
  await using some = await world();
  const oauth = {
    issuer: some.issuer,
    audience: AUDIENCE,
    scopes: { "mqtt:read": { read_only: true } },
  };
  await using server = await serving({ oauth });
  const { url } = server;
  const described = await fetch(new URL("/.well-known/oauth-protected-resource", url));
  assert.equal((await described.json()).resource, AUDIENCE);
  const metadata = 'resource_metadata="https://mqtt.example/.well-known/oauth-protected-resource"';
  const challenges = [
    [{}, 401, `Bearer realm="mcpmqtt", ${metadata}`],
    [
      { authorization: "Bearer a.b.c" },
      401,
      `Bearer realm="mcpmqtt", error="invalid_token", ${metadata}`,
    ],
    [
      { authorization: `Bearer ${await some.sign({ scope: "openid" })}` },
      403,
      `Bearer realm="mcpmqtt", error="insufficient_scope", ${metadata}, scope="mqtt:read"`,
    ],
  ] as const;
  for (const [headers, code, challenge] of challenges) {
    const { status, headers: answer, body } = await rpc(url, headers);
    await body?.cancel();
    assert.deepEqual([status, answer.get("www-authenticate")], [code, challenge]);
  }
  const token = await some.sign({});
  for (const mode of ["auto", "legacy"] as const) {
    await using client = await connected(url, mode, token);
    const { tools } = await client.listTools();
    assert.ok(!tools.some(({ name }) => name === "mqtt_publish"));
    assert.equal((await callHttp(client, "mqtt_read", { topic: "t/a" }))["payload"], "21");
  }
  // In a URL it would stand in the logs of proxies.
  const inUrl = await rpc(new URL(`?api_key=${token}`, url), {});
  await inUrl.body?.cancel();
  assert.equal(inUrl.status, 401);
  assert.ok(!server.stderr().includes(token));
});

Deno.test("TokenVerifier tells clients apart, however subjects and scopes are spelled", async () => {
  await using some = await world({ scopes: { "!x": {}, "(b": {}, "b": {} } });
  const clientOf = async (
    claims: Record<string, unknown>,
  ): Promise<{ id: string; name: string }> => {
    const verdict = await some.verifier.verify(await some.sign(claims));
    assert.ok("client" in verdict);
    return verdict.client;
  };
  const one = await clientOf({ sub: "ada", scope: "(b !x" });
  const other = await clientOf({ sub: "ada (!x", scope: "b" });
  assert.equal(one.name, other.name);
  assert.notEqual(one.id, other.id);
  // The order in a token says nothing.
  assert.equal((await clientOf({ sub: "ada", scope: "!x (b openid" })).id, one.id);
});

Deno.test("HTTP takes a key for another client than a token, whatever they are called", async () => {
  await using some = await world();
  const salt = new Uint8Array(16).toBase64();
  const cost = { timeCost: 1, memoryCostKib: 64, parallelism: 1, hashBytes: 32 };
  const hash = (await argon2id(new TextEncoder().encode("a-key"), { ...cost, salt })).toBase64();
  await using server = await serving({
    oauth: { issuer: some.issuer, audience: AUDIENCE, scopes: { "mqtt:read": {} } },
    keys: [{
      name: "ada (mqtt:read)",
      api_key_kdf: { salt, hash, time_cost: 1, memory_cost: 64 },
      topics: [{ pattern: "t/a", permissions: ["read"] }],
    }],
  });
  const token = await some.sign({ sub: "ada" });
  await using mine = await connected(server.url, "auto", "a-key");
  await using others = await connected(server.url, "auto", token);
  const { watch_id } = await callHttp(mine, "mqtt_watch", { topic: "t/a" });
  const { isError } = await others.callTool({ name: "mqtt_watch_read", arguments: { watch_id } });
  assert.equal(isError, true);
  assert.equal((await callHttp(others, "mqtt_publish", { topic: "t/b", payload: "1" }))["size"], 1);
  const session = await beginSession(server.url, "a-key");
  const ping = { jsonrpc: "2.0", id: 1, method: "ping" };
  for (const [key, status] of [[token, 404], ["a-key", 200]] as const) {
    const response = await post(server.url, legacy(session, ping, key));
    await response.body?.cancel();
    assert.equal(response.status, status);
  }
});

Deno.test("TokenVerifier takes no keys of a server that calls itself otherwise", async () => {
  await using some = await world({ named: "https://other.example" });
  const verdict = await some.verifier.verify(await some.sign({}));
  assert.equal(verdict.kind, "away");
  assert.match("reason" in verdict ? verdict.reason : "", /names another issuer/);
});

Deno.test("TokenVerifier.metadata is that of RFC 9728", async () => {
  await using some = await world();
  assert.deepEqual(some.verifier.metadata, {
    resource: AUDIENCE,
    authorization_servers: [some.issuer],
    scopes_supported: ["mqtt:read", "mqtt:valve"],
    bearer_methods_supported: ["header"],
  });
});

Deno.test("HTTP takes the access tokens of oidc-provider", async () => {
  const port = freePort();
  const issuer = `http://127.0.0.1:${port}`;
  const provider = new Provider(issuer, {
    clients: [{
      client_id: "an-agent",
      client_secret: "a-secret-of-the-test",
      grant_types: ["client_credentials"],
      redirect_uris: [],
      response_types: [],
      id_token_signed_response_alg: "ES256",
    }],
    jwks: { keys: [await signingKey()] },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({
          scope: "mqtt:read mqtt:write",
          audience: AUDIENCE,
          accessTokenFormat: "jwt",
          jwt: { sign: { alg: "ES256" } },
        }),
      },
    },
  });
  const listening = createServer(provider.callback());
  await new Promise<void>((resolve) => listening.listen(port, "127.0.0.1", resolve));
  try {
    const scopes = { "mqtt:read": { read_only: true }, "mqtt:write": {} };
    await using server = await serving({ oauth: { issuer, audience: AUDIENCE, scopes } });
    for (const [scope, tools] of [["mqtt:read", 8], ["mqtt:read mqtt:write", 10]] as const) {
      const response = await fetch(`${issuer}/token`, {
        method: "POST",
        headers: { authorization: `Basic ${btoa("an-agent:a-secret-of-the-test")}` },
        body: new URLSearchParams({ grant_type: "client_credentials", resource: AUDIENCE, scope }),
      });
      const { access_token: token } = await response.json();
      await using client = await connected(server.url, "auto", token);
      assert.equal((await client.listTools()).tools.length, tools);
      assert.equal((await callHttp(client, "mqtt_read", { topic: "t/a" }))["payload"], "21");
    }
  } finally {
    listening.closeAllConnections();
    await new Promise((resolve) => listening.close(resolve));
  }
});

async function signingKey(): Promise<object> {
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  return { ...await exportJWK(privateKey), kid: "k", alg: "ES256", use: "sig" };
}
