import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import { hostCommand } from "../../lib/cli/host_command.ts";
import { fromFileUrl } from "../paths.ts";

const main = new URL("../../main.ts", import.meta.url);
const checkout = {
  isStandalone: false,
  execPath: "/opt/deno",
  mainModule: main.href,
  denoVersion: "2.9.6",
};

Deno.test("hostCommand() names the executable, and Deno with the script in a checkout", () => {
  const executable = { ...checkout, isStandalone: true, execPath: "/opt/mcpmqtt" };
  assert.deepEqual(hostCommand(executable), { command: "/opt/mcpmqtt", args: [] });
  const args = ["run", "-q", "-P", fromFileUrl(main)];
  assert.deepEqual(hostCommand(checkout), { command: "/opt/deno", args });
});

Deno.test("hostCommand() names no path into a package cache", () => {
  const caches = ["/home/me/.npm/_npx/1a/", "C:\\Users\\me\\AppData\\Local\\npm-cache\\_npx\\1a\\"];
  for (const cache of caches) {
    const slash = cache.includes("\\") ? "\\" : "/";
    const execPath = `${cache}node_modules${slash}deno${slash}deno`;
    const byDeno = hostCommand({ ...checkout, execPath });
    assert.deepEqual(byDeno, {
      command: "npx",
      args: ["-y", "deno@2.9.6", "run", "-q", "-P", fromFileUrl(main)],
    });
  }
  const installed = pathToFileURL("/usr/lib/node_modules/mcpmqtt/program/main.js").href;
  assert.deepEqual(hostCommand({ ...checkout, mainModule: installed }), {
    command: "npx",
    args: ["-y", "mcpmqtt"],
  });
});
