/**
 * The one adapter that every call of a tool passes: checked, confirmed, recorded and logged, whoever
 * makes it.
 *
 * @module
 */
import { ConfirmationNeeded } from "../access/confirmation.ts";
import type { Session } from "../access/session.ts";
import { McpMqttError } from "../errors.ts";
import type { Logger } from "../log.ts";
import { offeredTools } from "../tools/catalogue.ts";
import type { Tool } from "../tools/tool.ts";
import { quoteTopic } from "../topics/topic_text.ts";
import { type Audit, type AuditEntry, subjectOf } from "./audit.ts";
import { asMcpMqttError } from "./render.ts";

/** Whose call it is, and where it is told of. */
export interface Caller {
  readonly session: Session;
  /** Those there are; default: all. */
  readonly tools?: readonly Tool[] | undefined;
  readonly log: Logger;
  readonly audit: Audit | undefined;
  /** What the host calls itself. */
  readonly client: string;
}

/** What a call has besides its arguments. */
export interface RunOptions<Asked> extends Caller {
  /** Aborted when the call is cancelled. */
  readonly signal: AbortSignal;
  /** What the person has confirmed before this call, see `confirmedAs()`. */
  readonly confirmed?: () => string | undefined;
  /**
   * Asks the person.
   *
   * @returns what was confirmed, or the answer to the call that asks.
   */
  readonly ask: (
    needed: ConfirmationNeeded,
  ) => Promise<{ readonly digest: string } | { readonly result: Asked }>;
}

/** What a call came to. */
export type Ran<Asked> =
  | { readonly data: Record<string, unknown> }
  | { readonly result: Asked };

/**
 * Runs a tool.
 *
 * @throws {McpMqttError} whatever it was that failed; of a write with its outcome.
 */
export async function runTool<Asked>(
  tool: Tool,
  args: unknown,
  { session, tools, log, audit, client, signal, confirmed: answered, ask }: RunOptions<Asked>,
): Promise<Ran<Asked>> {
  const start = performance.now();
  const { access, watches, surveys, devices } = session;
  const name = `${tool.name}${aboutWrite(tool, args)}`;
  log.debug(() => `${tool.name} called with ${JSON.stringify(args ?? {})}`);
  const record = async (
    outcome: string,
    more: { code?: string; decision?: AuditEntry["decision"] } = {},
  ): Promise<void> => {
    if (audit === undefined) return;
    const subject = subjectOf(tool, args, { access, payloads: audit.payloads });
    const duration_ms = Math.round(performance.now() - start);
    await audit.record({ client, tool: tool.name, ...subject, outcome, ...more, duration_ms });
  };
  const run = (confirmed: string | undefined): Promise<Record<string, unknown>> =>
    tool.run(args, { access, watches, surveys, devices, signal, confirmed });
  try {
    if (!offeredTools(access.grants, tools).includes(tool)) throw notOffered(tool);
    if (tool.effect === "write") audit?.assertWritable();
    const confirmed = tool.effect === "write" ? answered?.() : undefined;
    let data: Record<string, unknown>;
    try {
      data = await run(confirmed);
    } catch (needed) {
      if (!(needed instanceof ConfirmationNeeded)) throw needed;
      const asked = await ask(needed);
      if ("result" in asked) {
        await record("asked");
        return asked;
      }
      data = await run(asked.digest);
    }
    const { outcome = "done", narrowed } = data;
    log.info(() => `${name} ${outcome} in ${Math.round(performance.now() - start)} ms`);
    await record(String(outcome), narrowed === true ? { decision: "narrowed" } : {});
    return { data };
  } catch (error) {
    const known = withOutcome(asMcpMqttError(error), tool);
    const { code, message, outcome } = known;
    const became = outcome === undefined ? "" : `, ${outcome}`;
    const isCancelled = signal.aborted;
    if (isCancelled) log.info(`${name} was cancelled${became}`);
    else if (code === "internal") log.error(`${name} failed: ${describe(error)}`);
    else log.info(() => `${name} failed${became}: ${code}: ${message}`);
    await record(outcome ?? (isCancelled ? "cancelled" : "failed"), isCancelled ? {} : { code });
    throw known;
  }
}

/** The topic that a call writes to, for the log. */
function aboutWrite({ effect }: Tool, args: unknown): string {
  const { topic, request_topic = topic } = (args ?? {}) as Record<string, unknown>;
  if (effect !== "write" || typeof request_topic !== "string") return "";
  return ` to ${quoteTopic(request_topic)}`;
}

function notOffered({ name }: Tool): McpMqttError {
  return new McpMqttError(
    "forbidden",
    `${name} is not offered: the server is read-only`,
    {
      hint: "Its owner decides that, with --read-only or read_only in the config.",
      outcome: "not_sent",
    },
  );
}

/**
 * A write that failed before it came to sending was not sent; where the program itself failed, nobody
 * knows.
 */
function withOutcome(error: McpMqttError, { effect }: Tool): McpMqttError {
  if (effect !== "write" || error.outcome !== undefined) return error;
  return new McpMqttError(error.code, error.message, {
    hint: error.hint,
    last: error.last,
    outcome: error.code === "internal" ? "unknown" : "not_sent",
    cause: error,
  });
}

function describe(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
