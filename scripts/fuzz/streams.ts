/**
 * Garbage on the two streams: JSON-RPC lines from a host, and packets from a broker.
 *
 * @module
 */
import { Session } from "../../lib/access/session.ts";
import { loadConfig } from "../../lib/config/load.ts";
import { grantsOf } from "../../lib/cli/setup.ts";
import { ApiKeys } from "../../lib/mcp/api_keys.ts";
import { HttpServer } from "../../lib/mcp/http.ts";
import { serveOnStdio } from "../../lib/mcp/serve_stdio.ts";
import { MemoryLog, openConnection, startConnection } from "../../tests/mqtt/connections.ts";
import {
  connack,
  CONNECT,
  PINGREQ,
  ScriptedBroker,
  suback,
  SUBSCRIBE,
} from "../../tests/mqtt/scripted_broker.ts";
import { parseTopicFilter } from "../../lib/topics/topic_filter.ts";
import type { Dice } from "../soak/dice.ts";
import { mutated, mutatedBytes } from "./targets.ts";

const line = (message: object): string => `${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`;

const LINES = [
  line({ id: 1, method: "tools/call", params: { name: "mqtt_status", arguments: {} } }),
  line({
    id: 2,
    method: "tools/call",
    params: { name: "mqtt_publish", arguments: { topic: "a", payload: 1 } },
  }),
  line({
    id: 3,
    method: "tools/call",
    params: { name: "mqtt_watch_read", arguments: { watch_id: "w1" } },
  }),
  line({ id: 4, method: "resources/read", params: { uri: "mcpmqtt://topics/allowed" } }),
  line({ id: 5, method: "resources/subscribe", params: { uri: "mcpmqtt://message/x/y" } }),
  line({ method: "notifications/cancelled", params: { requestId: 1 } }),
  line({
    id: 6,
    method: "completion/complete",
    params: { ref: { type: "ref/prompt", name: "x" }, argument: { name: "topic", value: "a" } },
  }),
  line({ id: 7, method: "tools/list" }),
];

/** Feeds `cases` lines to a server, which must answer a ping after them, and say nothing it should not. */
export async function lines(dice: Dice, cases: number): Promise<string[]> {
  const effects = { readTextFile: () => Promise.resolve("{}"), env: () => undefined };
  const config = await loadConfig({ path: "/c.json", effects });
  const log = new MemoryLog();
  const connection = startConnection({ host: "127.0.0.1", port: 1 });
  const session = new Session({
    connection,
    grants: grantsOf(config),
    configSource: undefined,
    log,
  });
  const pipe = new TransformStream<Uint8Array, Uint8Array>();
  const input = pipe.writable.getWriter();
  const findings: string[] = [];
  const { promise: answered, resolve } = Promise.withResolvers<void>();
  let rest = "";
  const decoder = new TextDecoder();
  const write = (bytes: Uint8Array): Promise<number> => {
    const parts = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    for (const text of parts) {
      if (/\bat .*\.ts:\d+/.test(text)) findings.push(`a stack: ${text.slice(0, 300)}`);
      if (JSON.parse(text).id === "the end") resolve();
    }
    return Promise.resolve(bytes.length);
  };
  const serving = serveOnStdio({
    session,
    log,
    input: pipe.readable,
    output: { write },
    onSent() {},
  });
  const say = (text: string): Promise<void> => input.write(new TextEncoder().encode(text));
  const clientInfo = { name: "fuzz", version: "1" };
  await say(
    line({
      id: 0,
      method: "initialize",
      params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo },
    }),
  );
  await say(line({ method: "notifications/initialized" }));
  for (let i = 0; i < cases; i++) {
    await say(`${mutated(dice.pick(LINES), dice)}\n`);
    if (i % 100 === 0) await new Promise((done) => setTimeout(done, 0));
  }
  await say(`\n${line({ id: "the end", method: "ping" })}`);
  const timer = setTimeout(() => {
    findings.push("no answer to a ping after the garbage");
    resolve();
  }, 20_000);
  await answered;
  clearTimeout(timer);
  await serving.close();
  await input.close().catch(() => {});
  await session[Symbol.asyncDispose]();
  await connection.close();
  return findings;
}

const REQUESTS = [
  "/mcp",
  "/status",
  "/mcp?api_key=the-key",
  "/.well-known/oauth-protected-resource",
  "/mcp/../mcp",
];
const HEADERS: ReadonlyArray<readonly [string, string]> = [
  ["x-api-key", "the-key"],
  ["authorization", "Bearer the-key"],
  ["authorization", "Bearer a.b.c"],
  ["origin", "http://localhost"],
  ["mcp-session-id", "00000000-0000-4000-8000-000000000000"],
  ["mcp-protocol-version", "2026-07-28"],
  ["accept", "application/json, text/event-stream"],
  ["content-type", "application/json"],
];

/** Asks an HTTP server `cases` times, which must never fail. */
export async function http(dice: Dice, cases: number): Promise<string[]> {
  const text = JSON.stringify({ remote_server: { api_key: "the-key", port: 1 } });
  const effects = { readTextFile: () => Promise.resolve(text), env: () => undefined };
  const config = await loadConfig({ path: "/c.json", effects });
  const { remoteServer: remote } = config;
  if (remote?.key === undefined) throw new Error("the config has no key");
  const log = new MemoryLog();
  const connection = startConnection({ host: "127.0.0.1", port: 1 });
  const findings: string[] = [];
  {
    const client = { id: "main", name: "main", rules: config.rules, readOnly: false };
    await using server = new HttpServer({
      remote,
      keys: new ApiKeys([{ key: remote.key, client }]),
      tokens: undefined,
      sessionFor: () =>
        new Session({ connection, grants: grantsOf(config), configSource: undefined, log }),
      isConnected: () => false,
      log,
      audit: undefined,
    });
    for (let i = 0; i < cases; i++) {
      const method = dice.pick(["GET", "POST", "POST", "POST", "DELETE", "PUT", "OPTIONS"]);
      const headers = new Headers();
      for (const [name, value] of HEADERS) {
        if (dice.chance(0.3)) continue;
        const visible = (dice.chance(0.2) ? mutated(value, dice) : value).replaceAll(
          /[^ -~]/g,
          "?",
        );
        headers.set(name, visible);
      }
      const path = dice.chance(0.3) ? mutated(dice.pick(REQUESTS), dice) : dice.pick(REQUESTS);
      const url = `http://localhost/${encodeURI(path.toWellFormed()).replace(/^\/+/, "")}`;
      const body = method === "POST" ? mutated(dice.pick(LINES), dice) : null;
      const response = await server.handle(new Request(url, { method, headers, body }));
      const isStream = response.headers.get("content-type")?.includes("event-stream") ?? false;
      const said = isStream ? "" : await response.text();
      if (isStream) await response.body?.cancel();
      if (response.status === 500) findings.push(`500 to ${method} ${url} ${body}`);
      if (/\bat .*\.ts:\d+/.test(said)) findings.push(`a stack: ${said.slice(0, 300)}`);
    }
  }
  await connection.close();
  return findings;
}

/** Packets as a broker sends them: PUBLISH of each QoS, SUBACK, PUBREL, DISCONNECT, … */
const PACKETS = [
  [0x30, 6, 0, 3, 0x61, 0x2F, 0x62, 0],
  [0x32, 9, 0, 3, 0x61, 0x2F, 0x62, 0, 9, 0, 0x31],
  [0x34, 9, 0, 3, 0x61, 0x2F, 0x62, 0, 8, 0, 0x31],
  [0x90, 4, 0, 1, 0, 0],
  [0x62, 2, 0, 8],
  [0xE0, 2, 0x8E, 0],
  [0x40, 2, 0, 1],
  [0xD0, 0],
  [0x20, 3, 0, 0, 0],
];

/** A broker that sends `cases` packets, over as many connections as survive them. */
export async function packets(dice: Dice, cases: number): Promise<string[]> {
  const findings: string[] = [];
  const atOnce = 40;
  for (let sent = 0; sent < cases; sent += atOnce) {
    await using broker = new ScriptedBroker(({ type, body }, client) => {
      if (type === CONNECT) client.send(...connack("5"));
      if (type === PINGREQ) client.send(0xD0, 0);
      if (type !== SUBSCRIBE) return;
      client.send(...suback({ type, flags: 2, body }));
      if (client.index > 0) return;
      for (let i = 0; i < atOnce; i++) {
        client.send(...mutatedBytes(Uint8Array.from(dice.pick(PACKETS)), dice));
      }
      client.close();
    });
    await using connection = await openConnection(broker, { version: "5" });
    const collecting = connection.collect([parseTopicFilter("a/#")], {
      includeRetained: true,
      resume: true,
      waitMs: 5_000,
      signal: new AbortController().signal,
      onMessage: ({ topic }) => {
        if (typeof topic !== "string") findings.push("a message without a topic");
      },
    });
    // The broker takes the second connection, whatever became of the first.
    await (await collecting)[Symbol.asyncDispose]();
  }
  return findings;
}
