/**
 * An MCP host over stdio: the client of SDK 2 with the server in a process of its own, and a host by
 * hand that speaks single lines.
 */

import { type CallToolResult, Client, type ClientCapabilities } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import assert from "node:assert/strict";
import { type LineProcess, startLineProcess } from "./brokers/line_process.ts";
import { DEADLINE_MS, until, within } from "./brokers/until.ts";

/** How the server is started. */
export interface LaunchOptions {
  /** Arguments after `main.ts`. */
  readonly args?: readonly string[];
  /** The config, as a value or as its text; given to the server by `--config`. */
  readonly config?: object | string;
  /**
   * Environment variables beside those of {@linkcode launch}. A `HOME` is made harmless for Deno,
   * which else would look for its cache there.
   */
  readonly env?: Readonly<Record<string, string>>;
  /** The program; default `main.ts` of this project. */
  readonly entry?: string;
}

/** A command that starts the server; disposing it removes what was written for it. */
export interface Launch extends AsyncDisposable {
  readonly command: string;
  readonly args: string[];
  readonly env: Record<string, string>;
  readonly cwd: string;
  /** Where the config was written. */
  readonly configPath: string | undefined;
}

/** What a tool call came to. */
export interface ToolResult {
  readonly isError: boolean;
  // deno-lint-ignore no-explicit-any -- a test looks into it as it pleases; assertions do the checking
  readonly structuredContent: any;
  /** The text of all text content. */
  readonly text: string;
  readonly content: CallToolResult["content"];
  readonly meta: Readonly<Record<string, unknown>>;
  /** `_meta["mcpmqtt/error"]` */
  readonly error: ToolError | undefined;
}

/** `_meta["mcpmqtt/error"]` of a failed call. */
export interface ToolError {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly outcome?: string;
  readonly last?: Readonly<Record<string, unknown>>;
}

/** One progress notification. */
export interface Progress {
  readonly progress: number;
  readonly total?: number | undefined;
  readonly message?: string | undefined;
}

/** How one call is made. */
export interface CallOptions {
  readonly signal?: AbortSignal;
  /** With it the call carries a progress token. */
  readonly onProgress?: (progress: Progress) => void;
  /** How long the host waits; default 20 s. */
  readonly timeoutMs?: number;
}

/** What hosts of both SDK generations do. */
export interface BasicHost extends AsyncDisposable {
  /** What the server has written to stderr so far. */
  stderr(): string;
  readonly pid: number;
  readonly configPath: string | undefined;
  callTool(name: string, args?: object, options?: CallOptions): Promise<ToolResult>;
  /** Calls a tool that must succeed, and gives its structured content. */
  // deno-lint-ignore no-explicit-any -- as in ToolResult
  expectResult(name: string, args?: object, options?: CallOptions): Promise<any>;
  /** Calls a tool that must fail with `code`, and gives the error. */
  expectError(code: string, name: string, args?: object, options?: CallOptions): Promise<ToolError>;
  /** Reads a resource and parses its JSON. */
  // deno-lint-ignore no-explicit-any -- as in ToolResult
  readResource(uri: string): Promise<any>;
  /** Ends the server by the end of its input. */
  close(): Promise<void>;
}

/** A host of the current SDK. */
export interface Host extends BasicHost {
  /** The SDK's own client, for what this leaves out. */
  readonly client: Client;
}

/** How {@linkcode startHost} connects. */
export interface HostOptions extends LaunchOptions {
  /** Default `auto`: the newest protocol that the server has. `legacy` is `initialize`. */
  readonly protocol?: "auto" | "legacy" | { pin: string };
  readonly capabilities?: ClientCapabilities;
  /** Called before the connection is made, to set handlers. */
  readonly prepare?: (client: Client) => void;
}

const ROOT = `${import.meta.dirname}/../`;
const CALL_TIMEOUT_MS = 20_000;
const START_DEADLINE_MS = 20_000;

/** The `main.ts` of this project. */
export const MAIN = `${ROOT}main.ts`;

/** Makes the command that starts the server, as the README has it: `deno run -P main.ts`. */
export async function launch(options: LaunchOptions = {}): Promise<Launch> {
  const { args = [], config, env = {}, entry = MAIN } = options;
  const dir = config === undefined
    ? undefined
    : await Deno.makeTempDir({ prefix: "mcpmqtt-host-" });
  const configPath = dir && `${dir}/config.json`;
  if (configPath) {
    await Deno.writeTextFile(
      configPath,
      typeof config === "string" ? config : JSON.stringify(config, null, 2),
    );
  }
  return {
    command: Deno.execPath(),
    args: ["run", "-P", `--config=${ROOT}deno.json`, entry]
      .concat(configPath ? ["--config", configPath] : [], args),
    env: {
      PATH: Deno.env.get("PATH") ?? "",
      HOME: Deno.env.get("HOME") ?? "",
      DENO_NO_UPDATE_CHECK: "1",
      NO_COLOR: "1",
      ...env,
      ...("HOME" in env && { DENO_DIR: await denoDir() }),
    },
    cwd: ROOT,
    configPath,
    async [Symbol.asyncDispose](): Promise<void> {
      if (dir) await Deno.remove(dir, { recursive: true });
    },
  };
}

async function denoDir(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  return JSON.parse(new TextDecoder().decode(stdout)).denoDir;
}

/**
 * Starts the server and connects the client of SDK 2 to it.
 *
 * @throws with the server's stderr when it does not answer
 */
export async function startHost(options: HostOptions = {}): Promise<Host> {
  const { protocol = "auto", capabilities = {}, prepare } = options;
  const launched = await launch(options);
  const transport = new CleanTransport({ ...launched, stderr: "pipe" });
  const client = new Client(
    { name: "mcpmqtt-tests", version: "2" },
    { capabilities, versionNegotiation: { mode: protocol } },
  );
  prepare?.(client);
  const basic = await connectBasic({
    launched,
    transport,
    connect: () => client.connect(transport, { timeout: START_DEADLINE_MS }),
    disconnect: () => client.close(),
  });
  return {
    ...basic,
    ...calls({
      callTool: (params, requestOptions) => client.callTool(params, requestOptions),
      readResource: (params) => client.readResource(params, { cacheMode: "bypass" }),
    }),
    client,
  };
}

/**
 * The SDK's transport, without the timers that it leaves behind on close and that the sanitizers
 * report. A subclass also probes for the newest protocol on the connection itself, where the
 * SDK's own class starts a second server for that.
 */
class CleanTransport extends StdioClientTransport {
  override async close(): Promise<void> {
    await endProcess(this["_process"]);
    await super.close();
  }
}

/** The child process as both SDKs hold it. */
export interface HeldProcess {
  readonly stdin: { end(): void } | null;
  once(event: "close", listener: () => void): unknown;
  kill(signal: "SIGKILL"): boolean;
}

/** Ends the server's input and waits until the server has ended; kills it after 5 s. */
export async function endProcess(process: HeldProcess | undefined): Promise<void> {
  if (!process) return;
  const ended = new Promise<void>((resolve) => process.once("close", resolve));
  process.stdin?.end();
  try {
    await within(ended, 5_000);
  } catch {
    process.kill("SIGKILL");
    await ended;
  }
}

/** What a host needs of the stdio transport of either SDK. */
export interface HostTransport {
  readonly pid: number | null;
  readonly stderr: unknown;
}

/** A connection to make, and its end. */
export interface Connecting {
  readonly launched: Launch;
  readonly transport: HostTransport;
  readonly connect: () => Promise<void>;
  readonly disconnect: () => Promise<void>;
}

/** Connects and gives the part of a host that has to do with the process. */
export async function connectBasic(
  { launched, transport, connect, disconnect }: Connecting,
): Promise<
  Pick<BasicHost, "stderr" | "pid" | "configPath" | "close" | typeof Symbol.asyncDispose>
> {
  const stderr = readAll(transport.stderr);
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => closing ??= end();
  const end = async (): Promise<void> => {
    await disconnect();
    // The transports do not wait for what the server says last, and leave the pipe open until then.
    await within(stderr.ended, DEADLINE_MS, "the end of the server's stderr");
    await launched[Symbol.asyncDispose]();
  };
  try {
    await connect();
  } catch (error) {
    await close();
    throw new Error(`The server did not answer. Its stderr:\n${stderr.text()}`, { cause: error });
  }
  const { pid } = transport;
  assert.ok(pid !== null);
  const { configPath } = launched;
  return { stderr: stderr.text, pid, configPath, close, [Symbol.asyncDispose]: close };
}

interface Reading {
  text(): string;
  readonly ended: Promise<void>;
}

/** Both transports give a PassThrough, typed as a plain Stream. */
function readAll(stream: unknown): Reading {
  const { on } = stream as {
    on(event: "data" | "end" | "close", listener: (chunk: Uint8Array) => void): void;
  };
  const decoder = new TextDecoder();
  let text = "";
  const ended = new Promise<void>((resolve) => {
    on.call(stream, "data", (chunk) => text += decoder.decode(chunk, { stream: true }));
    on.call(stream, "end", () => resolve());
  });
  return { text: () => text, ended };
}

/** What a host needs of the client of either SDK. */
export interface Caller {
  callTool(
    params: { name: string; arguments: Record<string, unknown> },
    options: {
      timeout: number;
      signal?: AbortSignal;
      onprogress?: NonNullable<CallOptions["onProgress"]>;
    },
  ): Promise<unknown>;
  readResource(params: { uri: string }): Promise<{ contents: readonly object[] }>;
}

/** The part of a host that calls tools and reads resources. */
export function calls(
  caller: Caller,
): Pick<BasicHost, "callTool" | "expectResult" | "expectError" | "readResource"> {
  const callTool: BasicHost["callTool"] = async (name, args = {}, options = {}) => {
    const { signal, onProgress, timeoutMs = CALL_TIMEOUT_MS } = options;
    const result = await caller.callTool({ name, arguments: { ...args } }, {
      timeout: timeoutMs,
      ...(signal && { signal }),
      ...(onProgress && { onprogress: onProgress }),
    });
    return toToolResult(result as CallToolResult);
  };
  return {
    callTool,
    async expectResult(name, args, options): Promise<unknown> {
      const { isError, text, structuredContent } = await callTool(name, args, options);
      assert.ok(!isError, `${name} failed: ${text}`);
      return structuredContent;
    },
    async expectError(code, name, args, options): Promise<ToolError> {
      const { isError, text, error } = await callTool(name, args, options);
      assert.ok(isError, `${name} was to fail with ${code} and gave ${text}`);
      assert.ok(error, `${name} failed without _meta["mcpmqtt/error"]: ${text}`);
      assert.equal(error.code, code, text);
      assert.ok(text.startsWith(`${code}: `), text);
      return error;
    },
    async readResource(uri): Promise<unknown> {
      const { contents } = await caller.readResource({ uri });
      const [first] = contents;
      assert.ok(first && "text" in first && typeof first.text === "string");
      return JSON.parse(first.text);
    },
  };
}

function toToolResult(result: CallToolResult): ToolResult {
  const { content, isError = false, structuredContent, _meta: meta = {} } = result;
  const text = content.map((part) => part.type === "text" ? part.text : "").join("");
  const error = meta["mcpmqtt/error"] as ToolError | undefined;
  return { isError, structuredContent, text, content, meta, error };
}

/** Resolves when the server has its broker, whatever a machine needs for that. */
export async function untilConnected({ expectResult }: BasicHost): Promise<void> {
  await until(async () => (await expectResult("mqtt_status")).connected, { what: "the broker" });
}

/** A JSON-RPC message, looked into by the tests. */
// deno-lint-ignore no-explicit-any -- as in ToolResult
export type RawMessage = Record<string, any>;

/** A host by hand: lines in, lines out. */
export interface RawHost extends LineProcess {
  /** Every line on stdout so far, parsed; one that is no JSON makes `find` and `ended` throw. */
  readonly messages: readonly RawMessage[];
  readonly configPath: string | undefined;
  send(message: RawMessage): Promise<void>;
  /** Sends a request and resolves with the response, the error ones too. */
  request(method: string, params?: object, options?: { id?: number | string }): Promise<RawMessage>;
  notify(method: string, params?: object): Promise<void>;
  /** `initialize` and `notifications/initialized`; gives the result. */
  initialize(options?: { protocolVersion?: string; capabilities?: object }): Promise<RawMessage>;
  /** The first message so far or to come that passes. */
  find(pick: (message: RawMessage) => boolean, deadlineMs?: number): Promise<RawMessage>;
}

/** Starts the server for a host by hand; at the end it is killed where it still runs. */
export async function rawHost(options: LaunchOptions = {}): Promise<RawHost> {
  const launched = await launch(options);
  const messages: RawMessage[] = [];
  const process = startLineProcess(launched, (line) => void messages.push(JSON.parse(line)));
  let lastId = 0;
  const send: RawHost["send"] = (message) =>
    process.sendLine(JSON.stringify({ jsonrpc: "2.0", ...message }));
  const find: RawHost["find"] = async (pick, deadlineMs = CALL_TIMEOUT_MS) => {
    const what = (): string =>
      `a message among:\n${process.lines.join("\n")}\nstderr:\n${process.stderr()}`;
    const found = await until(() => {
      process.assertSound();
      return messages.find(pick);
    }, { deadlineMs, what });
    assert.ok(found);
    return found;
  };
  const request: RawHost["request"] = async (method, params, { id = ++lastId } = {}) => {
    await send({ id, method, ...(params && { params }) });
    return find((message) => message.id === id && !("method" in message));
  };
  const notify: RawHost["notify"] = (method, params) => send({ method, ...(params && { params }) });
  return {
    ...process,
    messages,
    configPath: launched.configPath,
    send,
    request,
    notify,
    async initialize(
      { protocolVersion = "2025-11-25", capabilities = {} } = {},
    ): Promise<RawMessage> {
      const clientInfo = { name: "raw", version: "1" };
      const { result } = await request("initialize", { protocolVersion, capabilities, clientInfo });
      await notify("notifications/initialized");
      return result;
    },
    find,
    async [Symbol.asyncDispose](): Promise<void> {
      await process[Symbol.asyncDispose]();
      await launched[Symbol.asyncDispose]();
    },
  };
}
