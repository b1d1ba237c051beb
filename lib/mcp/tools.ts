/**
 * Tools as MCP offers them, and the one adapter that every call passes.
 *
 * @module
 */
import type {
  CallToolRequest,
  CallToolResult,
  ServerContext,
  Tool as McpTool,
} from "@modelcontextprotocol/server";
import * as z from "zod/v4";
import type { Limits } from "../config/config.ts";
import { McpMqttError } from "../errors.ts";
import type { Logger } from "../log.ts";
import { ConfirmationNeeded } from "../access/confirmation.ts";
import type { Session } from "../access/session.ts";
import { findTool, offeredTools } from "../tools/catalogue.ts";
import type { Tool } from "../tools/tool.ts";
import { quoteTopic } from "../topics/topic_text.ts";
import { type Audit, type Outcome, outcomeOf, recordCall } from "./audit.ts";
import type { Confirmations } from "./confirm.ts";
import { asMcpMqttError, renderError, renderResult } from "./render.ts";

/** How often a waiting call reports progress, in milliseconds; the contract says each second. */
const PROGRESS_INTERVAL_MS = 500;

/** Nobody comes near them, but who does is told of them in an error. */
const UNTOLD_BOUNDS = ["exclusiveMinimum", "minItems", "maxItems", "maxLength"] as const;

/** By the limits, which the schemas name: making them takes some milliseconds. */
const described = new WeakMap<Limits, WeakMap<Tool, McpTool>>();

/** What `tools/list` gives; of all tools, unless others are given. */
export function listTools(
  { readOnly, limits }: { readonly readOnly: boolean; readonly limits: Limits },
  tools?: readonly Tool[],
): McpTool[] {
  const known = described.get(limits) ?? new WeakMap<Tool, McpTool>();
  described.set(limits, known);
  return offeredTools({ readOnly }, tools).map((tool) => {
    const made = known.get(tool) ?? describeTool(tool, limits);
    known.set(tool, made);
    return made;
  });
}

function describeTool(tool: Tool, limits: Limits): McpTool {
  return {
    name: tool.name,
    title: tool.title,
    description: tool.description,
    inputSchema: jsonSchema(tool.input(limits), "input"),
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
export interface CallOptions {
  readonly session: Session;
  /** Those there are; default: all. */
  readonly tools?: readonly Tool[] | undefined;
  readonly log: Logger;
  readonly audit: Audit | undefined;
  /** What the host calls itself. */
  readonly client: string;
  readonly confirmations: Confirmations;
  /** Whether the host can ask the person something. */
  readonly canAsk: boolean;
}

/**
 * Carries out a call.
 *
 * @throws {UnknownTool} where there is no tool of that name.
 */
export async function callTool(
  { params }: CallToolRequest,
  context: ServerContext,
  { session, tools, log, audit, client, confirmations, canAsk }: CallOptions,
): Promise<CallToolResult> {
  const tool = findTool(params.name, tools);
  if (tool === undefined) {
    throw new UnknownTool(params.name, offeredTools(session.access.grants, tools));
  }
  const start = performance.now();
  const stopProgress = reportProgress(tool, params.arguments, context);
  const name = `${tool.name}${aboutWrite(tool, params.arguments)}`;
  log.debug(() => `${tool.name} called with ${JSON.stringify(params.arguments ?? {})}`);
  const { permissions } = session.access.grants;
  const called = { client, tool, args: params.arguments, permissions, startedAt: start };
  const record = (outcome: Outcome): Promise<void> => recordCall(audit, { ...called, ...outcome });
  const run = (confirmed: string | undefined): Promise<Record<string, unknown>> =>
    tool.run(params.arguments, {
      access: session.access,
      watches: session.watches,
      surveys: session.surveys,
      devices: session.devices,
      signal: context.mcpReq.signal,
      confirmed,
    });
  try {
    assertOffered(tool, session.access.grants);
    if (tool.effect === "write") audit?.assertWritable();
    const confirmed = tool.effect === "write" ? confirmations.answered(context) : undefined;
    let data: Record<string, unknown>;
    try {
      data = await run(confirmed);
    } catch (needed) {
      if (!(needed instanceof ConfirmationNeeded)) throw needed;
      const asked = await confirmations.ask(needed, context, { canAsk });
      if ("result" in asked) {
        await record({ outcome: "asked" });
        return asked.result;
      }
      data = await run(asked.digest);
    }
    const became = outcomeOf(data);
    log.info(() => `${name} ${became.outcome} in ${Math.round(performance.now() - start)} ms`);
    await record(became);
    return renderResult(data);
  } catch (error) {
    const known = withOutcome(asMcpMqttError(error), tool);
    const became = known.outcome === undefined ? "" : `, ${known.outcome}`;
    const isCancelled = context.mcpReq.signal.aborted;
    if (isCancelled) log.info(`${name} was cancelled${became}`);
    else if (known.code === "internal") log.error(`${name} failed: ${describe(error)}`);
    else log.info(() => `${name} failed${became}: ${known.code}: ${known.message}`);
    const { code, outcome = isCancelled ? "cancelled" : "failed" } = known;
    await record({ outcome, code });
    return renderError(known);
  } finally {
    stopProgress();
  }
}

/** The topic that a call writes to, for the log. */
function aboutWrite({ effect }: Tool, args: unknown): string {
  const { topic, request_topic = topic } = (args ?? {}) as Record<string, unknown>;
  if (effect !== "write" || typeof request_topic !== "string") return "";
  return ` to ${quoteTopic(request_topic)}`;
}

/** There is no such tool; MCP wants that as a protocol error. */
export class UnknownTool extends Error {
  override readonly name = "UnknownTool";
  constructor(tool: string, offered: readonly Tool[]) {
    const names = offered.map(({ name }) => name).join(", ");
    super(`Unknown tool ${JSON.stringify(tool.slice(0, 80))}; there are ${names}`);
  }
}

/** @throws {McpMqttError} `forbidden` for a tool that is not offered. */
export function assertOffered(tool: Tool, grants: { readonly readOnly: boolean }): void {
  if (offeredTools(grants, [tool]).length > 0) return;
  throw new McpMqttError(
    "forbidden",
    `${tool.name} is not offered: the server is read-only`,
    {
      hint: "Its owner decides that, with --read-only or read_only in the config.",
      outcome: "not_sent",
    },
  );
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
 * A write that failed before it came to sending was not sent; where the program itself failed, nobody
 * knows.
 */
export function withOutcome(error: McpMqttError, { effect }: Tool): McpMqttError {
  if (effect !== "write" || error.outcome !== undefined) return error;
  return new McpMqttError(error.code, error.message, {
    hint: error.hint,
    last: error.last,
    outcome: error.code === "internal" ? "unknown" : "not_sent",
    cause: error,
  });
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

function describe(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
