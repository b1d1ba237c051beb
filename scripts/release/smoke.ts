/**
 * `deno task smoke [PROGRAM [ARGUMENT…]]`: uses the program as its users do, through its command line
 * and an MCP client, on a real broker. Without arguments it is `deno run -P main.ts`; a `.js` or
 * `.ts` file is run by Deno under the permissions beside it; a `.tgz` is installed by npm and run by
 * Node; all else is started as it is, a container included. Nothing of the checkout is its working
 * folder, its HOME or its environment.
 *
 * @module
 */
import { startAedes } from "../../tests/brokers/aedes.ts";
import type { TestBroker } from "../../tests/brokers/broker.ts";
import { mosquittoAvailable, startMosquitto } from "../../tests/brokers/mosquitto.ts";
import { ROOT, runNpm } from "./project.ts";
import { smokeCommands } from "./smoke_commands.ts";
import { smokeDemo, smokeServing } from "./smoke_serving.ts";

/** The program under test and what it is tested with. */
export interface Smoke {
  readonly command: string;
  readonly args: readonly string[];
  /** An empty folder that the program may write to. */
  readonly folder: string;
  readonly configPath: string;
  readonly env: Readonly<Record<string, string>>;
}

/** What the program is granted. */
const TOPICS = [
  { pattern: "smoke/state", permissions: ["read"] },
  { pattern: "smoke/#", permissions: ["read", "write"], retain: true },
  { pattern: "smoke/locked", deny: ["write"] },
];

/** The command of the program, and its first arguments. */
async function commandOf(
  [program = `${ROOT}main.ts`, ...args]: readonly string[],
  folder: string,
): Promise<string[]> {
  const path = Deno.realPathSync.bind(Deno);
  if (program.endsWith(".tgz")) return ["node", await installed(path(program), folder), ...args];
  if (!/\.[jt]s$/.test(program)) {
    return [/[\\/]/.test(program) ? path(program) : program, ...args];
  }
  const script = path(program);
  const config = `${script.replace(/[^\\/]+$/, "")}deno.json`;
  return [Deno.execPath(), "run", "-P", "--no-prompt", `--config=${config}`, script, ...args];
}

/** Installs an npm package, as `npx` does; gives the script that starts it. */
async function installed(tgz: string, folder: string): Promise<string> {
  await runNpm(["install", "--prefix", folder, "--no-audit", "--no-fund", tgz], { cwd: folder });
  return `${folder}/node_modules/mcpmqtt/bin/mcpmqtt.js`;
}

/** Deno itself, where it is what runs the program, would look for its cache under HOME. */
async function environment(command: string, folder: string): Promise<Record<string, string>> {
  const passed = ["PATH", "SystemRoot", "TEMP", "TMP", "DOCKER_HOST"].flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  const env = { ...Object.fromEntries(passed), HOME: folder, NO_COLOR: "1" };
  if (command !== Deno.execPath()) return env;
  const { stdout } = await new Deno.Command(command, { args: ["info", "--json"] }).output();
  const { denoDir } = JSON.parse(new TextDecoder().decode(stdout));
  return { ...env, DENO_DIR: denoDir, DENO_NO_UPDATE_CHECK: "1" };
}

async function startBroker(): Promise<TestBroker> {
  return mosquittoAvailable() ? await startMosquitto() : await startAedes();
}

async function main(): Promise<void> {
  await using broker = await startBroker();
  const folder = await Deno.makeTempDir({ prefix: "mcpmqtt-smoke-" });
  try {
    const [command = "", ...args] = await commandOf(Deno.args, folder);
    console.log(`Smoke test of: ${[command, ...args].join(" ")}`);
    console.log(`on ${broker.name} at ${broker.url}`);
    const configPath = `${folder}/config.json`;
    const mqtt = { host: broker.host, port: broker.port };
    await Deno.writeTextFile(configPath, JSON.stringify({ mqtt, topics: TOPICS }));
    // In a container the program is another user.
    if (Deno.build.os !== "windows") await Deno.chmod(folder, 0o777);
    const env = await environment(command, folder);
    const smoke: Smoke = { command, args, folder, configPath, env };
    await smokeCommands(smoke);
    await smokeServing(smoke);
    await smokeDemo(smoke);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  console.log("It works.");
}

if (import.meta.main) {
  await main();
  Deno.exit(0);
}
