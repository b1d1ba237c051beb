/**
 * Those of the conformance suite's tools that no tool of the program is like: pictures, sound,
 * embedded resources, log messages, sampling, roots and forms.
 */

import {
  type CallToolResult,
  createRequestStateCodec,
  type ElicitRequestFormParams,
  inputRequired,
  type InputRequiredResult,
  inputResponse,
  ProtocolError,
  ProtocolErrorCode,
  type ServerContext,
  type Tool,
} from "@modelcontextprotocol/server";

type Result = CallToolResult | InputRequiredResult;
type Call = (
  context: ServerContext,
  args: Readonly<Record<string, unknown>>,
) => Result | Promise<Result>;
type Content = CallToolResult["content"][number];

/** A pixel. */
export const PNG =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
const WAV = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=";

const text = (said: string): Content => ({ type: "text", text: said });
const image: Content = { type: "image", data: PNG, mimeType: "image/png" };
const resource = (uri: string, mimeType: string, said: string): Content => ({
  type: "resource",
  resource: { uri, mimeType, text: said },
});
const gives = (...content: Content[]): Call => () => ({ content });
const done = (what: unknown): CallToolResult => ({ content: [text(JSON.stringify(what))] });

type Properties = ElicitRequestFormParams["requestedSchema"]["properties"];

const form = (
  properties: Properties,
  message = "Please fill this in",
): ElicitRequestFormParams => ({
  mode: "form",
  message,
  requestedSchema: { type: "object", properties },
});
const ask = (field: string): ReturnType<typeof inputRequired.elicit> =>
  inputRequired.elicit(form({ [field]: { type: "string" } }));
const sample = (question: string): ReturnType<typeof inputRequired.createMessage> =>
  inputRequired.createMessage({
    messages: [{ role: "user", content: { type: "text", text: question } }],
    maxTokens: 100,
  });

/** A form over the session of an older generation. */
const elicits = (properties: Properties): Call => async ({ mcpReq }) =>
  done(await mcpReq.elicitInput(form(properties), { relatedRequestId: mcpReq.id }));

/** Asks until the answer of that key is there. */
const asks = (key: string, request: ReturnType<typeof ask>): Call => ({ mcpReq }) => {
  const answer = inputResponse(mcpReq.inputResponses, key);
  return answer.kind === "missing"
    ? inputRequired({ inputRequests: { [key]: request } })
    : done(answer);
};

const OPTIONS = ["option1", "option2", "option3"];
const TITLED = OPTIONS.map((option) => ({
  const: option.replace("option", "value"),
  title: `The ${option}`,
}));

/** Signs what a round hands over to the next. */
const states = createRequestStateCodec<{ round: number }>({
  key: crypto.getRandomValues(new Uint8Array(32)),
});

async function roundOf(context: ServerContext): Promise<number> {
  const state = context.mcpReq.requestState();
  if (typeof state !== "string") return 0;
  try {
    return (await states.verify(state, context)).round;
  } catch {
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, "this is no state of this server");
  }
}

/** Asks one question a round, each with a state of its own. */
const inRounds = (...fields: string[]): Call => async (context) => {
  const round = await roundOf(context);
  const field = fields[round];
  if (field === undefined) return done(round);
  return inputRequired({
    inputRequests: { [field]: ask(field) },
    requestState: await states.mint({ round: round + 1 }, context),
  });
};

const CALLS: Readonly<Record<string, Call>> = {
  test_image_content: gives(image),
  test_audio_content: gives({ type: "audio", data: WAV, mimeType: "audio/wav" }),
  test_embedded_resource: gives(resource("test://embedded-resource", "text/plain", "embedded")),
  test_multiple_content_types: gives(
    text("Multiple content types test:"),
    image,
    resource("test://mixed-content-resource", "application/json", '{"test":"data","value":123}'),
  ),
  test_tool_with_logging: async ({ mcpReq }) => {
    for (const step of ["started", "processing", "completed"]) await mcpReq.log("info", step);
    return done("logged");
  },
  test_sampling: async ({ mcpReq }, { prompt }) =>
    done(
      await mcpReq.requestSampling({
        messages: [{ role: "user", content: { type: "text", text: String(prompt) } }],
        maxTokens: 100,
      }, { relatedRequestId: mcpReq.id }),
    ),
  test_elicitation_sep1034_defaults: elicits({
    name: { type: "string", default: "John Doe" },
    age: { type: "integer", default: 30 },
    score: { type: "number", default: 95.5 },
    status: { type: "string", enum: ["active", "inactive", "pending"], default: "active" },
    verified: { type: "boolean", default: true },
  }),
  test_elicitation_sep1330_enums: elicits({
    untitledSingle: { type: "string", enum: OPTIONS },
    titledSingle: { type: "string", oneOf: TITLED },
    legacyEnum: {
      type: "string",
      enum: ["opt1", "opt2", "opt3"],
      enumNames: ["One", "Two", "Three"],
    },
    untitledMulti: { type: "array", items: { type: "string", enum: OPTIONS } },
    titledMulti: { type: "array", items: { anyOf: TITLED } },
  }),
  test_missing_capability: asks("sampled", sample("Is this declared?")),
  test_input_required_result_elicitation: asks("user_name", ask("name")),
  test_input_required_result_sampling: asks("capital_question", sample("The capital of France?")),
  test_input_required_result_list_roots: asks("client_roots", inputRequired.listRoots()),
  test_input_required_result_capabilities: asks("sampled", sample("What is declared?")),
  test_input_required_result_multiple_inputs: async (context) =>
    await roundOf(context) > 0 ? done("all answered") : inputRequired({
      inputRequests: {
        user_name: ask("name"),
        greeting: sample("Generate a greeting"),
        client_roots: inputRequired.listRoots(),
      },
      requestState: await states.mint({ round: 1 }, context),
    }),
  test_input_required_result_multi_round: inRounds("name", "color"),
  test_input_required_result_tampered_state: inRounds("confirm"),
  json_schema_2020_12_tool: gives(text("called")),
};

const SCHEMAS: Readonly<Record<string, Tool["inputSchema"]>> = {
  test_sampling: { type: "object", properties: { prompt: { type: "string" } } },
  json_schema_2020_12_tool: {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    $defs: {
      address: {
        $anchor: "addressDef",
        type: "object",
        properties: { street: { type: "string" }, city: { type: "string" } },
      },
    },
    properties: {
      name: { type: "string" },
      address: { $ref: "#/$defs/address" },
      contactMethod: { type: "string", enum: ["phone", "email"] },
      phone: { type: "string" },
      email: { type: "string" },
    },
    allOf: [{ anyOf: [{ required: ["phone"] }, { required: ["email"] }] }],
    if: { properties: { contactMethod: { const: "phone" } }, required: ["contactMethod"] },
    then: { required: ["phone"] },
    else: { required: ["email"] },
    additionalProperties: false,
  },
};

/** As `tools/list` gives them. */
export const SDK_TOOLS: readonly Tool[] = Object.keys(CALLS).map((name) => ({
  name,
  description: "A fixture of the conformance suite",
  inputSchema: SCHEMAS[name] ?? { type: "object", properties: {} },
}));

/** Calls one of them; undefined if it is none. */
export function callSdkTool(
  { name, arguments: args = {} }: {
    readonly name: string;
    readonly arguments?: Record<string, unknown> | undefined;
  },
  context: ServerContext,
): Result | Promise<Result> | undefined {
  return Object.hasOwn(CALLS, name) ? CALLS[name]?.(context, args) : undefined;
}
