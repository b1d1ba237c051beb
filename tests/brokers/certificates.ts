/** A certificate authority for tests: X.509 certificates and their keys, made in this process. */

import { Buffer } from "node:buffer";
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { isIP } from "node:net";

/** Whom a certificate is for, and from when to when. */
export interface CertificateOptions {
  /** The common name of the subject. */
  readonly name: string;
  /** Names and addresses of a server; a certificate without any is a client's. */
  readonly hosts?: readonly string[];
  /** Default: a day ago. */
  readonly notBefore?: Date;
  /** Default: in a day. */
  readonly notAfter?: Date;
  /** Default 3. */
  readonly version?: 1 | 3;
}

/** A certificate and its key, each PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
  /** The key as PKCS#8, encrypted with AES-256. */
  encryptedKey(passphrase: string): string;
}

/** Signs certificates; nobody trusts it who does not hold its own. */
export interface CertificateAuthority {
  /** Its own certificate, PEM. */
  readonly cert: string;
  issue(options: CertificateOptions): Identity;
  /** An authority below this one. */
  issueAuthority(options: Pick<CertificateOptions, "name" | "version">): CertificateAuthority;
}

interface Signer {
  readonly name: string;
  readonly privateKey: KeyObject;
}

const DAY_MS = 86_400_000;

/** Makes an authority with a fresh key. */
export function makeAuthority(name = "mcpmqtt test authority"): CertificateAuthority {
  const { publicKey, privateKey } = newKeys();
  const signer = { name, privateKey };
  const cert = certificate({ name }, { signer, publicKey, isAuthority: true });
  return authority(cert, signer);
}

function authority(cert: string, signer: Signer): CertificateAuthority {
  return {
    cert,
    issue(options): Identity {
      const { publicKey, privateKey } = newKeys();
      return identity(certificate(options, { signer, publicKey, isAuthority: false }), privateKey);
    },
    issueAuthority(options): CertificateAuthority {
      const { publicKey, privateKey } = newKeys();
      const cert = certificate(options, { signer, publicKey, isAuthority: true });
      return authority(cert, { name: options.name, privateKey });
    },
  };
}

/** Makes a certificate that is signed by its own key. */
export function makeSelfSigned(options: CertificateOptions): Identity {
  const { publicKey, privateKey } = newKeys();
  const signer = { name: options.name, privateKey };
  return identity(certificate(options, { signer, publicKey, isAuthority: false }), privateKey);
}

function newKeys(): { publicKey: KeyObject; privateKey: KeyObject } {
  return generateKeyPairSync("ec", { namedCurve: "P-256" });
}

function identity(cert: string, privateKey: KeyObject): Identity {
  return {
    cert,
    key: String(privateKey.export({ type: "pkcs8", format: "pem" })),
    encryptedKey: (passphrase) =>
      String(
        privateKey.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase }),
      ),
  };
}

interface Signing {
  readonly signer: Signer;
  readonly publicKey: KeyObject;
  readonly isAuthority: boolean;
}

/** RFC 5280, §4.1. */
function certificate(options: CertificateOptions, signing: Signing): string {
  const { signer, publicKey } = signing;
  const {
    name,
    notBefore = new Date(Date.now() - DAY_MS),
    notAfter = new Date(Date.now() + DAY_MS),
    version = 3,
  } = options;
  const algorithm = sequence(oid("1.2.840.10045.4.3.2")); // ecdsa-with-SHA256
  const body = sequence(
    ...version === 3 ? [der(0xa0, integer(2))] : [],
    der(0x02, new Uint8Array([1, ...crypto.getRandomValues(new Uint8Array(15))])),
    algorithm,
    distinguishedName(signer.name),
    sequence(time(notBefore), time(notAfter)),
    distinguishedName(name),
    new Uint8Array(publicKey.export({ type: "spki", format: "der" })),
    ...version === 3 ? [der(0xa3, sequence(...extensions(options, signing)))] : [],
  );
  const signature = sign("sha256", body, signer.privateKey);
  const whole = sequence(body, algorithm, der(0x03, new Uint8Array([0, ...signature])));
  const lines = whole.toBase64().match(/.{1,64}/g) ?? [];
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
}

function extensions({ hosts = [] }: CertificateOptions, { isAuthority }: Signing): Uint8Array[] {
  const constraints = sequence(...isAuthority ? [der(0x01, new Uint8Array([0xff]))] : []);
  const usage = hosts.length > 0 ? "1.3.6.1.5.5.7.3.1" : "1.3.6.1.5.5.7.3.2"; // server, client
  return [
    extension("2.5.29.19", constraints),
    ...isAuthority ? [] : [extension("2.5.29.37", sequence(oid(usage)))],
    ...hosts.length === 0 ? [] : [extension("2.5.29.17", sequence(...hosts.map(generalName)))],
  ];
}

function extension(id: string, content: Uint8Array): Uint8Array {
  return sequence(oid(id), der(0x04, content));
}

/** RFC 5280, §4.2.1.6: an address, or a DNS name. */
function generalName(host: string): Uint8Array {
  if (isIP(host) === 0) return der(0x82, utf8(host));
  return der(0x87, isIP(host) === 4 ? new Uint8Array(host.split(".").map(Number)) : ipv6(host));
}

/** The bytes of an IPv6 address. */
function ipv6(host: string): Uint8Array {
  const [head = "", tail = ""] = host.split("::");
  const groups = (text: string): string[] => text === "" ? [] : text.split(":");
  const zeros = 8 - groups(head).length - groups(tail).length;
  const all = [...groups(head), ...Array.from({ length: zeros }, () => "0"), ...groups(tail)];
  return Uint8Array.fromHex(all.map((group) => group.padStart(4, "0")).join(""));
}

function distinguishedName(commonName: string): Uint8Array {
  return sequence(der(0x31, sequence(oid("2.5.4.3"), der(0x0c, utf8(commonName)))));
}

/** A GeneralizedTime would be against RFC 5280, §4.1.2.5, before 2050. */
function time(date: Date): Uint8Array {
  return der(0x17, utf8(`${date.toISOString().replaceAll(/[-:T]|\..*/g, "").slice(2)}Z`));
}

function oid(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const base128 = (value: number): number[] =>
    value < 128 ? [value] : [...base128(value >> 7).map((byte) => byte | 0x80), value & 0x7f];
  return der(0x06, new Uint8Array([first * 40 + second, ...rest.flatMap(base128)]));
}

function integer(value: number): Uint8Array {
  return der(0x02, new Uint8Array([value]));
}

function sequence(...parts: Uint8Array[]): Uint8Array {
  return der(0x30, Buffer.concat(parts));
}

/** A tag, the length and the content: X.690, §8.1. */
function der(tag: number, content: Uint8Array): Uint8Array {
  const { length } = content;
  const size = length < 0x80
    ? [length]
    : length < 0x100
    ? [0x81, length]
    : [0x82, length >> 8, length & 0xff];
  return new Uint8Array([tag, ...size, ...content]);
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
