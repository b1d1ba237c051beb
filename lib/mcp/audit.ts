/**
 * The record of what a client did: one JSON line for each call of a tool and each use of a resource,
 * written before the answer is given. The format is `docs/logging.md`.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { CLIENT_INFO_META_KEY } from "@modelcontextprotocol/server";
import type { Access } from "../access/access.ts";
import type { Config } from "../config/config.ts";
import { McpMqttError } from "../errors.ts";
import type { Logger } from "../log.ts";
import { given } from "../messages/json.ts";
import type { Permissions } from "../topics/permissions.ts";
import { messageTopic } from "../resources/message.ts";
import { payloadBytes } from "../tools/payload_argument.ts";
import type { Tool } from "../tools/tool.ts";

/** How the record is kept. */
export type AuditOptions = NonNullable<Config["logging"]["audit"]>;

/** Where lines go; a file, or a test's own. */
export interface AuditFile {
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
}

/** What was asked for, what was decided, and what became of it. */
export interface AuditEntry {
  readonly client: string;
  readonly tool: string;
  readonly topic?: string;
  readonly filters?: readonly string[];
  readonly uri?: string;
  readonly decision: "granted" | "narrowed" | "denied" | "not_granted" | "none";
  readonly rule?: string;
  readonly outcome: string;
  readonly code?: string;
  readonly size?: number;
  readonly payload_sha256?: string;
  readonly payload?: unknown;
  readonly duration_ms: number;
}

/** An open record. Lines are appended, so that the file may be renamed or truncated meanwhile. */
export class Audit implements AsyncDisposable {
  readonly payloads: boolean;
  readonly #onFailure: AuditOptions["onFailure"];
  readonly #file: AuditFile;
  readonly #log: Logger;
  #writing: Promise<void> = Promise.resolve();
  #isFailing = false;

  constructor(
    file: AuditFile,
    { payloads, onFailure }: Pick<AuditOptions, "payloads" | "onFailure">,
    log: Logger,
  ) {
    this.#file = file;
    this.payloads = payloads;
    this.#onFailure = onFailure;
    this.#log = log;
  }

  /**
   * Opens the file to append to it, for its owner alone if it is new.
   *
   * @throws {Error} if it cannot be opened: who wants a record does not want to be without.
   */
  static async open(options: AuditOptions, log: Logger): Promise<Audit> {
    const { path } = options;
    try {
      const folder = path.replace(/[^/\\]*$/, "");
      if (folder !== "") await Deno.mkdir(folder, { recursive: true });
      return new Audit(
        await Deno.open(path, { append: true, create: true, mode: 0o600 }),
        options,
        log,
      );
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`the record of logging.audit cannot be opened at ${path}: ${why}`, { cause });
    }
  }

  /**
   * Refuses a write that might not be recorded.
   *
   * @throws {McpMqttError} `forbidden`, while lines cannot be written and that is to stop writes.
   */
  assertWritable(): void {
    if (!this.#isFailing || this.#onFailure !== "stop_writes") return;
    throw new McpMqttError(
      "forbidden",
      "nothing is published while the record of what is done cannot be written (logging.audit)",
      { hint: "Its owner has to see to it; the log says why.", outcome: "not_sent" },
    );
  }

  /** Writes a line; settles when that has been done, or has failed, which the log tells. */
  async record(entry: AuditEntry): Promise<void> {
    const line = `${JSON.stringify({ time: new Date().toISOString(), ...entry })}\n`;
    const bytes = new TextEncoder().encode(line.toWellFormed());
    await (this.#writing = this.#writing.then(() => this.#write(bytes)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing;
    this.#file.close();
  }

  async #write(bytes: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < bytes.length;) at += await this.#file.write(bytes.subarray(at));
      if (this.#isFailing) this.#log.warning("the record of logging.audit is written again");
      this.#isFailing = false;
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      this.#log.error(`a line of the record of logging.audit was not written: ${why}`);
      this.#isFailing = true;
    }
  }
}

/** What became of a call. */
export type Outcome =
  & Pick<AuditEntry, "outcome" | "code">
  // What is decided beside the rules.
  & Partial<Pick<AuditEntry, "decision">>;

/** What a result says of its call. */
export function outcomeOf(
  { outcome = "done", narrowed }: Readonly<Record<string, unknown>>,
): Outcome {
  return { outcome: String(outcome), ...(narrowed === true ? { decision: "narrowed" } : {}) };
}

/** Records what became of a call of a tool; nothing where there is no record. */
export async function recordCall(
  audit: Audit | undefined,
  { client, tool, args, permissions, startedAt, ...outcome }: Outcome & {
    readonly client: string;
    readonly tool: Tool;
    readonly args: unknown;
    readonly permissions: Permissions;
    /** By `performance.now()`. */
    readonly startedAt: number;
  },
): Promise<void> {
  if (audit === undefined) return;
  const subject = subjectOf(tool, args, { permissions, payloads: audit.payloads });
  const duration_ms = Math.round(performance.now() - startedAt);
  await audit.record({ client, tool: tool.name, ...subject, ...outcome, duration_ms });
}

/** What the arguments of a call say of topics and payload, and what the rules say to that. */
function subjectOf(
  tool: Tool,
  args: unknown,
  { permissions, payloads }: { readonly permissions: Permissions; readonly payloads: boolean },
): Omit<AuditEntry, "client" | "tool" | "outcome" | "duration_ms"> {
  const named = (typeof args === "object" && args !== null ? args : {}) as Record<string, unknown>;
  const { topic, request_topic, filter, payload, encoding } = named;
  const topics = [topic ?? request_topic ?? filter ?? []].flat()
    .filter((one) => typeof one === "string");
  const about = topicsDecided(topics, tool.effect === "write" ? "write" : "read", permissions);
  if (tool.effect !== "write" || payload === undefined) return about;
  try {
    const bytes =
      payloadBytes(payload, { encoding: encoding === "base64" ? "base64" : "text" }).payload;
    return {
      ...about,
      size: bytes.length,
      payload_sha256: createHash("sha256").update(bytes).digest("hex"),
      ...(payloads ? { payload } : {}),
    };
  } catch {
    // It was refused for that, and there are no bytes.
    return about;
  }
}

/** Topics, and which rule decides if there is one topic name. */
export function topicsDecided(
  topics: readonly string[],
  action: "read" | "write",
  permissions: Permissions,
): Pick<AuditEntry, "topic" | "filters" | "decision" | "rule"> {
  const [topic] = topics;
  if (topic === undefined) return { decision: "none" };
  if (topics.length > 1 || /[+#]/.test(topic)) return { filters: topics, decision: "granted" };
  const { reason, rule } = permissions.decide(topic, action);
  return { topic, decision: reason, ...given({ rule: rule?.pattern.text }) };
}

/** What the client calls itself in the `_meta` of a request, as since revision 2026-07-28. */
export function clientIn(meta: Readonly<Record<string, unknown>>): string | undefined {
  const { name } = (meta[CLIENT_INFO_META_KEY] ?? {}) as { name?: unknown };
  return typeof name === "string" ? name : undefined;
}

/** Does something with a resource, and records it before that is answered. */
export async function recordResource<T>(
  work: () => Promise<T>,
  { audit, client, method, uri, access }: {
    readonly audit: Audit | undefined;
    readonly client: string;
    readonly method: string;
    readonly uri: string;
    readonly access: Access;
  },
): Promise<T> {
  if (audit === undefined) return await work();
  const start = performance.now();
  const tell = async (outcome: string, code?: string): Promise<void> => {
    const about = topicsDecided(topicOf(uri), "read", access.grants.permissions);
    const duration_ms = Math.round(performance.now() - start);
    const what = { client, tool: method, uri, ...about, outcome };
    await audit.record({ ...what, ...given({ code }), duration_ms });
  };
  try {
    const result = await work();
    await tell("done");
    return result;
  } catch (error) {
    const { code = (error as { data?: { code?: unknown } }).data?.code } = error as {
      code?: unknown;
    };
    await tell("failed", typeof code === "string" ? code : "not_found");
    throw error;
  }
}

/** The topic of a message resource; none for any other. */
function topicOf(uri: string): string[] {
  try {
    return [messageTopic(uri) ?? []].flat();
  } catch {
    return [];
  }
}
