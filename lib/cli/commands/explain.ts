/**
 * `mcpmqtt explain TOPIC [read|write]`: what is allowed, and which rule decides.
 *
 * @module
 */
import type { Config } from "../../config/config.ts";
import type { Device } from "../../devices/directory.ts";
import { type Action, type Decision, Permissions, type Rule } from "../../topics/permissions.ts";
import { messageOf } from "../../errors.ts";
import {
  matches,
  parseTopicFilter,
  refuseSharedSubscription,
  type TopicFilter,
} from "../../topics/topic_filter.ts";
import { parseTopicName } from "../../topics/topic_name.ts";
import { DONE, FAILED } from "../exit_status.ts";
import type { Io } from "../io.ts";
import type { Invocation } from "../options.ts";
import { withConfig } from "../setup.ts";
import { escapeUnseen } from "../../text.ts";
import { coveredBy, describedDevices } from "./covered_devices.ts";

/**
 * Prints a line or two for each permission that was asked about, and the devices that the rule covers
 * if the broker is there; fails if none is allowed.
 */
export async function runExplain(
  { options, topic, permission }: Extract<Invocation, { command: "explain" }>,
  io: Io,
): Promise<number> {
  return await withConfig(options, (config) => explainAll({ topic, permission, config }, io));
}

async function explainAll(
  { topic, permission, config }: {
    readonly topic: string;
    readonly permission: Action | undefined;
    readonly config: Config;
  },
  io: Io,
): Promise<number> {
  let isAllowed = false;
  let devices: Promise<readonly Device[] | undefined> | undefined;
  for (const action of permission === undefined ? ["read", "write"] as const : [permission]) {
    const [verdict = "", ...lines] = explain(topic, action, config);
    io.stdout([verdict, ...lines, ""].join("\n"));
    if (!verdict.startsWith(`${action} ${topic}: allowed`)) continue;
    isAllowed = true;
    const filters = deciding(topic, action, config);
    const described = await (devices ??= describedDevices(config)) ?? [];
    const permissions = new Permissions(config.rules);
    for (const one of coveredBy(filters, { action, devices: described, permissions })) {
      io.stdout(`  device: ${escapeUnseen(one)}\n`);
    }
  }
  return isAllowed ? DONE : FAILED;
}

/**
 * The explanation, line by line.
 *
 * @throws {McpMqttError} `invalid_topic`.
 */
export function explain(topic: string, action: Action, config: Config): string[] {
  const permissions = new Permissions(config.rules);
  if (/[+#]/.test(topic) || action === "read" && topic.startsWith("$share/")) {
    return explainFilter(topic, action, permissions);
  }
  const name = parseTopicName(topic);
  const lines = [`${action} ${topic}: ${verdict(permissions.decide(name, action), config.rules)}`];
  if (action === "write") {
    if (config.readOnly) return [`write ${topic}: forbidden; the server is read-only`];
    if (permissions.decide(name, "write").allowed) {
      lines.push(`  retain: ${permissions.mayRetain(name) ? "allowed" : "forbidden"}`);
      for (const rule of permissions.guards(name)) lines.push(`  ${conditions(rule)}`);
    }
  }
  const { rule: deciding } = permissions.decide(name, action);
  for (const [at, rule] of config.rules.entries()) {
    if (rule === deciding || !matches(rule.pattern, name)) continue;
    const also = rule.deny.includes(action)
      ? "denies"
      : rule.permissions.includes(action)
      ? "grants"
      : "";
    if (also !== "") lines.push(`  also: rule ${at + 1}, "${rule.pattern.text}", ${also} it`);
  }
  return lines;
}

/** The patterns by which it is allowed. */
function deciding(topic: string, action: Action, { rules }: Config): readonly TopicFilter[] {
  const permissions = new Permissions(rules);
  if (/[+#]/.test(topic)) return permissions.narrow([parseTopicFilter(topic)]).filters;
  const { rule } = permissions.decide(topic, action);
  return rule === undefined ? [] : [rule.pattern];
}

function explainFilter(text: string, action: Action, permissions: Permissions): string[] {
  const filter = parseTopicFilter(text);
  if (action === "write") {
    return [`write ${text}: forbidden; a message goes to a topic name, never to a filter`];
  }
  try {
    refuseSharedSubscription(filter);
  } catch (error) {
    return [`read ${text}: forbidden; ${messageOf(error)}`];
  }
  const { filters, narrowed } = permissions.narrow([filter]);
  if (filters.length === 0) {
    return [`read ${text}: forbidden; ${permissions.readForbidden([filter]).message}`];
  }
  return [
    `read ${text}: allowed${narrowed ? ", narrowed to what is granted" : ""}; subscribes to`,
    ...filters.map((one) => `  ${one.text}`),
  ];
}

/** What a rule asks for besides. */
function conditions({ pattern, confirm = false, rate, payload }: Rule): string {
  const parts = [
    ...(confirm ? ["the person confirms it"] : []),
    ...(rate === undefined ? [] : [`at most ${rate.writes} in ${rate.windowMs / 1000} s`]),
    ...(payload?.schema === undefined ? [] : ["the payload meets its schema"]),
  ];
  return `if ${parts.join(", and ")}: rule "${pattern.text}"`;
}

function verdict({ allowed, reason, rule }: Decision, rules: readonly Rule[]): string {
  if (rule === undefined) return "forbidden; no rule grants it";
  const where = `rule ${rules.indexOf(rule) + 1}, "${rule.pattern.text}"`;
  return allowed ? `allowed by ${where}` : `forbidden; ${reason} by ${where}`;
}
