/**
 * Which package a module of the bundle comes from, by the path that a source map gives.
 *
 * @module
 */
import type { BundledPackage } from "./bundle.ts";
import type { LockedPackage } from "./project.ts";

/**
 * The package of a source, or undefined for a module of the project itself.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { packageOf } from "./bundle_sources.ts";
 *
 * const locked = [{ name: "ws", version: "8.23.0", integrity: "" }];
 * const found = packageOf("../../cache/npm/host/ws/8.23.0/lib/sender.js", locked);
 * assert.deepEqual(found, { name: "ws", version: "8.23.0", inlined: false });
 * ```
 *
 * @throws where the source is of a package that the lock does not know: nothing goes unlisted
 */
export function packageOf(
  source: string,
  locked: readonly LockedPackage[],
): BundledPackage | undefined {
  const inlined = inlinedPackage(source);
  if (inlined) return inlined;
  const [, path] = /\/npm\/[^/]+\/(.*)$/.exec(source) ?? [];
  if (path === undefined) return undefined;
  const exact = locked.find(({ name, version }) => path.startsWith(`${name}/${version}/`));
  if (exact) return { name: exact.name, version: exact.version, inlined: false };
  // A source map of a package may point beside the package: its sources were elsewhere when it was made.
  const [named, ...others] = locked.filter(({ name }) => path.startsWith(`${name}/`));
  if (named && others.length === 0) {
    return { name: named.name, version: named.version, inlined: false };
  }
  throw new Error(`${path} is in the bundle, and deno.lock has no package for it`);
}

/** `…/node_modules/.pnpm/ajv@8.18.0/node_modules/ajv/dist/core.js`: bundled into a dependency. */
function inlinedPackage(source: string): BundledPackage | undefined {
  const [, folder] = /\/node_modules\/\.pnpm\/([^/]+)\//.exec(source) ?? [];
  if (folder === undefined) return undefined;
  const [, name = "", version = ""] = /^(@?[^@]+)@([^_(]+)/.exec(folder) ?? [];
  return { name: name.replace("+", "/"), version, inlined: true };
}
