/**
 * What is checked of the broker's certificate beyond what Deno checks.
 *
 * Deno 2.9's `node:tls` lets every certificate of X.509 version 1 pass that names a trusted authority
 * as its issuer: its signature, its dates and even the possession of its key go unchecked. So such
 * certificates are refused here, before anything is sent. An authority's own may be version 1.
 *
 * @module
 */
import { X509Certificate } from "node:crypto";
import { checkServerIdentity as checkName, type PeerCertificate } from "node:tls";

/** Longer than any chain that is meant seriously. */
const MAX_CHAIN = 16;

/** The error's `code` for a certificate that cannot be checked. */
export const VERSION_1 = "CERT_VERSION_1";

/**
 * Node's option of this name: called when the TLS handshake is done and nothing has been sent yet;
 * an error ends the connection.
 */
export function checkServerIdentity(host: string, leaf: PeerCertificate): Error | undefined {
  const wrongName = checkName(host, leaf);
  if (wrongName !== undefined) return wrongName;
  const chain = chainOf(leaf);
  for (const [index, certificate] of chain.entries()) {
    const issuer = chain[index + 1];
    if (issuer === undefined) {
      if (index > 0 || isVersion3(certificate)) return undefined;
    } else if (isVersion3(certificate)) {
      if (certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)) continue;
      return coded("BadSignature in the chain of the peer certificate", "CERT_SIGNATURE_FAILURE");
    }
    return coded("a certificate of X.509 version 1 cannot be checked", VERSION_1);
  }
  return coded("the chain of certificates is empty", "CERT_UNTRUSTED");
}

/** From the broker's own certificate to that of the authority. */
function chainOf(leaf: PeerCertificate): X509Certificate[] {
  const chain: X509Certificate[] = [];
  const seen = new Set<string>();
  let current: PeerCertificate | undefined = leaf;
  while (current?.raw !== undefined && chain.length < MAX_CHAIN) {
    const certificate = new X509Certificate(current.raw);
    if (seen.has(certificate.fingerprint256)) break;
    seen.add(certificate.fingerprint256);
    chain.push(certificate);
    current = (current as { issuerCertificate?: PeerCertificate }).issuerCertificate;
  }
  return chain;
}

/** Whether the version stands there and is 3; RFC 5280, §4.1: version 1 is written by leaving it out. */
function isVersion3({ raw }: X509Certificate): boolean {
  const body = contentStart(raw, 0);
  const version = contentStart(raw, body);
  return raw[version] === 0xa0 && raw[version + 4] === 2;
}

/** Where the content of the DER value at `offset` begins: X.690, §8.1.3. */
function contentStart(der: Uint8Array, offset: number): number {
  const length = der[offset + 1] ?? 0;
  return offset + 2 + (length < 0x80 ? 0 : length & 0x7f);
}

function coded(message: string, code: string): Error {
  return Object.assign(new Error(message), { code });
}
