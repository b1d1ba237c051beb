/**
 * What is checked of the broker's certificate beyond what Deno checks.
 *
 * The `node:tls` of Deno 2.9 checks a chain by its names alone as soon as one certificate in it is not
 * of X.509 version 3, or is not encoded as rustls wants it; a byte too many is enough. Then anyone can
 * make a chain that ends in the name of an authority of `ca`. If it is the broker's own certificate,
 * not even the possession of its key is checked. So the chain is checked here again, before anything
 * is sent.
 *
 * @module
 */
import { constants, verify, X509Certificate } from "node:crypto";
import { checkServerIdentity as checkName, type PeerCertificate, TLSSocket } from "node:tls";

/**
 * Deno reads the broker's certificates before it asks the check below, and throws if one of them is
 * none: nobody could catch that, the check would be passed over, and what was to be said would be sent.
 * A certificate without anything in it is one that the check refuses.
 */
const readCertificate = TLSSocket.prototype.getPeerCertificate;
Object.assign(TLSSocket.prototype, {
  getPeerCertificate(this: TLSSocket, isDetailed?: boolean): object {
    try {
      return Reflect.apply(readCertificate, this, [isDetailed]);
    } catch {
      return {};
    }
  },
});

/** Longer than any chain that is meant seriously. */
const MAX_CHAIN = 16;

/** Node's option `checkServerIdentity`. */
export type ServerIdentityCheck = (host: string, own: PeerCertificate) => Error | undefined;

/** Why a chain is refused; Node's codes where it has one. */
class Refusal extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * Makes Node's option `checkServerIdentity`. It is called when the TLS handshake is done and nothing
 * has been sent yet; an error that it returns ends the connection.
 *
 * @param ca the PEM text of the authorities to trust; undefined: those that Deno brings, with which it
 * never goes by the names alone
 */
export function serverIdentityCheck(ca: string | undefined): ServerIdentityCheck {
  return (host, own) => {
    try {
      if (own.raw === undefined) throw new Refusal("CERT_MALFORMED", "a certificate is none");
      const wrongName = checkName(host, own);
      if (wrongName !== undefined) return wrongName;
      assertGenuine(chainOf(own), ca === undefined ? undefined : certificatesIn(ca));
      return undefined;
    } catch (cause) {
      // Thrown, it would leave the connection as it is, neither refused nor in use.
      if (cause instanceof Refusal) return cause;
      return new Refusal("CERT_MALFORMED", "a certificate cannot be read", { cause });
    }
  };
}

/** Throws unless every certificate is sound and the first leads to one of `trusted`. */
function assertGenuine(
  [own, ...others]: readonly X509Certificate[],
  trusted: readonly X509Certificate[] | undefined,
): void {
  if (own === undefined) throw new Refusal("CERT_MALFORMED", "the broker has no certificate");
  partsOf(own.raw);
  for (const { raw } of others) {
    // That of an authority may be what it likes: nothing but its name and key is used.
    if (!trusted?.some((authority) => authority.raw.equals(raw))) partsOf(raw);
  }
  if (trusted === undefined || leadsTo(trusted, { own, others })) return;
  throw new Refusal("CERT_SIGNATURE_FAILURE", "the chain leads to no trusted certificate");
}

/** What the broker sent, its own certificate first, and what Node has added from `ca`. */
function chainOf(own: PeerCertificate): X509Certificate[] {
  const chain: X509Certificate[] = [];
  let last: PeerCertificate | undefined;
  let current: PeerCertificate | undefined = own;
  // That of an authority names itself as its issuer.
  while (current?.raw !== undefined && current !== last) {
    if (chain.length === MAX_CHAIN) {
      throw new Refusal("CERT_CHAIN_TOO_LONG", "the chain is too long");
    }
    chain.push(new X509Certificate(current.raw));
    last = current;
    current = (current as { issuerCertificate?: PeerCertificate }).issuerCertificate;
  }
  return chain;
}

/** The certificates of a PEM text; Deno, too, passes over what is none. */
function certificatesIn(pem: string): X509Certificate[] {
  const blocks = pem.matchAll(/-----BEGIN (?:X509 )?CERTIFICATE-----([^-]+)-----END/g);
  return [...blocks].flatMap(([, base64 = ""]) => {
    try {
      return [new X509Certificate(Uint8Array.fromBase64(base64))];
    } catch {
      return [];
    }
  });
}

/** Whether signatures lead from the broker's own certificate to a trusted one, over any of the others. */
function leadsTo(
  trusted: readonly X509Certificate[],
  { own, others }: { readonly own: X509Certificate; readonly others: readonly X509Certificate[] },
): boolean {
  // What is added to a Set while it is gone through has its turn, too.
  const reached = new Set([own]);
  for (const certificate of reached) {
    if (!isValidNow(certificate)) continue;
    const isTrusted = trusted.some((authority) =>
      authority.raw.equals(certificate.raw) || isIssuedBy(certificate, authority)
    );
    if (isTrusted) return true;
    for (const other of others) {
      if (other.ca && isIssuedBy(certificate, other)) reached.add(other);
    }
  }
  return false;
}

function isValidNow({ validFrom, validTo }: X509Certificate): boolean {
  const now = Date.now();
  return Date.parse(validFrom) <= now && now <= Date.parse(validTo);
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.issuer === issuer.subject && isSignedBy(certificate, issuer);
}

/** The verify() of Deno's X509Certificate knows neither P-521 nor RSASSA-PSS. */
function isSignedBy({ raw }: X509Certificate, issuer: X509Certificate): boolean {
  const { signed, algorithm, signature } = partsOf(raw);
  const row = ALGORITHMS.find(([pattern]) => pattern.test(algorithm));
  if (row === undefined) return false;
  const [, hash, padding] = row;
  const saltLength = constants.RSA_PSS_SALTLEN_DIGEST;
  try {
    const key = issuer.publicKey;
    const how = padding === undefined ? key : { key, padding, saltLength };
    return verify(hash, signed, how, signature);
  } catch {
    // The key is not of the algorithm's kind.
    return false;
  }
}

const PSS = constants.RSA_PKCS1_PSS_PADDING;

/** The AlgorithmIdentifiers that rustls takes, in hexadecimal, with the hash and the padding. */
const ALGORITHMS: ReadonlyArray<readonly [RegExp, hash: string | undefined, padding?: number]> = [
  [/^30..06082a8648ce3d040302/, "sha256"], // ecdsa-with-SHA256 and so on
  [/^30..06082a8648ce3d040303/, "sha384"],
  [/^30..06082a8648ce3d040304/, "sha512"],
  [/^30..06092a864886f70d01010b/, "sha256"], // sha256WithRSAEncryption and so on
  [/^30..06092a864886f70d01010c/, "sha384"],
  [/^30..06092a864886f70d01010d/, "sha512"],
  [/^30..06092a864886f70d01010a.{8}300d0609608648016503040201/, "sha256", PSS],
  [/^30..06092a864886f70d01010a.{8}300d0609608648016503040202/, "sha384", PSS],
  [/^30..06092a864886f70d01010a.{8}300d0609608648016503040203/, "sha512", PSS],
  [/^30..06032b6570/, undefined], // Ed25519
];

/**
 * Takes a certificate of version 3 apart, RFC 5280, §4.1. No bit of what is not signed may be other
 * than it must be, else rustls may not take it, and Deno goes by the names.
 *
 * @throws {Error} if it is of another version, or not exactly DER.
 */
function partsOf(
  der: Uint8Array,
): { signed: Uint8Array; algorithm: string; signature: Uint8Array } {
  const whole = valueAt(der, 0);
  const body = valueAt(der, whole.content);
  const serialAt = body.content + VERSION_3.length / 2;
  if (hex(der, body.content, serialAt) !== VERSION_3) {
    throw new Refusal("CERT_VERSION_1", "a certificate of X.509 version 1 cannot be checked");
  }
  const algorithm = valueAt(der, body.end);
  const signature = valueAt(der, algorithm.end);
  const signedAlgorithm = valueAt(der, valueAt(der, serialAt).end);
  const name = hex(der, algorithm.start, algorithm.end);
  const isExact = whole.end === der.length && signature.end === whole.end &&
    name === hex(der, signedAlgorithm.start, signedAlgorithm.end) &&
    der[0] === SEQUENCE && der[signature.start] === BIT_STRING && der[signature.content] === 0;
  if (!isExact) throw new RangeError("the certificate is not exactly DER");
  return {
    signed: der.subarray(body.start, body.end),
    algorithm: name,
    signature: der.subarray(signature.content + 1, signature.end),
  };
}

/** As it stands in a certificate, in hexadecimal. */
const VERSION_3 = "a003020102";
/** Tags. */
const SEQUENCE = 0x30;
const BIT_STRING = 0x03;

/** Offsets of a value with its tag and its length. */
interface DerValue {
  readonly start: number;
  readonly content: number;
  readonly end: number;
}

/**
 * Where the value at `start` has its content and its end.
 *
 * @throws {RangeError} if its length does not stand there in the shortest form, X.690, §10.1, or is
 * 64 KiB and more, which rustls does not take.
 */
function valueAt(der: Uint8Array, start: number): DerValue {
  const [, first = 0xff, high = 0, low = 0] = der.subarray(start, start + 4);
  const value = (head: number, length: number): DerValue => {
    return { start, content: start + head, end: start + head + length };
  };
  if (first < 0x80) return value(2, first);
  if (first === 0x81 && high >= 0x80) return value(3, high);
  if (first === 0x82 && high > 0) return value(4, high * 0x100 + low);
  throw new RangeError("the length is not DER");
}

function hex(der: Uint8Array, start: number, end: number): string {
  return der.subarray(start, end).toHex();
}
