/**
 * What can be set on the command line and by the environment, and the commands: the two tables that
 * the parser, the help and the docs follow.
 *
 * @module
 */

import { LOG_LEVELS } from "../log.ts";

/** One thing that can be set outside the config file. */
export interface Setting {
  /** Without the dashes; undefined where only the environment sets it. */
  readonly flag?: string;
  /** The same in one letter. */
  readonly short?: string;
  /** It may be given several times, and each counts. */
  readonly many?: true;
  /** The name of its value in the help; undefined for a switch. */
  readonly value?: string;
  /** The environment variable. */
  readonly env?: string;
  /** The key of the config it overrides. */
  readonly key?: readonly string[];
  /** The values it takes, in any case. */
  readonly choices?: readonly string[];
  readonly help: string;
}

/** Every option and environment variable. */
export const SETTINGS: readonly Setting[] = [
  {
    flag: "config",
    short: "c",
    value: "PATH",
    env: "MCPMQTT_CONFIG",
    help: "the config file; default ~/.config/mcpmqtt/config.json",
  },
  {
    flag: "log-level",
    value: "LEVEL",
    env: "MCPMQTT_LOG_LEVEL",
    key: ["logging", "level"],
    choices: LOG_LEVELS,
    help: `the least level that is logged: ${LOG_LEVELS.join(", ")}`,
  },
  {
    flag: "logfile",
    value: "PATH",
    key: ["logging", "logfile"],
    help: "append the log to PATH as well",
  },
  {
    flag: "transport",
    value: "KIND",
    choices: ["stdio", "remotehttp"],
    help: "how MCP is spoken: stdio, or remotehttp as remote_server of the config says",
  },
  { flag: "read-only", key: ["read_only"], help: "offer no tool that writes, and allow no write" },
  {
    flag: "demo",
    help: "serve a simulated house on an embedded broker; needs no config and no broker",
  },
  { flag: "genkey", help: "the same as the command genkey" },
  {
    flag: "url",
    value: "URL",
    key: ["mqtt", "url"],
    help: "the broker, such as mqtt://host, mqtts://host or ws://host/mqtt",
  },
  {
    flag: "read",
    value: "FILTER",
    many: true,
    key: ["topics"],
    help: "grant reading the topics of FILTER; may be repeated",
  },
  {
    flag: "write",
    value: "FILTER",
    many: true,
    key: ["topics"],
    help: "grant writing to the topics of FILTER; may be repeated",
  },
  { flag: "version", short: "v", help: "print the version" },
  { flag: "help", short: "h", help: "print this help" },
  { env: "MCPMQTT_HOST", key: ["mqtt", "host"], help: "the broker's host name or address" },
  { env: "MCPMQTT_PORT", key: ["mqtt", "port"], help: "the broker's port" },
  { env: "MCPMQTT_USERNAME", key: ["mqtt", "username"], help: "the user name" },
  { env: "MCPMQTT_PASSWORD", key: ["mqtt", "password"], help: "the password" },
];

/** One command of the program. */
export interface Command {
  readonly name: string;
  /** Its operands, with a space between them; those in brackets may be left out. */
  readonly operands: string;
  readonly help: string;
}

/** Every command. */
export const COMMANDS = [
  { name: "serve", operands: "", help: "run the MCP server (the default)" },
  { name: "check", operands: "", help: "load the config, print what it grants, try the broker" },
  {
    name: "explain",
    operands: "TOPIC [read|write]",
    help: "say whether TOPIC is allowed, and which rule decides",
  },
  { name: "init", operands: "[PATH]", help: "write a commented starter config; never overwrites" },
  { name: "schema", operands: "", help: "print the JSON Schema of the config" },
  { name: "tools", operands: "", help: "print the tools as a host sees them under the config" },
  {
    name: "call",
    operands: "TOOL [JSON]",
    help: "run one tool as an agent would, and print its result",
  },
  { name: "help", operands: "[COMMAND]", help: "print this help" },
  { name: "version", operands: "", help: "print the version" },
  {
    name: "genkey",
    operands: "[NAME]",
    help: "make an HTTP API key, store its hash in the config, print the key once",
  },
] as const satisfies readonly Command[];

/** The option as the help shows it: `-c, --config PATH`. */
export function optionUsage({ flag, short, value }: Setting): string {
  return `${short === undefined ? "" : `-${short}, `}--${flag}${
    value === undefined ? "" : ` ${value}`
  }`;
}

/** A setting that has a flag. */
export type Option = Setting & { readonly flag: string };

/** The settings that have a flag. */
export const OPTIONS: readonly Option[] = SETTINGS.filter((s): s is Option => s.flag !== undefined);
