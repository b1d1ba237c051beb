/**
 * The JSON Schema of the MCP registry's `server.json`, version 2025-12-11, in a copy without its
 * examples.
 *
 * @module
 */
import { AjvJsonSchemaValidator } from "@modelcontextprotocol/server/validators/ajv";
import { ROOT } from "./project.ts";

/** @throws naming every fault, when the entry is not of the schema */
export async function assertServerJson(entry: unknown): Promise<void> {
  const schema = JSON.parse(await Deno.readTextFile(`${ROOT}packaging/server.schema.json`));
  const { valid, errorMessage } = new AjvJsonSchemaValidator().getValidator(schema)(entry);
  if (!valid) throw new Error(errorMessage);
}
