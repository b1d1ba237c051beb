/**
 * Turns a typed tool definition into a tool that checks its arguments.
 *
 * @module
 */
import type * as z from "zod/v4";
import { parseArguments } from "./arguments.ts";
import type { Tool, ToolDefinition } from "./tool.ts";

/** Makes a {@linkcode Tool} of a definition. */
export function defineTool<Input extends z.ZodObject, Output extends z.ZodObject>(
  definition: ToolDefinition<Input, Output>,
): Tool {
  return {
    ...definition,
    run(args, context) {
      const schema = definition.input(context.access.grants.limits);
      return definition.run(parseArguments(schema, args), context);
    },
  };
}
