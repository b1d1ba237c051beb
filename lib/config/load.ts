/**
 * Loads the config: defaults, then the file, then the environment, then options. Every fault is told
 * at once.
 *
 * @module
 */

import type * as z from "zod/v4";
import { type Config, ConfigError } from "./config.ts";
import { crossCheck, rulePaths } from "./cross_checks.ts";
import type { Document } from "./document.ts";
import { describeIssues, type Issue } from "./issues.ts";
import { applyOverrides, type Override } from "./overrides.ts";
import { formatPath, isRecord, type Path, setAt, sizeOf, valueAt } from "./path.ts";
import { quickParse } from "./quick_parse.ts";
import { MAX_CONFIG_BYTES, readFailure, readTextFile, UnreadableText } from "./read_text.ts";
import {
  type ConfigEffects,
  foldersOf,
  isSecret,
  NUMBERS,
  type Outside,
  PATHS,
  resolvePath,
  resolveReferences,
} from "./references.ts";
import { isPlaceholder } from "./remote_server_schema.ts";
import { configSchema } from "./schema.ts";

export type { ConfigEffects } from "./references.ts";
export type { Override } from "./overrides.ts";

/** What to load, and by what means. */
export interface LoadOptions {
  /** Undefined: the default path, where a missing file is no error. */
  readonly path?: string | undefined;
  /** The option or variable that gave `path`, for the message when it cannot be read. */
  readonly pathSource?: string | undefined;
  /** Whether there is no default path. */
  readonly needsNoFile?: boolean;
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
  const { home } = foldersOf(undefined, effects);
  return home === undefined ? undefined : `${home}/.config/mcpmqtt/config.json`;
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
  const { effects = systemEffects } = options;
  const defaultPath = defaultConfigPath(effects);
  const read = await readSource(options, effects, defaultPath);
  const source = read?.path;
  const text = read?.text ?? "{}";
  if (source !== undefined && text.trim() === "") {
    const message = "is empty; move it away, and make one with: mcpmqtt init";
    throw new ConfigError([{ file: source, path: "", message }]);
  }
  const quick = quickParse(text);
  const parse = async (): Promise<Document> => {
    // Loaded only when something is to be located, for the sake of a quick start.
    const { Document } = await import("./document.ts");
    return new Document(text, source ?? "");
  };
  const broken = quick === undefined ? await parse() : undefined;
  const written = (quick ?? broken)?.value;
  const { config, value, issues, variables: named } = await check(written, {
    effects,
    folders: foldersOf(source, effects),
    url: String(options.overrides?.find(({ key }) => key.join(".") === "mqtt.url")?.value ?? ""),
  });
  const document = issues.length === 0 ? broken : broken ?? await parse();
  const { faults = [], more = 0, warnings = [] } = document?.locate(issues) ?? {};
  // A path that is given as an option begins at the working folder.
  const overrides = (options.overrides ?? []).map((override) => {
    const { key, value } = override;
    const isPath = key.join(".") === "logging.logfile" && typeof value === "string";
    if (!isPath) return override;
    return { ...override, value: resolvePath(value, foldersOf(undefined, effects)) };
  });
  const all = [...faults, ...applyOverrides(config, overrides)];
  if (all.length > 0 || config === undefined) throw new ConfigError(all, more);
  const secrets = secretsOf(config, value);
  const instead = overrides.map(({ source }) => source).filter((name) =>
    name.startsWith("MCPMQTT_")
  );
  const variables = [...new Set([...named, ...instead])];
  const plainSecrets = SECRETS.filter((path) =>
    /^(?!\$\{)./s.test(String(valueAt(written, path) ?? ""))
  )
    .map(formatPath);
  return deepFreeze({ ...config, source, defaultPath, secrets, plainSecrets, variables, warnings });
}

/** What is better kept elsewhere. */
const SECRETS: readonly Path[] = [
  ["mqtt", "password"],
  ["mqtt", "tls", "key_passphrase"],
  ["remote_server", "api_key"],
];

/** How many values a config may hold: some 20,000 rules. With more zod runs out of stack. */
const MAX_VALUES = 100_000;

interface Checked {
  /** What the schema makes of it; undefined where it finds fault. */
  readonly config: z.output<typeof configSchema> | undefined;
  /** What was written, with what is outside of it in its place. */
  readonly value: unknown;
  readonly issues: readonly Issue[];
  /** The environment variables that it refers to. */
  readonly variables: readonly string[];
}

/** Everything that can be said of the value of the file. */
async function check(
  written: unknown,
  { url, ...outside }: Outside & { readonly url: string },
): Promise<Checked> {
  const { values } = sizeOf(written);
  if (values > MAX_VALUES) {
    const message = `holds ${values} values; ${MAX_VALUES} are the most`;
    return { config: undefined, value: written, issues: [{ path: [], message }], variables: [] };
  }
  const { value, issues: broken, places, variables } = await resolveReferences(written, outside);
  const references = new Set(places.map(formatPath));
  const isReference = (path: Path): boolean => references.has(formatPath(path));
  for (const path of NUMBERS) {
    const number = valueAt(value, path);
    if (typeof number === "string" && /^ *\d+ *$/.test(number)) setAt(value, path, Number(number));
  }
  const pemIssues = await takeFiles(value, { ...outside, isReference });
  const schemaIssues = await takeSchemas(value);
  const parsed = configSchema.safeParse(value, { jitless: true });
  const hidden = (path: Path): boolean => isSecret(path) || isReference(path);
  const found = [
    ...parsed.success ? [] : describeIssues(parsed.error, { value, hidden }),
    ...crossCheck(value, url),
    ...pemIssues,
    ...schemaIssues,
  ];
  // What a broken reference would have led to is not known, so nothing else is said of its key.
  const unknown = new Set(broken.map(({ path }) => formatPath(path)));
  const issues = [...broken, ...found.filter(({ path }) => !unknown.has(formatPath(path)))];
  return { config: parsed.data, value, issues, variables };
}

/** Puts the PEM texts into the value, and makes its paths those of the system. */
async function takeFiles(
  value: unknown,
  outside: Outside & { isReference(path: Path): boolean },
): Promise<Issue[]> {
  for (const path of PATHS) {
    const text = valueAt(value, path);
    const isOfTls = path[0] === "mqtt";
    if (isOfTls || typeof text !== "string" || text === "") continue;
    setAt(value, path, resolvePath(text, outside.folders));
  }
  const tls = valueAt(value, ["mqtt", "tls"]);
  if (!isRecord(tls) || ![tls.ca, tls.cert, tls.key].some((one) => typeof one === "string")) {
    return [];
  }
  const { readPem } = await import("./pem.ts");
  const isReference = (key: string): boolean => outside.isReference(["mqtt", "tls", key]);
  return await readPem(tls, { ...outside, isReference });
}

/** Puts what the schemas of payloads are compiled to in their place. */
async function takeSchemas(value: unknown): Promise<Issue[]> {
  const issues: Issue[] = [];
  for (const rule of rulePaths(value)) {
    const path = [...rule, "payload", "schema"];
    const schema = valueAt(value, path);
    if (!isRecord(schema)) continue;
    const { compileSchema } = await import("./payload_schema.ts");
    try {
      setAt(value, path, compileSchema(schema));
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      issues.push({ path, message: `is no JSON Schema that can be used: ${why.slice(0, 300)}` });
    }
  }
  return issues;
}

/** What the log is to redact. */
function secretsOf({ mqtt }: z.output<typeof configSchema>, written: unknown): string[] {
  const main = valueAt(written, ["remote_server"]);
  const keys = [main, ...Object.values(valueAt(main, ["keys"]) ?? [])].flatMap((client) =>
    [["api_key"], ["api_key_kdf", "salt"], ["api_key_kdf", "hash"]]
      .map((path) => String(valueAt(client, path) ?? ""))
      .filter((value) => !isPlaceholder(value))
  );
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

/** The file and its text; undefined where the default file does not exist. */
async function readSource(
  { path, pathSource, needsNoFile = false }: LoadOptions,
  effects: ConfigEffects,
  defaultPath: string | undefined,
): Promise<{ path: string; text: string } | undefined> {
  const wanted = path === undefined
    ? needsNoFile ? undefined : defaultPath
    : resolvePath(path, foldersOf(undefined, effects));
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
    throw new ConfigError([{ file: wanted, path: "", message }]);
  }
}
