/**
 * Values of the environment and of options, over those of the file.
 *
 * @module
 */

import * as z from "zod/v4";
import type { Fault } from "./config.ts";
import { schemaAt } from "./issues.ts";
import { isRecord, valueAt } from "./path.ts";
import type { ConfigFile } from "./schema.ts";
import { isSecret } from "./secrets.ts";

/** One value that stands over the file: of the environment or of an option. */
export interface Override {
  /** As in `["mqtt", "port"]`. */
  readonly key: readonly string[];
  readonly value: string | true;
  /** The name of the variable or option, as in `MCPMQTT_PORT` or `--log-level`. */
  readonly source: string;
}

/** The file with the overrides in it, and what was wrong with them. */
export interface Applied {
  readonly file: ConfigFile | undefined;
  readonly faults: readonly Fault[];
}

/** Checks each override by the schema of its key, and writes it into `file`, the last one last. */
export function applyOverrides(
  file: ConfigFile | undefined,
  overrides: readonly Override[],
): Applied {
  const faults: Fault[] = [];
  for (const { key, value, source } of overrides) {
    const schema = schemaAt(key);
    if (schema === undefined) throw new TypeError(`no such key: ${key.join(".")}`);
    const isNumber = schema instanceof z.ZodNumber && typeof value === "string";
    const result = z.safeParse(schema, isNumber && /^\d+$/.test(value) ? Number(value) : value);
    if (result.success) {
      if (file !== undefined) put(file, key, result.data);
      continue;
    }
    const { message = "is not valid" } = result.error.issues[0] ?? {};
    const shown = isSecret(key) || !message.startsWith("must be")
      ? ""
      : `, not ${JSON.stringify(value)}`;
    faults.push({
      file: source,
      line: undefined,
      column: undefined,
      path: "",
      message: message + shown,
    });
  }
  return { file, faults };
}

function put(file: ConfigFile, key: readonly string[], value: unknown): void {
  const holder = valueAt(file, key.slice(0, -1));
  if (isRecord(holder)) Reflect.set(holder, key.at(-1) ?? "", value);
}
