/**
 * The part of the smoke test that talks to the server as an MCP host does.
 *
 * @module
 */
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import assert from "node:assert/strict";
import type { Smoke } from "./smoke.ts";

/** A container takes a moment to start. */
const CONNECT_DEADLINE_MS = 30_000;
/** How long the program may take to end; then the client would send it a signal. */
const END_DEADLINE_MS = 2_000;
const TOOLS = 10;

/** Tools, resources and prompts, on the broker of the config. */
export async function smokeServing(smoke: Smoke): Promise<void> {
  const took = await withClient(smoke, ["--config", smoke.configPath], async (client) => {
    assert.equal((await client.listTools()).tools.length, TOOLS);
    const topic = "smoke/state";
    const sent = await call(client, "mqtt_publish", {
      topic,
      payload: "21.5",
      qos: 1,
      retain: true,
    });
    assert.equal(sent["outcome"], "acknowledged");
    assert.equal((await call(client, "mqtt_read", { topic }))["payload"], "21.5");
    const refused = await client.callTool({
      name: "mqtt_publish",
      arguments: { topic: "smoke/locked", payload: "1" },
    });
    assert.match(JSON.stringify(refused), /forbidden/);
    const { contents: [allowed] } = await client.readResource({ uri: "mcpmqtt://topics/allowed" });
    assert.match(JSON.stringify(allowed), /smoke\/locked/);
    const { prompts } = await client.listPrompts();
    assert.ok(prompts.some(({ name }) => name === "explore_topics"));
    const { messages } = await client.getPrompt({ name: "explore_topics", arguments: {} });
    assert.ok(messages.length > 0);
  });
  console.log(`it serves tools, resources and prompts; the first answer came after ${took} ms`);
}

/** The embedded broker and the simulated house. */
export async function smokeDemo(smoke: Smoke): Promise<void> {
  await withClient(smoke, ["--demo"], async (client) => {
    const message = await call(client, "mqtt_read", { topic: "sensors/kitchen/temperature" });
    assert.ok(Number(message["payload"]) > 0, JSON.stringify(message));
  });
  console.log("its demo works");
}

/** Gives how long the first answer took, in milliseconds. */
async function withClient(
  { command, args, env, folder }: Smoke,
  moreArgs: readonly string[],
  use: (client: Client) => Promise<void>,
): Promise<number> {
  const transport = new StdioClientTransport({
    command,
    args: [...args, ...moreArgs],
    env: { ...env },
    cwd: folder,
    stderr: "pipe",
  });
  let log = "";
  transport.stderr?.on("data", (chunk: Uint8Array) => log += new TextDecoder().decode(chunk));
  const client = new Client({ name: "mcpmqtt-smoke", version: "1" });
  const started = performance.now();
  try {
    await client.connect(transport, { timeout: CONNECT_DEADLINE_MS });
    const took = Math.round(performance.now() - started);
    await use(client);
    const ending = performance.now();
    await client.close();
    assert.ok(performance.now() - ending < END_DEADLINE_MS, "it did not end with its input");
    return took;
  } catch (cause) {
    throw new Error(`The server failed; its log:\n${log}`, { cause });
  } finally {
    await client.close();
  }
}

async function call(
  client: Client,
  name: string,
  args: Record<string, unknown>,
): Promise<Readonly<Record<string, unknown>>> {
  const { isError, structuredContent, content } = await client.callTool({ name, arguments: args });
  assert.ok(!isError, `${name}: ${JSON.stringify(content)}`);
  assert.ok(typeof structuredContent === "object" && structuredContent !== null);
  return { ...structuredContent };
}
