/**
 * Finds the command and turns what it throws into one line and an exit status.
 *
 * @module
 */
import { ConfigError } from "../config/config.ts";
import { McpMqttError } from "../errors.ts";
import { escapeUnseen } from "../text.ts";
import { COMMIT, VERSION } from "../version.ts";
import { type Io, processIo } from "./io.ts";
import { DONE, FAILED, WRONG_USAGE } from "./exit_status.ts";
import { helpText, type Invocation, parseArguments, UsageError } from "./options.ts";

/**
 * Runs the program.
 *
 * @returns the exit status.
 */
export async function run(args: readonly string[], io: Io = processIo): Promise<number> {
  try {
    assertPermissions();
    return await dispatch(parseArguments(args), io);
  } catch (error) {
    io.stderr(`${describe(error, args)}\n`);
    const isUsage = error instanceof UsageError || error instanceof ConfigError ||
      error instanceof McpMqttError;
    return isUsage ? WRONG_USAGE : FAILED;
  }
}

/** Deno would ask for each permission, one after the other, and nobody is there to answer. */
function assertPermissions(): void {
  const { state } = Deno.permissions.querySync({ name: "env", variable: "MCPMQTT_CONFIG" });
  if (state === "granted") return;
  throw new UsageError(
    "Deno was started without the program's permissions; add -P: deno run -P main.ts, in the folder of main.ts",
  );
}

/** Each command is loaded when it is asked for: serving needs none of the others. */
async function dispatch(invocation: Invocation, io: Io): Promise<number> {
  switch (invocation.command) {
    case "help":
      io.stdout(helpText());
      return DONE;
    case "version":
      io.stdout(`mcpmqtt ${VERSION}${COMMIT === undefined ? "" : ` (${COMMIT})`}\n`);
      return DONE;
    case "serve":
      return await (await import("./commands/serve.ts")).runServe(invocation);
    case "check":
      return await (await import("./commands/check.ts")).runCheck(invocation, io);
    case "explain":
      return await (await import("./commands/explain.ts")).runExplain(invocation, io);
    case "tools":
      return await (await import("./commands/tools.ts")).runTools(invocation, io);
    case "call":
      return await (await import("./commands/call.ts")).runCall(invocation, io);
    case "schema":
      return await (await import("./commands/schema.ts")).runSchema(invocation, io);
    case "genkey":
      return await (await import("./commands/genkey.ts")).runGenkey(invocation, io);
    case "init":
      return await (await import("./commands/init.ts")).runInit(invocation, io);
  }
}

/** One line; a stack only at DEBUG. What is not seen is escaped. */
function describe(error: unknown, args: readonly string[]): string {
  if (error instanceof ConfigError) return error.message;
  if (!(error instanceof Error)) return escapeUnseen(`mcpmqtt: ${String(error)}`);
  const isDebug = args.some((arg) => /\bdebug\b/i.test(arg));
  const said = isDebug ? error.stack ?? error.message : error.message;
  const hint = error instanceof McpMqttError && error.hint ? `. ${error.hint}` : "";
  const lines = isDebug ? said.split("\n") : [said];
  return `mcpmqtt: ${lines.map(escapeUnseen).join("\n")}${escapeUnseen(hint)}`;
}
