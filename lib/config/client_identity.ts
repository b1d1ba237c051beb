/**
 * The certificate and the key with which the program shows itself to the broker.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { decryptPbes2 } from "./pbes2.ts";

/** PEM texts and the passphrase, as they were given. */
export interface ClientIdentity {
  readonly cert: string | undefined;
  readonly key: string;
  readonly passphrase: string | undefined;
}

/** The key without its encryption, PEM; or what is wrong, and with which key of `mqtt.tls`. */
export type OpenedIdentity = { readonly key: string } | {
  readonly wrong: "cert" | "key" | "key_passphrase";
  readonly message: string;
};

/** Decrypts the key and compares it with the certificate. Messages show nothing of either. */
export function openIdentity({ cert, key, passphrase }: ClientIdentity): OpenedIdentity {
  const opened = openKey(key, passphrase);
  if ("wrong" in opened) return opened;
  const certificate = cert === undefined ? undefined : parseCertificate(cert);
  if (certificate === null) return { wrong: "cert", message: "holds no certificate" };
  if (certificate !== undefined && !certificate.checkPrivateKey(opened.key)) {
    return { wrong: "key", message: 'is not the key of the certificate in "cert"' };
  }
  return { key: String(opened.key.export({ type: "pkcs8", format: "pem" })) };
}

/** Null where there is none. */
function parseCertificate(pem: string): X509Certificate | null {
  try {
    return new X509Certificate(pem);
  } catch {
    // What exactly is wrong with it helps nobody: it has to be replaced.
    return null;
  }
}

type OpenedKey = { readonly key: KeyObject } | Extract<OpenedIdentity, { wrong: string }>;

function openKey(pem: string, passphrase: string | undefined): OpenedKey {
  const isEncrypted = /-----BEGIN ENCRYPTED|^Proc-Type: 4,ENCRYPTED/m.test(pem);
  if (isEncrypted && passphrase === undefined) {
    return { wrong: "key", message: 'is encrypted; give its passphrase as "key_passphrase"' };
  }
  let failure: unknown;
  try {
    const options = isEncrypted && passphrase !== undefined ? { passphrase } : {};
    return { key: createPrivateKey({ key: pem, format: "pem", ...options }) };
  } catch (error) {
    failure = error;
  }
  if (!isEncrypted || passphrase === undefined) {
    return { wrong: "key", message: "holds no private key that can be read" };
  }
  return openPbes2(pem, passphrase) ?? wrongPassphrase(failure);
}

/** Undefined where it cannot be opened so. */
function openPbes2(pem: string, passphrase: string): OpenedKey | undefined {
  try {
    const content = decryptPbes2(pem, passphrase);
    if (content === undefined) return undefined;
    const key = createPrivateKey({ key: Buffer.from(content), format: "der", type: "pkcs8" });
    return { key };
  } catch (error) {
    return wrongPassphrase(error, { isKnown: true });
  }
}

function wrongPassphrase(failure: unknown, { isKnown = false } = {}): OpenedKey {
  if (isKnown || /bad decrypt/i.test(String(failure))) {
    return { wrong: "key_passphrase", message: 'does not unlock "key"' };
  }
  const message = "is encrypted in a way unknown here; write it anew with: " +
    "openssl pkcs8 -topk8 -v2 aes256 -in OLD -out NEW";
  return { wrong: "key", message };
}
