/**
 * `mcpmqtt schema`.
 *
 * @module
 */

import { configJsonSchema } from "../../config/json_schema.ts";
import { DONE } from "../exit_status.ts";
import type { Io } from "../io.ts";

/** Prints the JSON Schema of the config. */
export function runSchema(_invocation: unknown, io: Pick<Io, "stdout">): Promise<number> {
  io.stdout(JSON.stringify(configJsonSchema(), null, 2) + "\n");
  return Promise.resolve(DONE);
}
