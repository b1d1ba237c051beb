/**
 * The config as it is written in the file, and what the program makes of it: the one source of its
 * types, bounds and defaults, of the JSON Schema and of `docs/configuration.md`. A key such as
 * `max_messages` is `maxMessages` in the program. What spans several keys is `cross_checks.ts`.
 *
 * @module
 */

import * as z from "zod/v4";
import { LOG_LEVELS, type LogLevel } from "../log.ts";
import { isResponsePrefix } from "../topics/topic_name.ts";
import { DEFAULT_PORTS, parseBrokerUrl, withoutBrackets } from "./broker_url.ts";
import { isHost, remoteServer } from "./remote_server_schema.ts";
import { topicRules } from "./rule_schema.ts";
import {
  anyOf,
  anyText,
  flag,
  integer,
  list,
  mqttString,
  oneOf,
  orNull,
  positive,
  record,
  text,
} from "./schema_types.ts";

const host = text("a host name or an address").superRefine((value, context) => {
  if (value !== "" && !isHost(value)) {
    context.addIssue(
      'must be a host name or an address alone, as in "localhost" or "::1"; ' +
        'a port belongs to "port", a scheme to "url"',
    );
  }
}).transform(withoutBrackets);

const url = text("a URL").transform((value, context) => {
  const parsed = parseBrokerUrl(value);
  if (!("fault" in parsed)) return parsed;
  context.addIssue(parsed.fault);
  return z.NEVER;
});

const responsePrefix = text("a topic name").superRefine((value, context) => {
  if (!isResponsePrefix(value)) {
    context.addIssue("must be a valid topic name that does not begin with $, without + and #");
  }
});

const logLevel = z.string({ error: `must be ${anyOf(LOG_LEVELS)}` })
  .regex(anyCase(LOG_LEVELS), { error: `must be ${anyOf(LOG_LEVELS)}` })
  .transform((value) => value.toUpperCase() as LogLevel);

const tls = record({
  ca: orNull(text("a path or PEM text"))
    .describe(
      "The certificate authorities to trust: a path to a PEM file, or its text. `null`: the public ones that the program brings (`DENO_TLS_CA_STORE=system` in the environment takes the system's).",
    ),
  cert: orNull(text("a path or PEM text"))
    .describe("The client's certificate: a path to a PEM file, or its text. Goes with `key`."),
  key: orNull(text("a path or PEM text"))
    .describe("The client's private key: a path to a PEM file, or its text. Goes with `cert`."),
  key_passphrase: orNull(anyText()).describe("What `key` is encrypted with."),
  server_name: orNull(text("a host name"))
    .describe("The name the broker's certificate must have. `null`: the host."),
  verify: flag().default(true)
    .describe("`false` takes any certificate, and with it anyone between you and the broker."),
}, 'an object (TLS itself is "transport": "tls")');

const mqtt = record({
  host: host.default("localhost").describe("The broker's host name or address."),
  port: integer(1, 65_535).optional()
    .describe("The broker's port, 1 to 65,535. Default: 1883, `tls` 8883, `ws` 80, `wss` 443."),
  username: orNull(mqttString({ minLength: 0 })).describe("The user name; at most 65,535 bytes."),
  password: orNull(mqttString({ minLength: 0 }))
    .describe(
      'The password; at most 65,535 bytes. Better kept elsewhere: in the variable `MCPMQTT_PASSWORD`, or as `"${file:PATH}"`.',
    ),
  keepalive: integer(1, 65_535).default(60)
    .describe("Keep Alive in seconds, 1 to 65,535: the longest silence towards the broker."),
  url: orNull(url)
    .describe(
      "Instead of `host`, `port` and `transport`: `mqtt://`, `mqtts://`, `ws://` or `wss://`, with no " +
        "user name and password in it.",
    ),
  transport: oneOf(["tcp", "tls", "ws", "wss"]).default("tcp")
    .describe("How the bytes travel; `ws` is WebSocket, and `wss` WebSocket over TLS."),
  path: anyText()
    .regex(/^\/[^\s#]*$/, { error: 'must begin with "/" and hold no space and no "#"' })
    .default("/mqtt")
    .describe("The path of the WebSocket, for `ws` and `wss`."),
  protocol_version: oneOf(["auto", "5", "3.1.1"]).default("auto")
    .describe('The version of MQTT. `"auto"`: 5, then 3.1.1 where the broker refuses 5.'),
  client_id: orNull(mqttString({ minLength: 1, maxBytes: 65_000 }))
    .describe(
      "The Client Identifier; at most 65,000 bytes. `null`: a fresh one for each start, `mcpmqtt-<random>`; what is published then goes over a connection of its own, `…-w`. One that you set may stand in the broker's access rules, so that reading and writing share one connection; while messages flood in, a write then waits behind them. Topic filters that overlap append `-2`, `-3`, ….",
    ),
  response_prefix: orNull(responsePrefix).describe(
    "Below which topic answers come to an `mqtt_query` without `response_topic`, on MQTT 5. `null`: where the broker says (Response Information), else `mcpmqtt/response/<client_id>`. The broker's access rules must let the program read there, and devices write.",
  ),
  connect_timeout: positive(3600, "seconds").default(10)
    .describe("How long to wait for a connection, in seconds: above 0, at most 3,600."),
  tls: tls.prefault({}).describe("For `tls` and `wss`."),
}).transform(({ url, keepalive, connectTimeout, ...mqtt }) => {
  const address = { ...mqtt, ...url };
  return {
    ...address,
    port: address.port ?? DEFAULT_PORTS[address.transport],
    keepaliveSeconds: keepalive,
    connectTimeoutMs: Math.ceil(connectTimeout * 1000),
  };
});

const limits = record({
  max_timeout: integer(1, 86_400).default(300)
    .describe("The longest wait a call may ask for, in seconds: 1 to 86,400."),
  max_messages: integer(1, 100_000).default(1000)
    .describe("The most messages in one result: 1 to 100,000."),
  max_result_bytes: integer(1, 16_777_216).default(65_536)
    .describe("The most bytes of one result's messages: 1 to 16,777,216."),
  payload_preview_bytes: integer(1, 16_777_216).default(4096)
    .describe("The most bytes of one payload in a list of messages: 1 to 16,777,216."),
  max_publish_bytes: integer(1, 268_435_455).default(262_144)
    .describe("The most bytes of a payload that is published: 1 to 268,435,455."),
  publish_per_minute: integer(0, 1_000_000).default(600)
    .describe("The most writes a minute, all together: 0 to 1,000,000; 0 is no limit."),
  max_message_bytes: integer(1024, 268_435_455).default(8_388_608)
    .describe("The most bytes of one message to the program: 1,024 to 268,435,455."),
  max_watches: integer(1, 1000).default(16).describe("The most watches at a time: 1 to 1,000."),
  watch_buffer_messages: integer(1, 1_000_000).default(1000)
    .describe("The most messages a watch keeps until they are read: 1 to 1,000,000."),
  watch_buffer_bytes: integer(65_536, 1_073_741_824).default(16_777_216)
    .describe("The most bytes a watch keeps, overhead included: 65,536 to 1,073,741,824."),
}).transform(({ maxTimeout, ...limits }) => ({ maxTimeoutMs: maxTimeout * 1000, ...limits }));

/** A longer prefix would make each topic below it long. */
const MAX_PREFIX_LENGTH = 1_000;

/** One prefix, a list of them, or null or false for none. */
const prefixes = z.union([
  z.null(),
  z.literal(false),
  anyText(),
  list(anyText(), "topic names"),
], {
  error: "must be a topic name, a list of them, or null",
}).transform((value): readonly string[] => [...new Set([value || []].flat())])
  .superRefine((value, context) => {
    const isPrefix = (one: string): boolean =>
      isResponsePrefix(one) && !one.endsWith("/") && one.length <= MAX_PREFIX_LENGTH;
    if (!value.every(isPrefix)) {
      context.addIssue(
        `each must be a topic name without + and #, that does not begin with $ or end with /, of at most ${MAX_PREFIX_LENGTH} characters`,
      );
    }
    if (value.some((one) => value.some((other) => other.startsWith(`${one}/`)))) {
      context.addIssue("none may be below another of the list: its devices would be read twice");
    }
  });

const devices = record({
  homeassistant: prefixes.prefault("homeassistant")
    .describe(
      "The discovery prefix of Home Assistant, which ESPHome, Zigbee2MQTT, Z-Wave JS and many more follow.",
    ),
  zigbee2mqtt: prefixes.prefault("zigbee2mqtt").describe("The base topic of Zigbee2MQTT."),
  tasmota: prefixes.prefault("tasmota/discovery")
    .describe("Where devices with Tasmota describe themselves."),
  homie: prefixes.prefault("homie").describe("The root of Homie 4, and of Homie 5."),
  sparkplug: prefixes.prefault("spBv1.0")
    .describe(
      "The namespace of Sparkplug B, whose payloads are decoded wherever messages are shown.",
    ),
  shelly: prefixes.prefault([])
    .describe(
      "The prefixes of Shelly devices, Gen2 and later: each has its own, and none is looked for that is not listed.",
    ),
});

const auditRecord = record({
  path: text("a path").describe("The file; it is appended to."),
  payloads: flag().default(false)
    .describe("Whether a line has the payload that was written, not its digest alone."),
  on_failure: oneOf(["continue", "stop_writes"]).default("continue")
    .describe("What happens while no line can be written, as on a full disk; the log tells of it."),
});

const logging = record({
  level: logLevel.default("INFO")
    .describe(`The least level that is logged, in any case: ${LOG_LEVELS.join(", ")}.`),
  logfile: orNull(z.string({ error: "must be a path" }))
    .describe("A file the log is appended to, beside stderr. `null`, or an empty text: none."),
  audit: z.union([orNull(text("a path")), auditRecord], {
    error: 'must be a path, or an object with "path"',
  }).default(null).describe(
    "A file that gets one line of JSON for each call of a tool and each use of a resource: a path, or an object with the keys below. `null`: none.",
  ),
}).transform(({ level, logfile, audit }) => ({
  level,
  logfile: logfile || undefined,
  audit: typeof audit === "string"
    ? { path: audit, payloads: false, onFailure: "continue" as const }
    : audit ?? undefined,
}));

/** The whole file. */
export const configSchema = record({
  $schema: anyText().optional()
    .describe("Where an editor finds the JSON Schema of this file."),
  mqtt: mqtt.prefault({}).describe("The broker and the connection to it."),
  topics: topicRules.default([])
    .describe("What is granted, topic by topic. What no entry grants is refused."),
  devices: devices.prefault({}).describe(
    "Where devices describe themselves, for `mqtt_devices`: a prefix, a list of them (several instances on one broker are usual), or `null` or `false` to leave a convention out. A prefix is a topic name without wildcards that does not begin with `$` or end with `/`, of at most 1,000 characters. What may be read of it the rules decide.",
  ),
  limits: limits.prefault({}).describe("What a call, and all calls together, may use."),
  read_only: flag().default(false).describe("Offer no tool that writes, and allow no write."),
  logging: logging.prefault({}).describe("The log."),
  history: z.null({ error: "must be null: there is no history yet" }).default(null)
    .describe("Kept for the history of messages, which there is not yet."),
  remote_server: orNull(remoteServer).describe("MCP over HTTP. Checked; of no effect on stdio."),
}).transform(({ $schema: _, history: __, topics, ...config }) => ({ ...config, rules: topics }));

/** A pattern for the words in any case that holds without a flag, as JSON Schema has none. */
function anyCase(words: readonly string[]): RegExp {
  const either = (letter: string): string => `[${letter}${letter.toLowerCase()}]`;
  return new RegExp(`^(?:${words.map((word) => word.replace(/[A-Z]/g, either)).join("|")})$`);
}
