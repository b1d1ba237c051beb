import assert from "node:assert/strict";
import { runInit, STARTER_CONFIG } from "../../../lib/cli/commands/init.ts";
import { runSchema } from "../../../lib/cli/commands/schema.ts";
import { parseArguments } from "../../../lib/cli/options.ts";
import { loadConfig } from "../../../lib/config/load.ts";

interface Said {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function init(path: string): Promise<Said> {
  const invocation = parseArguments(["init", path]);
  assert.ok(invocation.command === "init");
  let stdout = "";
  let stderr = "";
  const status = await runInit(invocation, {
    stdout: (text) => stdout += text,
    stderr: (text) => stderr += text,
    dialogFor: () => undefined,
  });
  return { status, stdout, stderr };
}

Deno.test("runInit() writes a config that loads, for the owner alone", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/new/config.json`;
  const { status, stdout, stderr } = await init(path);
  assert.deepEqual([status, stderr], [0, ""]);
  assert.ok(stdout.includes(path));
  assert.deepEqual((await loadConfig({ path })).rules, []);
  if (Deno.build.os !== "windows") {
    assert.equal(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
    assert.equal(((await Deno.stat(`${folder}/new`)).mode ?? 0) & 0o777, 0o700);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("runInit() never overwrites", async () => {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, "mine");
  const { status, stdout, stderr } = await init(path);
  assert.deepEqual([status, stdout], [1, ""]);
  assert.match(stderr, /is there already and stays as it is.*\n$/);
  assert.equal(await Deno.readTextFile(path), "mine");
  await Deno.remove(path);
});

Deno.test("STARTER_CONFIG loads with its examples taken in", async () => {
  const text = STARTER_CONFIG.replaceAll(/^(\s+)\/\/ (?=[{}]| {2}")/gm, "$1");
  const config = await loadConfig({
    path: "/c.json",
    effects: { readTextFile: () => Promise.resolve(text), env: () => undefined },
  });
  assert.equal(config.rules.length, 3);
});

Deno.test("runSchema() prints the JSON Schema", async () => {
  let stdout = "";
  assert.equal(await runSchema(undefined, { stdout: (text) => stdout += text }), 0);
  assert.equal(JSON.parse(stdout).type, "object");
});
