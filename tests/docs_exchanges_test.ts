import assert from "node:assert/strict";
import { startDemo } from "../demo/demo.ts";
import { Session } from "../lib/access/session.ts";
import { quietLogger } from "../lib/cli/quiet_logger.ts";
import { brokerSettings, grantsOf } from "../lib/cli/setup.ts";
import { McpMqttError } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import { Connection } from "../lib/mqtt/connection.ts";
import { findTool, TOOLS } from "../lib/tools/catalogue.ts";

type Arguments = Record<string, unknown>;

interface Exchange {
  readonly tool: string;
  readonly args: Arguments;
  readonly result: unknown;
}

/** The exchanges of `docs/tools.md`, in its order: a block with arguments, then one with the result. */
async function exchanges(): Promise<Exchange[]> {
  const text = await Deno.readTextFile(new URL("../docs/tools.md", import.meta.url));
  return text.split(/^## /m).flatMap((chapter) => {
    const tool = chapter.split("\n")[0] ?? "";
    if (findTool(tool) === undefined) return [];
    const blocks = [...chapter.matchAll(/^```json\n([^]*?)^```$/gm)].map(([, json = ""]) =>
      JSON.parse(json)
    );
    return blocks.flatMap((args, at) =>
      at % 2 === 0 ? [{ tool, args, result: blocks[at + 1] }] : []
    );
  });
}

/** What is the same each time: keys, kinds, and texts without a digit. */
function lasting(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lasting);
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, lasting(one)]));
  }
  return typeof value === "string" && !/\d/.test(value) ? value : typeof value;
}

Deno.test("the docs show what the tools give, and the log says, on the demo house", async () => {
  const told = await exchanges();
  assert.deepEqual([...new Set(told.map(({ tool }) => tool))], TOOLS.map(({ name }) => name));
  await using demo = await startDemo([]);
  const { config } = demo;
  const logged: string[] = [];
  const log: Logger = {
    ...quietLogger,
    info: (text) => void logged.push(typeof text === "string" ? text : text()),
  };
  await using connection = new Connection(brokerSettings(config), log);
  await using session = new Session({
    connection,
    grants: grantsOf(config),
    configSource: undefined,
    log: quietLogger,
  });
  connection.start();
  const { access, watches, surveys, devices } = session;
  const { signal } = new AbortController();
  const call = async (tool: string, args: Arguments): Promise<Record<string, unknown>> => {
    const found = findTool(tool);
    assert(found);
    return await found.run(args, { access, watches, surveys, devices, signal });
  };
  for (const { tool, args, result } of told) {
    if (tool === "mqtt_watch_read") {
      for (const to of ["off", "on"]) {
        await call("mqtt_publish", { topic: `actuators/lights/kitchen/${to}`, payload: "1" });
      }
    }
    const isLong = args["summary"] === true;
    const given = await call(tool, isLong ? { ...args, timeout: 2 } : args);
    // The docs show the first grant of many.
    if (tool === "mqtt_status") given["grants"] = (given["grants"] as unknown[]).slice(0, 1);
    assert.deepEqual(lasting(given), lasting(result), tool);
  }
  const logging = await Deno.readTextFile(new URL("../docs/logging.md", import.meta.url));
  const [, entry = ""] = /mcpmqtt\.connection - INFO - (.*)/.exec(logging) ?? [];
  const lastingOf = (text: string): string =>
    text.replace(/mcpmqtt-\w+/, "ID").replace(/[\d.]+$/, "");
  assert.ok(logged.map(lastingOf).includes(lastingOf(entry)), logged.join("\n"));
  // A mistake of docs/agents.md, whose hint has its lines broken there.
  const agents = await Deno.readTextFile(new URL("../docs/agents.md", import.meta.url));
  await assert.rejects(call("mqtt_read", { topic: "sensor/kitchen/temperature" }), (error) => {
    assert(error instanceof McpMqttError);
    const said = `← ${error.code}: ${error.message} hint: ${error.hint}`;
    assert.ok(agents.replaceAll(/\s+/g, " ").includes(said), said);
    return true;
  });
});
