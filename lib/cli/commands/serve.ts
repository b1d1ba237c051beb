/**
 * `mcpmqtt serve`: the MCP server on stdio.
 *
 * @module
 */
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import type { Config } from "../../config/config.ts";
import { type Log, openLog } from "../../log.ts";
import { observeListen } from "../../mcp/listen.ts";
import { createServer } from "../../mcp/server.ts";
import { StdioTransport } from "../../mcp/stdio.ts";
import { Connection } from "../../mqtt/connection.ts";
import { GrantedConnection } from "../../mqtt/granted_connection.ts";
import { Watches } from "../../mqtt/watches.ts";
import { Updates } from "../../resources/updates.ts";
import type { Session } from "../../resources/session.ts";
import { VERSION } from "../../version.ts";
import { formatFault } from "../../config/config.ts";
import type { Invocation } from "../options.ts";
import { brokerSettings, configFor, grantsOf } from "../setup.ts";
import { DONE } from "../exit_status.ts";

/**
 * mqtt.js is loaded after the first answer, so that the host does not wait for it; at the latest
 * after this time, in milliseconds.
 */
const CONNECT_AFTER_MS = 200;
/** How long an orderly end may take, in milliseconds; the contract allows 2 s. */
const SHUTDOWN_MS = 1_500;

/** Serves until the end of input or a signal. */
export async function runServe({ options }: Invocation): Promise<number> {
  if (options.demo) {
    const { startDemo } = await import("../../demo/demo.ts");
    await using demo = await startDemo();
    return await serve({ ...demo.config, logging: (await configFor(options)).logging });
  }
  return await serve(await configFor(options));
}

async function serve(config: Config): Promise<number> {
  await using log = openLog({
    level: config.logging.level,
    logfile: config.logging.logfile,
    secrets: config.secrets,
  });
  tellStart(config, log);
  await giveUpPermissions();
  const logger = log.logger("mcpmqtt.server");
  const connection = new Connection(brokerSettings(config), log.logger("mcpmqtt.connection"));
  const broker = new GrantedConnection(connection, grantsOf(config));
  const session: Session = {
    broker,
    watches: new Watches(broker),
    updates: new Updates(broker, logger),
    configSource: config.source,
  };
  const connect = (): void => connection.start();
  const timer = setTimeout(connect, CONNECT_AFTER_MS);
  const transport = new StdioTransport({
    input: Deno.stdin.readable,
    output: Deno.stdout,
    onSent: connect,
    onReceived: (message) => observeListen(message, { session, log: logger }),
  });
  const ended = Promise.withResolvers<string>();
  const stopListening = onSignals((signal) => ended.resolve(signal));
  const onRejection = (event: PromiseRejectionEvent): void => {
    // A notification that finds its host gone is the usual one; nothing here may end the server.
    event.preventDefault();
    logger.warning(`unhandled: ${String(event.reason)}`);
  };
  globalThis.addEventListener("unhandledrejection", onRejection);
  const server = serveStdio(() => createServer({ session, log: logger }), {
    transport,
    onerror: (error) => logger.warning(`MCP: ${error.message}`),
  });
  const { onclose } = transport;
  transport.onclose = () => {
    onclose?.();
    ended.resolve("the end of input");
  };
  logger.info(`ending at ${await ended.promise}`);
  clearTimeout(timer);
  stopListening();
  await within(SHUTDOWN_MS, async () => {
    await server.close();
    await session.watches[Symbol.asyncDispose]();
    await session.updates[Symbol.asyncDispose]();
    await connection.close();
    await transport.flush();
  });
  globalThis.removeEventListener("unhandledrejection", onRejection);
  return DONE;
}

function tellStart(config: Config, log: Log): void {
  const logger = log.logger("mcpmqtt.config");
  for (const warning of config.warnings) logger.warning(formatFault(warning));
  const { source, rules } = config;
  logger.info(
    `mcpmqtt ${VERSION}, ${
      source === undefined
        ? "without a config: no topic is granted; make one with: mcpmqtt init"
        : `with ${source}: ${rules.length} rules`
    }${config.readOnly ? ", read-only" : ""}`,
  );
}

/** What serving does not need: files, beyond the log that is open, and new permissions. */
async function giveUpPermissions(): Promise<void> {
  for (const name of ["read", "write", "run", "ffi", "sys"] as const) {
    await Deno.permissions.revoke({ name });
  }
}

/** Calls `onSignal` for SIGTERM and SIGINT; the returned function ends that. */
function onSignals(onSignal: (signal: string) => void): () => void {
  const signals: Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT", "SIGBREAK"]
    : ["SIGINT", "SIGTERM"];
  const listeners = signals.map((signal) => {
    const listener = (): void => onSignal(signal);
    Deno.addSignalListener(signal, listener);
    return () => Deno.removeSignalListener(signal, listener);
  });
  return () => listeners.forEach((stop) => stop());
}

async function within(ms: number, work: () => Promise<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  try {
    await Promise.race([work(), promise]);
  } finally {
    clearTimeout(timer);
  }
}
