/**
 * What the schema cannot say because it spans several keys. The checks look at the config as it was
 * written and hold for any value, so that their faults are told together with those of the schema.
 *
 * @module
 */

import type { Issue } from "./issues.ts";
import { isRecord, type Path, valueAt } from "./path.ts";
import { isPlaceholder } from "./remote_server_schema.ts";
import { parseBrokerUrl } from "./broker_url.ts";

/** What must not be, and what should be known. */
export interface Findings {
  readonly faults: readonly Issue[];
  readonly warnings: readonly Issue[];
}

/** Checks the config as written, with its references resolved. */
export function crossCheck(root: unknown): Findings {
  const faults: Issue[] = [];
  const warnings: Issue[] = [];
  const fault = (path: Path, message: string): number =>
    faults.push({ path, message, at: "value" });
  const warn = (path: Path, message: string): number =>
    warnings.push({ path, message, at: "value" });
  checkUrl(root, fault);
  checkTls(root, fault, warn);
  checkTopics(root, fault);
  checkRemoteServer(root, fault, warn);
  return { faults, warnings };
}

type Tell = (path: Path, message: string) => void;

function checkUrl(root: unknown, fault: Tell): void {
  const url = valueAt(root, ["mqtt", "url"]);
  if (typeof url !== "string" || url === "") return;
  const replaced = ["host", "port", "transport"];
  if ("path" in parseBrokerUrl(url)) replaced.push("path");
  for (const key of replaced) {
    if (valueAt(root, ["mqtt", key]) !== undefined) {
      fault(["mqtt", key], `stands beside "url", which says it already; leave one of the two`);
    }
  }
}

function checkTls(root: unknown, fault: Tell, warn: Tell): void {
  const tls = valueAt(root, ["mqtt", "tls"]);
  if (!isRecord(tls)) return;
  const path = (key: string): Path => ["mqtt", "tls", key];
  const given = (key: string): boolean => tls[key] !== undefined && tls[key] !== null;
  if (tls.verify === false) {
    warn(
      path("verify"),
      "the broker's certificate is not checked; anyone on the way can read and change everything",
    );
  }
  if (given("cert") && !given("key")) {
    fault(path("cert"), 'needs "key", the private key of the certificate');
  }
  if (given("key") && !given("cert")) {
    fault(path("key"), 'needs "cert", the certificate of the key');
  }
  if (given("key_passphrase") && !given("key")) {
    fault(path("key_passphrase"), 'needs "key", which it unlocks');
  }
  const used = Object.keys(tls).find((key) => key === "verify" ? tls.verify === false : given(key));
  if (used !== undefined && !encrypted(root)) {
    fault(
      path(used),
      'needs TLS, and the transport has none; write "transport": "tls" or "wss", or a URL with mqtts:// or wss://',
    );
  }
}

function encrypted(root: unknown): boolean {
  const url = valueAt(root, ["mqtt", "url"]);
  if (typeof url === "string") return /^(?:mqtts|wss):/i.test(url);
  const transport = valueAt(root, ["mqtt", "transport"]);
  return transport === "tls" || transport === "wss";
}

function checkTopics(root: unknown, fault: Tell): void {
  const topics = valueAt(root, ["topics"]);
  if (!Array.isArray(topics)) return;
  topics.forEach((topic: unknown, at) => {
    if (!isRecord(topic) || !isEmptyList(topic.permissions) || !isEmptyList(topic.deny)) return;
    const key = ["permissions", "deny"].find((name) => topic[name] !== undefined);
    const message = 'must have "read" or "write" in "permissions" or "deny"';
    fault(key === undefined ? ["topics", at] : ["topics", at, key], message);
  });
}

function isEmptyList(value: unknown): boolean {
  return value === undefined || Array.isArray(value) && value.length === 0;
}

function checkRemoteServer(root: unknown, fault: Tell, warn: Tell): void {
  const remote = valueAt(root, ["remote_server"]);
  if (!isRecord(remote)) return;
  const kdf = remote.api_key_kdf ?? undefined;
  const apiKey = remote.api_key ?? undefined;
  if (kdf === undefined && apiKey === undefined) {
    fault(["remote_server"], 'must have "api_key_kdf" or "api_key"');
  }
  if (apiKey !== undefined) {
    warn(
      ["remote_server", "api_key"],
      'is deprecated, for it holds the key itself; take "api_key_kdf"',
    );
  }
  if (!isRecord(kdf)) return;
  for (const key of ["salt", "hash"]) {
    const value = kdf[key];
    if (typeof value === "string" && isPlaceholder(value)) {
      warn(
        ["remote_server", "api_key_kdf", key],
        "is still a placeholder, so that no API key is set",
      );
    }
  }
}
