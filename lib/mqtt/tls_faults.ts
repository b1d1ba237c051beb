/**
 * What can go wrong between two that want to speak TLS. Node's codes, and the words of rustls, which
 * is what Deno uses.
 *
 * @module
 */
import { at, type FaultRow, type FaultyAddress, otherTransport } from "./fault_row.ts";

/** What the client certificate lacks, after the broker's alert. */
function ofClient(fault: string): (address: FaultyAddress) => string {
  return (address) =>
    address.tls.cert === undefined
      ? `the broker at ${at(address)} requires a client certificate; ` +
        "set mqtt.tls.cert and mqtt.tls.key"
      : `the broker at ${at(address)} refused the client certificate of mqtt.tls.cert: ${fault}`;
}

/** For {@linkcode networkFault}; the first that fits counts. */
export const TLS_FAULTS: readonly FaultRow[] = [
  [
    /ALTNAME_INVALID|NotValidForName|not valid for name/,
    "tls",
    (address) =>
      `the certificate of the broker at ${at(address)} is not for the name ` +
      `"${address.tls.serverName ?? address.host}"; set mqtt.tls.server_name (or mqtt.host) to a ` +
      "name that stands in the certificate",
  ],
  [
    /CERT_HAS_EXPIRED|(?:peer certificate|certificate has).*expired/i,
    "tls",
    (address) =>
      `the certificate of the broker at ${at(address)} has expired; its owner must renew it ` +
      "(or this machine's clock is wrong)",
  ],
  [
    /CERT_NOT_YET_VALID|not (?:yet valid|valid yet)|NotValidYet/i,
    "tls",
    (address) =>
      `the certificate of the broker at ${at(address)} is not valid yet; ` +
      "compare the clocks of this machine and of the broker",
  ],
  [
    /extended key usage|InvalidPurpose|INVALID_PURPOSE/i,
    "tls",
    (address) =>
      `the certificate of the broker at ${at(address)} is not one for servers; its owner must ` +
      "make one with the extended key usage serverAuth",
  ],
  [
    /CaUsedAsEndEntity/,
    "tls",
    (address) =>
      `the certificate of the broker at ${
        at(address)
      } is one of an authority (CA:TRUE); its owner ` +
      "must make one for servers, or mqtt.tls.ca must hold this very certificate",
  ],
  [
    /CERT_VERSION_1|UnsupportedCertVersion/,
    "tls",
    (address) =>
      `a certificate of the broker at ${at(address)} is of X.509 version 1, which cannot be ` +
      "checked; its owner must make it anew as version 3, with subjectAltName",
  ],
  [
    /UNABLE_TO_(?:VERIFY|GET)|SELF_SIGNED|CERT_UNTRUSTED|SIGNATURE_FAILURE|UnknownIssuer|BadSignature/,
    "tls",
    (address) =>
      address.tls.ca === undefined
        ? `the certificate of the broker at ${at(address)} is signed by no authority known here; ` +
          "set mqtt.tls.ca to the certificate of the authority that signed it"
        : `the certificate of the broker at ${at(address)} is not signed by an authority of ` +
          "mqtt.tls.ca; set it to the certificate of the one that signed it",
  ],
  [
    /invalid peer certificate/,
    "tls",
    (address) =>
      `the certificate of the broker at ${at(address)} cannot be checked; its owner must make ` +
      "another one",
  ],
  [
    /WRONG_VERSION_NUMBER|InvalidContentType/,
    "tls",
    (address) => `what answers at ${at(address)} speaks no TLS; ${otherTransport(address)}`,
  ],
  [
    /alert.*(?:CertificateRequired|HandshakeFailure)|ALERT_(?:CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE)/i,
    "tls",
    (address) =>
      address.tls.cert === undefined
        ? ofClient("")(address)
        : `the broker at ${at(address)} ended the TLS handshake; it does not take the client ` +
          "certificate of mqtt.tls.cert, or shares no cipher with this program",
  ],
  [
    /alert.*UnknownCA|ALERT_UNKNOWN_CA/i,
    "tls",
    ofClient("it is signed by no authority that the broker knows"),
  ],
  [/alert.*CertificateExpired|ALERT_CERTIFICATE_EXPIRED/i, "tls", ofClient("it has expired")],
  [/alert.*CertificateRevoked|ALERT_CERTIFICATE_REVOKED/i, "tls", ofClient("it was revoked")],
  [
    /alert.*(?:BadCertificate|CertificateUnknown|UnsupportedCertificate|DecryptError|AccessDenied)|ALERT_\w*(?:CERTIFICATE|DECRYPT_ERROR|ACCESS_DENIED)/i,
    "tls",
    ofClient("it does not accept it; ask the broker's owner which it accepts"),
  ],
  [
    /alert.*ProtocolVersion|ALERT_PROTOCOL_VERSION|PeerIncompatible/i,
    "tls",
    (address) =>
      `the broker at ${
        at(address)
      } speaks neither TLS 1.2 nor 1.3, and older ones are not spoken here`,
  ],
  [
    /alert.*Unrecogni[sz]edName|ALERT_UNRECOGNIZED_NAME/i,
    "tls",
    (address) =>
      `the broker at ${at(address)} does not know the name ` +
      `"${address.tls.serverName ?? address.host}"; set mqtt.tls.server_name to its name`,
  ],
  [
    /ERR_SSL_UNSUPPORTED_PROTOCOL/,
    "tls",
    ({ tls }) =>
      tls.cert === undefined
        ? "no TLS connection is possible with the settings of mqtt.tls"
        : "mqtt.tls.cert and mqtt.tls.key cannot be used: not a certificate and its own key",
  ],
  [
    /ERR_SSL|ERR_TLS|received fatal alert/,
    "tls",
    (address) => `the TLS handshake with ${at(address)} failed; check mqtt.tls`,
  ],
];
