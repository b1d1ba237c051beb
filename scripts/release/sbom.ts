/**
 * The bill of materials: CycloneDX 1.6, JSON. It lists what is really in the executable: the packages of
 * the bundle with their hashes from `deno.lock`, those that a package inlines, and Deno itself.
 *
 * @module
 */
import { type LicensedPackage } from "./licenses.ts";
import type { LockedPackage } from "./project.ts";

/** What the bill is made of. */
export interface SbomInput {
  readonly version: string;
  readonly repository: string;
  readonly packages: readonly LicensedPackage[];
  readonly locked: readonly LockedPackage[];
}

/** The bill as a JSON value; the same input gives the same bill. */
export function makeSbom({ version, repository, packages, locked }: SbomInput): object {
  const root = `mcpmqtt@${version}`;
  return {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      component: {
        type: "application",
        "bom-ref": root,
        name: "mcpmqtt",
        version,
        licenses: [{ license: { id: "MIT" } }],
        purl: `pkg:github/${repository}@v${version}`,
      },
    },
    components: [
      {
        type: "platform",
        "bom-ref": `deno@${Deno.version.deno}`,
        name: "deno",
        version: Deno.version.deno,
        licenses: [{ license: { id: "MIT" } }],
        purl: `pkg:github/denoland/deno@v${Deno.version.deno}`,
      },
      ...packages.map((bundled) => component(bundled, locked)),
    ],
  };
}

function component(bundled: LicensedPackage, locked: readonly LockedPackage[]): object {
  const { name, version, license, inlined } = bundled;
  const entry = locked.find((one) => one.name === name && one.version === version);
  return {
    type: "library",
    "bom-ref": `${name}@${version}`,
    name,
    version,
    licenses: [/^[\w.+-]+$/.test(license) ? { license: { id: license } } : { expression: license }],
    purl: `pkg:npm/${name.replace("@", "%40")}@${version}`,
    ...entry && !inlined && { hashes: [{ alg: "SHA-512", content: hex(entry.integrity) }] },
  };
}

/** `sha512-` and base64, as locks have it, in hex, as CycloneDX has it. */
function hex(integrity: string): string {
  return Uint8Array.fromBase64(integrity.replace(/^sha512-/, "")).toHex();
}
