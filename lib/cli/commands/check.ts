/**
 * `mcpmqtt check`: what the config grants, and what the broker says.
 *
 * @module
 */
import type { Config } from "../../config/config.ts";
import { formatFault } from "../../config/config.ts";
import { systemEffects } from "../../config/load.ts";
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
import { configRequest, type Invocation, type Options } from "../options.ts";
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
    const { lastError } = access.status;
    await connection.close();
    const fault = await certificateFault(config.mqtt) ?? lastError ?? error.message;
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
  for (const [{ pattern }, answer] of answers) {
    const said = answer === "accepted"
      ? answer
      : isDenied(answer)
      ? "denied by the config"
      : answer.message;
    print(`  read   ${pattern.text}: ${said}`);
  }
  // One that refuses something may be believed about the others; mosquitto accepts whatever its rules.
  if (refused.length === 0 && [...answers.values()].includes("accepted")) {
    print("note     some brokers accept what their own rules forbid, and then send nothing");
  }
  return refused.length === 0;
}

/** A pattern that a deny covers whole is never subscribed to. */
function isDenied({ code }: McpMqttError): boolean {
  return code === "forbidden";
}

/** The config is told apart, and the transport is the host's. */
const NOT_FOR_HOSTS: ReadonlySet<string> = new Set(["config", "transport"]);

/** The JSON block that makes a host run this program with this config. */
function hostBlock(config: Config, options: Options): string {
  const { variables } = config;
  const { command, args: first } = hostCommand();
  const args = [...first, ...hostOptions(config, options)];
  const env = Object.fromEntries(variables.map((name) => [name, `the value of ${name}`]));
  const mqtt = {
    command,
    ...(args.length === 0 ? {} : { args }),
    ...(variables.length === 0 ? {} : { env }),
  };
  return JSON.stringify({ mcpServers: { mqtt } }, undefined, 2);
}

/** The options by which the host's program is as this one, but for how MCP is spoken. */
function hostOptions({ source }: Config, { demo, given }: Options): string[] {
  // The host runs the program from a folder of its own choice.
  const folders = { base: Deno.cwd(), home: undefined };
  const config = source === undefined || demo ? [] : ["--config", resolvePath(source, folders)];
  const others = given.flatMap(({ option: { flag }, value }) => {
    if (NOT_FOR_HOSTS.has(flag)) return [];
    // The query of a URL may hold a token.
    const shown = flag === "url"
      ? value.replace(/\?.*$/s, "?***")
      : flag === "logfile"
      ? resolvePath(value, folders)
      : value;
    if (shown === "") return [`--${flag}`];
    return shown.startsWith("-") ? [`--${flag}=${shown}`] : [`--${flag}`, shown];
  });
  return [...config, ...others];
}

function forever({ mqtt }: Config): { waitMs: number; signal: AbortSignal } {
  return { waitMs: mqtt.connectTimeoutMs, signal: new AbortController().signal };
}

function describeConfig(config: Config, options: Options): string[] {
  const { source, defaultPath, mqtt, rules, readOnly } = config;
  const none = configRequest(options, systemEffects.env).needsNoFile
    ? "none: --url, --read and --write stand for it"
    : `none (looked for ${defaultPath ?? "no path"}); make one with: mcpmqtt init`;
  const lines = [
    `config   ${source ?? none}`,
    ...config.warnings.map((warning) => `warning  ${formatFault(warning)}`),
    `login    ${mqtt.username ?? (mqtt.password === undefined ? "none" : "no user name")}${
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
