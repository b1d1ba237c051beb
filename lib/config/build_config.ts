/**
 * From the checked file to the frozen {@linkcode Config}.
 *
 * @module
 */

import type { Rule } from "../topics/permissions.ts";
import { DEFAULT_PORTS, parseBrokerUrl } from "./broker_url.ts";
import type { Config, Fault, MqttConfig, RemoteServerConfig } from "./config.ts";
import { type ConfigFile, isPlaceholder } from "./schema.ts";
import type { PemTexts } from "./pem.ts";
import { type Folders, resolvePath } from "./secrets.ts";

/** What goes into the config beside the file. */
export interface BuildOptions {
  readonly source: string | undefined;
  readonly defaultPath: string | undefined;
  readonly folders: Folders;
  readonly pem: PemTexts;
  /** Whether an option or the environment gave this key, as in `mqtt.host`. */
  readonly overridden: (key: string) => boolean;
  readonly warnings: readonly Fault[];
}

/** The config of a file that passed every check. Nothing in it can be changed. */
export function buildConfig(file: ConfigFile, options: BuildOptions): Config {
  const mqtt = buildMqtt(file.mqtt, options);
  const { limits, logging } = file;
  return deepFreeze({
    source: options.source,
    defaultPath: options.defaultPath,
    mqtt,
    rules: file.topics.map(buildRule),
    limits: {
      maxTimeoutMs: limits.max_timeout * 1000,
      maxMessages: limits.max_messages,
      maxResultBytes: limits.max_result_bytes,
      payloadPreviewBytes: limits.payload_preview_bytes,
      maxPublishBytes: limits.max_publish_bytes,
      publishPerMinute: limits.publish_per_minute,
      maxWatches: limits.max_watches,
      watchBufferMessages: limits.watch_buffer_messages,
    },
    readOnly: file.read_only,
    logging: { level: logging.level, logfile: buildLogfile(logging.logfile, options) },
    remoteServer: file.remote_server === null
      ? undefined
      : buildRemoteServer(file.remote_server, options.folders),
    secrets: secretsOf(file, mqtt),
    warnings: options.warnings,
  });
}

/** The host and port of an option or the environment win over those of the URL. */
function buildMqtt(mqtt: ConfigFile["mqtt"], options: BuildOptions): MqttConfig {
  const parsed = mqtt.url === null ? undefined : parseBrokerUrl(mqtt.url);
  const url = parsed === undefined || "fault" in parsed ? undefined : parsed;
  const transport = url?.transport ?? mqtt.transport;
  const host = options.overridden("mqtt.host") ? mqtt.host : url?.host ?? mqtt.host;
  const port = options.overridden("mqtt.port") ? mqtt.port : url?.port ?? mqtt.port;
  return {
    host: host.replace(/^\[(.*)\]$/, "$1"),
    port: port ?? DEFAULT_PORTS[transport],
    transport,
    path: url?.path ?? mqtt.path,
    username: mqtt.username ?? undefined,
    password: mqtt.password ?? undefined,
    keepaliveSeconds: mqtt.keepalive,
    protocolVersion: mqtt.protocol_version,
    clientId: mqtt.client_id ?? undefined,
    connectTimeoutMs: Math.ceil(mqtt.connect_timeout * 1000),
    tls: {
      ca: options.pem.ca,
      cert: options.pem.cert,
      key: options.pem.key,
      keyPassphrase: mqtt.tls.key_passphrase ?? undefined,
      serverName: mqtt.tls.server_name ?? undefined,
      verify: mqtt.tls.verify,
    },
  };
}

function buildRule(topic: ConfigFile["topics"][number]): Rule {
  const { pattern, permissions, deny, retain, description, payload } = topic;
  return {
    pattern,
    permissions: [...new Set(permissions)],
    deny: [...new Set(deny)],
    retain,
    ...description === null ? {} : { description },
    ...payload === null ? {} : {
      payload: {
        ...payload.unit === null ? {} : { unit: payload.unit },
        ...payload.examples === null ? {} : { examples: payload.examples },
      },
    },
  };
}

/** A path given as an option is relative to the working folder, one in the file to the file. */
function buildLogfile(logfile: string | null, options: BuildOptions): string | undefined {
  if (logfile === null) return undefined;
  const { home, base } = options.folders;
  return resolvePath(logfile, { home, base: options.overridden("logging.logfile") ? "" : base });
}

function buildRemoteServer(
  remote: NonNullable<ConfigFile["remote_server"]>,
  folders: Folders,
): RemoteServerConfig {
  const { port, host, uds } = remote;
  return {
    listen: port === null
      ? { kind: "uds", path: resolvePath(uds, folders) }
      : { kind: "tcp", host: host === "" ? "127.0.0.1" : host, port },
    key: buildKey(remote),
  };
}

/** The hash comes before the plain key, as in the original. */
function buildKey(remote: NonNullable<ConfigFile["remote_server"]>): RemoteServerConfig["key"] {
  const kdf = remote.api_key_kdf;
  if (kdf === null) {
    return remote.api_key === null ? undefined : { kind: "plain", apiKey: remote.api_key };
  }
  if (isPlaceholder(kdf.salt) || isPlaceholder(kdf.hash)) return undefined;
  return {
    kind: "argon2id",
    salt: kdf.salt,
    timeCost: kdf.time_cost,
    memoryCostKib: kdf.memory_cost,
    parallelism: kdf.parallelism,
    hashBytes: kdf.hash_len,
    hash: kdf.hash,
  };
}

function secretsOf(file: ConfigFile, mqtt: MqttConfig): string[] {
  const remote = file.remote_server;
  const values = [
    mqtt.password,
    mqtt.tls.key,
    mqtt.tls.keyPassphrase,
    remote?.api_key,
    remote?.api_key_kdf?.salt,
    remote?.api_key_kdf?.hash,
  ];
  const secrets = values.filter((value): value is string =>
    typeof value === "string" && value !== "" && !isPlaceholder(value)
  );
  return [...new Set(secrets)];
}

/** Freezes plain objects and lists; what has a class of its own freezes itself. */
function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && !Array.isArray(value)) return value;
  Object.values(value).forEach(deepFreeze);
  return Object.freeze(value);
}
