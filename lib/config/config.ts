/**
 * The configuration as the program sees it: parsed once, frozen, in exact types and with units in
 * the names. How it is written in the file is `schema.ts`.
 *
 * @module
 */

import type { LogLevel } from "../log.ts";
import { escapeUnseen } from "../text.ts";
import type { Rule } from "../topics/permissions.ts";

/** Everything the user decided, with defaults filled in. */
export interface Config {
  /** The file it was read from; undefined where there is none and the defaults stand. */
  readonly source: string | undefined;
  /** Where a config is looked for when no path is given; undefined where HOME is not known. */
  readonly defaultPath: string | undefined;
  readonly mqtt: MqttConfig;
  /** The entries of `topics`, in the order of the file. */
  readonly rules: readonly Rule[];
  readonly limits: Limits;
  readonly readOnly: boolean;
  readonly logging: LoggingConfig;
  readonly remoteServer: RemoteServerConfig | undefined;
  /** Every secret value in force, for the log to redact. */
  readonly secrets: readonly string[];
  /** What is accepted but should be known, for the log. */
  readonly warnings: readonly Fault[];
}

/** How the bytes travel to the broker. */
export type MqttTransport = "tcp" | "tls" | "ws" | "wss";

/** `auto` takes MQTT 5 and falls back to 3.1.1 where the broker refuses it. */
export type MqttProtocolVersion = "auto" | "5" | "3.1.1";

/** The broker and the session with it. */
export interface MqttConfig {
  /** A name or an address; an IPv6 address stands without brackets. */
  readonly host: string;
  readonly port: number;
  readonly transport: MqttTransport;
  /** The path (and query) of the WebSocket; of no meaning for `tcp` and `tls`. */
  readonly path: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** Keep Alive, MQTT 5.0 §3.1.2.10. */
  readonly keepaliveSeconds: number;
  readonly protocolVersion: MqttProtocolVersion;
  /** Undefined: a fresh one for each start. */
  readonly clientId: string | undefined;
  readonly connectTimeoutMs: number;
  readonly tls: TlsConfig;
}

/** For `tls` and `wss`. The three PEM texts are read when the config is loaded. */
export interface TlsConfig {
  /** PEM content; undefined: the public authorities that the program brings. */
  readonly ca: string | undefined;
  /** PEM content of the client's certificate. */
  readonly cert: string | undefined;
  /** PEM content of the client's private key. */
  readonly key: string | undefined;
  readonly keyPassphrase: string | undefined;
  /** The name the broker's certificate must have; undefined: `host`. */
  readonly serverName: string | undefined;
  /** False takes any certificate. */
  readonly verify: boolean;
}

/** What one call, and all calls together, may use. */
export interface Limits {
  readonly maxTimeoutMs: number;
  readonly maxMessages: number;
  readonly maxResultBytes: number;
  readonly payloadPreviewBytes: number;
  readonly maxPublishBytes: number;
  /** 0: no limit. */
  readonly publishPerMinute: number;
  readonly maxWatches: number;
  readonly watchBufferMessages: number;
}

/** Where the log goes, and how much of it. */
export interface LoggingConfig {
  readonly level: LogLevel;
  readonly logfile: string | undefined;
}

/** How MCP is offered over HTTP. */
export interface RemoteServerConfig {
  readonly listen:
    | { readonly kind: "uds"; readonly path: string }
    | { readonly kind: "tcp"; readonly host: string; readonly port: number };
  /** Undefined where the file still holds the placeholders that `genkey` replaces. */
  readonly key: ApiKeyHash | PlainApiKey | undefined;
}

/** The Argon2id hash of the API key. */
export interface ApiKeyHash {
  readonly kind: "argon2id";
  /** Base64, as in the file. */
  readonly salt: string;
  readonly timeCost: number;
  readonly memoryCostKib: number;
  readonly parallelism: number;
  readonly hashBytes: number;
  /** Base64, as in the file. */
  readonly hash: string;
}

/** The older way: the key itself. */
export interface PlainApiKey {
  readonly kind: "plain";
  readonly apiKey: string;
}

/** One thing wrong (or, among the warnings, worth knowing), and where it stands. */
export interface Fault {
  /** The file, or the option or environment variable the value came from. */
  readonly file: string;
  /** From 1; undefined where the value does not stand in a file. */
  readonly line: number | undefined;
  /** From 1, in UTF-16 code units as editors count. */
  readonly column: number | undefined;
  /** As in `topics[2].pattern`; empty for the whole. */
  readonly path: string;
  readonly message: string;
}

/**
 * The fault on one line, as in `config.json:3:13: mqtt.port: must be …`; what is not seen in it is
 * escaped.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { formatFault } from "./config.ts";
 *
 * const fault = { file: "a.json", line: 3, column: 13, path: "mqtt.port", message: "is wrong" };
 * assert(formatFault(fault) === "a.json:3:13: mqtt.port: is wrong");
 * ```
 */
export function formatFault(fault: Fault): string {
  const position = fault.line === undefined ? "" : `:${fault.line}:${fault.column}`;
  const path = fault.path === "" ? "" : `${fault.path}: `;
  return escapeUnseen(`${fault.file}${position}: ${path}${fault.message}`);
}

/** A config that cannot be used. Its message has one line for each fault. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly faults: readonly Fault[];

  constructor(faults: readonly Fault[]) {
    super(faults.map(formatFault).join("\n"));
    this.faults = faults;
  }
}
