/**
 * The conformance suite's resources, prompts and further tools, added to a server that the program
 * made: whatever is no fixture is answered as ever.
 */

import {
  type CallToolResult,
  type GetPromptRequest,
  type GetPromptResult,
  inputRequired,
  type InputRequiredResult,
  inputResponse,
  type ListPromptsResult,
  type ListResourcesResult,
  type ListResourceTemplatesResult,
  type ListToolsResult,
  type ReadResourceResult,
  type Server,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { callSdkTool, PNG, SDK_TOOLS } from "./sdk_tools.ts";

const WATCHED = "test://watched-resource";

/** Adds the fixtures. */
export function withFixtures(server: Server): Server {
  server.registerCapabilities({ logging: {} });
  tools(server);
  resources(server);
  prompts(server);
  return server;
}

/** What the program itself answers to a method. */
type Answer<Result> = (request: unknown, context: ServerContext) => Promise<Result>;

function before<Result>(server: Server, method: string): Answer<Result> {
  const answer = server["_getRequestHandler"](method);
  if (answer === undefined) throw new Error(`nothing answers ${method}`);
  return (request, context) =>
    answer(request as never, context) as Promise<unknown> as Promise<Result>;
}

function tools(server: Server): void {
  const list = before<ListToolsResult>(server, "tools/list");
  server.setRequestHandler("tools/list", async (request, context) => {
    const { tools, ...rest } = await list(request, context);
    return { ...rest, tools: [...tools, ...SDK_TOOLS] };
  });
  const call = before<CallToolResult>(server, "tools/call");
  server.setRequestHandler(
    "tools/call",
    async (request, context) =>
      await callSdkTool(request.params, context) ?? await call(request, context),
  );
}

/** A resource of that URI, or undefined. */
function read(uri: string): ReadResourceResult | undefined {
  const [, id] = /^test:\/\/template\/([^/]+)\/data$/.exec(uri) ?? [];
  if (id !== undefined) {
    return { contents: [{ uri, mimeType: "application/json", text: JSON.stringify({ id }) }] };
  }
  if (uri === "test://static-binary") {
    return { contents: [{ uri, mimeType: "image/png", blob: PNG }] };
  }
  if (uri !== "test://static-text" && uri !== WATCHED) return undefined;
  return { contents: [{ uri, mimeType: "text/plain", text: "the content" }] };
}

function resources(server: Server): void {
  const list = before<ListResourcesResult>(server, "resources/list");
  server.setRequestHandler("resources/list", async (request, context) => {
    const { resources, ...rest } = await list(request, context);
    const uris = ["test://static-text", "test://static-binary", WATCHED];
    return { ...rest, resources: [...resources, ...uris.map((uri) => ({ uri, name: uri }))] };
  });
  const templates = before<ListResourceTemplatesResult>(server, "resources/templates/list");
  server.setRequestHandler("resources/templates/list", async (request, context) => {
    const { resourceTemplates, ...rest } = await templates(request, context);
    const template = { uriTemplate: "test://template/{id}/data", name: "template" };
    return { ...rest, resourceTemplates: [...resourceTemplates, template] };
  });
  const readOn = before<ReadResourceResult>(server, "resources/read");
  server.setRequestHandler(
    "resources/read",
    async (request, context) => read(request.params.uri) ?? await readOn(request, context),
  );
  for (const method of ["resources/subscribe", "resources/unsubscribe"] as const) {
    const goOn = before<Record<string, never>>(server, method);
    server.setRequestHandler(
      method,
      async (request, context) =>
        request.params.uri === WATCHED ? {} : await goOn(request, context),
    );
  }
}

const says = (text: string): GetPromptResult["messages"][number] => ({
  role: "user",
  content: { type: "text", text },
});

/** The parameters of a prompt, by its name. */
const PROMPTS: Readonly<Record<string, readonly string[]>> = {
  test_simple_prompt: [],
  test_prompt_with_arguments: ["arg1", "arg2"],
  test_prompt_with_embedded_resource: ["resourceUri"],
  test_prompt_with_image: [],
  test_input_required_result_prompt: [],
};

function prompt(
  { name, arguments: args = {} }: GetPromptRequest["params"],
  { mcpReq }: ServerContext,
): GetPromptResult | InputRequiredResult | undefined {
  switch (name) {
    case "test_simple_prompt":
      return { messages: [says("This is a simple prompt for testing.")] };
    case "test_prompt_with_arguments":
      return { messages: [says(`arg1='${args["arg1"]}', arg2='${args["arg2"]}'`)] };
    case "test_prompt_with_embedded_resource": {
      const resource = {
        uri: args["resourceUri"] ?? "",
        mimeType: "text/plain",
        text: "embedded",
      };
      return { messages: [{ role: "user", content: { type: "resource", resource } }] };
    }
    case "test_prompt_with_image":
      return {
        messages: [
          { role: "user", content: { type: "image", data: PNG, mimeType: "image/png" } },
        ],
      };
    case "test_input_required_result_prompt": {
      const answer = inputResponse(mcpReq.inputResponses, "user_context");
      if (answer.kind !== "missing") return { messages: [says(JSON.stringify(answer))] };
      const requestedSchema = {
        type: "object",
        properties: { context: { type: "string" } },
      } as const;
      return inputRequired({
        inputRequests: {
          user_context: inputRequired.elicit({ message: "What context?", requestedSchema }),
        },
      });
    }
    default:
      return undefined;
  }
}

function prompts(server: Server): void {
  const list = before<ListPromptsResult>(server, "prompts/list");
  server.setRequestHandler("prompts/list", async (request, context) => {
    const { prompts, ...rest } = await list(request, context);
    const fixtures = Object.entries(PROMPTS).map(([name, args]) => ({
      name,
      description: "A fixture of the conformance suite",
      arguments: args.map((arg) => ({ name: arg, required: true })),
    }));
    return { ...rest, prompts: [...prompts, ...fixtures] };
  });
  const get = before<GetPromptResult>(server, "prompts/get");
  server.setRequestHandler(
    "prompts/get",
    async (request, context) => prompt(request.params, context) ?? await get(request, context),
  );
}
