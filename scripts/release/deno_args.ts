/**
 * The arguments that Deno runs the bundle with where nothing is compiled in: the npm package.
 *
 * @module
 */

/** One kind of permission in `deno.json`. */
export type Permission = boolean | readonly string[] | {
  readonly allow?: boolean | readonly string[];
  readonly deny?: boolean | readonly string[];
  readonly ignore?: boolean | readonly string[];
};

/** A permission set of `deno.json`. */
export type PermissionSet = Readonly<Record<string, Permission>>;

/**
 * Nothing is read beside the bundle: no config, lock or `package.json` of the folder that a host
 * happens to start the program in. The permissions are written out, because those of a config file
 * come with a warning in every log.
 */
const RUN = [
  "run",
  "--quiet",
  "--no-prompt",
  "--no-config",
  "--no-lock",
  "--no-remote",
  "--no-npm",
  // Else Deno warns of it in the log, and aborts every request that was answered.
  "--unstable-no-legacy-abort",
];

/**
 * The arguments before the path of the program.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { denoArgs } from "./deno_args.ts";
 *
 * const args = denoArgs({ net: true, env: { allow: ["HOME", "MCPMQTT_*"], ignore: true } });
 * assert.deepEqual(args.slice(-3), [
 *   "--allow-net",
 *   "--allow-env=HOME,MCPMQTT_*",
 *   "--ignore-env",
 * ]);
 * ```
 *
 * @throws where a value cannot be written as an argument
 */
export function denoArgs(permissions: PermissionSet): string[] {
  const flags = Object.entries(permissions).flatMap(([name, permission]) => {
    const isWhole = typeof permission === "boolean" || Array.isArray(permission);
    return Object.entries(isWhole ? { allow: permission } : permission)
      .flatMap(([mode, value]) => flag(`--${mode}-${name}`, value));
  });
  return [...RUN, ...flags];
}

function flag(name: string, value: unknown): string[] {
  if (value === false) return [];
  if (value === true) return [name];
  const isList = Array.isArray(value) && value.length > 0 &&
    value.every((one) => typeof one === "string" && !one.includes(","));
  if (!isList) throw new Error(`${name} cannot be given ${JSON.stringify(value)}`);
  return [`${name}=${value.join(",")}`];
}
