/**
 * Who a client of the HTTP server is, by an access token (RFC 9068) of an authorization server.
 *
 * @module
 */
import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from "jose";
import type { Config } from "../config/config.ts";
import { messageOf } from "../errors.ts";
import type { Logger } from "../log.ts";
import type { Rule } from "../topics/rule.ts";
import type { Verdict } from "./http_door.ts";

type OAuth = NonNullable<NonNullable<Config["remoteServer"]>["oauth"]>;

/** What signs a token; none that a public key could be taken for, and not `none`. */
const ALGORITHMS = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "EdDSA",
];
/**
 * What a token may call itself: an access token (RFC 9068 §2.1), or a JWT, as those of many servers
 * still do. One for logging out, or of a security event, is none.
 */
const TYPES = /^(?:(?:application\/)?at\+jwt|jwt)$/i;
/** How far clocks may be apart, in seconds. */
const CLOCK_TOLERANCE_S = 30;
/** How long the authorization server may take to answer, in milliseconds. */
const METADATA_MS = 10_000;

/** Checks tokens: signature, issuer, audience, times, algorithm, and what their scopes grant. */
export class TokenVerifier {
  readonly #oauth: OAuth;
  readonly #rules: readonly Rule[];
  readonly #log: Logger;
  #keys: Promise<ReturnType<typeof createRemoteJWKSet>> | undefined;

  /** @param rules what a scope without `topics` of its own grants */
  constructor(oauth: OAuth, rules: readonly Rule[], log: Logger) {
    this.#oauth = oauth;
    this.#rules = rules;
    this.#log = log;
  }

  /** The protected resource metadata, RFC 9728. */
  get metadata(): Readonly<Record<string, unknown>> {
    const { issuer, audience, scopes } = this.#oauth;
    return {
      resource: audience,
      authorization_servers: [issuer],
      scopes_supported: Object.keys(scopes),
      bearer_methods_supported: ["header"],
    };
  }

  async verify(token: string): Promise<Verdict> {
    const { issuer, audience } = this.#oauth;
    let keys: ReturnType<typeof createRemoteJWKSet>;
    try {
      keys = await (this.#keys ??= this.#findKeys());
    } catch (error) {
      this.#keys = undefined;
      return { kind: "away", reason: messageOf(error) };
    }
    try {
      const { payload, protectedHeader: { typ = "JWT" } } = await jwtVerify(token, keys, {
        issuer,
        audience,
        algorithms: ALGORITHMS,
        clockTolerance: CLOCK_TOLERANCE_S,
        requiredClaims: ["exp", "iss", "aud", "sub"],
      });
      if (!TYPES.test(typ)) return { kind: "wrong", reason: `it is a ${typ}, no access token` };
      return this.#clientOf(payload);
    } catch (error) {
      const isOurs = error instanceof errors.JOSEError && !(error instanceof errors.JWKSTimeout);
      return { kind: isOurs ? "wrong" : "away", reason: messageOf(error) };
    }
  }

  #clientOf({ sub = "", ...claims }: JWTPayload): Verdict {
    const granted = scopesOf(claims).filter((name) => Object.hasOwn(this.#oauth.scopes, name))
      .sort();
    const scopes = granted.flatMap((name) => this.#oauth.scopes[name] ?? []);
    if (scopes.length === 0) return { kind: "scopeless" };
    // What one scope may only read, another may write.
    const rules = scopes.flatMap(({ readOnly, topics }) =>
      (topics ?? this.#rules).map((rule) => readOnly ? readable(rule) : rule)
    );
    const readOnly = scopes.every((one) => one.readOnly);
    const id = `token ${JSON.stringify([sub, ...granted])}`;
    const name = `${sub} (${granted.join(" ")})`;
    return { kind: "known", client: { id, name, rules, readOnly } };
  }

  async #findKeys(): Promise<ReturnType<typeof createRemoteJWKSet>> {
    const { issuer } = this.#oauth;
    const base = issuer.replace(/\/$/, "");
    for (const kind of ["oauth-authorization-server", "openid-configuration"]) {
      const response = await fetch(`${base}/.well-known/${kind}`, {
        signal: AbortSignal.timeout(METADATA_MS),
        redirect: "error",
      });
      const said: unknown = response.ok ? await response.json() : await response.body?.cancel();
      const { jwks_uri: uri, issuer: named } = (said ?? {}) as {
        jwks_uri?: unknown;
        issuer?: unknown;
      };
      if (typeof uri !== "string") continue;
      if (named !== issuer) throw new Error(`${base} names another issuer`);
      this.#log.info(`access tokens of ${issuer} are taken`);
      return createRemoteJWKSet(new URL(uri));
    }
    throw new Error(`${base} tells of no jwks_uri`);
  }
}

/** `scope` (RFC 9068 §2.2.3), or `scp` as some have it. */
function scopesOf({ scope, scp }: Omit<JWTPayload, "sub">): string[] {
  return [scope ?? scp ?? []].flat().flatMap((one) =>
    typeof one === "string" ? one.split(" ") : []
  );
}

function readable(rule: Rule): Rule {
  return { ...rule, permissions: rule.permissions.filter((one) => one !== "write") };
}
