/**
 * The MCP server of one client: what is asked over the protocol, answered from the session.
 *
 * @module
 */
import { ProtocolError, ProtocolErrorCode, Server } from "@modelcontextprotocol/server";
import type { Logger } from "../log.ts";
import { RESOURCES } from "../resources/resource.ts";
import type { Session } from "../session.ts";
import { VERSION } from "../version.ts";
import { instructions } from "./instructions.ts";
import { callTool, listTools, UnknownTool } from "./tools.ts";

/** What a server needs. */
export interface ServerOptions {
  readonly session: Session;
  readonly log: Logger;
}

/** Makes the server; whoever calls connects it to a transport. */
export function createServer({ session, log }: ServerOptions): Server {
  const server = new Server(
    { name: "mcpmqtt", title: "MQTT", version: VERSION },
    {
      capabilities: { tools: {}, resources: {} },
      instructions: instructions(session),
    },
  );
  server.onerror = (error) => log.warning(`MCP: ${error.message}`);
  server.setRequestHandler("tools/list", () => ({ tools: listTools(session.broker.grants) }));
  server.setRequestHandler("tools/call", async (request, context) => {
    try {
      return await callTool(request, context, { session, log });
    } catch (error) {
      if (error instanceof UnknownTool) {
        throw new ProtocolError(ProtocolErrorCode.InvalidParams, error.message);
      }
      throw error;
    }
  });
  server.setRequestHandler("resources/list", () => ({
    resources: RESOURCES.map(({ uri, name, title, description }) => ({
      uri,
      name,
      title,
      description,
      mimeType: "application/json",
    })),
  }));
  server.setRequestHandler("resources/templates/list", () => ({ resourceTemplates: [] }));
  server.setRequestHandler("resources/read", ({ params: { uri } }) => {
    const resource = RESOURCES.find((one) => one.uri === uri);
    if (resource === undefined) throw unknownResource(uri);
    const text = JSON.stringify(resource.read(session));
    return { contents: [{ uri, mimeType: "application/json", text }] };
  });
  return server;
}

function unknownResource(uri: string): ProtocolError {
  return new ProtocolError(
    ProtocolErrorCode.ResourceNotFound,
    `Unknown resource ${JSON.stringify(uri.slice(0, 200))}; there are ${
      RESOURCES.map((one) => one.uri).join(", ")
    }`,
    { uri },
  );
}
