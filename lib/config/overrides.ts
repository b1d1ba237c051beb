/**
 * Values of the environment and of options, over those of the file.
 *
 * @module
 */

import * as z from "zod/v4";
import type { Fault } from "./config.ts";
import { bare, schemaAt, shownOf } from "./issues.ts";
import { isRecord, valueAt } from "./path.ts";
import { camelCase } from "./schema_types.ts";
import { isSecret } from "./references.ts";

/** One value that stands over the file: of the environment or of an option. */
export interface Override {
  /** As in `["mqtt", "port"]`. */
  readonly key: readonly string[];
  readonly value: string | true;
  /** The name of the variable or option, as in `MCPMQTT_PORT` or `--log-level`. */
  readonly source: string;
}

/**
 * Checks each override by the schema of its key, and writes it into `config`, the last one last.
 *
 * @returns what is wrong with them.
 */
export function applyOverrides(config: unknown, overrides: readonly Override[]): Fault[] {
  return overrides.flatMap(({ key, value, source }): Fault[] => {
    const schema = schemaAt(key);
    if (schema === undefined) throw new TypeError(`no such key: ${key.join(".")}`);
    const isNumber = bare(schema) instanceof z.ZodNumber && /^\d+$/.test(String(value));
    const result = z.safeParse(schema, isNumber ? Number(value) : value);
    if (result.success) {
      const [last = "", ...holders] = key.map(camelCase).reverse();
      const holder = valueAt(config, holders.reverse());
      if (isRecord(holder)) Reflect.set(holder, last, result.data);
      return [];
    }
    const { message = "is not valid" } = result.error.issues[0] ?? {};
    const isShown = !isSecret(key) && message.startsWith("must be");
    const shown = isShown ? `, not ${shownOf(value)}` : "";
    return [{ file: source, path: "", message: message + shown }];
  });
}
