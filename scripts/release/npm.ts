/**
 * `deno task npm`: the npm package, `dist/npm/mcpmqtt-VERSION.tgz`.
 *
 * It holds the bundle and a small program that starts it by the Deno of the npm package `deno`, its one
 * dependency. `GITHUB_REPOSITORY` (owner/name) says where the project is.
 *
 * @module
 */
import { makeBundle } from "./bundle.ts";
import { denoArgs } from "./deno_args.ts";
import { type LicensedPackage, noticesText, readLicenses } from "./licenses.ts";
import { copyInto, DIST, freshFolder, readManifest, repositoryName, ROOT } from "./project.ts";
import { runNpm, writeJson } from "./project.ts";

/** What the package is made of. */
export interface NpmInput {
  /** Where `bundle/` is and `npm/` is made, with a slash at its end. */
  readonly outDir: string;
  readonly version: string;
  /** `owner/name` */
  readonly repository: string;
  /** The packages in the bundle. */
  readonly licensed: readonly LicensedPackage[];
}

/** The file name of the package: `mcpmqtt-0.1.0.tgz`. */
export function npmName(version: string): string {
  return `mcpmqtt-${version}.tgz`;
}

/** Makes the package; gives its path. */
export async function makeNpmPackage(input: NpmInput): Promise<string> {
  const { outDir, version, repository, licensed } = input;
  const folder = `${outDir}npm/package/`;
  for (const name of ["bin", "program"]) await freshFolder(`${folder}${name}/`);
  const { permissions } = await readManifest();
  await writeJson(`${folder}package.json`, packageJson({ version, repository }));
  await writeJson(`${folder}deno_args.json`, denoArgs(permissions.default));
  await copyInto(`${folder}bin/`, [`${ROOT}packaging/npm/mcpmqtt.js`]);
  const files = (await Array.fromAsync(Deno.readDir(`${outDir}bundle/`)))
    .filter(({ name }) => name.endsWith(".js"))
    .map(({ name }) => `${outDir}bundle/${name}`);
  await copyInto(`${folder}program/`, files);
  await copyInto(folder, [`${ROOT}LICENSE`]);
  await Deno.writeTextFile(`${folder}THIRD_PARTY_LICENSES.txt`, noticesText(licensed));
  const readme = await Deno.readTextFile(`${ROOT}README.md`);
  await Deno.writeTextFile(`${folder}README.md`, absoluteLinks(readme, { version, repository }));
  await runNpm(["pack", folder, "--pack-destination", `${outDir}npm`]);
  return `${outDir}npm/${npmName(version)}`;
}

type Release = Pick<NpmInput, "version" | "repository">;

/** Deno in the version that packs: the one that everything was tested with. */
function packageJson({ version, repository }: Release): object {
  const url = `https://github.com/${repository}`;
  return {
    name: "mcpmqtt",
    version,
    description: "An MCP server for MQTT: an agent reads, watches and publishes what you grant",
    keywords: ["mcp", "mcp-server", "modelcontextprotocol", "mqtt", "iot", "smart-home"],
    license: "MIT",
    author: "The mcpmqtt authors",
    repository: { type: "git", url: `git+${url}.git` },
    homepage: `${url}#readme`,
    bugs: { url: `${url}/issues` },
    // The MCP registry looks for the name of its entry here.
    mcpName: `io.github.${repository}`,
    type: "module",
    bin: { mcpmqtt: "bin/mcpmqtt.js" },
    files: ["bin/", "program/", "deno_args.json", "THIRD_PARTY_LICENSES.txt"],
    engines: { node: ">=18" },
    // Those that Deno is made for.
    os: ["linux", "darwin", "win32"],
    cpu: ["x64", "arm64"],
    dependencies: { deno: Deno.version.deno },
  };
}

/** The package has no `docs/`: links into the checkout lead to the repository, at this version. */
function absoluteLinks(markdown: string, { version, repository }: Release): string {
  const base = `https://github.com/${repository}/blob/v${version}/`;
  return markdown.replaceAll(/\]\((?!https?:|#)/g, `](${base}`);
}

if (import.meta.main) {
  const { version, packages } = await makeBundle();
  const licensed = await readLicenses(packages);
  const path = await makeNpmPackage({
    outDir: DIST,
    version,
    repository: repositoryName(),
    licensed,
  });
  const { size } = await Deno.stat(path);
  console.log(`${path.slice(ROOT.length)}: ${Math.round(size / 1e3)} kB`);
}
