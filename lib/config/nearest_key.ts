/**
 * Finds the name that was probably meant.
 *
 * @module
 */
import { editDistance } from "../topics/nearest_filters.ts";

/** What has another name in other programs, without case, `-` and `_`. */
const OTHER_WORDS: ReadonlyArray<readonly [key: string, words: string]> = [
  ["username", "user login"],
  ["password", "pass passwd pwd secret"],
  ["host", "server broker hostname address ip"],
  ["url", "uri brokerurl"],
  ["client_id", "id clientidentifier"],
  ["transport", "ssl protocol scheme"],
  ["tls", "ssl cafile cacert certfile keyfile"],
  ["ca", "cafile cacert cacerts"],
  ["cert", "certfile certificate clientcert"],
  ["key", "keyfile privatekey clientkey"],
  ["verify", "insecure rejectunauthorized"],
  ["mqtt", "broker connection"],
  ["topics", "topic rules grants acl permissions"],
  ["pattern", "topic filter topicfilter"],
  ["permissions", "permission access allow grant"],
  ["logging", "log"],
  ["level", "loglevel"],
  ["logfile", "file path"],
];

/**
 * The candidate nearest to `name` by what other programs call it, then by edit distance; undefined
 * where none is near: at most a third of the characters may differ, and two in short names. Case, `-` and `_` do not count.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { nearest } from "./nearest_key.ts";
 *
 * assert(nearest("pasword", ["host", "password"]) === "password");
 * assert(nearest("keepAlive", ["keepalive"]) === "keepalive");
 * assert(nearest("zzz", ["host"]) === undefined);
 * ```
 */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  const wanted = plain(name).slice(0, 100);
  const [meant] =
    OTHER_WORDS.find(([key, words]) =>
      candidates.includes(key) && words.split(" ").includes(wanted)
    ) ?? [];
  if (meant !== undefined) return meant;
  const most = Math.max(2, Math.floor(wanted.length / 3));
  const near = candidates.map((candidate) => {
    const known = plain(candidate);
    const distance = editDistance(wanted, known);
    const isNear = distance <= most && distance < Math.max(wanted.length, known.length) - 1;
    return { candidate, distance: isNear ? distance : Infinity };
  });
  const [best] = near.sort((a, b) => a.distance - b.distance);
  return best?.distance === Infinity ? undefined : best?.candidate;
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[-_]/g, "");
}
