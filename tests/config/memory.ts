/** Loads a config that stands in memory. */

import { type Config, ConfigError, type Fault } from "../../lib/config/config.ts";
import { loadConfig, type Override } from "../../lib/config/load.ts";

/** Files by path and variables by name; what is not here does not exist. */
export interface World {
  readonly files?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly overrides?: readonly Override[];
}

/** Loads `text` (or the JSON of a value) as `/etc/config.json`. */
export function load(
  text: unknown,
  { files = {}, env = {}, overrides = [] }: World = {},
): Promise<Config> {
  const source = typeof text === "string" ? text : JSON.stringify(text);
  const all: Readonly<Record<string, string>> = { "/etc/config.json": source, ...files };
  return loadConfig({
    path: "/etc/config.json",
    overrides,
    effects: {
      readTextFile: (path) => {
        const found = all[path];
        return found === undefined
          ? Promise.reject(new Deno.errors.NotFound(path))
          : Promise.resolve(found);
      },
      env: (name) => env[name],
    },
  });
}

/** The error of a config that must not load. */
export async function loadError(text: unknown, world: World = {}): Promise<ConfigError> {
  try {
    await load(text, world);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error("the config loaded");
}

/** The faults of a config that must not load. */
export async function faultsOf(text: unknown, world: World = {}): Promise<readonly Fault[]> {
  return (await loadError(text, world)).faults;
}
