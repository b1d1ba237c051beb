/**
 * `mcpmqtt serve --transport remotehttp`: listens as `remote_server` of the config says.
 *
 * @module
 */
import { Session } from "../../access/session.ts";
import type { Config } from "../../config/config.ts";
import { readFailure, readTextFile } from "../../config/read_text.ts";
import { MAIN_CLIENT } from "../../config/remote_server_schema.ts";
import { messageOf } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import { ApiKeys, type ClientKey } from "../../mcp/api_keys.ts";
import type { Audit } from "../../mcp/audit.ts";
import { HttpServer } from "../../mcp/http.ts";
import { isLoopback } from "../../mcp/http_door.ts";
import type { Serving } from "../../mcp/serve_stdio.ts";
import type { Connection } from "../../mqtt/connection.ts";
import { Permissions } from "../../topics/permissions.ts";
import { UsageError } from "../options.ts";
import { pause } from "../../wait.ts";
import { grantsOf } from "../setup.ts";

/** Before a server that has ended is begun again, in milliseconds. */
const LISTEN_AGAIN_MS = 1_000;
/** The log tells of it no more often, in milliseconds. */
const WARN_EACH_MS = 60_000;

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
): Promise<Serving> {
  const { remoteServer: remote } = config;
  if (remote === undefined) {
    throw new UsageError(
      "--transport remotehttp needs remote_server in the config; mcpmqtt genkey adds it, with a key",
    );
  }
  const keys = keysOf(remote, config.rules);
  const { oauth } = remote;
  if (keys.length === 0 && oauth === undefined) {
    throw new UsageError("remote_server has no API key yet; make one with: mcpmqtt genkey");
  }
  const grants = grantsOf(config);
  const http = new HttpServer({
    remote,
    keys: new ApiKeys(keys),
    tokens: oauth &&
      new (await import("../../mcp/oauth.ts")).TokenVerifier(oauth, config.rules, log),
    sessionFor: ({ rules, readOnly }) =>
      new Session({
        connection,
        grants: {
          ...grants,
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
  const server = await listen(remote, { handle: (request) => http.handle(request), log });
  log.info(`listening on ${nameOf(remote)}`);
  const { listen: at } = remote;
  if (at.kind === "tcp" && remote.tls === undefined && !isLoopback(at.host)) {
    log.warning(
      "keys and messages are readable on the way: there is no TLS, and this is not loopback",
    );
  }
  return {
    ended: server.ended,
    async close(): Promise<void> {
      await http[Symbol.asyncDispose]();
      await server.shutdown();
    },
  };
}

/** @param rules what a client is granted that has no topics of its own */
function keysOf({ key, keys }: Remote, rules: Config["rules"]): ClientKey[] {
  const main = { name: MAIN_CLIENT, key, readOnly: false, topics: rules };
  return [main, ...keys].flatMap(({ name, key, readOnly, topics = rules }) =>
    key === undefined ? [] : [{ key, client: { id: `key ${name}`, name, rules: topics, readOnly } }]
  );
}

/** A server that listens. */
interface Listening {
  /** Settles when it has been shut down. */
  readonly ended: Promise<void>;
  shutdown(): Promise<void>;
}

/** Listens until it is shut down. */
async function listen(
  { listen: at, tls }: Remote,
  { handle, log }: {
    readonly handle: (request: Request) => Promise<Response>;
    readonly log: Logger;
  },
): Promise<Listening> {
  const onListen = (): void => {};
  try {
    if (at.kind === "uds") {
      await removeStale(at.path);
      const server = Deno.serve({ path: at.path, onListen }, handle);
      await Deno.chmod(at.path, 0o600);
      return { ended: server.finished, shutdown: () => server.shutdown() };
    }
    const pem = tls === undefined ? {} : {
      cert: await readPem("cert", tls.cert),
      key: await readPem("key", tls.key),
    };
    const { host: hostname, port } = at;
    return listenAgain(() => Deno.serve({ hostname, port, onListen, ...pem }, handle), log);
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    const where = at.kind === "tcp" ? `${at.host}:${at.port}` : at.path;
    throw new UsageError(`cannot listen on ${where}: ${whyNot(cause, at.kind)}`, { cause });
  }
}

/** Why there can be no listening, and what to change. */
function whyNot(cause: unknown, kind: Remote["listen"]["kind"]): string {
  const elsewhere = `set remote_server.${kind === "tcp" ? "port" : "uds, or remote_server.port"}`;
  if (cause instanceof Deno.errors.AddrInUse) return `another program listens there; ${elsewhere}`;
  if (cause instanceof Deno.errors.PermissionDenied) {
    return `the system does not permit it; ${elsewhere}`;
  }
  if (cause instanceof Deno.errors.NotFound) return `its folder does not exist; ${elsewhere}`;
  if (cause instanceof Deno.errors.AddrNotAvailable) {
    return "nothing on this machine has that address; set remote_server.host";
  }
  const isPem = cause instanceof Deno.errors.InvalidData;
  return `${messageOf(cause)}${isPem ? "; look at remote_server.tls" : ""}`;
}

/** @throws {UsageError} that names the key of the config. */
async function readPem(key: "cert" | "key", path: string): Promise<string> {
  try {
    return await readTextFile(path);
  } catch (cause) {
    throw new UsageError(
      `${path} of remote_server.tls.${key}: cannot be read: ${readFailure(cause)}`,
      {
        cause,
      },
    );
  }
}

/**
 * Deno's server ends for good when a connection cannot be accepted, because the process has as many
 * files open as it may. Anybody can bring that about with connections that say nothing; so it is
 * begun again.
 *
 * @throws what the first beginning throws.
 */
function listenAgain(begin: () => Deno.HttpServer, log: Logger): Listening {
  const closing = new AbortController();
  const { signal } = closing;
  let server = begin();
  const run = async (): Promise<void> => {
    let warnedAt = -Infinity;
    while (!signal.aborted) {
      try {
        await server.finished;
        return;
      } catch (error) {
        if (performance.now() - warnedAt > WARN_EACH_MS) {
          warnedAt = performance.now();
          log.warning(`no connection can be accepted, trying again: ${messageOf(error)}`);
        }
      }
      while (await pause(LISTEN_AGAIN_MS, signal)) {
        try {
          server = begin();
          break;
        } catch (error) {
          log.debug(`cannot listen again: ${messageOf(error)}`);
        }
      }
    }
  };
  return {
    ended: run(),
    async shutdown(): Promise<void> {
      closing.abort();
      // It may have ended by itself.
      await server.shutdown().catch(() => {});
    },
  };
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
