/**
 * The MCP server of one client: what is asked over the protocol, answered from the session.
 *
 * @module
 */
import {
  CLIENT_CAPABILITIES_META_KEY,
  Server,
  type ServerContext,
} from "@modelcontextprotocol/server";
import type { Logger } from "../log.ts";
import type { Session } from "../access/session.ts";
import type { Confirmations } from "./confirm.ts";
import { type Audit, clientIn, recordResource } from "./audit.ts";
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
import type { Tool } from "../tools/tool.ts";
import { callTool, listTools } from "./tools.ts";

/** Who holds the resource subscriptions that `resources/subscribe` makes. */
const CLIENT = "client";

/** What a server needs. */
export interface ServerOptions {
  readonly session: Session;
  /** The tools; default: all there are. */
  readonly tools?: readonly Tool[];
  readonly log: Logger;
  /** The record of what is done, if one is kept. */
  readonly audit?: Audit | undefined;
  /** Whose it is, for the record; default: what the client calls itself. */
  readonly client?: string;
  /** The questions to the person behind the client. */
  readonly confirmations: Confirmations;
  /** Told what goes wrong outside of a request. */
  readonly onError: (error: Error) => void;
}

/** Makes the server; whoever calls connects it to a transport. */
export function createServer(
  { session, tools, log, audit, confirmations, client, onError }: ServerOptions,
): Server {
  const server = new Server(
    { name: "mcpmqtt", title: "MQTT", version: VERSION },
    {
      capabilities: { tools: {}, resources: { subscribe: true }, prompts: {}, completions: {} },
      instructions: instructions(session),
    },
  );
  server.onerror = onError;
  server.setRequestHandler("tools/list", () => ({
    tools: listTools(session.access.grants, tools),
  }));
  const canAsk = ({ mcpReq: { envelope } }: ServerContext): boolean => {
    const meta: Readonly<Record<string, unknown>> = envelope ?? {};
    const declared = meta[CLIENT_CAPABILITIES_META_KEY] ?? server.getClientCapabilities();
    return (declared as { elicitation?: unknown } | undefined)?.elicitation !== undefined;
  };
  const clientName = ({ mcpReq: { envelope = {} } }: ServerContext): string =>
    client ?? clientIn(envelope) ?? server.getClientVersion()?.name ?? "unknown";
  server.setRequestHandler("tools/call", (request, context) =>
    callTool(request, context, {
      session,
      tools,
      log,
      audit,
      client: clientName(context),
      confirmations,
      canAsk: canAsk(context),
    }));
  const recorded: Recorded = ({ method, params: { uri } }, context, work) =>
    recordResource(work, {
      audit,
      client: clientName(context),
      method,
      uri,
      access: session.access,
    });
  serveResources(server, session, recorded);
  session.updates.notify = (uri) => {
    // The host may be gone; then there is nobody to tell.
    server.sendResourceUpdated({ uri }).catch(() => {});
  };
  server.setRequestHandler("prompts/list", () => listPrompts());
  server.setRequestHandler("prompts/get", (request) => getPrompt(request));
  server.setRequestHandler("completion/complete", (request) => complete(request, session));
  return server;
}

/** Does something with a resource, and records it before it is answered. */
type Recorded = <T>(
  request: { readonly method: string; readonly params: { readonly uri: string } },
  context: ServerContext,
  work: () => Promise<T>,
) => Promise<T>;

function serveResources(server: Server, session: Session, recorded: Recorded): void {
  server.setRequestHandler("resources/list", () => listResources());
  server.setRequestHandler("resources/templates/list", () => listResourceTemplates());
  server.setRequestHandler(
    "resources/read",
    (request, context) =>
      recorded(
        request,
        context,
        () => readResource(request.params.uri, session, context.mcpReq.signal),
      ),
  );
  server.setRequestHandler("resources/subscribe", async (request, context) => {
    const { uri } = request.params;
    await recorded(request, context, async () => {
      try {
        await session.updates.subscribe(topicOf(uri), { uri, holder: CLIENT });
      } catch (error) {
        throw asProtocolError(error);
      }
    });
    return {};
  });
  server.setRequestHandler("resources/unsubscribe", async ({ params: { uri } }) => {
    await session.updates.unsubscribe(topicOf(uri), { uri, holder: CLIENT });
    return {};
  });
}
