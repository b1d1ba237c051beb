/**
 * From the start of the process to the first answer.
 *
 * @module
 */
import { ROOT, timeToFirstByte } from "./processes.ts";
import { atMost, type BenchOptions, formatMs, type Section } from "./report.ts";
import { inTurns, median } from "./samples.ts";

const MAX_RATIO = 3.5;
const INITIALIZE = message({
  id: 1,
  method: "initialize",
  params: {
    protocolVersion: "2025-11-25",
    capabilities: {},
    clientInfo: { name: "bench", version: "1" },
  },
});
/** A host is ready when it knows the tools. */
const LIST_TOOLS = INITIALIZE + message({ method: "notifications/initialized" }) +
  message({ id: 2, method: "tools/list" });
const TOOLS_LISTED = '"id":2';

/** An empty script, the import of the MCP SDK alone, and the server with its answer. */
export async function starting({ quick }: BenchOptions): Promise<Section> {
  const dir = await Deno.makeTempDir({ prefix: "mcpmqtt-bench-" });
  try {
    const config = `${dir}/config.json`;
    await Deno.writeTextFile(config, JSON.stringify(CONFIG));
    // As the executable is made: see scripts/release/bundle.ts.
    await bundle(`${ROOT}main.ts`, dir);
    await bundle(`${ROOT}bench/programs/sdk.ts`, dir);
    const programs = `${ROOT}bench/programs`;
    const answer = (...args: string[]): Promise<number> =>
      timeToFirstByte(["run", ...args, "--config", config], { input: INITIALIZE });
    const times = await inTurns({
      empty: () => timeToFirstByte(["run", `${programs}/empty.ts`]),
      sdk: () => timeToFirstByte(["run", "-P", `${programs}/sdk.ts`]),
      main: () => answer("-P", `${ROOT}main.ts`),
      bundledSdk: () => timeToFirstByte(["run", "-A", `${dir}/sdk.js`]),
      bundled: () => answer("-A", `${dir}/main.js`),
      listed: () =>
        timeToFirstByte(["run", "-A", `${dir}/main.js`, "--config", config], {
          input: LIST_TOOLS,
          until: TOOLS_LISTED,
        }),
    }, quick ? 7 : 21);
    const emptyMs = median(times.empty);
    const line = (name: string, values: readonly number[]): Section["lines"][number] => ({
      name,
      ratio: median(values) / emptyMs,
      measured: formatMs(median(values)),
    });
    const withGoal = (name: string, values: readonly number[]): Section["lines"][number] => ({
      ...line(name, values),
      goal: atMost(MAX_RATIO, median(values) / emptyMs),
    });
    return {
      title: "Start to the first answer",
      baseline: "deno run of a script that prints one line; lower is faster",
      lines: [
        line("an empty script", times.empty),
        line("importing the MCP SDK, deno run", times.sdk),
        withGoal("initialize answered, deno run -P main.ts", times.main),
        line("importing the MCP SDK, bundled", times.bundledSdk),
        withGoal("initialize answered, bundled", times.bundled),
        line("tools/list answered, bundled", times.listed),
      ],
      notes: [
        "from the spawn to the first byte on stdout, or to the list of tools; nothing listens where the broker should be",
      ],
    };
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const CONFIG = {
  mqtt: { host: "127.0.0.1", port: 1 },
  topics: [{ pattern: "bench/#", permissions: ["read", "write"] }],
};

async function bundle(entry: string, folder: string): Promise<void> {
  const how = ["--quiet", "--minify", "--code-splitting", "--platform", "deno"];
  const args = ["bundle", ...how, "--outdir", folder, entry];
  const { success, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: ROOT }).output();
  if (!success) throw new Error(`deno bundle failed: ${new TextDecoder().decode(stderr)}`);
}

function message(content: object): string {
  return `${JSON.stringify({ jsonrpc: "2.0", ...content })}\n`;
}
