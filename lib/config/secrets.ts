/**
 * References (`"${env:NAME}"`, `"${file:PATH}"`) and which keys are secret.
 *
 * @module
 */

import type { Path } from "./path.ts";
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

const SECRET_KEYS: ReadonlySet<string> = new Set([
  "api_key",
  "hash",
  "key",
  "key_passphrase",
  "password",
  "salt",
]);

/** Whether some key of the path names a secret, so that its value is never shown. */
export function isSecret(path: Path): boolean {
  return path.some((step) => typeof step === "string" && SECRET_KEYS.has(step));
}

/** The config with its references replaced. */
export interface Resolved {
  readonly value: unknown;
  readonly faults: readonly { readonly path: Path; readonly message: string }[];
  /** The paths, formatted by nobody, of values that came from elsewhere and are not to be shown. */
  readonly paths: readonly Path[];
}

/** Replaces each text that is a reference as a whole. What is missing is a fault that shows no value. */
export async function resolveReferences(
  root: unknown,
  options: { effects: ConfigEffects; folders: Folders },
): Promise<Resolved> {
  const faults: { path: Path; message: string }[] = [];
  const paths: Path[] = [];

  const visit = async (value: unknown, path: Path): Promise<unknown> => {
    if (Array.isArray(value)) {
      return await Promise.all(value.map((item, at) => visit(item, [...path, at])));
    }
    if (typeof value === "object" && value !== null) {
      const entries = Object.entries(value).map(
        async ([key, item]) => [key, await visit(item, [...path, key])] as const,
      );
      return Object.fromEntries(await Promise.all(entries));
    }
    if (typeof value !== "string" || !/\$\{(?:env|file):/.test(value)) return value;
    paths.push(path);
    const found = await resolve(value, options);
    if ("value" in found) return found.value;
    faults.push({ path, message: found.fault });
    return value;
  };

  return { value: await visit(root, []), faults, paths };
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
