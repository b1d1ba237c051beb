/**
 * Tools as MCP offers and calls them.
 *
 * @module
 */
import {
  type CallToolRequest,
  type CallToolResult,
  ProtocolError,
  ProtocolErrorCode,
  type ServerContext,
  type Tool as McpTool,
} from "@modelcontextprotocol/server";
import * as z from "zod/v4";
import type { Limits } from "../config/config.ts";
import { findTool, offeredTools } from "../tools/catalogue.ts";
import type { Tool } from "../tools/tool.ts";
import type { Confirmations } from "./confirm.ts";
import { renderError, renderResult } from "./render.ts";
import { type Caller, runTool } from "./run_tool.ts";

/** How often a waiting call reports progress, in milliseconds; the contract says each second. */
const PROGRESS_INTERVAL_MS = 500;

/** How much of the name of a tool that is not there is told. */
const MAX_NAME_CHARACTERS = 80;

/** Nobody comes near them, but who does is told of them in an error. */
const UNTOLD_BOUNDS = ["exclusiveMinimum", "minItems", "maxItems", "maxLength"] as const;

/** By the schema of the arguments, one for each tool and limits: making them takes some milliseconds. */
const described = new WeakMap<z.ZodObject, McpTool>();

/** What `tools/list` gives; of all tools, unless others are given. */
export function listTools(
  { readOnly, limits }: { readonly readOnly: boolean; readonly limits: Limits },
  tools?: readonly Tool[],
): McpTool[] {
  return offeredTools({ readOnly }, tools).map((tool) => {
    const input = tool.input(limits);
    const made = described.get(input) ?? describeTool(tool, input);
    described.set(input, made);
    return made;
  });
}

function describeTool(tool: Tool, input: z.ZodObject): McpTool {
  return {
    name: tool.name,
    title: tool.title,
    description: tool.description,
    inputSchema: jsonSchema(input, "input"),
    outputSchema: jsonSchema(tool.output, "output"),
    annotations: {
      readOnlyHint: tool.effect === "observe",
      destructiveHint: tool.effect === "write",
      idempotentHint: tool.isIdempotent,
      openWorldHint: true,
    },
  };
}

/** Whose call it is, and where it is told of. */
export interface CallOptions extends Caller {
  readonly confirmations: Confirmations;
  /** Whether the host can ask the person something. */
  readonly canAsk: boolean;
}

/**
 * Carries out a call.
 *
 * @throws {ProtocolError} where there is no tool of that name, as MCP wants it.
 */
export async function callTool(
  { params }: CallToolRequest,
  context: ServerContext,
  { confirmations, canAsk, ...caller }: CallOptions,
): Promise<CallToolResult> {
  const { session, tools, audit, client } = caller;
  const tool = findTool(params.name, tools);
  if (tool === undefined) {
    const name = params.name.slice(0, MAX_NAME_CHARACTERS);
    await audit?.record({
      client,
      tool: name,
      decision: "none",
      outcome: "failed",
      code: "invalid_argument",
      duration_ms: 0,
    });
    const there = offeredTools(session.access.grants, tools).map((one) => one.name).join(", ");
    throw new ProtocolError(
      ProtocolErrorCode.InvalidParams,
      `Unknown tool ${JSON.stringify(name)}; there are ${there}`,
    );
  }
  const stopProgress = reportProgress(tool, params.arguments, context);
  try {
    const done = await runTool(tool, params.arguments, {
      ...caller,
      signal: context.mcpReq.signal,
      confirmed: () => confirmations.answered(context),
      ask: (needed) => confirmations.ask(needed, context, { canAsk }),
    });
    return "data" in done ? renderResult(done.data) : done.result;
  } catch (error) {
    return renderError(error);
  } finally {
    stopProgress();
  }
}

/** Reports the seconds that have passed while the call waits. Stops with the returned function. */
function reportProgress(tool: Tool, args: unknown, { mcpReq }: ServerContext): () => void {
  const progressToken = mcpReq._meta?.progressToken;
  if (progressToken === undefined) return () => {};
  const start = performance.now();
  const total = totalSeconds(args);
  const timer = setInterval(() => {
    const progress = Math.round((performance.now() - start) / 100) / 10;
    mcpReq.notify({
      method: "notifications/progress",
      params: {
        progressToken,
        progress,
        ...(total === undefined ? {} : { total: Math.max(total, progress) }),
        message: `${tool.name} waiting`,
      },
      // The host may be gone; then there is nobody to tell.
    }).catch(() => {});
  }, PROGRESS_INTERVAL_MS);
  return () => clearInterval(timer);
}

function totalSeconds(args: unknown): number | undefined {
  const { timeout, duration } = (args ?? {}) as { timeout?: unknown; duration?: unknown };
  const seconds = timeout ?? duration;
  return typeof seconds === "number" && seconds > 0 ? seconds : undefined;
}

/**
 * The JSON Schema without what tells nobody anything, since it stands in the context of every chat,
 * and without what the API of some model refuses. What is left out is checked all the same.
 */
function jsonSchema(schema: z.ZodObject, io: "input" | "output"): McpTool["inputSchema"] {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, {
    io,
    override: ({ jsonSchema: part, path }) => {
      if (part.maximum === Number.MAX_SAFE_INTEGER) delete part.maximum;
      if (part.minimum === Number.MIN_SAFE_INTEGER) delete part.minimum;
      if (part.enum === undefined) delete part.enum;
      delete part.propertyNames;
      delete part.additionalProperties;
      for (const bound of UNTOLD_BOUNDS) delete part[bound];
      const isEmpty = Object.keys(part.properties ?? {}).length === 0;
      if (isEmpty && path.length > 0) delete part.properties;
      // Some take nothing beside anyOf.
      const [first] = part.anyOf ?? [];
      if (first !== undefined && part.description !== undefined) {
        first.description = part.description;
        delete part.description;
      }
    },
  });
  return rest as McpTool["inputSchema"];
}
