/**
 * Who may ask over HTTP: the `Host` and `Origin`, API keys and access tokens.
 *
 * @module
 */
import type { Config } from "../config/config.ts";
import type { Logger } from "../log.ts";
import type { Rule } from "../topics/rule.ts";
import type { ApiKeys } from "./api_keys.ts";
import type { TokenVerifier } from "./oauth.ts";

type Remote = NonNullable<Config["remoteServer"]>;

/** Who asks, and what that one may do. */
export interface Client {
  /** No other has it, be it known by a key or by a token. */
  readonly id: string;
  /** As the record has it. */
  readonly name: string;
  readonly rules: readonly Rule[];
  readonly readOnly: boolean;
}

/** What a key or a token is worth. */
export type Verdict =
  | { readonly kind: "known"; readonly client: Client }
  /** It is not valid here; `reason` is for the log. */
  | { readonly kind: "wrong"; readonly reason?: string }
  /** It is valid, and has none of the scopes. */
  | { readonly kind: "scopeless" }
  /** Too many wrong keys are being looked at. */
  | { readonly kind: "busy" }
  /** The authorization server does not answer. */
  | { readonly kind: "away"; readonly reason: string };

/** What the door needs. */
export interface HttpDoorOptions {
  readonly remote: Remote;
  readonly keys: ApiKeys;
  /** Checks access tokens, if they are taken. */
  readonly tokens: TokenVerifier | undefined;
  readonly log: Logger;
}

/** Where the metadata of the protected resource is, RFC 9728 §3. */
export const METADATA_PATH = "/.well-known/oauth-protected-resource";
const JWT = /^[\w-]+\.[\w-]+\.[\w-]*$/;

/** Lets requests in, or says why not. */
export class HttpDoor {
  readonly #options: HttpDoorOptions;
  readonly #checksHost: boolean;
  readonly #hosts: ReadonlySet<string>;
  readonly #origins: ReadonlySet<string>;

  constructor(options: HttpDoorOptions) {
    this.#options = options;
    const { listen, allowedHosts, allowedOrigins } = options.remote;
    this.#checksHost = allowedHosts.length > 0 ||
      (listen.kind === "tcp" && isLoopback(listen.host));
    this.#hosts = new Set(allowedHosts.map(hostnameOf));
    this.#origins = new Set(allowedOrigins.map((one) => URL.parse(one)?.origin ?? one));
  }

  /** The client that asks, or the answer to one that may not. */
  async admit(request: Request, url: URL): Promise<Client | Response> {
    const { keys, tokens, log } = this.#options;
    const [, bearer] = /^Bearer +(\S+)$/i.exec(request.headers.get("authorization") ?? "") ?? [];
    const header = bearer ?? request.headers.get("x-api-key");
    const key = header ?? url.searchParams.get("api_key");
    // A token in a URL would stand in the logs of proxies; MCP forbids it.
    const verdict: Verdict = tokens !== undefined && header !== null && JWT.test(header)
      ? await tokens.verify(header)
      : key === null
      ? { kind: "wrong" }
      : await keys.verify(key);
    if ("reason" in verdict) log.info(`an access token is not taken: ${verdict.reason}`);
    switch (verdict.kind) {
      case "known":
        return verdict.client;
      case "busy":
        return said(429, "come again later", { "retry-after": "1" });
      case "away":
        return said(503, "the authorization server does not answer", { "retry-after": "10" });
      case "scopeless":
        return said(403, "the token has none of the scopes", this.#challenge("insufficient_scope"));
      case "wrong":
        return said(
          401,
          "an API key or an access token is needed, as Authorization: Bearer",
          this.#challenge(key === null ? undefined : "invalid_token"),
        );
    }
  }

  /** Whether `Host` and `Origin` are those of this server: a web page must not reach it by another name. */
  isForUs(request: Request, url: URL): boolean {
    const { hostname } = url;
    const origin = request.headers.get("origin");
    const isHostKnown = this.#hosts.has(hostname) || isLoopback(hostname);
    if (this.#checksHost && !isHostKnown) return false;
    if (origin === null || this.#origins.has(origin)) return true;
    return URL.canParse(origin) && new URL(origin).host === url.host && isHostKnown;
  }

  /**
   * What a browser has to be told, so that a page of an allowed origin may use the server; undefined
   * for all others.
   */
  leaveOf({ headers }: Request): Readonly<Record<string, string>> | undefined {
    const origin = headers.get("origin");
    if (origin === null || !this.#origins.has(origin)) return undefined;
    return {
      "access-control-allow-origin": origin,
      "access-control-expose-headers": "Mcp-Session-Id, WWW-Authenticate, Retry-After",
      "vary": "Origin",
    };
  }

  /** `WWW-Authenticate`, RFC 6750 §3 and RFC 9728 §5.1. */
  #challenge(error: string | undefined): Record<string, string> {
    const { oauth } = this.#options.remote;
    const parts = [
      'realm="mcpmqtt"',
      ...(error === undefined || oauth === undefined ? [] : [`error="${error}"`]),
      ...(oauth === undefined
        ? []
        : [`resource_metadata="${new URL(METADATA_PATH, oauth.audience).href}"`]),
      ...(oauth === undefined || error !== "insufficient_scope"
        ? []
        : [`scope="${Object.keys(oauth.scopes).join(" ")}"`]),
    ];
    return { "www-authenticate": `Bearer ${parts.join(", ")}` };
  }
}

/** Whether a host name or an address reaches this machine from itself alone. */
export function isLoopback(host: string): boolean {
  return /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostnameOf(host));
}

/** A host name or an address as it stands in a URL. */
function hostnameOf(host: string): string {
  const bare = host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
  return URL.parse(`http://${bare}`)?.hostname ?? host;
}

/** An answer that is none of MCP's. */
export function said(
  status: number,
  message: string,
  headers: Record<string, string> = {},
): Response {
  return Response.json({ error: message }, { status, headers });
}
