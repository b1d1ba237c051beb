/**
 * What the schema cannot say because it spans several keys, or is no fault. The checks look at the
 * config as it was written and hold for any value, so that what they find is told together with the
 * faults of the schema.
 *
 * @module
 */

import { parseBrokerUrl } from "./broker_url.ts";
import type { Issue } from "./issues.ts";
import { isRecord, valueAt } from "./path.ts";
import { isPlaceholder } from "./remote_server_schema.ts";

/** Checks the config as written, with its references resolved. */
export function crossCheck(root: unknown): Issue[] {
  const topics = valueAt(root, ["topics"]);
  return [
    ...checkUrl(valueAt(root, ["mqtt"])),
    ...checkTls(valueAt(root, ["mqtt"])),
    ...Array.isArray(topics) ? topics.flatMap(checkTopic) : [],
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

/** What a key of `mqtt.tls` is of no use without, and what that is. */
const NEEDS = [
  ["cert", "key", "the private key of the certificate"],
  ["key", "cert", "the certificate of the key"],
  ["key_passphrase", "key", "which it unlocks"],
] as const;

function checkTls(mqtt: unknown): Issue[] {
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
  const isEncrypted = typeof mqtt.url === "string"
    ? /^(?:mqtts|wss):/i.test(mqtt.url)
    : mqtt.transport === "tls" || mqtt.transport === "wss";
  const used = Object.keys(tls).find((key) => key === "verify" ? tls.verify === false : given(key));
  if (used !== undefined && !isEncrypted) {
    const message = 'needs TLS, and the transport has none; write "transport": "tls" or "wss", ' +
      "or a URL with mqtts:// or wss://";
    issues.push({ path: ["mqtt", "tls", used], message });
  }
  return issues;
}

function checkTopic(topic: unknown, at: number): Issue[] {
  if (!isRecord(topic) || !isEmptyList(topic.permissions) || !isEmptyList(topic.deny)) return [];
  const key = ["permissions", "deny"].filter((name) => topic[name] !== undefined).slice(0, 1);
  const message = 'must have "read" or "write" in "permissions" or "deny"';
  return [{ path: ["topics", at, ...key], message }];
}

function isEmptyList(value: unknown): boolean {
  return value === undefined || Array.isArray(value) && value.length === 0;
}

function checkRemoteServer(remote: unknown): Issue[] {
  if (!isRecord(remote)) return [];
  const { api_key_kdf: kdf, api_key: apiKey } = remote;
  const path = ["remote_server"];
  const isSet = (value: unknown): boolean => value !== undefined && value !== null;
  if (!isSet(kdf) && !isSet(apiKey)) {
    return [{ path, message: 'must have "api_key_kdf" or "api_key"' }];
  }
  const message = 'is deprecated, for it holds the key itself; take "api_key_kdf"';
  const deprecated: Issue = { path: [...path, "api_key"], message, isWarning: true };
  const placeholders = ["salt", "hash"].filter((key) => {
    const value = valueAt(kdf, [key]);
    return typeof value === "string" && isPlaceholder(value);
  });
  return [
    ...isSet(apiKey) ? [deprecated] : [],
    ...placeholders.map((key): Issue => ({
      path: [...path, "api_key_kdf", key],
      message: "is still a placeholder, so that no API key is set",
      isWarning: true,
    })),
  ];
}
