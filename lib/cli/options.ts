/**
 * The command line: from arguments and environment to what is asked for. The tables are
 * `settings.ts`.
 *
 * @module
 */

import { parseArgs } from "node:util";
import type { Override } from "../config/load.ts";
import { nearest } from "../config/nearest_key.ts";
import { COMMANDS, type Option, OPTIONS, optionUsage, SETTINGS } from "./settings.ts";

/** An option as given. */
export interface GivenOption {
  readonly option: Option;
  /** Empty for a switch. */
  readonly value: string;
}

/** The options as given; what was not given is undefined or false. */
export interface Options {
  readonly config: string | undefined;
  readonly transport: "stdio" | "remotehttp";
  readonly demo: boolean;
  /** All of them, in their order; of one that counts once the last. */
  readonly given: readonly GivenOption[];
}

/** What the arguments ask for. */
export type Invocation =
  & { readonly options: Options }
  & (
    | { readonly command: "serve" | "check" | "schema" | "tools" | "help" | "version" }
    | {
      readonly command: "explain";
      readonly topic: string;
      /** Undefined: both. */
      readonly permission: "read" | "write" | undefined;
    }
    | { readonly command: "init"; readonly path: string | undefined }
    | {
      readonly command: "genkey";
      /** Of `remote_server.keys`; undefined: the one of `api_key_kdf`. */
      readonly name: string | undefined;
    }
    | {
      readonly command: "call";
      readonly tool: string;
      /** Parsed JSON. */
      readonly args: unknown;
    }
  );

/** Arguments that cannot be followed; exit status 2. The message is one line. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/**
 * Reads the arguments of the program. Of an option given twice the last counts.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseArguments } from "./options.ts";
 *
 * const invocation = parseArguments(["--config /etc/mcpmqtt.json", "--read-only"]);
 * assert(invocation.command === "serve");
 * assert(invocation.options.config === "/etc/mcpmqtt.json");
 * ```
 *
 * @throws {UsageError} naming what is wrong and what would be right
 */
export function parseArguments(args: readonly string[]): Invocation {
  const { tokens } = parseArgs({
    args: splitJoined(args),
    options: Object.fromEntries(
      OPTIONS.map((o) => [o.flag, {
        type: o.value === undefined ? "boolean" as const : "string" as const,
        ...o.short === undefined ? {} : { short: o.short },
        ...o.many === undefined ? {} : { multiple: true },
      }]),
    ),
    strict: false,
    tokens: true,
  });
  let given: GivenOption[] = [];
  const operands: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") operands.push(token.value);
    if (token.kind !== "option") continue;
    const one = givenOption(token);
    given = [...given.filter(({ option }) => option.many || option !== one.option), one];
  }
  const valueOf = (flag: string): string | undefined =>
    given.find(({ option }) => option.flag === flag)?.value;
  const has = (flag: string): boolean => valueOf(flag) !== undefined;
  if (has("genkey")) operands.unshift("genkey");
  return invocation(operands, {
    help: has("help"),
    version: has("version"),
    options: {
      config: valueOf("config"),
      transport: valueOf("transport") === "remotehttp" ? "remotehttp" : "stdio",
      demo: has("demo"),
      given,
    },
  });
}

/** Where the config is, and what the environment and the options put over it. */
export interface ConfigRequest {
  /** Undefined: the default path. */
  readonly path: string | undefined;
  /** The option or variable that gave `path`. */
  readonly pathSource: string | undefined;
  /** Whether there is one only if a path is given. */
  readonly needsNoFile: boolean;
  /** In ascending precedence. */
  readonly overrides: readonly Override[];
}

/**
 * What to load for an invocation. A variable that is set but empty counts as not set.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { configRequest, parseArguments } from "./options.ts";
 *
 * const env = (name: string) => name === "MCPMQTT_HOST" ? "broker.lan" : undefined;
 * const { overrides } = configRequest(parseArguments(["--read-only"]).options, env);
 * assert(overrides.map((o) => o.source).join() === "MCPMQTT_HOST,--read-only");
 * ```
 */
export function configRequest(
  options: Options,
  env: (name: string) => string | undefined,
): ConfigRequest {
  const overrides: Override[] = [];
  for (const { env: name, key } of SETTINGS) {
    const value = name === undefined ? undefined : env(name);
    if (name !== undefined && key !== undefined && value !== undefined && value !== "") {
      overrides.push({ key, value, source: name });
    }
  }
  for (const { option: { flag, key, many }, value } of options.given) {
    if (key === undefined) continue;
    const rule = { pattern: value, permissions: [flag] };
    overrides.push({ key, value: many ? [rule] : value || true, source: `--${flag}` });
  }
  const fromEnv = env("MCPMQTT_CONFIG") || undefined;
  const pathSource = options.config !== undefined
    ? "--config"
    : fromEnv === undefined
    ? undefined
    : "MCPMQTT_CONFIG";
  return {
    path: options.config ?? fromEnv,
    pathSource,
    needsNoFile: options.given.some(({ option: { flag } }) =>
      flag === "url" || flag === "read" || flag === "write"
    ),
    overrides,
  };
}

/** The help, made from the two tables. */
export function helpText(): string {
  const commands = COMMANDS
    .map((c) => [`${c.name} ${c.operands}`.trim(), c.help] as const);
  const options = OPTIONS
    .map((o) => [optionUsage(o), o.help] as const);
  const variables = SETTINGS.flatMap((s) =>
    s.env === undefined
      ? []
      : [[s.env, s.flag === undefined ? s.help : `as --${s.flag}, which wins over it`] as const]
  );
  return [
    "Usage: mcpmqtt [command] [options]\n\nAn MCP server for MQTT.",
    section("Commands", commands),
    section("Options", options),
    section("Environment (wins over the config)", variables),
  ].join("\n\n") + "\n";
}

function section(title: string, rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  return [`${title}:`, ...rows.map(([name, help]) => `  ${name.padEnd(width)}${help}`)].join("\n");
}

/** Some hosts give an option and its value as one argument: `"--config /etc/mcpmqtt.json"`. */
function splitJoined(args: readonly string[]): string[] {
  const end = args.indexOf("--");
  return args.map((arg, at) => {
    if (end !== -1 && at >= end) return arg;
    const [, name, value = ""] = /^(--[a-z-]+|-[a-z])[\s=]\s*(\S.*)$/s.exec(arg) ?? [];
    const option = OPTIONS.find(({ flag, short }) => name === `--${flag}` || name === `-${short}`);
    return option?.value === undefined ? arg : `--${option.flag}=${value.trimEnd()}`;
  });
}

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

/** The option, with its value checked. */
function givenOption(token: OptionToken): GivenOption {
  const option = OPTIONS.find((o) =>
    o.flag === token.name && (token.rawName.startsWith("--") || token.rawName === `-${o.short}`)
  );
  if (option === undefined) throw unknownOption(token.rawName);
  const flag = `--${option.flag}`;
  if (option.value === undefined) {
    if (token.value === undefined) return { option, value: "" };
    throw new UsageError(`${flag} takes no value; write ${flag} alone`);
  }
  const { value } = token;
  if (value === undefined || value === "") {
    throw new UsageError(`${flag} needs a value; write ${flag} ${option.value}`);
  }
  if (value.startsWith("-") && !token.inlineValue) {
    throw new UsageError(
      `${flag} needs a value; for one that begins with "-" write ${flag}=${option.value}`,
    );
  }
  if (option.choices === undefined) return { option, value };
  const choice = option.choices.find((c) => c.toLowerCase() === value.toLowerCase());
  if (choice !== undefined) return { option, value: choice };
  throw new UsageError(`${flag} must be ${oneOf(option.choices)}, not ${JSON.stringify(value)}`);
}

function invocation(
  operands: readonly string[],
  given: { help: boolean; version: boolean; options: Options },
): Invocation {
  const { options } = given;
  if (given.help) return { command: "help", options };
  if (given.version) return { command: "version", options };
  const [name = "serve", ...rest] = operands;
  const command = findCommand(name);
  const extra = rest[command.operands.split(" ").filter((one) => one !== "").length];
  if (extra !== undefined) {
    const usage = isPath(extra)
      ? `a config is given as mcpmqtt ${name} --config ${extra}`
      : `the usage is mcpmqtt ${name} ${command.operands}`.trimEnd();
    throw new UsageError(`unexpected argument ${JSON.stringify(extra)}; ${usage}`);
  }
  switch (command.name) {
    case "help":
      if (rest[0] !== undefined) findCommand(rest[0]);
      return { command: "help", options };
    case "explain":
      return { command: "explain", ...explainOperands(rest), options };
    case "init":
      return { command: "init", path: rest[0], options };
    case "genkey":
      return { command: "genkey", name: rest[0], options };
    case "call":
      return { command: "call", ...callOperands(rest), options };
    default:
      return { command: command.name, options };
  }
}

function findCommand(name: string): typeof COMMANDS[number] {
  const command = COMMANDS.find((c) => c.name === name);
  if (command === undefined) throw unknownCommand(name);
  return command;
}

function explainOperands(
  [topic, permission]: readonly string[],
): { topic: string; permission: "read" | "write" | undefined } {
  if (topic === undefined) {
    throw new UsageError("explain needs a topic; write mcpmqtt explain TOPIC [read|write]");
  }
  if (permission === undefined || permission === "read" || permission === "write") {
    return { topic, permission };
  }
  throw new UsageError(`explain takes read or write, not ${JSON.stringify(permission)}`);
}

function callOperands([tool, json]: readonly string[]): { tool: string; args: unknown } {
  if (tool === undefined) {
    throw new UsageError("call needs a tool; write mcpmqtt call TOOL [JSON]");
  }
  try {
    return { tool, args: JSON.parse(json ?? "{}") };
  } catch {
    throw new UsageError(
      `the arguments of ${tool} must be one JSON object, such as '{"topic": "a/b"}'; quote it for the shell`,
    );
  }
}

const BY_URL = "the broker is given as --url mqtt://HOST:PORT";
/** What does here what these options do in other programs. */
const INSTEAD: ReadonlyMap<string, string> = new Map([
  ["--host", BY_URL],
  ["--port", BY_URL],
  ["--broker", BY_URL],
  ["--server", BY_URL],
  ["--username", "the variable MCPMQTT_USERNAME gives it, or the config"],
  ["--password", "the variable MCPMQTT_PASSWORD gives it, or the config"],
  ["--topic", "--read FILTER grants reading, --write FILTER writing"],
]);

function unknownOption(rawName: string): UsageError {
  const near = nearest(rawName, OPTIONS.map((o) => `--${o.flag}`));
  const hint = INSTEAD.get(rawName) ??
    (near === undefined ? "mcpmqtt --help lists them" : `did you mean "${near}"?`);
  return new UsageError(`unknown option ${JSON.stringify(rawName)}; ${hint}`);
}

/** Whether an operand looks like the path of a config. */
function isPath(operand: string): boolean {
  return /[/\\]|\.(?:jsonc?|conf)$/.test(operand);
}

function unknownCommand(name: string): UsageError {
  if (isPath(name)) {
    return new UsageError(
      `unknown command ${JSON.stringify(name)}; a config is given as mcpmqtt --config ${name}`,
    );
  }
  const names = COMMANDS.map((c) => c.name);
  const near = nearest(name, names);
  const hint = near === undefined
    ? `the commands are ${names.join(", ")}`
    : `did you mean "${near}"?`;
  return new UsageError(`unknown command ${JSON.stringify(name)}; ${hint}`);
}

function oneOf(choices: readonly string[]): string {
  return choices.length === 1 ? `${choices[0]}` : `one of ${choices.join(", ")}`;
}
