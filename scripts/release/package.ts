/**
 * `deno task package [--tag vVERSION]`: from the executables in `dist/` all that a release has.
 *
 * `dist/release/` gets the executables, an MCP bundle for each, the npm package, the bill of materials,
 * the licenses, the checksums and `server.json`; `dist/image/` is the context of the Dockerfile; `dist/RELEASE_NOTES.md` the
 * text of the release. With `--tag` it fails unless tag, version and a dated changelog agree.
 * `GITHUB_REPOSITORY` (owner/name) says where it is released.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { changelogEntry } from "./changelog.ts";
import { noticesText, readLicenses } from "./licenses.ts";
import { mcpbExecutable, mcpbManifest } from "./mcpb_manifest.ts";
import { makeNpmPackage } from "./npm.ts";
import { copyInto, DIST, freshFolder, NPX, readLock, repositoryName } from "./project.ts";
import { ROOT, runProgram, sha256, writeJson } from "./project.ts";
import { makeSbom } from "./sbom.ts";
import { serverJson } from "./server_json.ts";
import { executableName, mcpbName, type Target, TARGETS } from "./targets.ts";
import { MCPB } from "./tools.ts";

const RELEASE = `${DIST}release/`;
const IMAGE = `${DIST}image/`;
const NOTICES = "THIRD_PARTY_LICENSES.txt";

/** What is released, and where. */
export interface Release {
  readonly version: string;
  readonly repository: string;
}

/** The host that serves the image, as the variable OCI_REGISTRY says; undefined without one. */
export function imageHost(): string | undefined {
  return Deno.env.get("OCI_REGISTRY") || undefined;
}

async function main(tag: string | undefined): Promise<void> {
  const { version, packages } = JSON.parse(await Deno.readTextFile(`${DIST}bundle.json`));
  const release: Release = { version, repository: repositoryName() };
  await writeNotes(version, tag);
  for (const folder of [RELEASE, IMAGE]) await freshFolder(folder);
  const licensed = await readLicenses(packages);
  await Deno.writeTextFile(`${RELEASE}${NOTICES}`, noticesText(licensed));
  await copyInto(RELEASE, [await makeNpmPackage({ outDir: DIST, licensed, ...release })]);
  const sbom = makeSbom({ ...release, packages: licensed, locked: await readLock() });
  await writeJson(`${RELEASE}mcpmqtt-${version}.cdx.json`, sbom);
  for (const target of TARGETS) await packTarget(target, release);
  await copyInto(IMAGE, [`${ROOT}LICENSE`, `${RELEASE}${NOTICES}`]);
  const hashes = await writeChecksums();
  await writeJson(
    `${RELEASE}server.json`,
    serverJson({ ...release, hashes, imageHost: imageHost() }),
  );
  console.log(`dist/release: ${[...hashes.keys()].join(", ")}, SHA256SUMS, server.json`);
}

/** The executable, its MCP bundle and, on Linux, its part of the image. */
async function packTarget(target: Target, { version, repository }: Release): Promise<void> {
  const executable = `${DIST}${executableName(target)}`;
  await copyInto(RELEASE, [executable]);
  const folder = `${DIST}mcpb/${target.name}/`;
  await freshFolder(`${folder}server/`);
  await writeJson(`${folder}manifest.json`, mcpbManifest({ version, repository, target }));
  await Deno.copyFile(executable, `${folder}${mcpbExecutable(target)}`);
  await copyInto(folder, [`${ROOT}LICENSE`, `${RELEASE}${NOTICES}`]);
  const output = `${RELEASE}${mcpbName(target, version)}`;
  await runProgram(NPX, ["-y", MCPB, "pack", folder, output], { quiet: true });
  if (target.imageArch) {
    await freshFolder(`${IMAGE}${target.imageArch}/`);
    await Deno.copyFile(executable, `${IMAGE}${target.imageArch}/mcpmqtt`);
  }
}

async function writeNotes(version: string, tag: string | undefined): Promise<void> {
  const entry = changelogEntry(await Deno.readTextFile(`${ROOT}CHANGELOG.md`), version);
  if (entry === undefined) throw new Error(`CHANGELOG.md has no entry [${version}]`);
  if (tag !== undefined && tag !== `v${version}`) {
    throw new Error(`The tag is ${tag} and deno.json has version ${version}`);
  }
  if (tag !== undefined && entry.date === undefined) {
    throw new Error(`The entry [${version}] of CHANGELOG.md has no date`);
  }
  await Deno.writeTextFile(`${DIST}RELEASE_NOTES.md`, `${entry.text}\n`);
}

/** `SHA256SUMS` in the form that `sha256sum --check` reads. */
async function writeChecksums(): Promise<ReadonlyMap<string, string>> {
  const names = (await Array.fromAsync(Deno.readDir(RELEASE))).map(({ name }) => name).sort();
  const hashes = new Map<string, string>();
  for (const name of names) hashes.set(name, await sha256(`${RELEASE}${name}`));
  const lines = [...hashes].map(([name, hash]) => `${hash}  ${name}\n`);
  await Deno.writeTextFile(`${RELEASE}SHA256SUMS`, lines.join(""));
  return hashes;
}

if (import.meta.main) {
  const { values } = parseArgs({ args: Deno.args, options: { tag: { type: "string" } } });
  await main(values.tag);
}
