/**
 * The certificates and the key of `mqtt.tls`. Loaded only where there are some, for the sake of a
 * quick start.
 *
 * @module
 */

import { createPrivateKey, X509Certificate } from "node:crypto";
import type { Issue } from "./issues.ts";
import { readFailure, UnreadableText } from "./read_text.ts";
import { type Outside, resolvePath } from "./references.ts";

const UNDECIPHERED =
  'cannot be decrypted: "key_passphrase" is not the right one, or it is encrypted in a way that is ' +
  "unknown here; this makes it readable: " +
  "openssl pkcs8 -topk8 -v2 aes256 -v2prf hmacWithSHA256 -in OLD -out NEW";

/** A text, or what is wrong. */
type Read = { readonly text: string } | { readonly wrong: string };

/**
 * Puts their texts in place of the paths, so that the program needs no read permission later, and
 * decrypts the key.
 *
 * @param tls is changed.
 * @param outside tells also at which keys the path came by a reference, and is not to be shown.
 * @returns what is wrong with them; it shows nothing of them.
 */
export async function readPem(
  tls: Readonly<Record<string, unknown>>,
  outside: Outside & { isReference(key: string): boolean },
): Promise<Issue[]> {
  const issues: Issue[] = [];
  const texts = new Map<string, string>();
  const take = (key: string, read: Read): void => {
    if ("text" in read) texts.set(key, read.text);
    else issues.push({ path: ["mqtt", "tls", key], message: read.wrong });
  };
  for (const key of ["ca", "cert", "key"]) {
    const value = tls[key];
    if (typeof value !== "string" || value === "") continue;
    const isNamed = !value.includes("-----BEGIN");
    // The cross checks tell of it.
    if (isNamed && /\p{Cc}/u.test(value)) continue;
    const read = isNamed
      ? await readFile(value, { ...outside, isShown: !outside.isReference(key) })
      : { text: value };
    take(key, "text" in read ? ofRightKind(key, read.text) : read);
  }
  const [cert, key] = [texts.get("cert"), texts.get("key")];
  const certificate = cert === undefined ? undefined : attempt(() => new X509Certificate(cert));
  if (isPrivateKey(key)) {
    if (cert !== undefined && certificate === undefined) {
      take("cert", { wrong: "holds no certificate" });
    }
    take("key", opened(key, { certificate, passphrase: tls.key_passphrase }));
  }
  for (const [name, text] of texts) Reflect.set(tls, name, text);
  return issues;
}

async function readFile(
  value: string,
  { effects, folders, isShown }: Outside & { isShown: boolean },
): Promise<Read> {
  const path = resolvePath(value, folders);
  // It may be a key pasted without its frame, so only what looks like a path is shown.
  const isPath = isShown && /^[\w./\\: ~-]{1,200}\.(?:pem|crt|cer|key|p8)$/.test(value);
  const named = isPath ? `names the file ${path}, which` : "names a file that";
  try {
    const text = await effects.readTextFile(path);
    return text.includes("-----BEGIN") ? { text } : { wrong: `${named} is not PEM` };
  } catch (cause) {
    const isBinary = cause instanceof UnreadableText && cause.position !== undefined;
    return {
      wrong: `${named} ${isBinary ? "is not PEM" : `cannot be read: ${readFailure(cause)}`}`,
    };
  }
}

/** A certificate may stand where a key should, or the other way round. */
function ofRightKind(key: string, text: string): Read {
  const isCertificate = text.includes("-----BEGIN CERT");
  if (isCertificate === isPrivateKey(text) || isCertificate === (key !== "key")) return { text };
  const [there, missing] = isCertificate
    ? ["a certificate", "private key"]
    : ["a private key", "certificate"];
  return { wrong: `holds ${there}, and no ${missing}` };
}

/** The key without its encryption. */
function opened(
  key: string,
  { certificate, passphrase }: { certificate: X509Certificate | undefined; passphrase: unknown },
): Read {
  const isEncrypted = /-----BEGIN ENCRYPTED|^Proc-Type: 4,ENCRYPTED/m.test(key);
  if (isEncrypted && typeof passphrase !== "string") {
    return { wrong: 'is encrypted; give its passphrase as "key_passphrase"' };
  }
  const options = isEncrypted ? { passphrase: String(passphrase) } : {};
  const found = attempt(() => createPrivateKey({ key, format: "pem", ...options }));
  if (found === undefined) {
    return { wrong: isEncrypted ? UNDECIPHERED : "holds no private key that can be read" };
  }
  if (certificate?.checkPrivateKey(found) === false) {
    return { wrong: 'is not the key of the certificate in "cert"' };
  }
  return { text: String(found.export({ type: "pkcs8", format: "pem" })) };
}

function isPrivateKey(pem: string | undefined): pem is string {
  return /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/.test(pem ?? "");
}

/** Undefined where it throws: what exactly is wrong with a key or a certificate helps nobody. */
function attempt<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}
