/**
 * `mcpmqtt serve`: the MCP server on stdio.
 *
 * @module
 */
import { type Config, formatFault } from "../../config/config.ts";
import { type Log, openLog } from "../../log.ts";
import { serveOnStdio, type Serving } from "../../mcp/serve_stdio.ts";
import { Audit } from "../../mcp/audit.ts";
import { listTools } from "../../mcp/tools.ts";
import { HostGone } from "../../mcp/stdio.ts";
import { Connection } from "../../mqtt/connection.ts";
import { Session } from "../../access/session.ts";
import { VERSION } from "../../version.ts";
import { bounded } from "../../wait.ts";
import { DONE, FAILED } from "../exit_status.ts";
import { endSignal } from "../end_signal.ts";
import { processIo } from "../io.ts";
import { shellCommand } from "../host_command.ts";
import type { Invocation, Options } from "../options.ts";
import type { serveOnHttp } from "./serve_http.ts";
import { brokerSettings, grantsOf, withConfig } from "../setup.ts";

/**
 * mqtt.js is loaded after the first answer, so that the host does not wait for it; at the latest
 * after this time, in milliseconds.
 */
const CONNECT_AFTER_MS = 200;
/** How long a host may take to read what was said last, in milliseconds. */
const LAST_WORDS_MS = 500;
/** How long an orderly end may take, in milliseconds; the contract allows 2 s. */
const SHUTDOWN_MS = 1_500;

/** Serves until the end of input or a signal. */
export async function runServe({ options }: Invocation): Promise<number> {
  return await withConfig(options, (config) => serve(config, options.transport));
}

async function serve(config: Config, transport: Options["transport"]): Promise<number> {
  using stack = new DisposableStack();
  const signal = endSignal(stack);
  const { level, logfile, audit: recorded } = config.logging;
  await using log = openLog({ level, logfile, secrets: config.secrets });
  tellStart(config, log);
  await using audit = recorded === undefined
    ? undefined
    : await Audit.open(recorded, log.logger("mcpmqtt.audit"));
  const logger = log.logger("mcpmqtt.server");
  const connection = new Connection(brokerSettings(config), log.logger("mcpmqtt.connection"));
  const served = { connection, log: logger, audit };
  const serving = transport === "stdio"
    ? serveStdin(config, served)
    : await (await import("./serve_http.ts")).serveOnHttp(config, served);
  await giveUpPermissions();
  const failure = uncaughtFailure(stack);
  if (transport === "stdio" && Deno.stdin.isTerminal()) {
    processIo.stderr(
      "mcpmqtt waits for an MCP host on its standard input; Ctrl-C ends it. " +
        `To try the config: ${shellCommand()} check. To run one tool: ${shellCommand()} call TOOL.\n`,
    );
  }
  const timer = setTimeout(() => connection.start(), transport === "stdio" ? CONNECT_AFTER_MS : 0);
  const end = serving.ended.then(() => "the end of input");
  const failed = failure.then((error) => {
    logger.critical(`ending, because the program failed in a way it should not: ${error}`);
    return undefined;
  });
  const why = await Promise.race([end, signal, failed]);
  if (why !== undefined) logger.info(`ending at ${why}`);
  clearTimeout(timer);
  const shutDown = async (): Promise<void> => {
    // A host that reads nothing keeps the broker from no DISCONNECT.
    await bounded(serving.close(), { timeoutMs: LAST_WORDS_MS, onTimeout: () => {} });
    await connection.close();
  };
  await bounded(shutDown(), {
    timeoutMs: SHUTDOWN_MS,
    onTimeout: () => logger.warning(`the end took longer than ${SHUTDOWN_MS / 1000} s`),
  });
  return why === undefined ? FAILED : DONE;
}

/** One client, on stdin and stdout. */
function serveStdin(
  config: Config,
  { connection, log, audit }: Parameters<typeof serveOnHttp>[1],
): Serving {
  const session = new Session({
    connection,
    grants: grantsOf(config),
    configSource: config.source,
    log,
  });
  let warmUp: ReturnType<typeof setTimeout> | undefined;
  return serveOnStdio({
    session,
    log,
    audit,
    input: Deno.stdin.readable,
    output: Deno.stdout,
    onSent: () => {
      connection.start();
      // While the host reads the first answer, nobody waits for it.
      warmUp ??= setTimeout(() => listTools(config), 0);
    },
  });
}

function tellStart(config: Config, log: Log): void {
  const logger = log.logger("mcpmqtt.config");
  for (const warning of config.warnings) logger.warning(formatFault(warning));
  const { source, rules, readOnly } = config;
  const count = `${rules.length} ${rules.length === 1 ? "rule" : "rules"}`;
  const grants = source === undefined
    ? rules.length > 0
      ? `without a config: ${count}`
      : "without a config: no topic is granted; make one with: mcpmqtt init"
    : `with ${source}: ${count}`;
  logger.info(`mcpmqtt ${VERSION}, ${grants}${readOnly ? ", read-only" : ""}`);
}

/** What serving does not need: files, beyond those that are open, the environment, and other programs. */
async function giveUpPermissions(): Promise<void> {
  for (const name of ["read", "write", "run", "ffi", "sys", "env"] as const) {
    await Deno.permissions.revoke({ name });
  }
}

/**
 * Settles with what was thrown first that nobody awaited or caught, as a text with its stack. The
 * state of the program is not known after it.
 */
function uncaughtFailure(stack: DisposableStack): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const { signal } = stack.adopt(new AbortController(), (one) => one.abort());
  const onFailure = (event: Event, error: unknown): void => {
    event.preventDefault();
    // There was something to tell the host, and it has gone: that is no failure.
    if (error instanceof HostGone) return;
    resolve(error instanceof Error ? error.stack ?? error.message : String(error));
  };
  addEventListener("unhandledrejection", (event) => onFailure(event, event.reason), { signal });
  addEventListener("error", (event) => onFailure(event, event.error), { signal });
  return promise;
}
