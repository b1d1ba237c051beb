/**
 * Finds the name that was probably meant.
 *
 * @module
 */

/** Words of other programs for what has another name here, without case, `-` and `_`. */
const OTHER_WORDS: ReadonlyMap<string, readonly string[]> = new Map(
  [
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
  ].flatMap(([key, words = ""]) => words.split(" ").map((word) => [word, key] as const)).reduce(
    (map, [word, key = ""]) => map.set(word, [...map.get(word) ?? [], key]),
    new Map<string, string[]>(),
  ),
);

/**
 * The candidate nearest to `name` by what other programs call it, then by edit distance; undefined where none is near: at most a third
 * of the characters may differ, and two in short names. Case, `-` and `_` do not count.
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
  const [meant] = (OTHER_WORDS.get(wanted) ?? []).filter((one) => candidates.includes(one));
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

/** Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`. */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, at) => at)];
  const at = (i: number, j: number): number => rows[i]?.[j] ?? Infinity;
  for (let i = 1; i <= a.length; i++) {
    const row = rows[i] = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSwap = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(Math.min(
        at(i - 1, j) + 1,
        at(i, j - 1) + 1,
        at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1),
        isSwap ? at(i - 2, j - 2) + 1 : Infinity,
      ));
    }
  }
  return at(a.length, b.length);
}
