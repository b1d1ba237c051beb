/**
 * `mcpmqtt schema`.
 *
 * @module
 */

import { configJsonSchema } from "../../config/json_schema.ts";

/** What the command prints with. */
export interface SchemaIo {
  stdout(text: string): void;
}

/** Prints the JSON Schema of the config. */
export function runSchema(_invocation: unknown, io: SchemaIo): Promise<number> {
  io.stdout(JSON.stringify(configJsonSchema(), null, 2) + "\n");
  return Promise.resolve(0);
}
