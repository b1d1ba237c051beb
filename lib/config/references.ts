/**
 * References (`"${env:NAME}"`, `"${file:PATH}"`), what files are named in the config, and which keys
 * are secret.
 *
 * @module
 */

import type { Issue } from "./issues.ts";
import type { Path } from "./path.ts";
import { readFailure } from "./read_text.ts";

/** What the loader needs of the system. */
export interface ConfigEffects {
  /** As `readTextFile()` of `read_text.ts`. */
  readTextFile(path: string, maxBytes?: number): Promise<string>;
  env(name: string): string | undefined;
}

/** Where relative paths and `~/` lead. */
export interface Folders {
  /** The folder of the config file. */
  readonly base: string;
  readonly home: string | undefined;
}

/** Of a config at a path; without one, relative paths begin at the working folder. */
export function foldersOf(configPath: string | undefined, { env }: ConfigEffects): Folders {
  const base = configPath?.replace(/[^/\\]*$/, "") ?? "";
  // On Windows there usually is no HOME.
  return { base, home: env("HOME") || env("USERPROFILE") || undefined };
}

/** What is outside of the config, and where. */
export interface Outside {
  readonly effects: ConfigEffects;
  readonly folders: Folders;
}

/** The keys that hold a path; at those of `mqtt.tls` PEM text may stand instead. */
export const PATHS: readonly Path[] = [
  ["mqtt", "tls", "ca"],
  ["mqtt", "tls", "cert"],
  ["mqtt", "tls", "key"],
  ["logging", "logfile"],
  ["logging", "audit"],
  ["logging", "audit", "path"],
  ["remote_server", "uds"],
  ["remote_server", "tls", "cert"],
  ["remote_server", "tls", "key"],
];

/** The keys of the original whose numbers may be written as text, as it took them; so may a reference. */
export const NUMBERS: readonly Path[] = [
  ["mqtt", "port"],
  ["mqtt", "keepalive"],
  ["remote_server", "port"],
  ...["time_cost", "memory_cost", "parallelism", "hash_len"]
    .map((key) => ["remote_server", "api_key_kdf", key]),
];

/** A path and a URL may hold a token in their query. */
const SECRET_KEYS = /^(?:api_key|hash|key|key_passphrase|password|path|salt|url)$/;

/** Whether some key of the path names a secret, so that its value is never shown. */
export function isSecret(path: Path): boolean {
  return path.some((step) => SECRET_KEYS.test(String(step)));
}

/** How many different references are followed; a file may be large. */
const MAX_REFERENCES = 256;

/**
 * A copy of the config with what its references lead to.
 *
 * @returns also what is wrong with them, where they stand (what came of them is not to be shown), and
 * the variables that they name.
 */
export async function resolveReferences(
  root: unknown,
  outside: Outside,
): Promise<{ value: unknown; issues: Issue[]; places: Path[]; variables: string[] }> {
  const copy = { root: structuredClone(root) };
  const places = [...references(copy, undefined)];
  const found = new Map<string, Found>();
  const issues: Issue[] = [];
  for (const { holder, key, text, path } of places) {
    const one = found.get(text) ??
      (found.size < MAX_REFERENCES ? await resolve(text, outside) : TOO_MANY);
    found.set(text, one);
    if ("value" in one) Reflect.set(holder, key, one.value);
    else issues.push({ path, message: one.fault });
  }
  const variables = [...found.keys()].flatMap((text) => /^\$\{env:(\w+)\}$/.exec(text)?.[1] ?? []);
  return { value: copy.root, issues, places: places.map(({ path }) => path), variables };
}

interface Reference {
  readonly holder: object;
  readonly key: string;
  readonly text: string;
  readonly path: Path;
}

/** Each text that has a reference in it; `path` is undefined for what holds the root. */
function* references(holder: object, path: Path | undefined): Generator<Reference> {
  for (const [key, value] of Object.entries(holder)) {
    const here = path && [...path, Array.isArray(holder) ? Number(key) : key];
    if (typeof value === "object" && value !== null) yield* references(value, here ?? []);
    const isReference = typeof value === "string" && /\$\{(?:env|file):/.test(value);
    if (isReference) yield { holder, key, text: value, path: here ?? [] };
  }
}

/**
 * The path of a file named in the config: `~/` is the home folder, a relative path begins at the
 * config file's folder.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { resolvePath } from "./references.ts";
 *
 * const folders = { base: "/etc/mcpmqtt", home: "/home/ada" };
 * assert(resolvePath("ca.pem", folders) === "/etc/mcpmqtt/ca.pem");
 * assert(resolvePath("~/ca.pem", folders) === "/home/ada/ca.pem");
 * ```
 */
export function resolvePath(path: string, folders: Folders): string {
  if (/^~[/\\]/.test(path) && folders.home !== undefined) return folders.home + path.slice(1);
  if (/^(?:[/\\]|[A-Za-z]:[/\\])/.test(path) || folders.base === "") return path;
  return `${folders.base.replace(/[/\\]$/, "")}/${path.replace(/^\.[/\\]/, "")}`;
}

type Found = { readonly value: string } | { readonly fault: string };

const TOO_MANY = { fault: `is one reference too many; ${MAX_REFERENCES} are the most` };

async function resolve(text: string, { effects, folders }: Outside): Promise<Found> {
  const [, kind, name] = /^\$\{(env|file):([^{}]*)\}$/.exec(text) ?? [];
  if (name === undefined) {
    return { fault: 'must be "${env:NAME}" or "${file:PATH}" as a whole, with nothing around it' };
  }
  if (kind === "env") return fromEnvironment(name, effects);
  const path = resolvePath(name, folders);
  try {
    const value = (await effects.readTextFile(path)).replace(/\r?\n$/, "");
    return value === "" ? { fault: `needs the file ${path}, which is empty` } : { value };
  } catch (cause) {
    return { fault: `needs the file ${path}, which cannot be read: ${readFailure(cause)}` };
  }
}

/** Of a variable that a host was to fill in from its own, and did not. */
export const UNFILLED =
  "holds a reference that the agent host has not filled in; write the value itself in its env";

/** Whether a value of the environment is one, such as `${input:password}`. */
export function isUnfilled(value: string): boolean {
  return /^\$\{[^{}]*\}$/.test(value);
}

function fromEnvironment(name: string, effects: ConfigEffects): Found {
  if (!/^MCPMQTT_\w+$/.test(name)) {
    return {
      fault: 'names a variable that does not begin with "MCPMQTT_"; only those can be read',
    };
  }
  const value = effects.env(name) || undefined;
  if (value !== undefined && isUnfilled(value)) {
    return { fault: `needs the environment variable ${name}, which ${UNFILLED}` };
  }
  return value === undefined
    ? { fault: `needs the environment variable ${name}, which is not set or is empty` }
    : { value };
}
