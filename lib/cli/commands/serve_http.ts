/**
 * `mcpmqtt serve --transport remotehttp`: listens as `remote_server` of the config says.
 *
 * @module
 */
import { Session } from "../../access/session.ts";
import type { Config } from "../../config/config.ts";
import { MAIN_CLIENT } from "../../config/remote_server_schema.ts";
import type { Logger } from "../../log.ts";
import { ApiKeys, type NamedKey } from "../../mcp/api_keys.ts";
import type { Audit } from "../../mcp/audit.ts";
import { HttpServer } from "../../mcp/http.ts";
import type { Connection } from "../../mqtt/connection.ts";
import { Permissions } from "../../topics/permissions.ts";
import { UsageError } from "../options.ts";
import { grantsOf } from "../setup.ts";

type Remote = NonNullable<Config["remoteServer"]>;

/**
 * Begins to serve.
 *
 * @throws {UsageError} for a config without `remote_server` or without a key, or an address that is
 * taken.
 */
export async function serveOnHttp(
  config: Config,
  { connection, log, audit }: {
    readonly connection: Connection;
    readonly log: Logger;
    readonly audit: Audit | undefined;
  },
): Promise<AsyncDisposable & { readonly ended: Promise<void>; close(): Promise<void> }> {
  const { remoteServer: remote } = config;
  if (remote === undefined) {
    throw new UsageError("--transport remotehttp needs remote_server in the config");
  }
  const keys = keysOf(remote);
  const { oauth } = remote;
  if (keys.length === 0 && oauth === undefined) {
    throw new UsageError("remote_server has no API key yet; make one with: mcpmqtt genkey");
  }
  const http = new HttpServer({
    remote,
    keys: new ApiKeys(keys),
    clientOf: (name) => {
      const { topics, readOnly = false } = remote.keys.find((one) => one.name === name) ?? {};
      return { id: `key ${name}`, name, rules: topics ?? config.rules, readOnly };
    },
    tokens: oauth &&
      new (await import("../../mcp/oauth.ts")).TokenVerifier(oauth, config.rules, log),
    sessionFor: ({ rules, readOnly }) =>
      new Session({
        connection,
        grants: {
          ...grantsOf(config),
          readOnly: config.readOnly || readOnly,
          permissions: new Permissions(rules),
        },
        configSource: config.source,
        log,
      }),
    isConnected: () => connection.status.isConnected,
    log,
    audit,
  });
  const server = await listen(remote, (request) => http.handle(request));
  log.info(`listening on ${nameOf(remote)}`);
  const { listen: at } = remote;
  if (
    at.kind === "tcp" && remote.tls === undefined &&
    !/^(?:127\.|localhost$|::1$|\[::1\]$)/.test(at.host)
  ) {
    log.warning(
      "keys and messages are readable on the way: there is no TLS, and this is not loopback",
    );
  }
  return {
    ended: server.finished,
    async close(): Promise<void> {
      await http[Symbol.asyncDispose]();
      await server.shutdown();
    },
    async [Symbol.asyncDispose](): Promise<void> {},
  };
}

function keysOf({ key, keys }: Remote): NamedKey[] {
  const main = key === undefined ? [] : [{ name: MAIN_CLIENT, key }];
  return [...main, ...keys.map(({ name, apiKeyKdf }) => ({ name, key: apiKeyKdf }))];
}

async function listen(
  { listen: at, tls }: Remote,
  handle: (request: Request) => Promise<Response>,
): Promise<Deno.HttpServer> {
  const onListen = (): void => {};
  try {
    if (at.kind === "tcp") {
      const pem = tls === undefined ? {} : {
        cert: await Deno.readTextFile(tls.cert),
        key: await Deno.readTextFile(tls.key),
      };
      return Deno.serve({ hostname: at.host, port: at.port, onListen, ...pem }, handle);
    }
    await removeStale(at.path);
    const server = Deno.serve({ path: at.path, onListen }, handle);
    await Deno.chmod(at.path, 0o600);
    return server;
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    const where = at.kind === "tcp" ? `${at.host}:${at.port}` : at.path;
    throw new UsageError(`cannot listen on ${where}: ${why}`, { cause });
  }
}

/** Takes a socket away that nobody listens on any more; a file that is none stays. */
async function removeStale(path: string): Promise<void> {
  let info: Deno.FileInfo;
  try {
    info = await Deno.lstat(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return;
    throw cause;
  }
  if (!info.isSocket) throw new UsageError(`${path} is there already, and is no socket`);
  try {
    (await Deno.connect({ transport: "unix", path })).close();
  } catch {
    return await Deno.remove(path);
  }
  throw new UsageError(`another program listens on ${path}`);
}

function nameOf({ listen: at, tls }: Remote): string {
  return at.kind === "tcp"
    ? `http${tls === undefined ? "" : "s"}://${at.host}:${at.port}/mcp`
    : `${at.path}, /mcp`;
}
