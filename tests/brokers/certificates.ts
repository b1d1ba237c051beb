/** A certificate authority for tests: X.509 certificates and their keys, made in this process. */

import { Buffer } from "node:buffer";
import { constants, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
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
  readonly version?: number;
  /** One byte is other than DER has it, which BER allows; default false. */
  readonly isBer?: boolean;
}

/** An authority below another. */
export interface AuthorityOptions extends Omit<CertificateOptions, "hosts"> {
  /** Whether its certificate says that it is one; default true. */
  readonly isAuthority?: boolean;
}

/** A kind of key and how it signs. */
export type Signing = keyof typeof SIGNINGS;

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
  issueAuthority(options: AuthorityOptions): CertificateAuthority;
}

interface Signer {
  readonly name: string;
  readonly privateKey: KeyObject;
  readonly signing: Signing;
}

const DAY_MS = 86_400_000;
const DEFAULT_SIGNING = "ECDSA, P-256, SHA-256";

/** Makes an authority with a fresh key; `version` is that of its own certificate. */
export function makeAuthority(
  name = "mcpmqtt test authority",
  { version = 3, signing = DEFAULT_SIGNING }: {
    readonly version?: number;
    readonly signing?: Signing;
  } = {},
): CertificateAuthority {
  const { publicKey, privateKey } = SIGNINGS[signing].keys();
  const signer = { name, privateKey, signing };
  const cert = certificate({ name, version }, { signer, publicKey, isAuthority: true });
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
      const { name, isAuthority = true } = options;
      const cert = certificate(options, { signer, publicKey, isAuthority });
      return authority(cert, { name, privateKey, signing: DEFAULT_SIGNING });
    },
  };
}

/** Makes a certificate that is signed by its own key. */
export function makeSelfSigned(options: CertificateOptions): Identity {
  const { publicKey, privateKey } = newKeys();
  const signer: Signer = { name: options.name, privateKey, signing: DEFAULT_SIGNING };
  return identity(certificate(options, { signer, publicKey, isAuthority: false }), privateKey);
}

/** The bytes of a certificate. */
export function derOf(pem: string): Uint8Array {
  return Uint8Array.fromBase64(pem.replaceAll(/-----[A-Z ]+-----/g, ""));
}

/** Bytes as those of a certificate. */
export function pemOf(der: Uint8Array): string {
  const lines = der.toBase64().match(/.{1,64}/g) ?? [];
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
}

interface Keys {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

function newKeys(): Keys {
  return SIGNINGS[DEFAULT_SIGNING].keys();
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

interface Issuing {
  readonly signer: Signer;
  readonly publicKey: KeyObject;
  readonly isAuthority: boolean;
}

/** RFC 5280, §4.1. */
function certificate(options: CertificateOptions, issuing: Issuing): string {
  const { signer, publicKey } = issuing;
  const {
    name,
    notBefore = new Date(Date.now() - DAY_MS),
    notAfter = new Date(Date.now() + DAY_MS),
    version = 3,
  } = options;
  const { algorithm, hash, padding } = SIGNINGS[signer.signing];
  const body = sequence(
    ...version === 1 ? [] : [der(0xa0, integer(version - 1))],
    der(0x02, new Uint8Array([1, ...crypto.getRandomValues(new Uint8Array(15))])),
    algorithm,
    distinguishedName(signer.name),
    sequence(time(notBefore), time(notAfter)),
    distinguishedName(name),
    new Uint8Array(publicKey.export({ type: "spki", format: "der" })),
    ...version === 3 ? [der(0xa3, sequence(...extensions(options, issuing)))] : [],
  );
  const saltLength = constants.RSA_PSS_SALTLEN_DIGEST;
  const key = padding === undefined
    ? signer.privateKey
    : { key: signer.privateKey, padding, saltLength };
  const signature = sign(hash, body, key);
  return pemOf(sequence(body, algorithm, der(0x03, new Uint8Array([0, ...signature]))));
}

function extensions(
  { hosts = [], isBer = false }: CertificateOptions,
  { isAuthority }: Issuing,
): Uint8Array[] {
  const constraints = sequence(...isAuthority ? [der(0x01, new Uint8Array([0xff]))] : []);
  const usage = hosts.length > 0 ? "1.3.6.1.5.5.7.3.1" : "1.3.6.1.5.5.7.3.2"; // server, client
  return [
    extension("2.5.29.19", constraints, { isBer }),
    ...isAuthority ? [] : [extension("2.5.29.37", sequence(oid(usage)))],
    ...hosts.length === 0 ? [] : [extension("2.5.29.17", sequence(...hosts.map(generalName)))],
  ];
}

/** In DER true is 0xff: X.690, §11.1. */
function extension(id: string, content: Uint8Array, { isBer = false } = {}): Uint8Array {
  const critical = isBer ? [der(0x01, new Uint8Array([0x01]))] : [];
  return sequence(oid(id), ...critical, der(0x04, content));
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

/** Up to 32,767. */
function integer(value: number): Uint8Array {
  return der(0x02, new Uint8Array(value < 0x80 ? [value] : [value >> 8, value & 0xff]));
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

interface SigningKind {
  readonly keys: () => Keys;
  readonly hash: string | undefined;
  /** The AlgorithmIdentifier. */
  readonly algorithm: Uint8Array;
  readonly padding?: number;
}

function ecdsa(namedCurve: string, bits: keyof typeof ECDSA_WITH): SigningKind {
  return {
    keys: () => generateKeyPairSync("ec", { namedCurve }),
    hash: `sha${bits}`,
    algorithm: sequence(oid(`1.2.840.10045.4.${ECDSA_WITH[bits]}`)),
  };
}

function rsa(number: number, bits: keyof typeof SHA_2): SigningKind {
  const algorithm = sequence(oid(`1.2.840.113549.1.1.${number}`), NULL);
  return { keys: rsaKeys, hash: `sha${bits}`, algorithm };
}

/** RFC 4055, §3.1. */
function rsaPss(bits: keyof typeof SHA_2): SigningKind {
  const hash = sequence(oid(`2.16.840.1.101.3.4.2.${SHA_2[bits]}`), NULL);
  const parameters = sequence(
    der(0xa0, hash),
    der(0xa1, sequence(oid("1.2.840.113549.1.1.8"), hash)),
    der(0xa2, integer(bits / 8)),
  );
  const algorithm = sequence(oid("1.2.840.113549.1.1.10"), parameters);
  return { keys: rsaKeys, hash: `sha${bits}`, algorithm, padding: constants.RSA_PKCS1_PSS_PADDING };
}

function ed25519(): SigningKind {
  const algorithm = sequence(oid("1.3.101.112"));
  return { keys: () => generateKeyPairSync("ed25519"), hash: undefined, algorithm };
}

const NULL = der(0x05, new Uint8Array());
/** The last arcs of the object identifiers. */
const ECDSA_WITH = { 1: "1", 256: "3.2", 384: "3.3", 512: "3.4" } as const;
const SHA_2 = { 256: 1, 384: 2, 512: 3 } as const;

let rsaPair: Keys | undefined;

/** One pair for all, since it takes long to make. */
function rsaKeys(): Keys {
  return rsaPair ??= generateKeyPairSync("rsa", { modulusLength: 2048 });
}

/** What rustls takes, but for P-521 with SHA-256, and SHA-1, which it does not. */
export const SIGNINGS = {
  "ECDSA, P-256, SHA-1": ecdsa("P-256", 1),
  "ECDSA, P-256, SHA-256": ecdsa("P-256", 256),
  "ECDSA, P-384, SHA-384": ecdsa("P-384", 384),
  "ECDSA, P-521, SHA-512": ecdsa("P-521", 512),
  "RSA, SHA-256": rsa(11, 256),
  "RSA, SHA-384": rsa(12, 384),
  "RSA, SHA-512": rsa(13, 512),
  "RSASSA-PSS, SHA-256": rsaPss(256),
  "RSASSA-PSS, SHA-384": rsaPss(384),
  "RSASSA-PSS, SHA-512": rsaPss(512),
  "Ed25519": ed25519(),
};
