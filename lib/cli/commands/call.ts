/**
 * `mcpmqtt call TOOL [JSON]`: one tool, as an agent would use it.
 *
 * @module
 */
import { Session } from "../../access/session.ts";
import type { Config } from "../../config/config.ts";
import { openLog } from "../../log.ts";
import { Audit } from "../../mcp/audit.ts";
import { asMcpMqttError } from "../../mcp/render.ts";
import { runTool } from "../../mcp/run_tool.ts";
import { Connection } from "../../mqtt/connection.ts";
import { findTool, offeredTools } from "../../tools/catalogue.ts";
import { endSignal } from "../end_signal.ts";
import { DONE, FAILED } from "../exit_status.ts";
import type { Io } from "../io.ts";
import { type Invocation, UsageError } from "../options.ts";
import { brokerSettings, grantsOf, withConfig } from "../setup.ts";

/** What stands in the record as the client. */
const CLIENT = "mcpmqtt call";

type CallInvocation = Extract<Invocation, { command: "call" }>;

/** Prints what the tool gives, or its error; fails if the tool does. */
export async function runCall(invocation: CallInvocation, io: Io): Promise<number> {
  return await withConfig(invocation.options, (config) => call(invocation, config, io));
}

async function call({ tool: name, args }: CallInvocation, config: Config, io: Io): Promise<number> {
  const tool = findTool(name);
  if (tool === undefined) {
    const names = offeredTools(config).map((one) => one.name).join(", ");
    throw new UsageError(`unknown tool ${JSON.stringify(name)}; there are ${names}`);
  }
  const { level, audit: recorded, ...logging } = config.logging;
  // A person reads the result; what is as it should be goes to the file alone.
  const sinkLevel = level === "INFO" ? "WARNING" : level;
  await using log = openLog({ level, sinkLevel, ...logging, secrets: config.secrets });
  await using audit = recorded === undefined
    ? undefined
    : await Audit.open(recorded, log.logger("mcpmqtt.audit"));
  const logger = log.logger("mcpmqtt.call");
  using signals = new DisposableStack();
  const ending = new AbortController();
  endSignal(signals).then((signal) => ending.abort(signal));
  await using connection = new Connection(brokerSettings(config), log.logger("mcpmqtt.connection"));
  await using session = new Session({
    connection,
    grants: grantsOf(config),
    configSource: config.source,
    log: logger,
  });
  connection.start();
  try {
    const ran = await runTool<never>(tool, args, {
      session,
      log: logger,
      audit,
      client: CLIENT,
      signal: ending.signal,
      ask: (needed) => Promise.reject(needed),
    });
    if ("data" in ran) print(ran.data, io);
    return DONE;
  } catch (error) {
    if (ending.signal.aborted) {
      io.stderr(`mcpmqtt: ${name} was cancelled by ${ending.signal.reason}\n`);
      return DONE;
    }
    const { code, message, hint, outcome, last } = asMcpMqttError(error);
    print({ error: { code, message, hint, outcome, last } }, io);
    return FAILED;
  }
}

/** Indented for people. */
function print(result: object, io: Io): void {
  io.stdout(`${JSON.stringify(result, undefined, Deno.stdout.isTerminal() ? 2 : undefined)}\n`);
}
