/**
 * Resources, prompts and completions as MCP offers them.
 *
 * @module
 */
import type {
  CompleteRequest,
  CompleteResult,
  GetPromptRequest,
  GetPromptResult,
  ListPromptsResult,
  ListResourcesResult,
  ListResourceTemplatesResult,
  ReadResourceResult,
} from "@modelcontextprotocol/server";
import { ProtocolError, ProtocolErrorCode } from "@modelcontextprotocol/server";
import { McpMqttError } from "../errors.ts";
import { PROMPTS } from "../prompts/prompt.ts";
import { completeTopic } from "../resources/completions.ts";
import { MESSAGE_TEMPLATE, messageTopic, readMessage } from "../resources/message.ts";
import { RESOURCES } from "../resources/resource.ts";
import type { Session } from "../access/session.ts";
import type { TopicName } from "../topics/topic_name.ts";

const MIME_TYPE = "application/json";

/** What `resources/list` gives. */
export function listResources(): ListResourcesResult {
  return {
    resources: RESOURCES.map(({ uri, name, title, description }) => ({
      uri,
      name,
      title,
      description,
      mimeType: MIME_TYPE,
    })),
  };
}

/** What `resources/templates/list` gives. */
export function listResourceTemplates(): ListResourceTemplatesResult {
  return {
    resourceTemplates: [{
      uriTemplate: MESSAGE_TEMPLATE,
      name: "message",
      title: "Last message of a topic",
      description: "The retained message of a topic, or the next within 2 s; can be subscribed to",
      mimeType: MIME_TYPE,
    }],
  };
}

/** @throws {ProtocolError} where there is no such resource, or it cannot be read. */
export async function readResource(
  uri: string,
  session: Session,
  signal: AbortSignal,
): Promise<ReadResourceResult> {
  const fixed = RESOURCES.find((one) => one.uri === uri);
  const data = fixed === undefined
    ? await readMessage(topicOf(uri), session, signal).catch((error) => {
      throw asProtocolError(error);
    })
    : await fixed.read(session, signal);
  return { contents: [{ uri, mimeType: MIME_TYPE, text: JSON.stringify(data) }] };
}

/**
 * The topic of a message resource.
 *
 * @throws {ProtocolError} where the URI is of no resource that has one.
 */
export function topicOf(uri: string): TopicName {
  try {
    const topic = messageTopic(uri);
    if (topic !== undefined) return topic;
  } catch (error) {
    throw asProtocolError(error);
  }
  if (RESOURCES.some((one) => one.uri === uri)) {
    throw new ProtocolError(
      ProtocolErrorCode.InvalidParams,
      `${uri} cannot be subscribed to, only ${MESSAGE_TEMPLATE} can; read it again instead`,
      { uri },
    );
  }
  const known = [...RESOURCES.map((one) => one.uri), MESSAGE_TEMPLATE].join(", ");
  throw new ProtocolError(
    ProtocolErrorCode.ResourceNotFound,
    `Unknown resource ${JSON.stringify(uri.slice(0, 200))}; there are ${known}`,
    { uri },
  );
}

/** An error as the protocol carries those of resources: the same code and hint, as data. */
export function asProtocolError(error: unknown): unknown {
  if (!(error instanceof McpMqttError)) return error;
  const { code, message, hint } = error;
  return new ProtocolError(
    ProtocolErrorCode.InvalidParams,
    `${code}: ${message}${hint === undefined ? "" : `\nhint: ${hint}`}`,
    { code, message, ...(hint === undefined ? {} : { hint }) },
  );
}

/** What `prompts/list` gives. */
export function listPrompts(): ListPromptsResult {
  return {
    prompts: PROMPTS.map(({ name, title, description, arguments: args }) => ({
      name,
      title,
      description,
      arguments: [...args],
    })),
  };
}

/** @throws {ProtocolError} for an unknown prompt or a missing argument. */
export function getPrompt({ params }: GetPromptRequest): GetPromptResult {
  const prompt = PROMPTS.find(({ name }) => name === params.name);
  if (prompt === undefined) {
    throw new ProtocolError(
      ProtocolErrorCode.InvalidParams,
      `Unknown prompt ${JSON.stringify(params.name.slice(0, 80))}; there are ${
        PROMPTS.map(({ name }) => name).join(", ")
      }`,
    );
  }
  const args = params.arguments ?? {};
  const missing = prompt.arguments.find(({ name, required }) => required && !args[name]);
  if (missing !== undefined) {
    throw new ProtocolError(
      ProtocolErrorCode.InvalidParams,
      `The prompt ${prompt.name} needs the argument ${missing.name}: ${missing.description}`,
    );
  }
  return {
    description: prompt.description,
    messages: [{ role: "user", content: { type: "text", text: prompt.text(args) } }],
  };
}

/** Completes topics: names for the resource template, patterns too for prompts. */
export function complete({ params }: CompleteRequest, session: Session): CompleteResult {
  const { ref, argument } = params;
  const isTemplate = ref.type === "ref/resource" && ref.uri === MESSAGE_TEMPLATE &&
    argument.name === "topic";
  const isPrompt = ref.type === "ref/prompt" &&
    PROMPTS.some(({ name, arguments: args }) =>
      name === ref.name && args.some((one) => one.name === argument.name)
    );
  if (!isTemplate && !isPrompt) return { completion: { values: [], total: 0, hasMore: false } };
  return { completion: { ...completeTopic(argument.value, session, { namesOnly: isTemplate }) } };
}
