/**
 * `mcpmqtt check`: what the config grants, and what the broker says.
 *
 * @module
 */
import type { Config } from "../../config/config.ts";
import { formatFault } from "../../config/config.ts";
import { resolvePath } from "../../config/references.ts";
import { McpMqttError } from "../../errors.ts";
import { Connection } from "../../mqtt/connection.ts";
import { certificateFault } from "../../mqtt/faults/tls_diagnosis.ts";
import { Access } from "../../access/access.ts";
import { brokerUrl } from "../../access/status.ts";
import { escapeUnseen } from "../../text.ts";
import type { Rule } from "../../topics/permissions.ts";
import { DONE, FAILED } from "../exit_status.ts";
import { hostCommand } from "../host_command.ts";
import type { Io } from "../io.ts";
import { type Invocation, needsNoFile, type Options } from "../options.ts";
import { ruleNotes } from "./rule_notes.ts";
import { quietLogger } from "../quiet_logger.ts";
import { brokerSettings, grantsOf, withConfig } from "../setup.ts";

/** A broker that has not answered after this time is told of, in milliseconds. */
const SILENT_MS = 1_000;

/** Prints the config and tries the broker; fails where the broker cannot be used as granted. */
export async function runCheck({ options }: Invocation, io: Io): Promise<number> {
  const print = (text: string): void => io.stdout(`${escapeUnseen(text)}\n`);
  return await withConfig(options, (config) => check(config, print, options));
}

/** Prints a line; what is not seen in it is escaped. */
type Print = (line: string) => void;

async function check(config: Config, print: Print, options: Options): Promise<number> {
  for (const line of describeConfig(config, options)) print(line);
  const isUsable = await tryBroker(config, print);
  const { variables } = config;
  for (const line of ["", "For the agent host:", "", ...hostBlock(config, options).split("\n")]) {
    print(line);
  }
  if (variables.length > 0) {
    print("");
    print(`A host passes no environment on: put the value of ${variables.join(", ")} in there.`);
  }
  return isUsable ? DONE : FAILED;
}

/** Connects, and says what was found; gives whether the broker can be used as granted. */
async function tryBroker(config: Config, print: Print): Promise<boolean> {
  await using connection = new Connection(brokerSettings(config), quietLogger);
  const access = new Access(connection, grantsOf(config));
  // Without the path of a WebSocket, which may hold a token.
  const url = brokerUrl(access.status).replace(/^(\w+:\/\/[^/]+).*$/s, "$1");
  const start = performance.now();
  const { connectTimeoutMs } = config.mqtt;
  const timer = setTimeout(() => {
    print(`broker   ${url}: no answer yet; waiting up to ${connectTimeoutMs / 1000} s`);
  }, SILENT_MS);
  try {
    // One attempt: waiting longer does not change what a broker says.
    await connection.attempted(forever(config));
    await connection.ready({ ...forever(config), waitMs: 0 });
  } catch (error) {
    if (!(error instanceof McpMqttError)) throw error;
    await connection.close();
    const fault = await certificateFault(config.mqtt) ?? error.message;
    print(`broker   ${url}: ${fault}`);
    return false;
  } finally {
    clearTimeout(timer);
  }
  const connectMs = Math.round(performance.now() - start);
  const { protocolVersion, address } = access.status;
  const isSecure = address.transport === "tls" || address.transport === "wss";
  print(
    `broker   ${url}: connected in ${connectMs} ms, MQTT ${protocolVersion}, ${
      isSecure ? `TLS${address.tls.verify ? "" : " (certificate not checked)"}` : "no TLS"
    }`,
  );
  return await tryReads(config, { access, print });
}

/** Subscribes to each granted pattern, to find out what the broker itself refuses. */
async function tryReads(
  config: Config,
  { access, print }: { readonly access: Access; readonly print: Print },
): Promise<boolean> {
  const answers = new Map<Rule, McpMqttError | "accepted">();
  for (const rule of config.rules) {
    if (!rule.permissions.includes("read")) continue;
    try {
      await using _collection = await access.collect([rule.pattern.text], {
        ...forever(config),
        includeRetained: false,
        resume: false,
        onMessage: () => {},
      });
      answers.set(rule, "accepted");
    } catch (error) {
      if (!(error instanceof McpMqttError)) throw error;
      answers.set(rule, error);
    }
  }
  const refused = [...answers.values()].filter((one) => one !== "accepted" && !isDenied(one));
  // A broker that refuses one may be believed about the others; mosquitto accepts whatever its rules.
  const accepted = refused.length > 0
    ? "accepted by the broker"
    : "accepted; this broker does not tell whether its own rules allow it";
  for (const [{ pattern }, answer] of answers) {
    const said = answer === "accepted"
      ? accepted
      : isDenied(answer)
      ? "denied by the config"
      : answer.message;
    print(`  read   ${pattern.text}: ${said}`);
  }
  return refused.length === 0;
}

/** A pattern that a deny covers whole is never subscribed to. */
function isDenied({ code }: McpMqttError): boolean {
  return code === "forbidden";
}

/** The JSON block that makes a host run this program with this config. */
function hostBlock({ source, variables }: Config, options: Options): string {
  const { command, args: first } = hostCommand();
  // The host runs the program from a folder of its own choice.
  const folders = { base: Deno.cwd(), home: undefined };
  const args = [
    ...first,
    ...(options.demo
      ? ["--demo"]
      : source === undefined
      ? []
      : ["--config", resolvePath(source, folders)]),
    ...grantingOptions(options),
  ];
  const env = Object.fromEntries(variables.map((name) => [name, `the value of ${name}`]));
  const mqtt = {
    command,
    ...(args.length === 0 ? {} : { args }),
    ...(variables.length === 0 ? {} : { env }),
  };
  return JSON.stringify({ mcpServers: { mqtt } }, undefined, 2);
}

/** The options that say what is granted and where, as they were given. */
function grantingOptions({ given }: Options): string[] {
  return given.flatMap(({ option: { flag }, value }) => {
    if (!["url", "read", "write", "read-only"].includes(flag)) return [];
    // A query of the URL may hold a token.
    return [`--${flag}`, flag === "url" ? value.replace(/\?.*/s, "?…") : value].filter(Boolean);
  });
}

function forever({ mqtt }: Config): { waitMs: number; signal: AbortSignal } {
  return { waitMs: mqtt.connectTimeoutMs, signal: new AbortController().signal };
}

function describeConfig(config: Config, options: Options): string[] {
  const { source, defaultPath, mqtt, rules, readOnly } = config;
  const lines = [
    `config   ${
      source ?? (needsNoFile(options)
        ? "none: the options say what is granted"
        : `none (looked for ${defaultPath ?? "no path"}); make one with: mcpmqtt init`)
    }`,
    ...config.warnings.map((warning) => `warning  ${formatFault(warning)}`),
    `login    ${mqtt.username === undefined ? "none" : mqtt.username}${
      mqtt.password === undefined ? "" : ", with a password (hidden)"
    }`,
  ];
  if (readOnly) lines.push("writes   none: read-only");
  if (rules.length === 0) lines.push("topics   none is granted");
  for (const rule of rules) lines.push(describeRule(rule));
  for (const note of ruleNotes(rules)) lines.push(`note     ${note}`);
  return lines;
}

function describeRule(
  { pattern, permissions, deny, retain, confirm, rate, payload, description }: Rule,
): string {
  const parts = [
    ...(permissions.length > 0 ? [permissions.join(" and ")] : []),
    ...(retain ? ["retain"] : []),
    ...(deny.length > 0 ? [`deny ${deny.join(" and ")}`] : []),
    ...(confirm ? ["confirmed by the person"] : []),
    ...(rate === undefined ? [] : [`at most ${rate.writes} in ${rate.windowMs / 1000} s`]),
    ...(payload?.schema === undefined ? [] : ["by a schema"]),
  ];
  return `topic    ${pattern.text}: ${parts.join(", ")}${
    description === undefined ? "" : ` (${description.replaceAll(/\s+/g, " ")})`
  }`;
}
