import assert from "node:assert/strict";
import { until } from "../brokers/until.ts";
import { type BundleContents, makeBundle } from "../../scripts/release/bundle.ts";
import { compile } from "../../scripts/release/compile.ts";
import { readManifest, ROOT } from "../../scripts/release/project.ts";

/** A little above what it is now; a new dependency is to be noticed. */
const MAX_BYTES = 1_560_000;

/** What the program has dependencies for: see docs/dependencies.md. */
const DIRECT = [
  "@modelcontextprotocol/server",
  "aedes",
  "ajv",
  "jose",
  "jsonc-parser",
  "mqtt",
  "re2js",
  "zod",
];

interface Made extends AsyncDisposable {
  readonly outDir: string;
  readonly contents: BundleContents;
}

async function made(): Promise<Made> {
  const dir = await Deno.realPath(await Deno.makeTempDir({ prefix: "mcpmqtt-bundle-" }));
  const outDir = `${dir}/`;
  return {
    outDir,
    contents: await makeBundle(outDir),
    [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }),
  };
}

Deno.test("the bundle", async (t) => {
  await using bundle = await made();
  const { outDir, contents } = bundle;
  const names = contents.packages.map(({ name }) => name);

  await t.step("holds the program's dependencies and none of the tests'", async () => {
    const { imports } = await readManifest();
    const declared = Object.values(imports).map((specifier) =>
      /^npm:\/?(@?[^@]+)@/.exec(specifier)?.[1] ?? specifier
    );
    const inBundle = [...new Set(declared.filter((name) => names.includes(name)))].sort();
    assert.deepEqual(inBundle, DIRECT);
  });

  await t.step(
    "holds of the project main.ts, lib/ and demo/, and what replaces two of them",
    () => {
      const others = contents.modules.filter((path) => !/^(main\.ts$|lib\/|demo\/)/.test(path));
      assert.deepEqual(others, ["generated/load_demo.ts", "generated/version.ts"]);
      for (const path of ["lib/mqtt/link/link.ts", "demo/demo.ts"]) {
        assert(contents.modules.includes(path), path);
      }
      for (const path of ["lib/version.ts", "lib/cli/load_demo.ts"]) {
        assert(!contents.modules.includes(path), path);
      }
    },
  );

  await t.step(`has at most ${MAX_BYTES} bytes`, () => {
    assert(contents.bytes <= MAX_BYTES, `it has ${contents.bytes}`);
  });

  await t.step("loads mqtt.js, aedes and the MCP SDK only when they are needed", async () => {
    const main = await Deno.stat(`${outDir}bundle/main.js`);
    assert(main.size < 20_000, `main.js has ${main.size} bytes`);
    const [aedes] = contents.files.filter(({ name }) => name.startsWith("aedes-"));
    assert(aedes, "aedes has no file of its own");
    const importers: string[] = [];
    for (const { name } of contents.files) {
      const text = await Deno.readTextFile(`${outDir}bundle/${name}`);
      if (text.includes(aedes.name)) importers.push(name.replace(/-.*/, ""));
    }
    assert.deepEqual(importers, ["demo"]);
  });

  await t.step("names no path of the machine that it was made on", async () => {
    for (const { name } of contents.files) {
      const text = await Deno.readTextFile(`${outDir}bundle/${name}`);
      for (const path of [ROOT, outDir, `${Deno.env.get("HOME")}/`]) {
        assert(path === "/" || !text.includes(path), `${name} has ${path}`);
      }
    }
  });

  await t.step("says its version and commit", async () => {
    const { version, commit } = contents;
    assert.equal(version, (await readManifest()).version);
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-P",
        `--config=${outDir}bundle/deno.json`,
        `${outDir}bundle/main.js`,
        "--version",
      ],
    }).output();
    assert.equal(code, 0);
    const shown = `mcpmqtt ${version}${commit === null ? "" : ` (${commit})`}\n`;
    assert.equal(new TextDecoder().decode(stdout), shown);
  });

  await t.step("gives up reading, writing, running and seeing the environment", async () => {
    const bundled = `${outDir}bundle`;
    const main = await Deno.readTextFile(`${bundled}/main.js`);
    const probe = import.meta.resolve("../cli/probe.ts");
    await Deno.writeTextFile(`${bundled}/probed.js`, `import ${JSON.stringify(probe)};\n${main}`);
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-P", `--config=${bundled}/deno.json`, `${bundled}/probed.js`],
        ...["--url", "mqtt://127.0.0.1:1", "--read", "a"],
      ],
      stdin: "piped",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    let said = "";
    const decoder = new TextDecoder();
    const reading = (async () => {
      for await (const bytes of child.stderr) said += decoder.decode(bytes);
    })();
    await until(() => said.includes("tried"), { what: () => `the probe's word in ${said}` });
    await child.stdin.close();
    await reading;
    assert.equal((await child.status).code, 0);
    assert.ok(!said.includes("could still"), said);
    await Deno.remove(`${bundled}/probed.js`);
  });

  await t.step("passes the smoke test, run by Deno and not compiled", async () => {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-P=test", "scripts/release/smoke.ts", `${outDir}bundle/main.js`],
      cwd: ROOT,
    }).output();
    const decoder = new TextDecoder();
    assert.equal(code, 0, decoder.decode(stdout) + decoder.decode(stderr));
  });

  await t.step("is embedded with the permissions of deno.json, and asks for no other", async () => {
    const output = `${outDir}mcpmqtt${Deno.build.os === "windows" ? ".exe" : ""}`;
    // The stand-in lets the command run to its end; what it writes is not the program.
    await compile({ outDir, output, env: { DENORT_BIN: Deno.execPath() } });
    const { permissions: { default: granted } } = JSON.parse(
      await Deno.readTextFile(`${ROOT}deno.json`),
    );
    const embedded = embeddedPermissions(await Deno.readFile(output));
    const { allow_import: _remoteModules, ...set } = Object.fromEntries(
      Object.entries(embedded).filter(([, value]) => value !== null),
    );
    // An empty list is all of it.
    assert.deepEqual(set, {
      allow_env: granted.env.allow,
      ignore_env: [],
      allow_net: [],
      allow_read: [],
      allow_write: [],
      prompt: false,
    });
  });
});

/** The metadata that `deno compile` puts into the file: JSON, uncompressed. */
function embeddedPermissions(file: Uint8Array): Record<string, unknown> {
  const text = new TextDecoder("latin1").decode(file);
  const [, json] = /\{"argv":.{0,200}?"permissions":(\{[^}]*\})/s.exec(text) ?? [];
  assert(json, "the metadata was not found");
  return JSON.parse(json);
}
