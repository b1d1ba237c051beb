/**
 * Makes the JavaScript that goes into the executable, and says what is in it.
 *
 * It is `deno bundle` and not `deno compile --bundle`: both run the same bundler, but only the former
 * splits the program into files that are loaded when they are needed, which starts in two thirds
 * of the time; and what is tested is the very thing that is embedded.
 *
 * @module
 */
import { pathToFileURL } from "node:url";
import { packageOf } from "./bundle_sources.ts";
import {
  DIST,
  freshFolder,
  type Manifest,
  readCommit,
  readLock,
  readManifest,
  ROOT,
  runProgram,
  writeJson,
} from "./project.ts";

/** What a bundle holds, as `bundle.json` has it. */
export interface BundleContents {
  readonly version: string;
  /** Null where it is not known. */
  readonly commit: string | null;
  /** All files together. */
  readonly bytes: number;
  readonly files: readonly BundledFile[];
  /** The project's own modules, by their paths. */
  readonly modules: readonly string[];
  readonly packages: readonly BundledPackage[];
}

/** One file of the bundle. */
export interface BundledFile {
  readonly name: string;
  readonly bytes: number;
}

/** A package of which at least one module is in the bundle. */
export interface BundledPackage {
  readonly name: string;
  readonly version: string;
  /** True where another package brings it inside of its own files, so that no lock names it. */
  readonly inlined: boolean;
}

/**
 * Writes `bundle/` (the files, and a `deno.json` with the permissions they run under) and
 * `bundle.json` to `outDir`. Two modules are replaced: `lib/version.ts` by one that names version and
 * commit, `lib/cli/load_demo.ts` by one that the bundler can follow.
 *
 * @param outDir with a slash at its end
 */
export async function makeBundle(outDir: string = DIST): Promise<BundleContents> {
  const manifest = await readManifest();
  const commit = await readCommit();
  const bundleDir = `${outDir}bundle/`;
  await freshFolder(bundleDir);
  const importMap = await writeReplacements({ outDir, manifest, commit });
  await runProgram(Deno.execPath(), [
    "bundle",
    ...["--platform", "deno", "--minify", "--code-splitting", "--sourcemap", "external"],
    ...["--import-map", importMap, "--outdir", bundleDir, "main.ts"],
  ], { quiet: true });
  const contents: BundleContents = {
    version: manifest.version,
    commit: commit ?? null,
    ...await readContents(outDir),
  };
  await writeJson(`${bundleDir}deno.json`, {
    name: manifest.name,
    version: manifest.version,
    exports: "./main.js",
    // Else Deno warns of it in the log, and aborts every request that was answered.
    unstable: ["no-legacy-abort"],
    permissions: { default: manifest.permissions.default },
    compile: { permissions: "default" },
  });
  await writeJson(`${outDir}bundle.json`, contents);
  return contents;
}

interface Replacing {
  readonly outDir: string;
  readonly manifest: Manifest;
  readonly commit: string | undefined;
}

/** Gives the path of an import map which is that of `deno.json` with modules of `lib/` replaced. */
async function writeReplacements({ outDir, manifest, commit }: Replacing): Promise<string> {
  const dir = `${outDir}generated/`;
  const demo = pathToFileURL(`${ROOT}demo/demo.ts`).href;
  const replacements = {
    "lib/version.ts": `export const VERSION: string = ${JSON.stringify(manifest.version)};\n` +
      `export const COMMIT: string | undefined = ${JSON.stringify(commit)};\n`,
    "lib/cli/load_demo.ts": `export const loadDemo = () => import(${JSON.stringify(demo)});\n`,
  };
  await Deno.mkdir(dir, { recursive: true });
  const imports: Record<string, string> = { ...manifest.imports };
  for (const [path, text] of Object.entries(replacements)) {
    const file = `${dir}${path.slice(path.lastIndexOf("/") + 1)}`;
    await Deno.writeTextFile(file, text);
    imports[pathToFileURL(`${ROOT}${path}`).href] = pathToFileURL(file).href;
  }
  await writeJson(`${dir}import_map.json`, { imports });
  return `${dir}import_map.json`;
}

/** The source maps name every module that is in the files; then they are not needed any more. */
async function readContents(
  outDir: string,
): Promise<Pick<BundleContents, "bytes" | "files" | "modules" | "packages">> {
  const bundleDir = `${outDir}bundle/`;
  const locked = await readLock();
  const files: BundledFile[] = [];
  const modules = new Set<string>();
  const packages = new Map<string, BundledPackage>();
  for await (const { name } of Deno.readDir(bundleDir)) {
    const path = `${bundleDir}${name}`;
    if (!name.endsWith(".map")) {
      files.push({ name, bytes: (await Deno.stat(path)).size });
      continue;
    }
    const { sources }: { sources: string[] } = JSON.parse(await Deno.readTextFile(path));
    for (const source of sources) {
      const found = packageOf(source, locked);
      if (found === undefined) modules.add(ownModule(new URL(source, pathToFileURL(path)), outDir));
      else packages.set(`${found.name}@${found.version}`, found);
    }
    await Deno.remove(path);
  }
  return {
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    files: files.sort((a, b) => a.name < b.name ? -1 : 1),
    modules: [...modules].sort(),
    packages: [...packages.keys()].sort().flatMap((key) => packages.get(key) ?? []),
  };
}

/** `lib/log.ts`, or `generated/version.ts` where it was made for the bundle. */
function ownModule({ href }: URL, outDir: string): string {
  const base = [outDir, ROOT].map((path) => pathToFileURL(path).href)
    .find((folder) => href.startsWith(folder));
  if (base === undefined) throw new Error(`${href} is in the bundle, and not of this project`);
  return href.slice(base.length);
}
