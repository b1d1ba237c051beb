/**
 * Turns a typed tool definition into a tool that checks its arguments.
 *
 * @module
 */
import type * as z from "zod/v4";
import type { Limits } from "../config/config.ts";
import { parseArguments } from "./arguments.ts";
import type { Tool, ToolDefinition } from "./tool.ts";

/** Makes a {@linkcode Tool} of a definition. */
export function defineTool<Input extends z.ZodObject, Output extends z.ZodObject>(
  definition: ToolDefinition<Input, Output>,
): Tool {
  // Making a schema takes a hundred times as long as using it.
  const schemas = new WeakMap<Limits, Input>();
  const input = (limits: Limits): Input => {
    let schema = schemas.get(limits);
    if (schema === undefined) schemas.set(limits, schema = definition.input(limits));
    return schema;
  };
  return {
    ...definition,
    input,
    run(args, context) {
      const schema = input(context.access.grants.limits);
      return definition.run(parseArguments(schema, args), context);
    },
  };
}
