/**
 * Private keys encrypted with a passphrase in a way that Deno's `node:crypto` does not know: 3DES, and
 * PBKDF2 with SHA-1, as `openssl genrsa -des3` and older versions of openssl write them.
 *
 * @module
 */
import { createDecipheriv, pbkdf2Sync } from "node:crypto";

/** Ciphers by OID, with the length of their key in bytes. */
const CIPHERS: Readonly<Record<string, readonly [name: string, keyBytes: number]>> = {
  "2a864886f70d0307": ["des-ede3-cbc", 24],
  "60864801650304012a": ["aes-256-cbc", 32],
  "608648016503040102": ["aes-128-cbc", 16],
};

/** The hashes of PBKDF2 by OID; SHA-1 where none stands there. */
const HASHES: Readonly<Record<string, string>> = {
  "2a864886f70d0207": "sha1",
  "2a864886f70d0209": "sha256",
  "2a864886f70d020a": "sha384",
  "2a864886f70d020b": "sha512",
};

const PBES2 = "2a864886f70d01050d";
const PBKDF2 = "2a864886f70d01050c";

const SEQUENCE = 0x30;
const OCTETS = 0x04;

/**
 * The PKCS#8 content of an `ENCRYPTED PRIVATE KEY`, RFC 8018 §6.2; undefined where it is encrypted in
 * another way than PBES2 with a cipher and a hash known here.
 *
 * @throws where the passphrase is wrong; where it is not noticed the result is no key.
 */
export function decryptPbes2(pem: string, passphrase: string): Uint8Array | undefined {
  const base64 = /-----BEGIN ENCRYPTED PRIVATE KEY-----([\s\S]*?)-----END/.exec(pem)?.[1] ?? "";
  const [whole] = values(Uint8Array.fromBase64(base64.replaceAll(/\s/g, "")));
  const [algorithm, encrypted] = values(whole?.content);
  const [scheme, parameters] = values(algorithm?.content);
  const [derivation, encryption] = values(parameters?.content);
  const [function_, settings] = values(derivation?.content);
  const [salt, iterations, ...rest] = values(settings?.content);
  const [cipherId, iv] = values(encryption?.content);
  const cipher = CIPHERS[hex(cipherId)];
  const prf = rest.find(({ tag }) => tag === SEQUENCE);
  const hash = prf === undefined ? "sha1" : HASHES[hex(values(prf.content)[0])];
  if (hex(scheme) !== PBES2 || hex(function_) !== PBKDF2) return undefined;
  if (cipher === undefined || hash === undefined || salt?.tag !== OCTETS) return undefined;
  if (iv === undefined || encrypted === undefined) return undefined;
  const [name, keyBytes] = cipher;
  const rounds = Number(`0x${hex(iterations)}`);
  const key = pbkdf2Sync(passphrase, salt.content, rounds, keyBytes, hash);
  const decipher = createDecipheriv(name, key, iv.content);
  const start = decipher.update(encrypted.content);
  return new Uint8Array([...start, ...decipher.final()]);
}

interface Value {
  readonly tag: number;
  readonly content: Uint8Array;
}

/** The DER values that stand one after the other: X.690, §8.1. */
function values(der: Uint8Array = new Uint8Array()): Value[] {
  const found: Value[] = [];
  for (let offset = 0; offset + 2 <= der.length;) {
    const tag = der[offset] ?? 0;
    let length = der[offset + 1] ?? 0;
    offset += 2;
    if (length > 0x80) {
      const bytes = length & 0x7f;
      length = Number(`0x${der.subarray(offset, offset + bytes).toHex()}`);
      offset += bytes;
    }
    found.push({ tag, content: der.subarray(offset, offset + length) });
    offset += length;
  }
  return found;
}

function hex(value: Value | undefined): string {
  return value?.content.toHex() ?? "";
}
