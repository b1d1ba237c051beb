/**
 * What a tool is. Its annotations, `--read-only`, progress, cancellation and the rendering of
 * errors follow from this in one adapter; a tool returns data or throws, and knows nothing of MCP.
 *
 * @module
 */
import type * as z from "zod/v4";
import type { Limits } from "../config/config.ts";
import type { Access } from "../access/access.ts";
import type { Devices } from "../access/devices.ts";
import type { Surveys } from "../access/surveys.ts";
import type { Watches } from "../access/watches.ts";

/** What a call has at hand: the broker as this client may use it, and the call's own end. */
export interface ToolContext {
  readonly access: Access;
  readonly watches: Watches;
  readonly surveys: Surveys;
  readonly devices: Devices;
  /** What the person has confirmed of this call, see `confirmedAs()`. */
  readonly confirmed?: string | undefined;
  /** Aborted when the call is cancelled or its client is gone. */
  readonly signal: AbortSignal;
}

/** A tool as it is declared, in one file each. */
export interface ToolDefinition<Input extends z.ZodObject, Output extends z.ZodObject> {
  readonly name: string;
  readonly title: string;
  /** Written for a model: what for, when to take another, one example. */
  readonly description: string;
  /** `write` where a call can change something in the world. */
  readonly effect: "observe" | "write";
  /** Whether repeating a call with the same arguments changes nothing more. */
  readonly isIdempotent: boolean;
  /** The arguments; their bounds follow from the limits. */
  readonly input: (limits: Limits) => Input;
  readonly output: Output;
  run(input: z.output<Input>, context: ToolContext): Promise<z.input<Output>>;
}

/** A tool of any input and output. */
export interface Tool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly effect: "observe" | "write";
  readonly isIdempotent: boolean;
  readonly input: (limits: Limits) => z.ZodObject;
  readonly output: z.ZodObject;
  /** @throws {McpMqttError} `invalid_argument` for arguments that are not of the input schema. */
  run(args: unknown, context: ToolContext): Promise<Record<string, unknown>>;
}
