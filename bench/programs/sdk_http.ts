/** The MCP SDK over HTTP with one tool, which answers the same bytes, and nothing else; prints its port. */
import { createMcpHandler, Server } from "@modelcontextprotocol/server";

const { text }: { text: string } = JSON.parse(Deno.args[0] ?? "");
const { result: { content, structuredContent } } = JSON.parse(text);
const handler = createMcpHandler(() => {
  const server = new Server({ name: "sdk", version: "1" }, { capabilities: { tools: {} } });
  server.setRequestHandler("tools/call", () => ({ content, structuredContent }));
  return server;
}, { legacy: "reject" });
const server = Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => console.log(JSON.stringify({ port })),
}, (request) => handler.fetch(request));
await Deno.stdin.read(new Uint8Array(1));
await server.shutdown();
