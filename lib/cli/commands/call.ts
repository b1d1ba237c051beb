/**
 * `mcpmqtt call TOOL [JSON]`: one tool, as an agent would use it.
 *
 * @module
 */
import { Session } from "../../access/session.ts";
import type { Config } from "../../config/config.ts";
import type { Logger } from "../../log.ts";
import { Audit, outcomeOf, recordCall } from "../../mcp/audit.ts";
import { asMcpMqttError } from "../../mcp/render.ts";
import { assertOffered, withOutcome } from "../../mcp/tools.ts";
import { Connection } from "../../mqtt/connection.ts";
import { findTool, offeredTools } from "../../tools/catalogue.ts";
import { DONE, FAILED } from "../exit_status.ts";
import type { Io } from "../io.ts";
import { type Invocation, UsageError } from "../options.ts";
import { quietLogger } from "../quiet_logger.ts";
import { brokerSettings, grantsOf, withConfig } from "../setup.ts";

/** How the record names who called. */
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
  const { audit: recorded } = config.logging;
  const log: Logger = { ...quietLogger, error: (text) => io.stderr(`mcpmqtt: ${text}\n`) };
  await using audit = recorded && await Audit.open(recorded, log);
  await using connection = new Connection(brokerSettings(config), quietLogger);
  await using session = new Session({
    connection,
    grants: grantsOf(config),
    configSource: config.source,
    log: quietLogger,
  });
  const { access, watches, surveys, devices } = session;
  const { permissions } = access.grants;
  const called = { client: CLIENT, tool, args, permissions, startedAt: performance.now() };
  try {
    assertOffered(tool, access.grants);
    connection.start();
    const { signal } = new AbortController();
    const result = await tool.run(args, { access, watches, surveys, devices, signal });
    await recordCall(audit, { ...called, ...outcomeOf(result) });
    print(result, io);
    return DONE;
  } catch (error) {
    const { code, message, hint, outcome, last } = withOutcome(asMcpMqttError(error), tool);
    await recordCall(audit, { ...called, outcome: outcome ?? "failed", code });
    print({ error: { code, message, hint, outcome, last } }, io);
    // Here the log that would say more is stderr.
    if (code === "internal") throw error;
    return FAILED;
  }
}

/** Indented for people. */
function print(result: object, io: Io): void {
  io.stdout(`${JSON.stringify(result, undefined, Deno.stdout.isTerminal() ? 2 : undefined)}\n`);
}
