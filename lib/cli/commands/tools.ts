/**
 * `mcpmqtt tools`: the tools as a host sees them under the config.
 *
 * @module
 */
import { listTools } from "../../mcp/tools.ts";
import { DONE } from "../exit_status.ts";
import type { Io } from "../io.ts";
import type { Invocation } from "../options.ts";
import { withConfig } from "../setup.ts";

/** Prints what `tools/list` gives. */
export async function runTools({ options }: Invocation, io: Io): Promise<number> {
  return await withConfig(options, (config) => {
    io.stdout(`${JSON.stringify({ tools: listTools(config) }, undefined, 2)}\n`);
    return Promise.resolve(DONE);
  });
}
