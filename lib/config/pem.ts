/**
 * The certificates and the key of `mqtt.tls`.
 *
 * @module
 */

import type { Issue } from "./issues.ts";
import { type Path, valueAt } from "./path.ts";
import { readFailure, UnreadableText } from "./read_text.ts";
import { type ConfigEffects, type Folders, resolvePath } from "./secrets.ts";

/** The PEM texts of `mqtt.tls`, by key. */
export type PemTexts = Partial<Record<"ca" | "cert" | "key", string>>;

/** Where PEM texts are looked for. */
export interface PemSource {
  readonly effects: ConfigEffects;
  readonly folders: Folders;
  /** Whether the value at this path came by a reference, and is not to be shown. */
  references(path: Path): boolean;
}

/**
 * Reads what `mqtt.tls` names, once, so that the program needs no read permission later. The key is
 * decrypted, so that nothing needs its passphrase any more.
 */
export async function readPem(
  root: unknown,
  outside: PemSource,
): Promise<{ texts: PemTexts; faults: Issue[] }> {
  const texts: PemTexts = {};
  const faults: Issue[] = [];
  const fault = (key: keyof PemTexts, message: string): unknown =>
    faults.push({ path: ["mqtt", "tls", key], message, at: "value" });
  for (const key of ["ca", "cert", "key"] as const) {
    const value = valueAt(root, ["mqtt", "tls", key]);
    if (typeof value !== "string" || value === "") continue;
    const isNamed = !value.includes("-----BEGIN");
    const found = isNamed ? await readFile(value, key, outside) : { text: value };
    if ("fault" in found) fault(key, found.fault);
    else texts[key] = found.text;
  }
  for (const key of ["ca", "cert"] as const) {
    const { isCertificate, isPrivateKey } = kindsOf(texts[key]);
    if (!isPrivateKey || isCertificate) continue;
    fault(key, "holds a private key, and no certificate");
    delete texts[key];
  }
  const { cert, key } = texts;
  const { isCertificate, isPrivateKey } = kindsOf(key);
  if (isCertificate && !isPrivateKey) fault("key", "holds a certificate, and no private key");
  if (key === undefined || !isPrivateKey) return { texts, faults };
  const passphrase = valueAt(root, ["mqtt", "tls", "key_passphrase"]);
  const { openIdentity } = await import("./client_identity.ts");
  const given = typeof passphrase === "string" ? passphrase : undefined;
  const opened = openIdentity({ cert, key, passphrase: given });
  if ("wrong" in opened) fault(opened.wrong, opened.message);
  else texts.key = opened.key;
  return { texts, faults };
}

async function readFile(
  value: string,
  key: keyof PemTexts,
  { effects, folders, references }: PemSource,
): Promise<{ text: string } | { fault: string }> {
  const path = resolvePath(value, folders);
  // It may be a key pasted without its frame, so only what looks like a path is shown.
  const isPath = !references(["mqtt", "tls", key]) &&
    /^[\w./\\: ~-]{1,200}\.(?:pem|crt|cer|key|p8)$/.test(value);
  const named = isPath ? `names the file ${path}, which` : "names a file that";
  try {
    const text = await effects.readTextFile(path);
    return text.includes("-----BEGIN") ? { text } : { fault: `${named} is not PEM` };
  } catch (cause) {
    const isBinary = cause instanceof UnreadableText && cause.position !== undefined;
    if (isBinary) return { fault: `${named} is not PEM` };
    return { fault: `${named} cannot be read: ${readFailure(cause)}` };
  }
}

function kindsOf(pem = ""): { isCertificate: boolean; isPrivateKey: boolean } {
  return {
    isCertificate: pem.includes("-----BEGIN CERT"),
    isPrivateKey: /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/.test(pem),
  };
}
