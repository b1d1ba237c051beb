/**
 * The configuration as the program sees it: parsed once, frozen, in exact types and with units in
 * the names. How it is written in the file, and what becomes of each key, is `schema.ts`.
 *
 * @module
 */

import type * as z from "zod/v4";
import { escapeUnseen } from "../text.ts";
import type { configSchema } from "./schema.ts";

export type { MqttTransport } from "./broker_url.ts";

type Frozen<T> = T extends (...args: never[]) => unknown ? T
  : T extends object ? { readonly [Key in keyof T]: Frozen<T[Key]> }
  : T;

/** Everything the user decided, with defaults filled in. */
export interface Config extends Frozen<z.output<typeof configSchema>> {
  /** The file it was read from; undefined where there is none and the defaults stand. */
  readonly source: string | undefined;
  /** Where a config is looked for when no path is given; undefined where HOME is not known. */
  readonly defaultPath: string | undefined;
  /** Every secret value in force, for the log to redact. */
  readonly secrets: readonly string[];
  /** The keys whose secrets stand in the file itself. */
  readonly plainSecrets: readonly string[];
  /** The environment variables that it takes values from, by reference or instead of keys. */
  readonly variables: readonly string[];
  /** What is accepted but should be known, for the log. */
  readonly warnings: readonly Fault[];
}

/** For `tls` and `wss`; `ca`, `cert` and `key` are PEM texts, read when the config is loaded. */
export type TlsConfig = Config["mqtt"]["tls"];

/** What one call, and all calls together, may use. A `publishPerMinute` of 0 is no limit. */
export type Limits = Config["limits"];

/** One thing wrong (or, among the warnings, worth knowing), and where it stands. */
export interface Fault {
  /** The file, or the option or environment variable the value came from. */
  readonly file: string;
  /** From 1; left out, as the column is, where the value does not stand in a file. */
  readonly line?: number;
  /** From 1, in UTF-16 code units as editors count. */
  readonly column?: number;
  /** As in `topics[2].pattern`; empty for the whole. */
  readonly path: string;
  readonly message: string;
}

/**
 * The fault on one line, as in `config.json:3:13: mqtt.port: must be …`; what is not seen in it is
 * escaped.
 */
export function formatFault(fault: Fault): string {
  const position = fault.line === undefined ? "" : `:${fault.line}:${fault.column}`;
  const path = fault.path === "" ? "" : `${fault.path}: `;
  return escapeUnseen(`${fault.file}${position}: ${path}${fault.message}`);
}

/** How many faults are told; who has more begins with these. */
export const MAX_FAULTS = 100;

/** A config that cannot be used. Its message has one line for each fault. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  /** {@linkcode MAX_FAULTS} at most. */
  readonly faults: readonly Fault[];

  /** @param more how many there are beside `faults`. */
  constructor(faults: readonly Fault[], more = 0) {
    const told = faults.slice(0, MAX_FAULTS);
    const left = faults.length - told.length + more;
    const last = left === 0 ? [] : [`and ${left} more fault${left === 1 ? "" : "s"}`];
    super([...told.map(formatFault), ...last].join("\n"));
    this.faults = told;
  }
}
