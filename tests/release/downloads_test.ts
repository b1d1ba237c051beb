import assert from "node:assert/strict";
import { ROOT } from "../../scripts/release/project.ts";

/** What the server itself has dependencies for; aedes is for `--demo` alone. */
const DIRECT = [
  "@modelcontextprotocol/server",
  "ajv",
  "jose",
  "jsonc-parser",
  "mqtt",
  "re2js",
  "zod",
];

interface Lock {
  readonly npm: Readonly<Record<string, { readonly dependencies?: readonly string[] }>>;
}

/** The names of these packages and of all that they depend on, from the lock. */
function closure({ npm }: Lock, names: readonly string[]): Set<string> {
  const found = new Set<string>();
  const add = (name: string): void => {
    if (found.has(name)) return;
    found.add(name);
    for (const [key, { dependencies = [] }] of Object.entries(npm)) {
      if (nameOf(key) === name) { for (const one of dependencies) add(nameOf(one)); }
    }
  };
  names.forEach(add);
  return found;
}

/** Of `zod`, `zod@4.6.7` or `a@1.0.0_zod@4.6.7`. */
function nameOf(key: string): string {
  return /^@?[^@]+/.exec(key)?.[0] ?? key;
}

/** The packages in a cache of Deno. */
async function cached(denoDir: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name: registry } of Deno.readDir(`${denoDir}/npm`)) {
    const folder = `${denoDir}/npm/${registry}`;
    for await (const { name } of Deno.readDir(folder)) {
      if (!name.startsWith("@")) names.push(name);
      else {for await (const one of Deno.readDir(`${folder}/${name}`)) {
          names.push(`${name}/${one.name}`);
        }}
    }
  }
  return names.sort();
}

Deno.test("main.ts, run from a checkout, downloads what the server needs and nothing else", async () => {
  const denoDir = await Deno.makeTempDir({ prefix: "mcpmqtt-downloads-" });
  const run = async (...args: readonly string[]): Promise<string[]> => {
    // At the end of its input the server ends.
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-P", `--config=${ROOT}deno.json`, `${ROOT}main.ts`, ...args],
      cwd: denoDir,
      env: { DENO_DIR: denoDir, DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" },
      stdin: "null",
    }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    return await cached(denoDir);
  };
  try {
    const lock: Lock = JSON.parse(await Deno.readTextFile(`${ROOT}deno.lock`));
    const needed = closure(lock, DIRECT);
    assert.ok(needed.size > DIRECT.length);
    const downloaded = await run();
    for (const name of DIRECT) assert.ok(downloaded.includes(name), `no ${name}`);
    assert.deepEqual(downloaded.filter((name) => !needed.has(name)), []);
    const withDemo = await run("--demo");
    assert.ok(withDemo.includes("aedes"));
    const neededByDemo = closure(lock, [...DIRECT, "aedes"]);
    assert.deepEqual(withDemo.filter((name) => !neededByDemo.has(name)), []);
  } finally {
    await Deno.remove(denoDir, { recursive: true });
  }
});
