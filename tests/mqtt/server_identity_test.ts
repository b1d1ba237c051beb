import fc from "fast-check";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { PeerCertificate } from "node:tls";
import { serverIdentityCheck } from "../../lib/mqtt/link/server_identity.ts";
import {
  derOf,
  makeAuthority,
  makeSelfSigned,
  pemOf,
  type Signing,
  SIGNINGS,
} from "../brokers/certificates.ts";

const DAY_MS = 86_400_000;
const ago = (days: number): Date => new Date(Date.now() - days * DAY_MS);

const authority = makeAuthority();
/** Another one by the same name. */
const impostor = makeAuthority();
const BROKER = { name: "broker", hosts: ["localhost"] };
const leaf = authority.issue(BROKER).cert;
const between = authority.issueAuthority({ name: "between" });
const unrelated = makeAuthority("unrelated");

/** What Node gives for a chain: its own view of each certificate, with the next as the issuer. */
function peer(
  chain: readonly (string | Uint8Array)[],
  names: object = { subjectaltname: "DNS:localhost" },
): PeerCertificate {
  const views = chain.map((one): Record<string, unknown> => ({
    subject: {},
    raw: Buffer.from(typeof one === "string" ? derOf(one) : one),
    ...names,
  }));
  for (const [i, view] of views.entries()) {
    const issuer = views[i + 1];
    if (issuer !== undefined) view.issuerCertificate = issuer;
  }
  return (views[0] ?? { subject: {}, ...names }) as unknown as PeerCertificate;
}

/** The code of the refusal; undefined if the chain is accepted. */
function refusal(
  chain: readonly (string | Uint8Array)[],
  ca: string | undefined = authority.cert,
): string | undefined {
  const error = serverIdentityCheck(ca)("localhost", peer(chain));
  return (error as { code?: string } | undefined)?.code;
}

/** `length` certificates from the broker's own to one that the authority has issued. */
function chainOf(length: number): string[] {
  let last = authority;
  const chain: string[] = [];
  for (let i = 1; i < length; i++) {
    last = last.issueAuthority({ name: `authority ${i}` });
    chain.unshift(last.cert);
  }
  return [last.issue(BROKER).cert, ...chain];
}

const selfSigned = makeSelfSigned(BROKER).cert;
const old = makeAuthority("old", { version: 1 });
const rival = makeAuthority("mcpmqtt test authority", { signing: "RSA, SHA-256" });
const noCertificate = pemOf(new Uint8Array([0x30, 0x00]));

const ACCEPTED: Readonly<Record<string, readonly [chain: readonly string[], ca?: string]>> = {
  "one that the authority has issued": [[leaf]],
  "one with that of the authority": [[leaf, authority.cert]],
  "one below an authority in between": [[between.issue(BROKER).cert, between.cert]],
  "one with others in any order": [
    [between.issue(BROKER).cert, unrelated.cert, between.cert, between.cert],
  ],
  "a chain of 16": [chainOf(16)],
  "a self-signed one that is trusted itself": [[selfSigned], selfSigned],
  "one that is trusted itself": [[leaf], leaf],
  "one by the second authority of tls.ca": [[leaf], unrelated.cert + authority.cert],
  "one by the second authority of its name": [[leaf], rival.cert + impostor.cert + authority.cert],
  "one by an authority that stands after what is no certificate": [
    [leaf],
    noCertificate + authority.cert,
  ],
  "one by an authority in an older frame": [
    [leaf],
    authority.cert.replaceAll("CERTIFICATE", "X509 CERTIFICATE"),
  ],
  "one by an authority of version 1": [[old.issue(BROKER).cert], old.cert],
  "one with that of an authority of version 1": [[old.issue(BROKER).cert, old.cert], old.cert],
};

for (const [what, [chain, ca]] of Object.entries(ACCEPTED)) {
  Deno.test(`serverIdentityCheck() accepts ${what}`, () => {
    assert.equal(refusal(chain, ca), undefined);
  });
}

const signings = Object.keys(SIGNINGS) as Signing[];
const ofEachKind = signings.map((signing) => makeAuthority("one", { signing }).cert).join("");

for (const signing of signings) {
  const isWeak = signing.endsWith("SHA-1");
  Deno.test(`serverIdentityCheck() ${isWeak ? "refuses" : "accepts"} ${signing}`, () => {
    const issuer = makeAuthority("one", { signing });
    const { cert } = issuer.issue(BROKER);
    const code = refusal([cert], ofEachKind + issuer.cert);
    assert.equal(code, isWeak ? "CERT_SIGNATURE_FAILURE" : undefined);
    // All RSA keys are the same.
    if (!signing.startsWith("RSA")) {
      assert.equal(refusal([cert], ofEachKind), "CERT_SIGNATURE_FAILURE");
    }
  });
}

const forgedBetween = impostor.issueAuthority({ name: "between" });
const belowForged = forgedBetween.issue(BROKER).cert;
const noAuthority = authority.issueAuthority({ name: "no authority", isAuthority: false });
const expired = authority.issueAuthority({ name: "x", notBefore: ago(3), notAfter: ago(2) });
const early = authority.issueAuthority({ name: "x", notBefore: ago(-2), notAfter: ago(-3) });
const version1 = impostor.issueAuthority({ name: "version 1", version: 1 });
const UNTRUSTED: Readonly<Record<string, readonly [chain: readonly string[], ca?: string]>> = {
  "a forged issuer": [[impostor.issue(BROKER).cert]],
  "a forged issuer with the true one": [[impostor.issue(BROKER).cert, authority.cert]],
  "a forged issuer with that of the forger": [[impostor.issue(BROKER).cert, impostor.cert]],
  "a forged issuer in between": [[belowForged, forgedBetween.cert]],
  "a forged issuer in between with the true root": [
    [belowForged, forgedBetween.cert, authority.cert],
  ],
  "a forged issuer in between with that of the forger": [
    [belowForged, forgedBetween.cert, impostor.cert],
  ],
  "a forged issuer below the true one in between": [[belowForged, between.cert]],
  "a missing certificate in between": [[between.issue(BROKER).cert]],
  "a self-signed certificate": [[selfSigned]],
  "an issuer that is no authority": [[noAuthority.issue(BROKER).cert, noAuthority.cert]],
  "an issuer of another name with the same key": [
    [makeAuthority("one", { signing: "RSA, SHA-256" }).issue(BROKER).cert],
    makeAuthority("two", { signing: "RSA, SHA-256" }).cert,
  ],
  "a certificate that has expired": [
    [authority.issue({ ...BROKER, notBefore: ago(3), notAfter: ago(2) }).cert],
  ],
  "a certificate that is not valid yet": [
    [authority.issue({ ...BROKER, notBefore: ago(-2), notAfter: ago(-3) }).cert],
  ],
  "an issuer that has expired": [[expired.issue(BROKER).cert, expired.cert]],
  "an issuer that is not valid yet": [[early.issue(BROKER).cert, early.cert]],
  "tls.ca without a certificate": [[leaf], noCertificate],
};

for (const [what, [chain, ca]] of Object.entries(UNTRUSTED)) {
  Deno.test(`serverIdentityCheck() refuses ${what}`, () => {
    assert.equal(refusal(chain, ca), "CERT_SIGNATURE_FAILURE");
  });
}

const versions: Readonly<Record<string, readonly [chain: readonly string[], ca?: string]>> = {
  "of version 1": [[authority.issue({ ...BROKER, version: 1 }).cert]],
  "of version 1 that is trusted itself": (() => {
    const { cert } = makeSelfSigned({ ...BROKER, version: 1 });
    return [[cert], cert];
  })(),
  "of version 2": [[authority.issue({ ...BROKER, version: 2 }).cert]],
  "of a version that begins like 3": [[authority.issue({ ...BROKER, version: 513 }).cert]],
  "with an issuer of version 1": [[version1.issue(BROKER).cert, version1.cert]],
  "with one of version 1 that has nothing to do with it": [[leaf, version1.cert]],
  "with one of version 1 after the root": [[leaf, authority.cert, version1.cert]],
  "with one of version 1 after one that comes twice": [
    [leaf, unrelated.cert, unrelated.cert, version1.cert],
  ],
};

for (const [what, [chain, ca]] of Object.entries(versions)) {
  Deno.test(`serverIdentityCheck() refuses a certificate ${what}`, () => {
    assert.equal(refusal(chain, ca), "CERT_VERSION_1");
  });
}

Deno.test("serverIdentityCheck() refuses a chain of more than 16, whatever comes then", () => {
  assert.equal(refusal(chainOf(17)), "CERT_CHAIN_TOO_LONG");
  const padding = Array.from({ length: 16 }, () => authority.cert);
  assert.equal(refusal([leaf, ...padding, version1.cert]), "CERT_CHAIN_TOO_LONG");
  const [first, second] = [peer([leaf]), peer([authority.cert])];
  Object.assign(first, { issuerCertificate: second });
  Object.assign(second, { issuerCertificate: first });
  const error = serverIdentityCheck(authority.cert)("localhost", first);
  assert.equal((error as { code?: string }).code, "CERT_CHAIN_TOO_LONG");
});

Deno.test("serverIdentityCheck() takes an issuer that names itself for the end of the chain", () => {
  const own = peer([selfSigned]);
  Object.assign(own, { issuerCertificate: own });
  assert.equal(serverIdentityCheck(selfSigned)("localhost", own), undefined);
});

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

/** The same certificate in other bytes; none of those is signed. */
const OTHER_BYTES: Readonly<Record<string, (pem: string) => Uint8Array>> = {
  "a byte after it": (pem) => bytes(...derOf(pem), 0),
  "a longer length": (pem) => bytes(0x30, 0x83, 0, ...derOf(pem).subarray(2)),
  "a byte after the signature": (pem) => reassembled(pem, (parts) => [...parts, [0]]),
  "a longer length of the signature": (pem) =>
    reassembled(
      pem,
      ([body, algorithm, [tag, ...rest]]) => [body, algorithm, [tag, 0x81, ...rest]],
    ),
  "a far longer length of the signature": (pem) =>
    reassembled(pem, ([body, algorithm, [tag, ...rest]]) => {
      return [body, algorithm, [tag, 0x82, 0, ...rest]];
    }),
  "a parameter of the algorithm": (pem) =>
    reassembled(pem, ([body, [tag, length, ...rest], signature]) => {
      return [body, [tag, length + 2, ...rest, 5, 0], signature];
    }),
};

type Part = [tag: number, length: number, ...content: number[]];

/** The body, the algorithm and the signature as `change` has them. */
function reassembled(
  pem: string,
  change: (parts: [body: Part, algorithm: Part, signature: Part]) => number[][],
): Uint8Array {
  const der = [...derOf(pem)];
  // The body is of 256 bytes and more, and the others are of 127 and less.
  const bodyEnd = 8 + (der[6] ?? 0) * 0x100 + (der[7] ?? 0);
  const algorithmEnd = bodyEnd + 2 + (der[bodyEnd + 1] ?? 0);
  const parts = [der.slice(4, bodyEnd), der.slice(bodyEnd, algorithmEnd), der.slice(algorithmEnd)];
  const content = change(parts as [Part, Part, Part]).flat();
  return bytes(0x30, 0x82, content.length >> 8, content.length & 0xff, ...content);
}

for (const [what, change] of Object.entries(OTHER_BYTES)) {
  Deno.test(`serverIdentityCheck() refuses ${what}, wherever it stands`, () => {
    assert.equal(refusal([change(leaf)]), "CERT_MALFORMED");
    const below = between.issue(BROKER).cert;
    assert.equal(refusal([below, change(between.cert)]), "CERT_MALFORMED");
    assert.equal(refusal([leaf, change(unrelated.cert)]), "CERT_MALFORMED");
  });
}

Deno.test("serverIdentityCheck() refuses what is no certificate", () => {
  for (const one of [bytes(), bytes(0x30, 0x80), bytes(0x30, 0x00)]) {
    assert.equal(refusal([one]), "CERT_MALFORMED");
    assert.equal(refusal([leaf, one]), "CERT_MALFORMED");
  }
});

Deno.test("serverIdentityCheck() refuses a certificate with one bit changed, whichever it is", () => {
  let der = derOf(leaf);
  // So that the head of the signature can say that the last bit is none of it.
  while (((der.at(-1) ?? 0) & 1) === 1) der = derOf(authority.issue(BROKER).cert);
  const assertRefused = (bit: number): void => {
    const changed = Uint8Array.from(der);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ 1 << (bit & 7);
    assert.notEqual(refusal([changed]), undefined, `bit ${bit}`);
  };
  // The length, the algorithm and the head of the signature: what no signature covers.
  for (let bit = 0; bit < 4 * 8; bit++) assertRefused(bit);
  for (let bit = (der.length - 90) * 8; bit < der.length * 8; bit++) assertRefused(bit);
  fc.assert(fc.property(fc.nat(der.length * 8 - 1), assertRefused), { numRuns: 300 });
});

Deno.test("serverIdentityCheck() is not taken in by PEM text within a certificate", () => {
  const hidden = makeSelfSigned({ ...BROKER, name: `\n${leaf}` }).cert;
  assert.equal(refusal([hidden]), "CERT_SIGNATURE_FAILURE");
});

Deno.test("serverIdentityCheck() refuses a certificate for another name", () => {
  for (
    const [host, names] of [
      ["localhost", { subjectaltname: "DNS:other.example" }],
      ["127.0.0.1", { subjectaltname: "DNS:localhost, IP Address:127.0.0.2" }],
      ["localhost", {}],
    ] as const
  ) {
    const error = serverIdentityCheck(authority.cert)(host, peer([leaf], names));
    assert.equal((error as { code?: string }).code, "ERR_TLS_CERT_ALTNAME_INVALID");
  }
});

Deno.test("serverIdentityCheck() refuses, and does not throw, if the names cannot be read", () => {
  const names = { subjectaltname: 'DNS:"localhost' };
  const error = serverIdentityCheck(authority.cert)("localhost", peer([leaf], names));
  assert.equal((error as { code?: string }).code, "CERT_MALFORMED");
});

Deno.test("serverIdentityCheck() refuses a broker without a certificate", () => {
  for (const ca of [authority.cert, undefined]) {
    const error = serverIdentityCheck(ca)("localhost", peer([]));
    assert.equal((error as { code?: string }).code, "CERT_MALFORMED");
  }
});

Deno.test("serverIdentityCheck() without tls.ca leaves the signatures to Deno, and no more", () => {
  const codeOf = (...chain: (string | Uint8Array)[]): string | undefined => {
    const error = serverIdentityCheck(undefined)("localhost", peer(chain));
    return (error as { code?: string } | undefined)?.code;
  };
  assert.equal(codeOf(leaf), undefined);
  assert.equal(codeOf(leaf, authority.cert), undefined);
  assert.equal(codeOf(leaf, version1.cert), "CERT_VERSION_1");
  assert.equal(codeOf(bytes(...derOf(leaf), 0)), "CERT_MALFORMED");
  const error = serverIdentityCheck(undefined)("other", peer([leaf]));
  assert.equal((error as { code?: string }).code, "ERR_TLS_CERT_ALTNAME_INVALID");
});
