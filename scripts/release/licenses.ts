/**
 * The licenses of what the executable holds, from the packages as npm has them.
 *
 * @module
 */
import type { BundledPackage } from "./bundle.ts";
import { readLock, ROOT, runProgram } from "./project.ts";

/** A package of the bundle with its license. */
export interface LicensedPackage extends BundledPackage {
  /** As its `package.json` has it: `MIT`. */
  readonly license: string;
  /** Undefined where the package ships none. */
  readonly text: string | undefined;
}

/**
 * Finds the licenses in Deno's cache. Of a package that another one inlines it is that of the version in
 * the lock.
 *
 * @throws where a package is in neither
 */
export async function readLicenses(
  packages: readonly BundledPackage[],
): Promise<readonly LicensedPackage[]> {
  await runProgram(Deno.execPath(), ["install", "--frozen"], { quiet: true });
  const folders = await cacheFolders();
  const locked = await readLock();
  return await Promise.all(packages.map(async (bundled) => {
    const versions = [
      bundled.version,
      ...locked.filter(({ name }) => name === bundled.name).map(({ version }) => version),
    ];
    for (const folder of folders) {
      for (const version of versions) {
        const found = await readLicense(`${folder}/${bundled.name}/${version}`);
        if (found) return { ...bundled, ...found };
      }
    }
    throw new Error(`The cache has no ${bundled.name} ${bundled.version}`);
  }));
}

/** The text that goes with every copy of the program. */
export function noticesText(packages: readonly LicensedPackage[]): string {
  const sections = packages.map(({ name, version, license, text }) =>
    `${name} ${version}: ${license}\n\n${text ?? "The package ships no license text.\n"}`
  );
  return ["mcpmqtt holds the following packages.\n", ...sections].join(`\n${"-".repeat(72)}\n\n`);
}

/** One folder for each registry. */
async function cacheFolders(): Promise<string[]> {
  const args = ["info", "--json"];
  const { stdout } = await new Deno.Command(Deno.execPath(), { args, cwd: ROOT }).output();
  const { npmCache } = JSON.parse(new TextDecoder().decode(stdout));
  return (await Array.fromAsync(Deno.readDir(npmCache)))
    .filter(({ isDirectory }) => isDirectory)
    .map(({ name }) => `${npmCache}/${name}`);
}

async function readLicense(
  folder: string,
): Promise<Pick<LicensedPackage, "license" | "text"> | undefined> {
  try {
    const { license } = JSON.parse(await Deno.readTextFile(`${folder}/package.json`));
    const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
    const file = names.find((name) => /^licen[cs]e(\.|$)/i.test(name));
    return { license, text: file && (await Deno.readTextFile(`${folder}/${file}`)) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
