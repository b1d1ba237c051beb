/**
 * The certificates and the key of `mqtt.tls`.
 *
 * @module
 */

import type { PemTexts } from "./build_config.ts";
import type { Issue } from "./issues.ts";
import { type Path, valueAt } from "./path.ts";
import { type ConfigEffects, type Folders, readFailure, resolvePath } from "./secrets.ts";

/** Reads what `mqtt.tls` names, once, so that the program needs no read permission later. */
export async function readPem(
  root: unknown,
  { effects, folders }: { effects: ConfigEffects; folders: Folders },
): Promise<{ texts: PemTexts; faults: Issue[] }> {
  const texts: { ca?: string; cert?: string; key?: string } = {};
  const faults: Issue[] = [];
  for (const key of ["ca", "cert", "key"] as const) {
    const path = ["mqtt", "tls", key];
    const value = valueAt(root, path);
    if (typeof value !== "string" || value === "") continue;
    if (value.includes("-----BEGIN")) {
      texts[key] = value;
      continue;
    }
    const file = resolvePath(value, folders);
    // What stands here may be a key pasted without its frame, so only what looks like a path is shown.
    const named = /^[\w./\\: ~-]{1,200}\.(?:pem|crt|cer|key|p8)$/.test(value)
      ? `the file ${file}`
      : "a file that";
    const joint = named === "a file that" ? " " : ", which ";
    try {
      const text = await effects.readTextFile(file);
      if (text.includes("-----BEGIN")) texts[key] = text;
      else faults.push({ path, message: `names ${named}${joint}is not PEM`, at: "value" });
    } catch (cause) {
      const message = `names ${named}${joint}cannot be read: ${readFailure(cause)}`;
      faults.push({ path, message, at: "value" });
    }
  }
  const issue = await checkTexts(texts, root);
  return { texts, faults: [...faults, ...issue === undefined ? [] : [issue]] };
}

/** Looks into the texts; the key is decrypted, so that nothing needs its passphrase any more. */
async function checkTexts(texts: Writable<PemTexts>, root: unknown): Promise<Issue | undefined> {
  const path = (key: string): Path => ["mqtt", "tls", key];
  const fault = (key: string, message: string): Issue => ({
    path: path(key),
    message,
    at: "value",
  });
  for (const key of ["ca", "cert"] as const) {
    const text = texts[key];
    if (text !== undefined && !text.includes("-----BEGIN CERT") && isPrivateKey(text)) {
      return fault(key, "holds a private key, and no certificate");
    }
  }
  const { cert, key } = texts;
  if (key === undefined) return undefined;
  if (!isPrivateKey(key)) {
    return key.includes("-----BEGIN CERT")
      ? fault("key", "holds a certificate, and no private key")
      : undefined;
  }
  const passphrase = valueAt(root, path("key_passphrase"));
  // Loaded only here, for the sake of a quick start.
  const { openIdentity } = await import("./client_identity.ts");
  const opened = openIdentity({
    cert,
    key,
    passphrase: typeof passphrase === "string" ? passphrase : undefined,
  });
  if ("wrong" in opened) return fault(opened.wrong, opened.message);
  texts.key = opened.key;
  return undefined;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

function isPrivateKey(pem: string): boolean {
  return /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/.test(pem);
}
