/**
 * The part of the config that says how MCP is offered over HTTP.
 *
 * @module
 */

import { topicRules } from "./rule_schema.ts";
import { flag, integer, list, oneOf, orNull, record, text } from "./schema_types.ts";
import * as z from "zod/v4";

/** The client whose key stands in `api_key_kdf` or `api_key`. */
export const MAIN_CLIENT = "main";

const base64 = text("base64").superRefine((value, context) => {
  if (!isPlaceholder(value) && !isBase64(value)) context.addIssue("must be valid base64");
});

const apiKeyKdf = record({
  algorithm: oneOf(["argon2id"]).default("argon2id").describe("How the hash is made."),
  salt: base64.describe("The salt, base64."),
  time_cost: integer(1, 1000).default(3).describe("Passes over the memory: 1 to 1,000."),
  memory_cost: integer(8, 4_194_304).default(65_536).describe("Memory in KiB: 8 to 4,194,304."),
  parallelism: integer(1, 255).default(1).describe("Lanes: 1 to 255."),
  hash_len: integer(16, 1024).default(32).describe("Bytes of the hash: 16 to 1,024."),
  hash: base64.describe("The Argon2id hash of the API key, base64."),
}).transform(({ algorithm, memoryCost, hashLen, ...kdf }) => ({
  kind: algorithm,
  ...kdf,
  memoryCostKib: memoryCost,
  hashBytes: hashLen,
}));

const httpUrl = text("an http or https URL").superRefine((value, context) => {
  const isOne = URL.canParse(value) && /^https?:$/.test(new URL(value).protocol);
  if (!isOne) context.addIssue('must be a URL such as "https://id.example"');
});

const limits = record({
  max_body_bytes: integer(1024, 268_435_456).default(1_048_576)
    .describe("The most bytes of a request: 1,024 to 268,435,456."),
  max_requests: integer(1, 100_000).default(64)
    .describe("The most requests that are answered at a time: 1 to 100,000."),
  max_sessions: integer(1, 100_000).default(256)
    .describe("The most sessions of the generations that have them: 1 to 100,000."),
  session_idle: integer(1, 86_400).default(600)
    .describe("After how many seconds without a request a session ends: 1 to 86,400."),
  request_timeout: integer(1, 86_400).default(330)
    .describe("How long a request may take, in seconds: 1 to 86,400."),
}).transform(({ sessionIdle, requestTimeout, ...limits }) => ({
  ...limits,
  sessionIdleMs: sessionIdle * 1000,
  requestTimeoutMs: requestTimeout * 1000,
}));

const namedKey = record({
  name: text("a name")
    .describe("Whose key it is; in the record and in the log. `main` is that of `api_key_kdf`."),
  api_key_kdf: apiKeyKdf.describe("The hash of the key; `mcpmqtt genkey NAME` makes one."),
  read_only: flag().default(false).describe("Offer this client no tool that writes."),
  topics: orNull(topicRules).describe(
    "What this client is granted. `null`: the `topics` at the top.",
  ),
}).transform(({ apiKeyKdf, ...client }) => ({ ...client, key: withoutPlaceholder(apiKeyKdf) }));

const scope = record({
  read_only: flag().default(false).describe("Offer no tool that writes."),
  topics: orNull(topicRules).describe("What the scope grants. `null`: the `topics` at the top."),
});

const oauth = record({
  issuer: httpUrl.describe("The authorization server, as it stands in `iss` of its tokens."),
  audience: httpUrl.describe("This server, as it stands in `aud`: the URL of its `/mcp`."),
  scopes: z.record(z.string().min(1), scope, { error: "must be an object of scopes" })
    .describe("What each scope may do, by its name. Of several in a token all count."),
});

/** `remote_server`: how MCP is offered over HTTP. */
export const remoteServer = record({
  api_key_kdf: orNull(apiKeyKdf).describe(
    "The hash of the API key. One of this, `api_key`, `keys` and `oauth` is needed.",
  ),
  api_key: orNull(text("the API key"))
    .describe("The API key itself. Deprecated: it loads with a warning; take `api_key_kdf`."),
  host: z.string({ error: "must be a host name or an address" })
    .refine((value) => value === "" || isHost(value), "must be a host name or an address alone")
    .default("127.0.0.1")
    .describe(
      "The address to listen on where `port` is set. `0.0.0.0`, all of them, has to be written.",
    ),
  port: orNull(integer(1, 65_535)).describe("The TCP port, 1 to 65,535. `null`: the Unix socket."),
  uds: text("a path").default("/var/run/mcpmqtt.sock")
    .describe("The Unix socket to listen on where `port` is not set."),
  keys: list(namedKey, "objects").default([])
    .describe("Further clients, each with a key and grants of its own."),
  oauth: orNull(oauth)
    .describe("Take access tokens of an authorization server: JWT, RFC 9068. `null`: none."),
  allowed_hosts: list(text("a host name"), "host names").default([])
    .describe("Host names by which clients may reach the server, beside those of loopback."),
  allowed_origins: list(text("an origin"), "origins").default([])
    .describe("Origins of web pages that may use the server."),
  tls: orNull(record({
    cert: text("a path").describe("The server's certificate, a PEM file."),
    key: text("a path").describe("Its private key, a PEM file."),
  })).describe("Serve HTTPS. `null`: HTTP."),
  limits: limits.prefault({}).describe("What clients, all together, may use."),
}).transform(({ apiKeyKdf, apiKey, host, port, uds, ...others }) => ({
  ...others,
  listen: port === undefined
    ? { kind: "uds" as const, path: uds }
    : { kind: "tcp" as const, host: host === "" ? "127.0.0.1" : host, port },
  // The hash comes before the plain key, as in the original.
  key: apiKeyKdf === undefined
    ? apiKey === undefined ? undefined : { kind: "plain" as const, apiKey }
    : withoutPlaceholder(apiKeyKdf),
}));

/** The hash of a key; undefined for one that is still that of an example. */
function withoutPlaceholder<Kdf extends { readonly salt: string; readonly hash: string }>(
  kdf: Kdf,
): Kdf | undefined {
  return [kdf.salt, kdf.hash].some(isPlaceholder) ? undefined : kdf;
}

/** Whether the value is one like `<base64-salt>`, which stands in examples until `genkey` sets it. */
export function isPlaceholder(value: string): boolean {
  return /^<[^<>]*>$/.test(value);
}

function isBase64(value: string): boolean {
  return value.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(value);
}

/** Whether the value is a host name or an address and nothing more. */
export function isHost(value: string): boolean {
  if (value.length > 255) return false;
  const bare = value.replace(/^\[(.*)\]$/, "$1");
  if (bare.includes(":")) return URL.canParse(`http://[${bare.replace(/%.*$/, "")}]`);
  return /^[^\s/?#@:[\]\\]+$/.test(bare);
}
