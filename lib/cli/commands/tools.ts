/**
 * `mcpmqtt tools`: the tools as a host sees them under the config.
 *
 * @module
 */
import { listTools } from "../../mcp/tools.ts";
import { DONE } from "../exit_status.ts";
import type { Io } from "../io.ts";
import type { Invocation } from "../options.ts";
import { configFor } from "../setup.ts";

/** Prints what `tools/list` gives. */
export async function runTools({ options }: Invocation, io: Io): Promise<number> {
  const config = await configFor(options);
  io.stdout(`${JSON.stringify({ tools: listTools(config) }, undefined, 2)}\n`);
  return DONE;
}
