/**
 * The certificate and the key with which the program shows itself to the broker. Loaded only where
 * there is a key, for the sake of a quick start.
 *
 * @module
 */
import { createPrivateKey, X509Certificate } from "node:crypto";

/** PEM texts and the passphrase, as they were given. */
export interface ClientIdentity {
  readonly cert: string | undefined;
  readonly key: string;
  readonly passphrase: string | undefined;
}

/** The key without its encryption, PEM; or what is wrong, and with which key of `mqtt.tls`. */
export type OpenedIdentity = { readonly key: string } | {
  readonly wrong: "cert" | "key";
  readonly message: string;
};

const UNDECIPHERED =
  'cannot be decrypted: "key_passphrase" is not the right one, or it is encrypted in a way that is ' +
  "unknown here; this makes it readable: " +
  "openssl pkcs8 -topk8 -v2 aes256 -v2prf hmacWithSHA256 -in OLD -out NEW";

/** Decrypts the key and compares it with the certificate. Messages show nothing of either. */
export function openIdentity({ cert, key, passphrase }: ClientIdentity): OpenedIdentity {
  const isEncrypted = /-----BEGIN ENCRYPTED|^Proc-Type: 4,ENCRYPTED/m.test(key);
  if (isEncrypted && passphrase === undefined) {
    return { wrong: "key", message: 'is encrypted; give its passphrase as "key_passphrase"' };
  }
  const options = isEncrypted && passphrase !== undefined ? { passphrase } : {};
  const opened = attempt(() => createPrivateKey({ key, format: "pem", ...options }));
  if (opened === undefined) {
    const message = isEncrypted ? UNDECIPHERED : "holds no private key that can be read";
    return { wrong: "key", message };
  }
  const certificate = cert === undefined ? undefined : attempt(() => new X509Certificate(cert));
  if (cert !== undefined && certificate === undefined) {
    return { wrong: "cert", message: "holds no certificate" };
  }
  if (certificate?.checkPrivateKey(opened) === false) {
    return { wrong: "key", message: 'is not the key of the certificate in "cert"' };
  }
  return { key: String(opened.export({ type: "pkcs8", format: "pem" })) };
}

/** Undefined where it throws: what exactly is wrong with a key or a certificate helps nobody. */
function attempt<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}
