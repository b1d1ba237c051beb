/**
 * `deno task compile [TARGET…|all]`: the executable.
 *
 * Without a target `dist/mcpmqtt` (on Windows `mcpmqtt.exe`) for this system; with targets
 * `dist/mcpmqtt-TARGET` for each. The bundle, the permissions and the embedding are made in every case. Where
 * `DENORT_BIN` names a stand-in for Deno's runtime the file that is written is not the program, and
 * that is said.
 *
 * @module
 */
import { type BundleContents, makeBundle } from "./bundle.ts";
import { DIST, runProgram } from "./project.ts";
import { executableName, type Target, TARGETS } from "./targets.ts";

/** What {@linkcode compile} makes of a bundle. */
export interface CompileOptions {
  /** Where `bundle/` is, with a slash at its end. */
  readonly outDir: string;
  /** The path of the executable. */
  readonly output: string;
  /** Undefined: this system. */
  readonly target?: Target | undefined;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Compiles a bundle with the permissions of `deno.json`. A permission that is missing is refused, never
 * asked for: a host has no terminal.
 */
export async function compile({ outDir, output, target, env }: CompileOptions): Promise<void> {
  const bundleDir = `${outDir}bundle/`;
  await runProgram(Deno.execPath(), [
    "compile",
    ...["-P", "--no-prompt", "--no-check", "--config", `${bundleDir}deno.json`],
    ...["--app-name", "mcpmqtt", "--output", output],
    ...target ? ["--target", target.triple] : [],
    "main.js",
  ], { cwd: bundleDir, quiet: true, ...env && { env } });
}

/**
 * The targets that the arguments name, by name or triple; `all` for every one.
 *
 * @throws naming the targets there are
 */
export function chosenTargets(args: readonly string[]): readonly Target[] {
  if (args.includes("all")) return TARGETS;
  return args.map((arg) => {
    const target = TARGETS.find(({ name, triple }) => name === arg || triple === arg);
    if (target) return target;
    const names = TARGETS.map(({ name }) => name).join(", ");
    throw new Error(`There is no target ${arg}; there are ${names}, and all`);
  });
}

async function compileAndTell(target: Target | undefined): Promise<void> {
  const own = Deno.build.os === "windows" ? "mcpmqtt.exe" : "mcpmqtt";
  const name = target ? executableName(target) : own;
  await compile({ outDir: DIST, output: `${DIST}${name}`, target });
  const { size } = await Deno.stat(`${DIST}${name}`);
  console.log(`dist/${name}: ${(size / 1e6).toFixed(1)} MB`);
}

function tellBundle({ version, commit, bytes, files, packages }: BundleContents): void {
  const kilobytes = Math.round(bytes / 1e3);
  console.log(
    `mcpmqtt ${version} (${commit ?? "commit unknown"}): ` +
      `${kilobytes} kB in ${files.length} files; dist/bundle.json lists them`,
  );
  console.log(`packages: ${packages.map(({ name, version }) => `${name} ${version}`).join(", ")}`);
}

if (import.meta.main) {
  const targets = chosenTargets(Deno.args);
  tellBundle(await makeBundle());
  for (const target of targets.length > 0 ? targets : [undefined]) await compileAndTell(target);
  if (Deno.env.has("DENORT_BIN")) {
    console.log("DENORT_BIN is set: if it is a stand-in, what was written is not the program.");
  }
}
