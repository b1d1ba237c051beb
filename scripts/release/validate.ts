/**
 * `deno task validate`: what is made for others, checked by their own tools and schemas. Needs Go,
 * Node.js and Python beside Deno, and the registries of their packages.
 *
 * | what | by |
 * |---|---|
 * | the workflows | actionlint |
 * | the MCPB manifests | `mcpb validate` |
 * | `server.json` | the registry's JSON Schema, a copy of which is `packaging/server.schema.json` |
 * | the bill of materials | the schema of CycloneDX 1.6 |
 * | the Dockerfile | dockerfile-utils |
 *
 * @module
 */
import { makeBundle } from "./bundle.ts";
import { readLicenses } from "./licenses.ts";
import { mcpbManifest } from "./mcpb_manifest.ts";
import { DIST, NPX, readLock, readManifest, repositoryName, ROOT } from "./project.ts";
import { runProgram, writeJson } from "./project.ts";
import { makeSbom } from "./sbom.ts";
import { serverJson } from "./server_json.ts";
import { assertServerJson } from "./server_json_schema.ts";
import { mcpbName, TARGETS } from "./targets.ts";
import { ACTIONLINT, CYCLONEDX, DOCKERFILE_UTILS, MCPB } from "./tools.ts";

const WORK = `${DIST}validate/`;

async function workflows(): Promise<void> {
  await runProgram("go", ["run", ACTIONLINT], { quiet: true });
}

async function manifests(version: string): Promise<void> {
  for (const target of TARGETS) {
    const path = `${WORK}${target.name}.json`;
    await writeJson(path, mcpbManifest({ version, repository: repositoryName(), target }));
    await runProgram(NPX, ["-y", MCPB, "validate", path], { quiet: true });
  }
}

/** The one that `deno task package` has made, or one with hashes that stand in for the real ones. */
async function registryEntry(version: string): Promise<void> {
  const hashes = new Map(TARGETS.map((target) => [mcpbName(target, version), "0".repeat(64)]));
  await assertServerJson(
    serverJson({ version, repository: repositoryName(), hashes, imageHost: "oci.example" }),
  );
  try {
    await assertServerJson(JSON.parse(await Deno.readTextFile(`${DIST}release/server.json`)));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

const CHECK_SBOM = `
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(sys.argv[1]).read())
sys.exit(None if error is None else str(error))
`;

async function billOfMaterials(version: string): Promise<void> {
  const { packages } = await makeBundle(WORK);
  const path = `${WORK}mcpmqtt.cdx.json`;
  await writeJson(
    path,
    makeSbom({
      version,
      repository: repositoryName(),
      packages: await readLicenses(packages),
      locked: await readLock(),
    }),
  );
  const python = Deno.build.os === "windows" ? "python" : "python3";
  const modules = `${WORK}python`;
  await runProgram(python, ["-m", "pip", "install", "-q", "--target", modules, CYCLONEDX], {
    quiet: true,
  });
  const env = { PYTHONPATH: modules };
  await runProgram(python, ["-c", CHECK_SBOM, path], { quiet: true, env });
}

async function dockerfile(): Promise<void> {
  const args = ["-y", DOCKERFILE_UTILS, "lint", `${ROOT}packaging/Dockerfile`];
  await runProgram(NPX, args, { quiet: true });
}

async function main(): Promise<number> {
  const { version } = await readManifest();
  await Deno.mkdir(WORK, { recursive: true });
  const checks: ReadonlyArray<readonly [string, () => Promise<void>]> = [
    ["workflows", workflows],
    ["MCPB manifests", () => manifests(version)],
    ["server.json", () => registryEntry(version)],
    ["bill of materials", () => billOfMaterials(version)],
    ["Dockerfile", dockerfile],
  ];
  let failed = 0;
  for (const [name, check] of checks) {
    try {
      await check();
      console.log(`valid: ${name}`);
    } catch (error) {
      failed++;
      console.error(`NOT valid: ${name}\n${error instanceof Error ? error.message : error}`);
    }
  }
  return failed === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exitCode = await main();
