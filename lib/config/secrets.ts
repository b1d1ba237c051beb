/**
 * References (`"${env:NAME}"`, `"${file:PATH}"`) and which keys are secret.
 *
 * @module
 */

import { isRecord, type Path } from "./path.ts";
import { readFailure } from "./read_text.ts";

/** What the loader needs of the outside. */
export interface ConfigEffects {
  /** As {@linkcode readTextFile}. */
  readTextFile(path: string, maxBytes?: number): Promise<string>;
  env(name: string): string | undefined;
}

/** Where relative paths and `~/` lead. */
export interface Folders {
  /** The folder of the config file. */
  readonly base: string;
  readonly home: string | undefined;
}

/** A path and a URL may hold a token in their query. */
const SECRET_KEYS: ReadonlySet<string> = new Set([
  "api_key",
  "hash",
  "key",
  "key_passphrase",
  "password",
  "path",
  "salt",
  "url",
]);

/** Whether some key of the path names a secret, so that its value is never shown. */
export function isSecret(path: Path): boolean {
  return path.some((step) => typeof step === "string" && SECRET_KEYS.has(step));
}

/** The config with its references replaced. */
export interface Resolved {
  readonly value: unknown;
  /** What is wrong with references; it shows no value. */
  readonly faults: readonly { readonly path: Path; readonly message: string }[];
  /** Where references stand: what came of them is not to be shown. */
  readonly paths: readonly Path[];
}

/** How many different references are followed; a file may be large. */
const MAX_REFERENCES = 256;

/** Replaces each text that is a reference as a whole. */
export async function resolveReferences(
  root: unknown,
  outside: { effects: ConfigEffects; folders: Folders },
): Promise<Resolved> {
  const places: { text: string; path: Path }[] = [];
  findReferences(root, [], places);
  const found = new Map<string, Found>();
  for (const { text } of places) {
    if (found.has(text)) continue;
    const isOneTooMany = found.size >= MAX_REFERENCES;
    found.set(text, isOneTooMany ? { fault: TOO_MANY } : await resolve(text, outside));
  }
  const faults = places.flatMap(({ text, path }) => {
    const one = found.get(text);
    return one !== undefined && "fault" in one ? [{ path, message: one.fault }] : [];
  });
  return { value: replaced(root, found), faults, paths: places.map(({ path }) => path) };
}

const TOO_MANY = `is one reference too many; ${MAX_REFERENCES} are the most`;

function findReferences(
  value: unknown,
  path: Path,
  places: { text: string; path: Path }[],
): void {
  if (typeof value === "string" && /\$\{(?:env|file):/.test(value)) {
    places.push({ text: value, path });
  } else if (Array.isArray(value)) {
    value.forEach((item, at) => findReferences(item, [...path, at], places));
  } else if (isRecord(value)) {
    for (const [key, item] of Object.entries(value)) findReferences(item, [...path, key], places);
  }
}

function replaced(value: unknown, found: ReadonlyMap<string, Found>): unknown {
  if (typeof value === "string") {
    const one = found.get(value);
    return one !== undefined && "value" in one ? one.value : value;
  }
  if (Array.isArray(value)) return value.map((item) => replaced(item, found));
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, replaced(item, found)]),
  );
}

/**
 * The path of a file named in the config: `~/` is the home folder, a relative path begins at the
 * config file's folder.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { resolvePath } from "./secrets.ts";
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

async function resolve(
  text: string,
  { effects, folders }: { effects: ConfigEffects; folders: Folders },
): Promise<Found> {
  const [, kind, name] = /^\$\{(env|file):([^{}]*)\}$/.exec(text) ?? [];
  if (name === undefined) {
    return { fault: 'must be "${env:NAME}" or "${file:PATH}" as a whole, with nothing around it' };
  }
  return kind === "env" ? fromEnvironment(name, effects) : await fromFile(name, effects, folders);
}

function fromEnvironment(name: string, effects: ConfigEffects): Found {
  if (!/^MCPMQTT_\w+$/.test(name)) {
    return {
      fault: 'names a variable that does not begin with "MCPMQTT_"; only those can be read',
    };
  }
  const value = effects.env(name);
  if (value === undefined || value === "") {
    return { fault: `needs the environment variable ${name}, which is not set or is empty` };
  }
  return { value };
}

async function fromFile(name: string, effects: ConfigEffects, folders: Folders): Promise<Found> {
  const path = resolvePath(name, folders);
  let content: string;
  try {
    content = await effects.readTextFile(path);
  } catch (cause) {
    return { fault: `needs the file ${path}, which cannot be read: ${readFailure(cause)}` };
  }
  const value = content.replace(/\r?\n$/, "");
  return value === "" ? { fault: `needs the file ${path}, which is empty` } : { value };
}
