import assert from "node:assert/strict";
import { SETTINGS } from "../../lib/cli/settings.ts";
import { changelogEntry } from "../../scripts/release/changelog.ts";
import { chosenTargets } from "../../scripts/release/compile.ts";
import { mcpbExecutable, mcpbManifest } from "../../scripts/release/mcpb_manifest.ts";
import { readLock, readManifest, ROOT } from "../../scripts/release/project.ts";
import { makeSbom } from "../../scripts/release/sbom.ts";
import { serverJson } from "../../scripts/release/server_json.ts";
import { assertServerJson } from "../../scripts/release/server_json_schema.ts";
import { mcpbName, TARGETS } from "../../scripts/release/targets.ts";

const repository = "someone/mcpmqtt";
const { version } = await readManifest();
const variables = SETTINGS.flatMap(({ env }) => env === undefined ? [] : [env]).sort();
const hashes = new Map(TARGETS.map((target) => [mcpbName(target, version), "0".repeat(64)]));

/** The part of the manifest that is looked into. */
interface McpbManifest {
  readonly version: string;
  readonly server: {
    readonly entry_point: string;
    readonly mcp_config: { readonly command: string; readonly env: Record<string, string> };
  };
  readonly compatibility: { readonly platforms: readonly string[] };
  readonly user_config: Record<string, { type: string; default: string; sensitive?: boolean }>;
}

/** The part of `server.json` that is looked into. */
interface ServerJson {
  readonly version: string;
  readonly packages: ReadonlyArray<{
    readonly registryType: string;
    readonly identifier: string;
    readonly version?: string;
    readonly environmentVariables: ReadonlyArray<{ name: string; isSecret?: boolean }>;
  }>;
}

for (const target of TARGETS) {
  Deno.test(`mcpbManifest() of ${target.name} starts the executable with what a person filled in`, () => {
    const manifest = mcpbManifest({ version, repository, target }) as McpbManifest;
    assert.equal(manifest.version, version);
    assert.deepEqual(manifest.compatibility.platforms, [target.platform]);
    const { entry_point, mcp_config: { command, env } } = manifest.server;
    assert.equal(entry_point, mcpbExecutable(target));
    assert.equal(command, `\${__dirname}/${entry_point}`);
    assert.equal(entry_point.endsWith(".exe"), target.platform === "win32");
    for (const [name, value] of Object.entries(env)) {
      assert(variables.includes(name), name);
      const [, key = ""] = /^\$\{user_config\.(\w+)\}$/.exec(value) ?? [];
      // A setting without a default would arrive as the placeholder itself.
      assert.equal(manifest.user_config[key]?.default, "", name);
    }
    assert.equal(Object.keys(env).length, Object.keys(manifest.user_config).length);
    const secrets = Object.entries(manifest.user_config).filter(([, { sensitive }]) => sensitive);
    assert.deepEqual(secrets.map(([key]) => key), ["password"]);
    assert.deepEqual(Object.keys(manifest.user_config).sort(), [
      "config",
      "host",
      "password",
      "port",
      "username",
    ]);
  });
}

Deno.test("serverJson() is of the registry's schema and has every environment variable", async () => {
  const entry = serverJson({ version, repository, hashes, imageHost: "oci.example" });
  await assertServerJson(entry);
  const { version: shown, packages } = entry as ServerJson;
  assert.equal(shown, version);
  assert.equal(packages.length, TARGETS.length + 2);
  for (const { registryType, identifier, version: of, environmentVariables } of packages) {
    if (registryType === "npm") assert.deepEqual([identifier, of], ["mcpmqtt", version]);
    else assert(identifier.includes(version), identifier);
    const names = environmentVariables.map(({ name }) => name).sort();
    const expected = variables.filter((name) =>
      registryType !== "oci" || name !== "MCPMQTT_CONFIG"
    );
    assert.deepEqual(names, expected);
    const secrets = environmentVariables.filter(({ isSecret }) => isSecret);
    assert.deepEqual(secrets.map(({ name }) => name), ["MCPMQTT_PASSWORD"]);
  }
});

Deno.test("assertServerJson() refuses what the schema does not allow", async () => {
  const entry = serverJson({ version, repository, hashes, imageHost: "oci.example" });
  await assert.rejects(assertServerJson({ ...entry, name: "without a namespace" }), /name/);
  await assert.rejects(assertServerJson({ ...entry, description: "x".repeat(101) }), /description/);
});

Deno.test("serverJson() throws where a bundle has no hash", () => {
  assert.throws(
    () => serverJson({ version, repository, hashes: new Map(), imageHost: undefined }),
    /no hash of mcpmqtt-/,
  );
});

Deno.test("makeSbom() has the hash of a locked package and none of an inlined one", async () => {
  const locked = await readLock();
  const mqtt = locked.find(({ name }) => name === "mqtt");
  assert(mqtt);
  const packages = [
    { name: "mqtt", version: mqtt.version, inlined: false, license: "MIT", text: "" },
    { name: "ajv", version: "8.18.0", inlined: true, license: "MIT", text: "" },
  ];
  const { components } = makeSbom({ version, repository, packages, locked }) as {
    components: ReadonlyArray<{ purl: string; hashes?: ReadonlyArray<{ content: string }> }>;
  };
  const [deno, first, second] = components;
  assert.equal(deno?.purl, `pkg:github/denoland/deno@v${Deno.version.deno}`);
  assert.equal(first?.purl, `pkg:npm/mqtt@${mqtt.version}`);
  assert.match(first?.hashes?.[0]?.content ?? "", /^[0-9a-f]{128}$/);
  assert.equal(second?.hashes, undefined);
});

Deno.test("the Dockerfile runs the executable, not as root", async () => {
  const text = await Deno.readTextFile(`${ROOT}packaging/Dockerfile`);
  assert.match(text, /^USER 65532:65532$/m);
  assert.match(text, /^ENTRYPOINT \["\/usr\/local\/bin\/mcpmqtt"\]$/m);
  assert.match(text, /^COPY --chmod=0755 \$\{TARGETARCH\}\/mcpmqtt \/usr\/local\/bin\/mcpmqtt$/m);
  // The registry looks for the name of its entry in the image.
  assert.match(text, /io\.modelcontextprotocol\.server\.name="io\.github\.\$\{REPOSITORY\}"/);
  assert.doesNotMatch(text, /^(RUN|VOLUME|EXPOSE)/m);
  const arches = TARGETS.flatMap(({ imageArch }) => imageArch ?? []);
  assert.deepEqual(arches, ["amd64", "arm64"]);
});

Deno.test("CHANGELOG.md has the version of deno.json", async () => {
  const entry = changelogEntry(await Deno.readTextFile(`${ROOT}CHANGELOG.md`), version);
  assert(entry?.text.includes("- "), `no entry [${version}]`);
});

Deno.test("changelogEntry() gives one version's text, and no date where it is unreleased", () => {
  const changelog =
    "# Changelog\n\n## [2.0.0] - unreleased\n\n- New\n\n## [1.0.0] - 2026-01-02\n\n- Old\n";
  assert.deepEqual(changelogEntry(changelog, "2.0.0"), { date: undefined, text: "- New" });
  assert.deepEqual(changelogEntry(changelog, "1.0.0"), { date: "2026-01-02", text: "- Old" });
  assert.equal(changelogEntry(changelog, "1.0"), undefined);
});

Deno.test("chosenTargets() takes names, triples and all", () => {
  assert.deepEqual(chosenTargets([]), []);
  assert.equal(chosenTargets(["all"]).length, 5);
  const named = chosenTargets(["macos-arm64", "x86_64-pc-windows-msvc"]).map(({ name }) => name);
  assert.deepEqual(named, ["macos-arm64", "windows-x64"]);
  assert.throws(() => chosenTargets(["beos"]), /There is no target beos; there are linux-x64, /);
});
