/**
 * The official inspector as a host, over both transports and in both protocol generations. Run by
 * `deno task conformance`. It comes by npx, which brings it without those of its packages that only
 * other systems need.
 */

import assert from "node:assert/strict";
import { startAedes } from "../brokers/aedes.ts";
import { launch } from "../host.ts";
import { KEY, serving } from "../mcp/served_http.ts";
import { offered } from "./required.ts";
import { missing } from "./suite.ts";

const INSPECTOR = "@modelcontextprotocol/inspector@2.12.0";

/** The inspector's command line; what it keeps goes to `folder`. */
const inspector = (folder: string, ...args: readonly string[]): Deno.Command =>
  new Deno.Command(Deno.build.os === "windows" ? "npx.cmd" : "npx", {
    args: ["--yes", INSPECTOR, "--cli", ...args],
    env: { MCP_STORAGE_DIR: folder, MCP_INSPECTOR_SECRET_STORE: "memory" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });

/** Downloads it, if it is not here yet. */
async function missingInspector(): Promise<string | undefined> {
  try {
    return await missing(inspector("", "--help"));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "there is no npx";
    throw error;
  }
}

const ignore = !await offered("the inspector", missingInspector);

/** Lists the tools, with a look at their schemas that fails for what some host refuses, and calls one. */
async function use(target: readonly string[], options: readonly string[]): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "mcpmqtt-inspector-" });
  const ask = async (...what: readonly string[]): Promise<Record<string, unknown>> => {
    const command = inspector(folder, ...options, ...what, "--", ...target);
    const { success, stdout, stderr } = await command.output();
    const [out = "", err = ""] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assert.ok(success, `${out}\n${err}`);
    return JSON.parse(out);
  };
  try {
    const { tools } = await ask("--method", "tools/list", "--strict");
    assert.ok((tools as Array<{ name: string }>).some(({ name }) => name === "mqtt_read"));
    const { structuredContent } = await ask(
      ...["--method", "tools/call", "--tool-name", "mqtt_read"],
      ...["--tool-args-json", '{"topic":"t/a"}'],
    );
    assert.equal((structuredContent as { payload?: unknown }).payload, "21");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

for (const era of ["legacy", "modern"] as const) {
  Deno.test({
    name: `the inspector lists the tools and calls one over stdio (${era})`,
    ignore,
    fn: async () => {
      await using broker = await startAedes();
      await broker.publish("t/a", "21", { retain: true });
      await using launched = await launch({
        config: {
          mqtt: { host: broker.host, port: broker.port },
          topics: [{ pattern: "t/#", permissions: ["read"] }],
        },
      });
      const { command, args } = launched;
      await use([command, ...args], ["--transport", "stdio", "--protocol-era", era]);
    },
  });

  Deno.test({
    name: `the inspector lists the tools and calls one over HTTP (${era})`,
    ignore,
    fn: async () => {
      await using server = await serving({ api_key: KEY });
      const url = new URL(server.url);
      url.searchParams.set("api_key", KEY);
      await use([url.href], ["--transport", "http", "--protocol-era", era]);
    },
  });
}
