/**
 * `mcpmqtt check`: what the config grants, and what the broker says.
 *
 * @module
 */
import type { Config } from "../../config/config.ts";
import { formatFault } from "../../config/config.ts";
import { McpMqttError } from "../../errors.ts";
import { Connection } from "../../mqtt/connection.ts";
import { certificateFault } from "../../mqtt/faults/tls_diagnosis.ts";
import { Access } from "../../access/access.ts";
import { brokerUrl } from "../../access/status.ts";
import type { Rule } from "../../topics/permissions.ts";
import { DONE, FAILED } from "../exit_status.ts";
import { hostCommand } from "../host_command.ts";
import type { Io } from "../io.ts";
import type { Invocation } from "../options.ts";
import { quietLogger } from "../quiet_logger.ts";
import { brokerSettings, configFor, grantsOf } from "../setup.ts";

/** Prints the config and tries the broker; fails where the broker cannot be used as granted. */
export async function runCheck({ options }: Invocation, io: Io): Promise<number> {
  const config = await configFor(options);
  io.stdout(describeConfig(config).map((line) => `${line}\n`).join(""));
  const isUsable = await tryBroker(config, io);
  io.stdout(`\nFor the agent host:\n\n${hostBlock(config)}\n`);
  return isUsable ? DONE : FAILED;
}

/** Connects, and says what was found; gives whether the broker can be used as granted. */
async function tryBroker(config: Config, io: Io): Promise<boolean> {
  await using connection = new Connection(brokerSettings(config), quietLogger);
  const access = new Access(connection, grantsOf(config));
  // Without the path of a WebSocket, which may hold a token.
  const url = brokerUrl(access.status).replace(/^(\w+:\/\/[^/]+).*$/s, "$1");
  const start = performance.now();
  try {
    // One attempt: waiting longer does not change what a broker says.
    await connection.attempted(forever(config));
    await connection.ready({ ...forever(config), waitMs: 0 });
  } catch (error) {
    if (!(error instanceof McpMqttError)) throw error;
    await connection.close();
    const fault = await certificateFault(config.mqtt) ?? error.message;
    io.stdout(`broker   ${url}: ${fault}\n`);
    return false;
  }
  const connectMs = Math.round(performance.now() - start);
  const { protocolVersion, address } = access.status;
  const isSecure = address.transport === "tls" || address.transport === "wss";
  io.stdout(
    `broker   ${url}: connected in ${connectMs} ms, MQTT ${protocolVersion}, ` +
      `${isSecure ? `TLS${address.tls.verify ? "" : " (certificate not checked)"}` : "no TLS"}\n`,
  );
  return await tryReads(config, { access, io });
}

/** Subscribes to each granted pattern, to find out what the broker itself refuses. */
async function tryReads(
  config: Config,
  { access, io }: { readonly access: Access; readonly io: Io },
): Promise<boolean> {
  let allTaken = true;
  for (const { pattern, permissions } of config.rules) {
    if (!permissions.includes("read")) continue;
    const start = performance.now();
    try {
      await using _collection = await access.collect([pattern.text], {
        ...forever(config),
        includeRetained: false,
        resume: false,
        onMessage: () => {},
      });
      const ms = Math.round(performance.now() - start);
      io.stdout(`  read   ${pattern.text}: accepted by the broker in ${ms} ms\n`);
    } catch (error) {
      if (!(error instanceof McpMqttError)) throw error;
      // A pattern that a deny covers whole is never subscribed to.
      const isDenied = error.code === "forbidden";
      if (!isDenied) allTaken = false;
      io.stdout(`  read   ${pattern.text}: ${isDenied ? "denied by the config" : error.message}\n`);
    }
  }
  return allTaken;
}

/** The JSON block that makes a host run this program with this config. */
function hostBlock({ source }: Config): string {
  const { command, args: first } = hostCommand();
  const args = [...first, ...(source === undefined ? [] : ["--config", absolute(source)])];
  const mqtt = { command, ...(args.length === 0 ? {} : { args }) };
  return JSON.stringify({ mcpServers: { mqtt } }, undefined, 2);
}

/** The host runs the program from a folder of its own choice. */
function absolute(path: string): string {
  return /^([/\\]|[A-Za-z]:)/.test(path) ? path : `${Deno.cwd()}/${path}`;
}

function forever({ mqtt }: Config): { waitMs: number; signal: AbortSignal } {
  return { waitMs: mqtt.connectTimeoutMs, signal: new AbortController().signal };
}

function describeConfig(config: Config): string[] {
  const { source, defaultPath, mqtt, rules, readOnly } = config;
  const lines = [
    `config   ${
      source ?? `none (looked for ${defaultPath ?? "no path"}); make one with: mcpmqtt init`
    }`,
    ...config.warnings.map((warning) => `warning  ${formatFault(warning)}`),
    `login    ${mqtt.username === undefined ? "none" : mqtt.username}${
      mqtt.password === undefined ? "" : ", with a password (hidden)"
    }`,
  ];
  if (readOnly) lines.push("writes   none: read-only");
  if (rules.length === 0) lines.push("topics   none is granted");
  for (const rule of rules) lines.push(describeRule(rule));
  return lines;
}

function describeRule({ pattern, permissions, deny, retain, description }: Rule): string {
  const parts = [
    ...(permissions.length > 0 ? [permissions.join(" and ")] : []),
    ...(retain ? ["retain"] : []),
    ...(deny.length > 0 ? [`deny ${deny.join(" and ")}`] : []),
  ];
  return `topic    ${pattern.text}: ${parts.join(", ")}${
    description === undefined ? "" : ` (${description.replaceAll(/\s+/g, " ")})`
  }`;
}
