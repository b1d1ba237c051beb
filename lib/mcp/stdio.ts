/**
 * MCP over stdin and stdout: one JSON-RPC message a line, and nothing else on stdout.
 *
 * @module
 */
import type { JSONRPCMessage, Transport } from "@modelcontextprotocol/server";
import { parseJSONRPCMessage } from "@modelcontextprotocol/server";
import { bounded } from "../wait.ts";
import { type Line, LineSplitter } from "./line_splitter.ts";

/** Longer lines are refused: nothing that the tools take is as long, in bytes. */
const MAX_LINE_BYTES = 10 * 1024 * 1024;
/** How long answers may take after the end of input, in milliseconds. */
const END_OF_INPUT_GRACE_MS = 300;
/** A host that lets more than this pile up reads no more, and is given up. */
const MAX_UNREAD_BYTES = 64 * 1024 * 1024;

const PARSE_ERROR = -32700;
const INVALID_REQUEST = -32600;

/** Where the bytes come from and go to. */
export interface StdioOptions {
  readonly input: ReadableStream<Uint8Array>;
  readonly output: { write(bytes: Uint8Array): Promise<number> };
  /** Called after each message that went out. */
  readonly onSent?: () => void;
  /** Called with each message that came in. */
  readonly onReceived?: (message: JSONRPCMessage) => void;
  /** Gives what is to be sent instead of a message, if that is to be something else, and later. */
  readonly replace?: (message: JSONRPCMessage) => Promise<JSONRPCMessage | undefined> | undefined;
}

/** The host has gone, or reads no more: there is nobody to tell. */
export class HostGone extends Error {
  override readonly name = "HostGone";
}

/** A transport over a pair of byte streams. */
export class StdioTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly #options: StdioOptions;
  readonly #encoder = new TextEncoder();
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #unanswered = new Set<unknown>();
  readonly #drained = Promise.withResolvers<void>();
  #writing: Promise<void> = Promise.resolve();
  #unreadBytes = 0;
  #inputEnded = false;
  #isClosed = false;

  constructor(options: StdioOptions) {
    this.#options = options;
    this.#reader = options.input.getReader();
  }

  start(): Promise<void> {
    this.#read();
    return Promise.resolve();
  }

  /** Settles when the message has been written; rejects when nobody reads any more. */
  send(message: JSONRPCMessage): Promise<void> {
    if (this.#isClosed) return Promise.reject(new HostGone("the transport is closed"));
    const replaced = this.#options.replace?.(message);
    if (replaced !== undefined) {
      replaced.then((instead) => instead && !this.#isClosed ? this.#write(instead) : undefined)
        .catch((error) => this.onerror?.(asError(error)));
      return Promise.resolve();
    }
    const sent = this.#write(message);
    if (!("method" in message) && this.#unanswered.delete(message.id)) this.#settle(sent);
    return sent;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#drained.resolve();
    await this.#reader.cancel().catch(() => {});
    this.onclose?.();
  }

  /** Settles when all that was given to {@linkcode send} is written or cannot be. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  async #read(): Promise<void> {
    const lines = new LineSplitter(MAX_LINE_BYTES);
    try {
      while (true) {
        const { done, value } = await this.#reader.read();
        if (done) break;
        for (const line of lines.push(value)) this.#onLine(line);
      }
      const last = lines.end();
      if (last !== undefined) this.#onLine(last);
    } catch (error) {
      this.onerror?.(asError(error));
    }
    await this.#onEndOfInput();
  }

  /** Requests that take no time are still answered; the others end with the transport. */
  async #onEndOfInput(): Promise<void> {
    this.#inputEnded = true;
    if (this.#unanswered.size > 0) {
      const onTimeout = (): void => {};
      await bounded(this.#drained.promise, { timeoutMs: END_OF_INPUT_GRACE_MS, onTimeout });
    }
    await this.close();
  }

  #onLine(line: Line): void {
    if ("fault" in line) {
      this.#refuse(
        PARSE_ERROR,
        line.fault === "too_long"
          ? `a line is longer than ${MAX_LINE_BYTES} bytes`
          : "a line is not UTF-8",
      );
      return;
    }
    const { text } = line;
    if (text.trim() === "") return;
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      this.#refuse(PARSE_ERROR, "a line is not JSON; each line must be one JSON-RPC message");
      return;
    }
    let message: JSONRPCMessage;
    try {
      message = parseJSONRPCMessage(json);
    } catch {
      const kind = Array.isArray(json) ? "a batch is not supported" : "not a JSON-RPC 2.0 message";
      this.#refuse(INVALID_REQUEST, `${kind}; each line must be one JSON-RPC message`, idOf(json));
      return;
    }
    if ("method" in message && "id" in message) this.#unanswered.add(message.id);
    if ("method" in message && message.method === "notifications/cancelled") {
      this.#unanswered.delete(message.params?.["requestId"]);
    }
    this.#options.onReceived?.(message);
    this.onmessage?.(message);
  }

  #refuse(code: number, text: string, id: string | number | null = null): void {
    this.onerror?.(new Error(text));
    const answer = { jsonrpc: "2.0", id, error: { code, message: text } };
    this.#write(answer).catch((error) => this.onerror?.(asError(error)));
  }

  #write(message: unknown): Promise<void> {
    const bytes = this.#encoder.encode(`${JSON.stringify(message)}\n`);
    this.#unreadBytes += bytes.length;
    if (this.#unreadBytes > MAX_UNREAD_BYTES) {
      this.onerror?.(new Error(`the host has not read ${this.#unreadBytes} bytes; ending`));
      this.close();
      return Promise.reject(new HostGone("the host reads no more"));
    }
    const written = this.#writing.then(async () => {
      try {
        for (let at = 0; at < bytes.length;) {
          at += await this.#options.output.write(bytes.subarray(at));
        }
      } catch (cause) {
        throw new HostGone("the host has closed its end", { cause });
      }
      this.#unreadBytes -= bytes.length;
    });
    this.#writing = written.catch(() => {
      // The host has closed its end: there is nobody to serve.
      this.close();
    });
    return written.then(() => this.#options.onSent?.());
  }

  #settle(sent: Promise<void>): void {
    if (!this.#inputEnded || this.#unanswered.size > 0) return;
    sent.finally(() => this.#drained.resolve()).catch(() => {});
  }
}

function idOf(json: unknown): string | number | null {
  const id = (json as { id?: unknown } | null)?.id;
  return typeof id === "string" || typeof id === "number" ? id : null;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
