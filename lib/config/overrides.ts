/**
 * Values of the environment and of options, over those of the file.
 *
 * @module
 */

import * as z from "zod/v4";
import { type BrokerUrl, DEFAULT_PORTS } from "./broker_url.ts";
import type { Fault } from "./config.ts";
import { bare, schemaAt, shownOf } from "./issues.ts";
import { isRecord, valueAt } from "./path.ts";
import { camelCase } from "./schema_types.ts";
import { isSecret, isUnfilled, UNFILLED } from "./references.ts";

/** One value that stands over the file: of the environment or of an option. */
export interface Override {
  /** As in `["mqtt", "port"]`. */
  readonly key: readonly string[];
  readonly value: string | true | ReadonlyArray<Readonly<Record<string, unknown>>>;
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
    if (typeof value === "string" && isUnfilled(value)) {
      return [{ file: source, path: "", message: UNFILLED }];
    }
    const isNumber = bare(schema) instanceof z.ZodNumber && /^\d+$/.test(String(value));
    const result = z.safeParse(schema, isNumber ? Number(value) : value);
    if (result.success) {
      if (applySpecial(config, key.join("."), result.data)) return [];
      const [last = "", ...holders] = key.map(camelCase).reverse();
      const holder = valueAt(config, holders.reverse());
      if (isRecord(holder)) Reflect.set(holder, last, result.data);
      return [];
    }
    const [issue] = result.error.issues;
    const quoting = issue?.code === "custom" ? issue.params?.quoting : undefined;
    const message = String(
      (isSecret(key) ? undefined : quoting) ?? issue?.message ?? "is not valid",
    );
    const isShown = !isSecret(key) && typeof value === "string" && issue?.code !== "custom" &&
      message.startsWith("must be");
    const shown = isShown ? `, not ${shownOf(value)}` : "";
    return [{ file: source, path: "", message: message + shown }];
  });
}

/** What becomes more than one key: the parts of a URL, and rules beside those of the file. */
function applySpecial(config: unknown, key: string, data: unknown): boolean {
  if (!isRecord(config)) return false;
  if (key === "topics" && Array.isArray(config.rules) && Array.isArray(data)) {
    Reflect.set(config, "rules", [...config.rules, ...data]);
    return true;
  }
  if (key !== "mqtt.url" || !isRecord(config.mqtt) || !isRecord(data)) return false;
  const { transport } = data as unknown as BrokerUrl;
  Object.assign(config.mqtt, { port: DEFAULT_PORTS[transport] }, data);
  return true;
}
