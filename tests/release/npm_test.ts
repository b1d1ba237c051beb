import assert from "node:assert/strict";
import { makeBundle } from "../../scripts/release/bundle.ts";
import { denoArgs } from "../../scripts/release/deno_args.ts";
import { readLicenses } from "../../scripts/release/licenses.ts";
import { makeNpmPackage } from "../../scripts/release/npm.ts";
import { readManifest, ROOT } from "../../scripts/release/project.ts";
import { type LineProcess, startLineProcess } from "../brokers/line_process.ts";
import { until } from "../brokers/until.ts";

const ignoreOnWindows = Deno.build.os === "windows";
const INITIALIZE = {
  protocolVersion: "2025-11-25",
  capabilities: {},
  clientInfo: { name: "test", version: "1" },
};

interface Made extends AsyncDisposable {
  /** A folder with an empty HOME and whatever a step puts there. */
  readonly dir: string;
  /** The package as it is packed. */
  readonly folder: string;
  readonly tgz: string;
}

async function made(): Promise<Made> {
  const dir = await Deno.realPath(await Deno.makeTempDir({ prefix: "mcpmqtt-npm-" }));
  const { version, packages } = await makeBundle(`${dir}/`);
  const licensed = await readLicenses(packages);
  return {
    dir,
    folder: `${dir}/npm/package/`,
    tgz: await makeNpmPackage({ outDir: `${dir}/`, version, repository: "some/one", licensed }),
    [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }),
  };
}

/** The files of a `.tgz`, by their names in it, in sorted order. */
async function listTgz(path: string): Promise<string[]> {
  const { body } = new Response(await Deno.readFile(path));
  assert(body);
  const unzipped = body.pipeThrough(new DecompressionStream("gzip"));
  const tar = new Uint8Array(await new Response(unzipped).arrayBuffer());
  const names: string[] = [];
  const text = (from: number, to: number): string =>
    new TextDecoder().decode(tar.subarray(from, to)).replace(/\0.*/s, "");
  for (let at = 0; tar[at];) {
    names.push(text(at, at + 100));
    at += 512 * (1 + Math.ceil(parseInt(text(at + 124, at + 136), 8) / 512));
  }
  return names.sort();
}

/** Where the package is installed, beside a stand-in for the package `deno`. */
async function installWith(install: string, { dir, folder }: Made): Promise<string> {
  const modules = `${await Deno.makeTempDir({ dir })}/node_modules/`;
  await Deno.mkdir(`${modules}deno`, { recursive: true });
  await Deno.writeTextFile(`${modules}deno/install_api.cjs`, install);
  await copyFolder(folder, `${modules}mcpmqtt/`);
  return `${modules}mcpmqtt/bin/mcpmqtt.js`;
}

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to);
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyFolder(`${from}${name}/`, `${to}${name}/`);
    else await Deno.copyFile(`${from}${name}`, `${to}${name}`);
  }
}

const installedDeno = (path: string): string =>
  `exports.runInstall = () => ${JSON.stringify(path)};\n`;

interface Ended {
  readonly code: number;
  readonly signal: Deno.Signal | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Running {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

async function run(
  [command = "", ...args]: readonly string[],
  { cwd, env }: Running,
): Promise<Ended> {
  const { code, signal, stdout, stderr } = await new Deno.Command(command, {
    args,
    cwd,
    env,
    clearEnv: true,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, signal, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Sends `initialize` and a call of `mqtt_status`; gives what the tool answered, as text. */
async function talkTo(process: LineProcess): Promise<string> {
  const send = (message: object): Promise<void> =>
    process.sendLine(JSON.stringify({ jsonrpc: "2.0", ...message }));
  await send({ id: 1, method: "initialize", params: INITIALIZE });
  await send({ method: "notifications/initialized" });
  await send({ id: 2, method: "tools/call", params: { name: "mqtt_status", arguments: {} } });
  const answer = await until(() => process.lines.find((line) => JSON.parse(line).id === 2), {
    deadlineMs: 60_000,
    what: () => `an answer; stderr: ${process.stderr()}`,
  });
  assert(answer);
  return answer;
}

Deno.test("denoArgs() gives lists and denials, leaves out what is not granted, and refuses the rest", () => {
  const args = denoArgs({ net: ["localhost"], run: false, read: { allow: true, deny: ["/etc"] } });
  assert.deepEqual(args.slice(-3), ["--allow-net=localhost", "--allow-read", "--deny-read=/etc"]);
  assert(!args.some((arg) => /run=|allow-run|allow-all|^-A/.test(arg)));
  assert.throws(() => denoArgs({ write: ["/with,comma"] }), /--allow-write cannot be given/);
  assert.throws(() => denoArgs({ write: [] }), /--allow-write cannot be given/);
});

Deno.test("the npm package", async (t) => {
  await using npm = await made();
  const { dir, folder, tgz } = npm;
  const { version, permissions } = await readManifest();
  const env = { PATH: Deno.env.get("PATH") ?? "", HOME: `${dir}/home`, NO_COLOR: "1" };
  await Deno.mkdir(env.HOME);
  // Where a host starts it nothing is known of the files that lie there.
  const cwd = `${dir}/elsewhere`;
  await Deno.mkdir(cwd);
  for (const name of ["deno.json", "package.json", "deno.lock"]) {
    await Deno.writeTextFile(`${cwd}/${name}`, "{ not JSON");
  }
  const at = { cwd, env };

  await t.step("holds the bundle, what starts it, and the texts that go with it", async () => {
    const program = (await Array.fromAsync(Deno.readDir(`${dir}/bundle`)))
      .map(({ name }) => name).filter((name) => name !== "deno.json");
    const others = ["LICENSE", "README.md", "THIRD_PARTY_LICENSES.txt", "bin/mcpmqtt.js"];
    const expected = [
      ...[...others, "deno_args.json", "package.json"].map((name) => `package/${name}`),
      ...program.map((name) => `package/program/${name}`),
    ];
    assert.deepEqual(await listTgz(tgz), expected.sort());
    const { size } = await Deno.stat(tgz);
    assert(size < 500_000, `it has ${size} bytes`);
  });

  await t.step("depends on Deno in the pinned version and on nothing else", async () => {
    const manifest = JSON.parse(await Deno.readTextFile(`${folder}package.json`));
    const ci = await Deno.readTextFile(`${ROOT}.ci/run`);
    const [, pinned] = /DENO_VERSION=([\d.]+)/.exec(ci) ?? [];
    assert.deepEqual(manifest.dependencies, { deno: pinned });
    const kinds = Object.keys(manifest).filter((key) => /dependencies|scripts/i.test(key));
    assert.deepEqual(kinds, ["dependencies"]);
    assert.equal(manifest.version, version);
    assert.equal(manifest.repository.url, "git+https://github.com/some/one.git");
    assert.equal(manifest.mcpName, "io.github.some/one");
  });

  await t.step("has a README whose links lead somewhere", async () => {
    const readme = await Deno.readTextFile(`${folder}README.md`);
    const links = [...readme.matchAll(/\]\(([^)]*)\)/g)].map(([, link = ""]) => link);
    assert.deepEqual(links.filter((link) => !/^https:|^#/.test(link)), []);
    assert(links.includes(`https://github.com/some/one/blob/v${version}/docs/tools.md`));
  });

  await t.step("gives the permissions of deno.json and no other", async () => {
    const probe = `${dir}/probe.js`;
    await Deno.writeTextFile(
      probe,
      `const state = (query) => Deno.permissions.querySync(query).state;
       const names = ["net", "read", "write", "run", "ffi", "sys", "env"];
       const kinds = Object.fromEntries(names.map((name) => [name, state({ name })]));
       const variables = ["HOME", "MCPMQTT_HOST", "PATH"]
         .map((variable) => state({ name: "env", variable }));
       console.log(JSON.stringify({ kinds, variables, path: Deno.env.get("PATH") ?? null }));`,
    );
    const args: string[] = JSON.parse(await Deno.readTextFile(`${folder}deno_args.json`));
    assert.deepEqual(args, denoArgs(permissions.default));
    const { stdout, stderr } = await run([Deno.execPath(), ...args, probe], at);
    const { kinds, variables, path } = JSON.parse(stdout);
    assert.equal(stderr, "");
    const granted = Object.keys(kinds).filter((name) => kinds[name] === "granted");
    assert.deepEqual(granted, ["net", "read", "write"]);
    assert.deepEqual(variables, ["granted", "granted", "denied"]);
    assert.equal(path, null);
  });

  const bin = await installWith(installedDeno(Deno.execPath()), npm);

  await t.step("passes arguments and exit status on, and says nothing itself", async () => {
    const shown = await run(["node", bin, "--version"], at);
    assert.match(shown.stdout, new RegExp(`^mcpmqtt ${version.replaceAll(".", "\\.")}\\b`));
    assert.equal(shown.stderr, "");
    assert.equal(shown.code, 0);
    const wrong = await run(["node", bin, "explain"], at);
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /^mcpmqtt: explain needs a topic.*\n$/);
  });

  await t.step(
    "serves, logs nothing but the program's lines, and ends with its input",
    async () => {
      await using process = startLineProcess({ command: "node", args: [bin], ...at }, () => {});
      assert.match(await talkTo(process), /"connected":false/);
      await process.closeInput();
      const { code } = await process.ended();
      assert.equal(code, 0);
      const log = process.stderr().trimEnd().split("\n");
      assert.deepEqual(log.filter((line) => !/^\d{4}-\d\d-\d\d .* - mcpmqtt\./.test(line)), []);
    },
  );

  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    await t.step({
      name: `passes ${signal} on and ends as the program does`,
      ignore: ignoreOnWindows,
      fn: async () => {
        await using process = startLineProcess({ command: "node", args: [bin], ...at }, () => {});
        await talkTo(process);
        process.signal(signal);
        const { code, signal: killedBy } = await process.ended();
        assert.deepEqual([code, killedBy], [0, null]);
        assert.match(process.stderr(), new RegExp(`ending at ${signal}`));
      },
    });
  }

  await t.step({
    name: "ends by the signal that its program was killed by",
    ignore: ignoreOnWindows,
    fn: async () => {
      const killed = `${dir}/killed`;
      await Deno.writeTextFile(killed, "#!/bin/sh\nkill -KILL $$\n", { mode: 0o755 });
      const ended = await run(["node", await installWith(installedDeno(killed), npm)], at);
      assert.equal(ended.signal, "SIGKILL");
    },
  });

  await t.step("says in one line that there is no Deno for the system", async () => {
    const missing = await installWith('throw new Error("no such system\\nRequire stack:");', npm);
    const { code, stdout, stderr } = await run(["node", missing, "--version"], at);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /^mcpmqtt: no Deno was installed for this system: no such system\n$/);
    const lost = await run(["node", await installWith(installedDeno(`${dir}/no`), npm)], at);
    assert.equal(lost.code, 1);
    assert.match(lost.stderr, /^mcpmqtt: Deno did not start: .*ENOENT\n$/);
  });

  await t.step({
    name: "runs by npx from its file, with nothing but Node and an empty HOME",
    ignore: ignoreOnWindows,
    fn: async () => {
      const path = `${dir}/only-node`;
      await Deno.mkdir(path);
      for (const name of ["node", "npm", "npx", "sh"]) {
        await Deno.symlink(await which(name), `${path}/${name}`);
      }
      const only = { ...env, HOME: `${dir}/empty`, PATH: path };
      await Deno.mkdir(only.HOME);
      const fresh = { cwd: `${dir}/npm`, env: { ...only, npm_config_update_notifier: "false" } };
      const npx = ["npx", "-y", `./mcpmqtt-${version}.tgz`];
      const checked = await run([...npx, "check"], fresh);
      assert.equal(checked.code, 1, checked.stderr);
      assert.match(checked.stdout, /^config {3}none .*\n.*\ntopics {3}none is granted$/m);
      assert.equal(checked.stderr, "");
      const { mcpServers } = JSON.parse(checked.stdout.slice(checked.stdout.indexOf("\n{")));
      assert.deepEqual(mcpServers, { mqtt: { command: "npx", args: ["-y", "mcpmqtt"] } });
      const args = [...npx.slice(1), "--demo"];
      await using process = startLineProcess({ command: "npx", args, ...fresh }, () => {});
      assert.match(await talkTo(process), /"url":"mqtt:\/\/127\.0\.0\.1:\d+"/);
      await process.closeInput();
      assert.equal((await process.ended()).code, 0);
      assert.match(process.stderr(), /^[^\n]*mcpmqtt [\d.]+, with the built-in config of --demo/);
    },
  });
});

async function which(name: string): Promise<string> {
  const { stdout } = await new Deno.Command("sh", { args: ["-c", `command -v ${name}`] }).output();
  return new TextDecoder().decode(stdout).trim();
}
