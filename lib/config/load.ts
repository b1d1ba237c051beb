/**
 * Loads the config: defaults, then the file, then the environment, then options. Every fault is told
 * at once.
 *
 * @module
 */

import { buildConfig } from "./build_config.ts";
import { type Config, ConfigError } from "./config.ts";
import { crossCheck } from "./cross_checks.ts";
import type { Document } from "./document.ts";
import { describeIssues, type Issue } from "./issues.ts";
import { locateAll } from "./locate.ts";
import { applyOverrides, type Override } from "./overrides.ts";
import { formatPath, type Path } from "./path.ts";
import { type PemTexts, readPem } from "./pem.ts";
import { quickParse } from "./quick_parse.ts";
import { type ConfigFile, configSchema } from "./schema.ts";
import {
  type ConfigEffects,
  type Folders,
  isSecret,
  readFailure,
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
  readTextFile: (path) => Deno.readTextFile(path),
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
  const folders: Folders = {
    base: source?.replace(/[^/\\]*$/, "") ?? "",
    home: effects.env("HOME") || undefined,
  };
  const text = read?.text ?? "{}";
  const quick = quickParse(text);
  const checked = await check((quick ?? await parsePositions(text)).value, { effects, folders });
  const isPlain = quick !== undefined && checked.issues.length + checked.warnings.length === 0;
  const located = isPlain ? { faults: [], warnings: [] } : locateAll(await parsePositions(text), {
    file: source ?? "",
    issues: checked.issues,
    warnings: checked.warnings,
  });
  const applied = applyOverrides(checked.file, overrides);
  const faults = [...located.faults, ...applied.faults];
  if (faults.length > 0 || applied.file === undefined) throw new ConfigError(faults);
  return buildConfig(applied.file, {
    source,
    defaultPath,
    folders,
    pem: checked.pem,
    overridden: (key) => overrides.some((override) => override.key.join(".") === key),
    warnings: located.warnings,
  });
}

interface Checked {
  readonly file: ConfigFile | undefined;
  readonly pem: PemTexts;
  readonly issues: readonly Issue[];
  readonly warnings: readonly Issue[];
}

/** Everything that can be said of the value of the file. */
async function check(
  written: unknown,
  outside: { effects: ConfigEffects; folders: Folders },
): Promise<Checked> {
  const { value, faults, paths } = await resolveReferences(written, outside);
  const resolved = new Set(paths.map(formatPath));
  const hidden = (path: Path): boolean => isSecret(path) || resolved.has(formatPath(path));
  const parsed = configSchema.safeParse(value, { jitless: true });
  const cross = crossCheck(value);
  const pem = await readPem(value, outside);
  const found = [
    ...parsed.success ? [] : describeIssues(parsed.error, { value, hidden }),
    ...cross.faults,
    ...pem.faults,
  ];
  // What a reference would have led to is not known, so nothing else is said of its key.
  const unresolved = new Set(faults.map(({ path }) => formatPath(path)));
  const issues: Issue[] = [
    ...faults.map((fault) => ({ ...fault, at: "value" as const })),
    ...found.filter(({ path }) => !unresolved.has(formatPath(path))),
  ];
  return { file: parsed.data, pem: pem.texts, issues, warnings: cross.warnings };
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
    return { path: wanted, text: await effects.readTextFile(wanted) };
  } catch (cause) {
    if (path === undefined && cause instanceof Deno.errors.NotFound) return undefined;
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
  return parseDocument(text.replace(/^\uFEFF/, ""));
}
