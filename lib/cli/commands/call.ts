/**
 * `mcpmqtt call TOOL [JSON]`: one tool, as an agent would use it.
 *
 * @module
 */
import { Session } from "../../access/session.ts";
import type { Config } from "../../config/config.ts";
import { asMcpMqttError } from "../../mcp/render.ts";
import { Connection } from "../../mqtt/connection.ts";
import { offeredTools } from "../../tools/catalogue.ts";
import { DONE, FAILED } from "../exit_status.ts";
import type { Io } from "../io.ts";
import { type Invocation, UsageError } from "../options.ts";
import { quietLogger } from "../quiet_logger.ts";
import { brokerSettings, grantsOf, withConfig } from "../setup.ts";

type CallInvocation = Extract<Invocation, { command: "call" }>;

/** Prints what the tool gives, or its error; fails if the tool does. */
export async function runCall(invocation: CallInvocation, io: Io): Promise<number> {
  return await withConfig(invocation.options, (config) => call(invocation, config, io));
}

async function call({ tool: name, args }: CallInvocation, config: Config, io: Io): Promise<number> {
  const tools = offeredTools(config);
  const tool = tools.find((one) => one.name === name);
  if (tool === undefined) {
    const names = tools.map((one) => one.name).join(", ");
    throw new UsageError(`unknown tool ${JSON.stringify(name)}; there are ${names}`);
  }
  await using connection = new Connection(brokerSettings(config), quietLogger);
  await using session = new Session({
    connection,
    grants: grantsOf(config),
    configSource: config.source,
    log: quietLogger,
  });
  connection.start();
  const { access, watches, surveys, devices } = session;
  const { signal } = new AbortController();
  try {
    print(await tool.run(args, { access, watches, surveys, devices, signal }), io);
    return DONE;
  } catch (error) {
    const { code, message, hint, outcome, last } = asMcpMqttError(error);
    print({ error: { code, message, hint, outcome, last } }, io);
    return FAILED;
  }
}

/** Indented for people. */
function print(result: object, io: Io): void {
  io.stdout(`${JSON.stringify(result, undefined, Deno.stdout.isTerminal() ? 2 : undefined)}\n`);
}
