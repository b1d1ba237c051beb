/**
 * The MCP server of one client: what is asked over the protocol, answered from the session.
 *
 * @module
 */
import { ProtocolError, ProtocolErrorCode, Server } from "@modelcontextprotocol/server";
import type { Logger } from "../log.ts";
import type { Session } from "../access/session.ts";
import { VERSION } from "../version.ts";
import { instructions } from "./instructions.ts";
import {
  asProtocolError,
  complete,
  getPrompt,
  listPrompts,
  listResources,
  listResourceTemplates,
  readResource,
  topicOf,
} from "./resources.ts";
import { callTool, listTools, UnknownTool } from "./tools.ts";

/** Who holds the resource subscriptions that `resources/subscribe` makes. */
const CLIENT = "client";

/** What a server needs. */
export interface ServerOptions {
  readonly session: Session;
  readonly log: Logger;
  /** Told what goes wrong outside of a request. */
  readonly onError: (error: Error) => void;
}

/** Makes the server; whoever calls connects it to a transport. */
export function createServer({ session, log, onError }: ServerOptions): Server {
  const server = new Server(
    { name: "mcpmqtt", title: "MQTT", version: VERSION },
    {
      capabilities: { tools: {}, resources: { subscribe: true }, prompts: {}, completions: {} },
      instructions: instructions(session),
    },
  );
  server.onerror = onError;
  server.setRequestHandler("tools/list", () => ({ tools: listTools(session.access.grants) }));
  server.setRequestHandler("tools/call", async (request, context) => {
    try {
      return await callTool(request, context, { session, log });
    } catch (error) {
      if (!(error instanceof UnknownTool)) throw error;
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, error.message);
    }
  });
  serveResources(server, session);
  server.setRequestHandler("prompts/list", () => listPrompts());
  server.setRequestHandler("prompts/get", (request) => getPrompt(request));
  server.setRequestHandler("completion/complete", (request) => complete(request, session));
  return server;
}

function serveResources(server: Server, session: Session): void {
  server.setRequestHandler("resources/list", () => listResources());
  server.setRequestHandler("resources/templates/list", () => listResourceTemplates());
  server.setRequestHandler(
    "resources/read",
    ({ params: { uri } }, { mcpReq: { signal } }) => readResource(uri, session, signal),
  );
  server.setRequestHandler("resources/subscribe", async ({ params: { uri } }) => {
    try {
      await session.updates.subscribe(topicOf(uri), { uri, holder: CLIENT });
    } catch (error) {
      throw asProtocolError(error);
    }
    return {};
  });
  server.setRequestHandler("resources/unsubscribe", async ({ params: { uri } }) => {
    await session.updates.unsubscribe(topicOf(uri), { uri, holder: CLIENT });
    return {};
  });
  session.updates.notify = (uri) => {
    // The host may be gone; then there is nobody to tell.
    server.sendResourceUpdated({ uri }).catch(() => {});
  };
}
