/**
 * The part of the smoke test that uses the command line.
 *
 * @module
 */
import assert from "node:assert/strict";
import { readManifest } from "./project.ts";
import type { Smoke } from "./smoke.ts";

interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs every command but `serve`. */
export async function smokeCommands(smoke: Smoke): Promise<void> {
  const { version } = await readManifest();
  const config = ["--config", smoke.configPath];
  const shown = await expectDone(smoke, ["--version"]);
  assert.match(shown, new RegExp(`^mcpmqtt ${version.replaceAll(".", "\\.")}\\b`));
  assert.match(await expectDone(smoke, ["--help"]), /^Usage: mcpmqtt/);
  assert.equal(typeof JSON.parse(await expectDone(smoke, ["schema"])), "object");
  const tools = JSON.parse(await expectDone(smoke, ["tools", ...config]));
  assert.match(JSON.stringify(tools), /"mqtt_publish"/);
  const locked = await run(smoke, ["explain", "smoke/locked", "write", ...config]);
  assert.equal(locked.code, 1, locked.stderr);
  assert.match(locked.stdout, /denie[sd]/);
  assert.match(await expectDone(smoke, ["check", ...config]), /smoke\/#/);
  const starter = `${smoke.folder}/starter.json`;
  await expectDone(smoke, ["init", starter]);
  assert.match(await Deno.readTextFile(starter), /"topics"/);
  const refused = await run(smoke, ["check", "--config", `${smoke.folder}/missing.json`]);
  assert.equal(refused.code, 2, refused.stderr);
  assert.match(refused.stderr, /missing\.json/);
  console.log(`${shown.trim()}: its commands work`);
}

async function expectDone(smoke: Smoke, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run(smoke, args);
  assert.equal(code, 0, `${args.join(" ")}\n${stdout}${stderr}`);
  return stdout;
}

async function run(smoke: Smoke, args: readonly string[]): Promise<Output> {
  const { code, stdout, stderr } = await new Deno.Command(smoke.command, {
    args: [...smoke.args, ...args],
    cwd: smoke.folder,
    env: smoke.env,
    clearEnv: true,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}
