#!/usr/bin/env node
/**
 * Starts mcpmqtt from its npm package: the program in `program/`, run by the Deno that the package
 * `deno` brings, with the arguments of `deno_args.json`, which hold the permissions. This process
 * waits for it, passes signals on, and ends as it ended.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import process from "node:process";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("../program/main.js", import.meta.url));
const ARGS = JSON.parse(readFileSync(new URL("../deno_args.json", import.meta.url), "utf8"));

/** Ends with 1, as the program itself does for what is no fault of the arguments. */
function fail(message) {
  process.stderr.write(`mcpmqtt: ${message}\n`);
  process.exit(1);
}

/** The path of Deno. Where its package's own installation was not run it is done now. */
function denoPath() {
  try {
    return createRequire(import.meta.url)("deno/install_api.cjs").runInstall();
  } catch (error) {
    // A module that is not found is named in the first line; those that asked for it follow.
    const [reason] = String(error?.message ?? error).split("\n");
    return fail(`no Deno was installed for this system: ${reason}`);
  }
}

const child = spawn(denoPath(), [...ARGS, PROGRAM, ...process.argv.slice(2)], {
  stdio: "inherit",
  env: { ...process.env, DENO_NO_UPDATE_CHECK: "1" },
});

// On Windows the console tells both processes, and a signal from here would kill the program.
const isWindows = process.platform === "win32";
const signals = isWindows ? ["SIGINT", "SIGBREAK"] : ["SIGINT", "SIGTERM", "SIGHUP"];
for (const signal of signals) process.on(signal, () => isWindows || child.kill(signal));

child.on("error", (error) => fail(`Deno did not start: ${error.message}`));
child.on("exit", (code, signal) => {
  if (signal === null) process.exit(code);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
});
