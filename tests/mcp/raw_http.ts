/** MCP over HTTP written by hand: what no client library does. */

import assert from "node:assert/strict";
import { KEY } from "./served_http.ts";

const META = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientInfo": { name: "raw", version: "1" },
  "io.modelcontextprotocol/clientCapabilities": {},
};
export const JSON_ONLY = "application/json";
const BOTH = "application/json, text/event-stream";

/** A request, before it is sent. */
export interface Raw {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A call of revision 2026-07-28. */
export function modern(
  name: string,
  args: object,
  { id = 1, accept = BOTH, meta = {} }: { id?: number; accept?: string; meta?: object } = {},
): Raw {
  const params = { name, arguments: args, _meta: { ...META, ...meta } };
  return {
    headers: {
      "content-type": "application/json",
      "x-api-key": KEY,
      accept,
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": "tools/call",
      "mcp-name": name,
    },
    body: JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params }),
  };
}

/** A message of the generations before, in a session of theirs or to begin one. */
export function legacy(session: string | undefined, message: object, key = KEY): Raw {
  return {
    headers: {
      "content-type": "application/json",
      "x-api-key": key,
      accept: BOTH,
      ...(session === undefined ? {} : { "mcp-session-id": session }),
    },
    body: JSON.stringify(message),
  };
}

/** A call, as a message. */
export const toolCall = (id: number, name: string, args: object): object => ({
  jsonrpc: "2.0",
  id,
  method: "tools/call",
  params: { name, arguments: args },
});

export const post = (url: URL, { headers, body }: Raw, signal?: AbortSignal): Promise<Response> =>
  fetch(url, { method: "POST", headers, body, ...(signal === undefined ? {} : { signal }) });

/** What begins a session of the older generations. */
export function beginRequest(key = KEY, capabilities: object = {}): Raw {
  return legacy(undefined, {
    jsonrpc: "2.0",
    id: 0,
    method: "initialize",
    params: {
      protocolVersion: "2025-03-26",
      capabilities,
      clientInfo: { name: "raw", version: "1" },
    },
  }, key);
}

/** What a client says after that. */
export const initialized = { jsonrpc: "2.0", method: "notifications/initialized" };

/** A session of the older generations, by its id. */
export async function beginSession(
  url: URL,
  key = KEY,
  { capabilities = {} }: { readonly capabilities?: object } = {},
): Promise<string> {
  const response = await post(url, beginRequest(key, capabilities));
  assert.equal(response.status, 200);
  await response.text();
  return response.headers.get("mcp-session-id") ?? "";
}

/** The JSON-RPC messages of a stream. */
export function messagesOf(stream: string): Array<Record<string, unknown>> {
  return [...stream.matchAll(/^data: (.*)$/gm)].map(([, data = ""]) => JSON.parse(data));
}

/** A connection of its own: the headers, and the body in as many packets as are given. */
export async function connect(
  url: URL,
  { headers, body }: Raw,
): Promise<Disposable & { write(text: string): Promise<void>; read(): Promise<string> }> {
  const socket = await Deno.connect({ hostname: url.hostname, port: Number(url.port) });
  socket.setNoDelay();
  const write = async (text: string): Promise<void> => {
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length;) at += await socket.write(bytes.subarray(at));
  };
  const lines = Object.entries({ ...headers, "content-length": `${body.length}` })
    .map(([name, value]) => `${name}: ${value}\r\n`).join("");
  await write(`POST ${url.pathname} HTTP/1.1\r\nhost: ${url.host}\r\n${lines}\r\n`);
  return {
    write,
    async read(): Promise<string> {
      const bytes = new Uint8Array(4_096);
      return new TextDecoder().decode(bytes.subarray(0, await socket.read(bytes) ?? 0));
    },
    [Symbol.dispose]: () => socket.close(),
  };
}
