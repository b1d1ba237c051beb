/**
 * Loads the config: defaults, then the file, then the environment, then options. Every fault is told
 * at once.
 *
 * @module
 */

import type * as z from "zod/v4";
import { type Config, ConfigError } from "./config.ts";
import { crossCheck } from "./cross_checks.ts";
import type { Document } from "./document.ts";
import { describeIssues, type Issue } from "./issues.ts";
import { locateAll } from "./locate.ts";
import { applyOverrides, type Override } from "./overrides.ts";
import { formatPath, type Path, sizeOf, valueAt } from "./path.ts";
import { type PemTexts, readPem } from "./pem.ts";
import { quickParse } from "./quick_parse.ts";
import { MAX_CONFIG_BYTES, readFailure, readTextFile, UnreadableText } from "./read_text.ts";
import { isPlaceholder } from "./remote_server_schema.ts";
import { configSchema } from "./schema.ts";
import { grouped } from "./schema_types.ts";
import {
  type ConfigEffects,
  type Folders,
  isSecret,
  resolvePath,
  resolveReferences,
} from "./secrets.ts";

export type { ConfigEffects } from "./secrets.ts";
export type { Override } from "./overrides.ts";

/** What to load, and by what means. */
export interface LoadOptions {
  /** Undefined: the default path, where a missing file is no error. */
  readonly path?: string | undefined;
  /** The option or variable that gave `path`, for the message when it cannot be read. */
  readonly pathSource?: string | undefined;
  /** In ascending precedence. */
  readonly overrides?: readonly Override[];
  /** Default: those of the system. */
  readonly effects?: ConfigEffects;
}

/** Files and environment of the system. */
export const systemEffects: ConfigEffects = {
  readTextFile,
  env: (name) => Deno.env.get(name),
};

/**
 * Where the config is looked for when no path is given, or undefined where HOME is not known.
 */
export function defaultConfigPath(effects: ConfigEffects = systemEffects): string | undefined {
  const home = effects.env("HOME");
  return home === undefined || home === "" ? undefined : `${home}/.config/mcpmqtt/config.json`;
}

/**
 * Loads and checks the config. Nothing is printed; what should be known is in `warnings`.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { loadConfig } from "./load.ts";
 *
 * const config = await loadConfig({
 *   path: "/etc/mcpmqtt.json",
 *   effects: {
 *     readTextFile: () => Promise.resolve('{ "mqtt": { "host": "broker.lan" } }'),
 *     env: () => undefined,
 *   },
 * });
 * assert(config.mqtt.host === "broker.lan" && config.mqtt.port === 1883);
 * ```
 *
 * @throws {ConfigError} with every fault
 */
export async function loadConfig(options: LoadOptions = {}): Promise<Config> {
  const { effects = systemEffects, overrides = [] } = options;
  const defaultPath = defaultConfigPath(effects);
  const read = await readSource(options, effects, defaultPath);
  const source = read?.path;
  const base = source?.replace(/[^/\\]*$/, "") ?? "";
  const folders: Folders = { base, home: effects.env("HOME") || undefined };
  const text = read?.text ?? "{}";
  const quick = quickParse(text);
  const broken = quick === undefined ? await parsePositions(text) : undefined;
  const checked = await check((quick ?? broken)?.value, { effects, folders });
  const isPlain = quick !== undefined && checked.issues.length + checked.warnings.length === 0;
  const located = isPlain
    ? { faults: [], more: 0, warnings: [] }
    : locateAll(broken ?? await parsePositions(text), { file: source ?? "", ...checked });
  const faults = [...located.faults, ...applyOverrides(checked.config, overrides)];
  if (faults.length > 0 || checked.config === undefined) {
    throw new ConfigError(faults, located.more + checked.more);
  }
  const config = completed(checked.config, { folders, pem: checked.pem, overrides });
  return deepFreeze({
    ...config,
    source,
    defaultPath,
    secrets: secretsOf(config, checked.value),
    warnings: located.warnings,
  });
}

/** How many values a config may hold: some 20,000 rules. With more zod runs out of stack. */
const MAX_VALUES = 100_000;

type SchemaOutput = z.output<typeof configSchema>;

interface Checked {
  /** What was written, with its references resolved. */
  readonly value: unknown;
  /** What the schema makes of it; undefined where it finds fault. */
  readonly config: SchemaOutput | undefined;
  readonly pem: PemTexts;
  readonly issues: readonly Issue[];
  /** How many of the schema's there are beside them. */
  readonly more: number;
  readonly warnings: readonly Issue[];
}

/** Everything that can be said of the value of the file. */
async function check(
  written: unknown,
  outside: { effects: ConfigEffects; folders: Folders },
): Promise<Checked> {
  const { values } = sizeOf(written);
  if (values > MAX_VALUES) {
    const message = `holds ${grouped(values)} values; ${grouped(MAX_VALUES)} are the most`;
    const issues: Issue[] = [{ path: [], message, at: "value" }];
    return { value: written, config: undefined, pem: {}, issues, more: 0, warnings: [] };
  }
  const { value, faults, paths } = await resolveReferences(written, outside);
  const places = new Set(paths.map(formatPath));
  const references = (path: Path): boolean => places.has(formatPath(path));
  const hidden = (path: Path): boolean => isSecret(path) || references(path);
  const broken = new Set(faults.map(({ path }) => formatPath(path)));
  const unresolved = (path: Path): boolean => broken.has(formatPath(path));
  const parsed = configSchema.safeParse(value, { jitless: true });
  const cross = crossCheck(value);
  const pem = await readPem(value, { ...outside, references });
  const described = parsed.success
    ? { issues: [], more: 0 }
    : describeIssues(parsed.error, { value, hidden, unresolved });
  const issues: Issue[] = [
    ...faults.map((fault) => ({ ...fault, at: "value" as const })),
    ...described.issues,
    ...[...cross.faults, ...pem.faults].filter(({ path }) => !unresolved(path)),
  ];
  return {
    value,
    config: parsed.data,
    pem: pem.texts,
    issues,
    more: described.more,
    warnings: cross.warnings,
  };
}

/** Puts in the PEM texts, and resolves paths: an option's by the working folder, else by the file. */
function completed(
  { mqtt, logging, remoteServer, ...rest }: SchemaOutput,
  { folders, pem, overrides }: {
    folders: Folders;
    pem: PemTexts;
    overrides: readonly Override[];
  },
): SchemaOutput {
  const { logfile } = logging;
  const isOption = overrides.some(({ key }) => key.join(".") === "logging.logfile");
  const base = isOption ? "" : folders.base;
  const listen = remoteServer?.listen;
  return {
    ...rest,
    mqtt: { ...mqtt, tls: { ...mqtt.tls, ...pem } },
    logging: { ...logging, logfile: logfile && resolvePath(logfile, { ...folders, base }) },
    remoteServer: remoteServer && listen?.kind === "uds"
      ? { ...remoteServer, listen: { ...listen, path: resolvePath(listen.path, folders) } }
      : remoteServer,
  };
}

/** What the log is to redact. */
function secretsOf({ mqtt }: SchemaOutput, written: unknown): string[] {
  const keys = [["api_key"], ["api_key_kdf", "salt"], ["api_key_kdf", "hash"]]
    .map((path) => String(valueAt(written, ["remote_server", ...path]) ?? ""))
    .filter((value) => !isPlaceholder(value));
  const { path, password = "", tls: { key = "", keyPassphrase = "" } } = mqtt;
  const [, query = ""] = path.split(/\?(.*)/s);
  const all = [query, password, key, keyPassphrase, ...keys];
  return [...new Set(all)].filter((value) => value !== "");
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  Object.values(Object.freeze(value)).forEach(deepFreeze);
  return value;
}

interface Source {
  readonly path: string;
  readonly text: string;
}

/** The file and its text; undefined where the default file does not exist. */
async function readSource(
  { path, pathSource }: LoadOptions,
  effects: ConfigEffects,
  defaultPath: string | undefined,
): Promise<Source | undefined> {
  const home = effects.env("HOME") || undefined;
  const wanted = path === undefined ? defaultPath : resolvePath(path, { base: "", home });
  if (wanted === undefined) return undefined;
  try {
    return { path: wanted, text: await effects.readTextFile(wanted, MAX_CONFIG_BYTES) };
  } catch (cause) {
    if (path === undefined && cause instanceof Deno.errors.NotFound) return undefined;
    if (cause instanceof UnreadableText && cause.position !== undefined) {
      const message = cause.message.replace(/^it /, "");
      throw new ConfigError([{ file: wanted, ...cause.position, path: "", message }]);
    }
    const from = pathSource === undefined ? "" : ` (given by ${pathSource})`;
    const message = `cannot be read${from}: ${readFailure(cause)}; ` +
      "give the path of a config, or make one with: mcpmqtt init";
    throw new ConfigError([
      { file: wanted, line: undefined, column: undefined, path: "", message },
    ]);
  }
}

/** Loaded only when something is to be located, for the sake of a quick start. */
async function parsePositions(text: string): Promise<Document> {
  const { parseDocument } = await import("./document.ts");
  return parseDocument(text);
}
