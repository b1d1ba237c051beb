/**
 * Results and errors as MCP carries them.
 *
 * @module
 */
import type { CallToolResult } from "@modelcontextprotocol/server";
import { McpMqttError } from "../errors.ts";
import { given } from "../messages/json.ts";

/** The key under which an error stands in `_meta`. */
const ERROR_META_KEY = "mcpmqtt/error";

/** A tool's data: structured, and the same as JSON text. */
export function renderResult(data: Record<string, unknown>): CallToolResult {
  return {
    content: [{ type: "text", text: JSON.stringify(data) }],
    structuredContent: data,
  };
}

/**
 * An error for the model: `code: sentence`, a hint on a second line, on a third the JSON of the
 * message that came instead, and the same as data.
 */
export function renderError(error: unknown): CallToolResult {
  const { code, message, hint, outcome, last } = asMcpMqttError(error);
  const lines = [
    `${code}: ${message}`,
    ...(hint === undefined ? [] : [`hint: ${hint}`]),
    ...(last === undefined ? [] : [`last: ${JSON.stringify(last)}`]),
  ];
  return {
    isError: true,
    content: [{ type: "text", text: lines.join("\n") }],
    _meta: { [ERROR_META_KEY]: given({ code, message, hint, outcome, last }) },
  };
}

/** Anything else that was thrown is a fault of the program; its text is for the log only. */
export function asMcpMqttError(error: unknown): McpMqttError {
  if (error instanceof McpMqttError) return error;
  return new McpMqttError("internal", "the program failed in a way it should not", {
    hint: "The log says more; please report it.",
    cause: error,
  });
}
