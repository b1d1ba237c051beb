/**
 * What the schema cannot say because it spans several keys, or is no fault. The checks look at the
 * config as it was written and hold for any value, so that what they find is told together with the
 * faults of the schema.
 *
 * @module
 */

import { PATHS } from "./references.ts";
import { parseBrokerUrl } from "./broker_url.ts";
import { type Issue, shownOf } from "./issues.ts";
import { isRecord, type Path, valueAt } from "./path.ts";
import { isPlaceholder, MAIN_CLIENT } from "./remote_server_schema.ts";

/**
 * Checks the config as written, with its references resolved.
 *
 * @param url of the broker that is given beside the config; empty if none is.
 */
export function crossCheck(root: unknown, url: string): Issue[] {
  return [
    ...checkUrl(valueAt(root, ["mqtt"])),
    ...checkTls(valueAt(root, ["mqtt"]), url),
    ...checkLogin(valueAt(root, ["mqtt"])),
    ...checkPaths(root),
    ...rulePaths(root).flatMap((path) => checkRule(valueAt(root, path), path)),
    ...checkRemoteServer(valueAt(root, ["remote_server"])),
  ];
}

function checkUrl(mqtt: unknown): Issue[] {
  if (!isRecord(mqtt) || typeof mqtt.url !== "string" || mqtt.url === "") return [];
  const said = ["host", "port", "transport", ..."path" in parseBrokerUrl(mqtt.url) ? ["path"] : []];
  return said.filter((key) => mqtt[key] !== undefined).map((key) => ({
    path: ["mqtt", key],
    message: 'stands beside "url", which says it already; leave one of the two',
  }));
}

/** Ways in which other programs name a variable; `${env:…}` has been resolved. */
const OTHER_REFERENCE = /^(?:\$\{[^{}]*\}|\$[A-Z_][A-Z0-9_]*|%[A-Z_][A-Z0-9_]*%)$/;

function checkLogin(mqtt: unknown): Issue[] {
  if (!isRecord(mqtt)) return [];
  const issues = ["host", "username", "password"].flatMap((key): Issue[] => {
    const value = mqtt[key];
    if (typeof value !== "string" || !OTHER_REFERENCE.test(value)) return [];
    const variable = 'write "${env:MCPMQTT_NAME}" or "${file:PATH}"';
    // Only one with braces cannot be meant: a password may well begin with $.
    const isWarning = !value.startsWith("${");
    const message = isWarning
      ? `is taken as it stands; if a variable is meant, ${variable}`
      : `names a variable in a way that is unknown here; ${variable}`;
    return [{ path: ["mqtt", key], message, isWarning }];
  });
  const has = (key: string): boolean => typeof mqtt[key] === "string" && mqtt[key] !== "";
  if (has("password") && !has("username")) {
    const message = 'stands without a "username": most brokers then take it for no login at all';
    issues.push({ path: ["mqtt", "password"], message, isWarning: true });
  }
  return issues;
}

function checkPaths(root: unknown): Issue[] {
  return PATHS.flatMap((path) => {
    const value = valueAt(root, path);
    // PEM text has lines, and stands there since the file was read.
    if (typeof value !== "string" || value.includes("-----BEGIN")) return [];
    return /\p{Cc}/u.test(value) ? [{ path, message: BACKSLASH }] : [];
  });
}

const BACKSLASH = 'holds a control character: a backslash is written twice, as in "C:\\\\temp"';

/** What a key of `mqtt.tls` is of no use without, and what that is. */
const NEEDS = [
  ["cert", "key", "the private key of the certificate"],
  ["key", "cert", "the certificate of the key"],
  ["key_passphrase", "key", "which it unlocks"],
] as const;

function checkTls(mqtt: unknown, url: string): Issue[] {
  const tls = valueAt(mqtt, ["tls"]);
  if (!isRecord(mqtt) || !isRecord(tls)) return [];
  const issues: Issue[] = [];
  const given = (key: string): boolean => tls[key] !== undefined && tls[key] !== null;
  if (tls.verify === false) {
    const message =
      "the broker's certificate is not checked; anyone on the way can read and change everything";
    issues.push({ path: ["mqtt", "tls", "verify"], message, isWarning: true });
  }
  for (const [key, needed, what] of NEEDS) {
    if (!given(key) || given(needed)) continue;
    issues.push({ path: ["mqtt", "tls", key], message: `needs "${needed}", ${what}` });
  }
  const hasTls = /^(?:mqtts|wss):/i;
  const isEncrypted = hasTls.test(url) ||
    (typeof mqtt.url === "string"
      ? hasTls.test(mqtt.url)
      : mqtt.transport === "tls" || mqtt.transport === "wss");
  const used = Object.keys(tls).find((key) => key === "verify" ? tls.verify === false : given(key));
  if (used !== undefined && !isEncrypted) {
    const message = 'needs TLS, and the transport has none; write "transport": "tls" or "wss", ' +
      "or a URL with mqtts:// or wss://";
    issues.push({ path: ["mqtt", "tls", used], message });
  }
  return issues;
}

/** Where rules stand: at the top, and those of single clients. */
export function rulePaths(root: unknown): Path[] {
  const keys = valueAt(root, ["remote_server", "keys"]);
  const scopes = valueAt(root, ["remote_server", "oauth", "scopes"]);
  const lists: Path[] = [
    ["topics"],
    ...(Array.isArray(keys) ? keys : []).map((_, at) => ["remote_server", "keys", at, "topics"]),
    ...Object.keys(isRecord(scopes) ? scopes : {})
      .map((name) => ["remote_server", "oauth", "scopes", name, "topics"]),
  ];
  return lists.flatMap((list) => {
    const rules = valueAt(root, list);
    return Array.isArray(rules) ? rules.map((_, at) => [...list, at]) : [];
  });
}

function checkRule(rule: unknown, path: Path): Issue[] {
  return isRecord(rule) ? [...checkPattern(rule, path), ...checkPermissions(rule, path)] : [];
}

function checkPattern({ pattern }: Readonly<Record<string, unknown>>, path: Path): Issue[] {
  if (typeof pattern !== "string" || !/(?:^|\/)\*+(?:\/|$)/.test(pattern)) return [];
  const message =
    '"*" is no wildcard in MQTT but a character as any other; + stands for one level, ' +
    "# at the end for all that follow";
  return [{ path: [...path, "pattern"], message, isWarning: true }];
}

function checkPermissions(rule: Readonly<Record<string, unknown>>, path: Path): Issue[] {
  if (!isEmptyList(rule.permissions) || !isEmptyList(rule.deny)) return [];
  const key = ["permissions", "deny"].filter((name) => rule[name] !== undefined).slice(0, 1);
  const message = 'must have "read" or "write" in "permissions" or "deny"';
  return [{ path: [...path, ...key], message }];
}

function isEmptyList(value: unknown): boolean {
  return value === undefined || Array.isArray(value) && value.length === 0;
}

function checkRemoteServer(remote: unknown): Issue[] {
  if (!isRecord(remote)) return [];
  const { api_key_kdf: kdf, api_key: apiKey } = remote;
  const path = ["remote_server"];
  const isSet = (value: unknown): boolean => value !== undefined && value !== null;
  const hasKeys = Array.isArray(remote.keys) && remote.keys.length > 0;
  if (!isSet(kdf) && !isSet(apiKey) && !hasKeys && !isSet(remote.oauth)) {
    const message = "has no API key, so that nobody can connect; mcpmqtt genkey makes one";
    return [{ path, message, isWarning: true }];
  }
  const message = 'is deprecated, for it holds the key itself; take "api_key_kdf"';
  const deprecated: Issue = { path: [...path, "api_key"], message, isWarning: true };
  const placeholders = checkPlaceholders(kdf, path, "mcpmqtt genkey");
  // As remote_server_schema.ts chooses between the two.
  const hasMain = isSet(kdf) ? placeholders.length === 0 : isSet(apiKey);
  const keys = Array.isArray(remote.keys) ? remote.keys : [];
  return [
    ...checkNames(keys, hasMain),
    ...isSet(apiKey) ? [deprecated] : [],
    ...placeholders,
    ...keys.flatMap((key, at) =>
      checkPlaceholders(valueAt(key, ["api_key_kdf"]), [...path, "keys", at], "mcpmqtt genkey NAME")
    ),
  ];
}

/** Warns of a hash that is still that of an example, in what stands at `path`. */
function checkPlaceholders(kdf: unknown, path: Path, command: string): Issue[] {
  return ["salt", "hash"].flatMap((key): Issue[] => {
    const value = valueAt(kdf, [key]);
    if (typeof value !== "string" || !isPlaceholder(value)) return [];
    const message = `is still a placeholder, so that no API key is set; ${command} sets it`;
    return [{ path: [...path, "api_key_kdf", key], message, isWarning: true }];
  });
}

/** Each key is a client of its own, with what it is granted and its sessions: by its name. */
function checkNames(keys: readonly unknown[], hasMain: boolean): Issue[] {
  const names = keys.map((key) => valueAt(key, ["name"]));
  return names.flatMap((name, at): Issue[] => {
    if (typeof name !== "string") return [];
    const first = names.indexOf(name);
    const isMain = hasMain && name === MAIN_CLIENT;
    if (first === at && !isMain) return [];
    const whose = first === at
      ? 'the client of "api_key_kdf" or "api_key"'
      : `the client of keys[${first}]`;
    const message = `${shownOf(name)} is ${whose} already; take a name that no other key has`;
    return [{ path: ["remote_server", "keys", at, "name"], message }];
  });
}
