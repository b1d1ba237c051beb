/**
 * The JSON Schema of the config file, for editors. Not loaded while serving.
 *
 * @module
 */

import * as z from "zod/v4";
import { configSchema } from "./schema.ts";

/**
 * The JSON Schema (draft 2020-12) of the file as it is written: with descriptions, bounds and
 * defaults. Comments and trailing commas, and references such as `"${env:NAME}"` in place of a word
 * from a list, are beyond what it can say.
 */
export function configJsonSchema(): z.core.JSONSchema.JSONSchema {
  const { $schema, ...schema } = z.toJSONSchema(configSchema, {
    io: "input",
    target: "draft-2020-12",
    override: ({ jsonSchema }) => {
      // The default of a section is that of its keys; an empty object says nothing.
      if (jsonSchema.type === "object") delete jsonSchema.default;
    },
  });
  return {
    ...$schema === undefined ? {} : { $schema },
    title: "mcpmqtt config",
    ...schema,
  };
}
