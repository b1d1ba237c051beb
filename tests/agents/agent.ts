/** An agent that counts what its work costs: calls, and the bytes that a model writes and reads. */

import assert from "node:assert/strict";
import type { ToolError, ToolResult } from "../host.ts";

/** What a task has cost. */
export interface Cost {
  /** The tools in the order in which they were called. */
  readonly tools: readonly string[];
  /** UTF-8 bytes of the arguments as JSON. */
  readonly bytesIn: number;
  /** UTF-8 bytes of the results' text. */
  readonly bytesOut: number;
}

/** Carries out a call of a tool. */
export type CallTool = (name: string, args: object) => Promise<ToolResult>;

/** Calls tools, and adds up. */
export class Agent {
  readonly #callTool: CallTool;
  readonly #tools: string[] = [];
  #bytesIn = 0;
  #bytesOut = 0;

  constructor(callTool: CallTool) {
    this.#callTool = callTool;
  }

  get cost(): Cost {
    return { tools: this.#tools, bytesIn: this.#bytesIn, bytesOut: this.#bytesOut };
  }

  /** Calls a tool that is to succeed, and gives what its text says. */
  // deno-lint-ignore no-explicit-any -- as in ToolResult
  async call(name: string, args: object): Promise<any> {
    const { isError, text } = await this.#call(name, args);
    assert.ok(!isError, `${name} failed: ${text}`);
    return JSON.parse(text);
  }

  /** Calls a tool that is to fail; a model sees the text alone. */
  async refused(name: string, args: object): Promise<{ text: string; error: ToolError }> {
    const { text, error } = await this.#call(name, args);
    assert.ok(error, `${name} was to fail and gave ${text}`);
    return { text, error };
  }

  async #call(name: string, args: object): Promise<ToolResult> {
    this.#tools.push(name);
    this.#bytesIn += utf8Bytes(JSON.stringify(args));
    const result = await this.#callTool(name, args);
    this.#bytesOut += utf8Bytes(result.text);
    return result;
  }
}

/** Bytes of a text in UTF-8. */
export function utf8Bytes(text: string): number {
  return new TextEncoder().encode(text).length;
}
