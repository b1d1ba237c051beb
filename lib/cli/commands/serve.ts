/**
 * `mcpmqtt serve`: the MCP server on stdio.
 *
 * @module
 */
import { type Config, formatFault } from "../../config/config.ts";
import { systemEffects } from "../../config/load.ts";
import { type Log, type Logger, openLog } from "../../log.ts";
import { serveOnStdio } from "../../mcp/serve_stdio.ts";
import { Connection } from "../../mqtt/connection.ts";
import { Access } from "../../access/access.ts";
import { Watches } from "../../access/watches.ts";
import type { Session } from "../../resources/session.ts";
import { Updates } from "../../resources/updates.ts";
import { VERSION } from "../../version.ts";
import { bounded } from "../../wait.ts";
import { DONE } from "../exit_status.ts";
import { configRequest, type Invocation } from "../options.ts";
import { brokerSettings, configFor, grantsOf } from "../setup.ts";

/**
 * mqtt.js is loaded after the first answer, so that the host does not wait for it; at the latest
 * after this time, in milliseconds.
 */
const CONNECT_AFTER_MS = 200;
/** How long an orderly end may take, in milliseconds; the contract allows 2 s. */
const SHUTDOWN_MS = 1_500;

/** Serves until the end of input or a signal. */
export async function runServe({ options }: Invocation): Promise<number> {
  if (!options.demo) return await serve(await configFor(options));
  const { startDemo } = await import("../../../demo/demo.ts");
  await using demo = await startDemo(configRequest(options, systemEffects.env).overrides);
  return await serve(demo.config);
}

async function serve(config: Config): Promise<number> {
  const { level, logfile } = config.logging;
  await using log = openLog({ level, logfile, secrets: config.secrets });
  tellStart(config, log);
  await giveUpPermissions();
  const logger = log.logger("mcpmqtt.server");
  const connection = new Connection(brokerSettings(config), log.logger("mcpmqtt.connection"));
  const access = new Access(connection, grantsOf(config));
  const session: Session = {
    access,
    watches: new Watches(access),
    updates: new Updates(access, logger),
    configSource: config.source,
  };
  const stopSurviving = surviveStrays(logger);
  const signal = nextSignal();
  const timer = setTimeout(() => connection.start(), CONNECT_AFTER_MS);
  const serving = serveOnStdio({
    session,
    log: logger,
    input: Deno.stdin.readable,
    output: Deno.stdout,
    onSent: () => connection.start(),
  });
  const end = serving.ended.then(() => "the end of input");
  logger.info(`ending at ${await Promise.race([end, signal.received])}`);
  clearTimeout(timer);
  signal.stop();
  const shutDown = async (): Promise<void> => {
    await serving.close();
    await session.watches[Symbol.asyncDispose]();
    await session.updates[Symbol.asyncDispose]();
    await connection.close();
  };
  await bounded(shutDown(), { timeoutMs: SHUTDOWN_MS, onTimeout: () => {} });
  stopSurviving();
  return DONE;
}

function tellStart(config: Config, log: Log): void {
  const logger = log.logger("mcpmqtt.config");
  for (const warning of config.warnings) logger.warning(formatFault(warning));
  const { source, rules, readOnly } = config;
  const grants = source === undefined
    ? "without a config: no topic is granted; make one with: mcpmqtt init"
    : `with ${source}: ${rules.length} rules`;
  logger.info(`mcpmqtt ${VERSION}, ${grants}${readOnly ? ", read-only" : ""}`);
}

/** What serving does not need: files, beyond the log that is open, and other programs. */
async function giveUpPermissions(): Promise<void> {
  for (const name of ["read", "write", "run", "ffi", "sys"] as const) {
    await Deno.permissions.revoke({ name });
  }
}

/** SIGTERM and SIGINT, the first of them; `stop` ends the listening. */
function nextSignal(): { readonly received: Promise<string>; readonly stop: () => void } {
  const { promise, resolve } = Promise.withResolvers<string>();
  const isWindows = Deno.build.os === "windows";
  const signals = ["SIGINT", isWindows ? "SIGBREAK" : "SIGTERM"] as const;
  const stops = signals.map((signal) => {
    const listener = (): void => resolve(signal);
    Deno.addSignalListener(signal, listener);
    return () => Deno.removeSignalListener(signal, listener);
  });
  return { received: promise, stop: () => stops.forEach((stop) => stop()) };
}

/**
 * Logs what nobody awaited or caught instead of dying of it: the usual one is a notification that
 * finds its host gone. The returned function ends that.
 */
function surviveStrays(log: Logger): () => void {
  const onRejection = (event: PromiseRejectionEvent): void => {
    event.preventDefault();
    log.warning(`unhandled: ${String(event.reason)}`);
  };
  const onError = (event: ErrorEvent): void => {
    event.preventDefault();
    log.error(`uncaught: ${String(event.error)}`);
  };
  globalThis.addEventListener("unhandledrejection", onRejection);
  globalThis.addEventListener("error", onError);
  return () => {
    globalThis.removeEventListener("unhandledrejection", onRejection);
    globalThis.removeEventListener("error", onError);
  };
}
