/**
 * What can go wrong on the way to a broker, and how each is said: what it is and what to change.
 * Nothing that came over the wire gets into the words.
 *
 * @module
 */
import { bracketed, type BrokerAddress } from "../link/transport_options.ts";

/**
 * What kind of failure it is: `version`, the broker does not speak the protocol version; `refused`,
 * the broker said no; `closed`, it closed the connection without a word; `silent`, it took the
 * connection and did not answer; `timeout`, all other waiting in vain; `denied`, this process has no
 * permission; `tls`, the two could not agree on an encrypted connection; `network`,
 * all else on the way.
 */
export type LinkErrorKind =
  | "version"
  | "refused"
  | "closed"
  | "silent"
  | "timeout"
  | "denied"
  | "tls"
  | "network";

/** What the words are made of; a WebSocket's path is not among it, since it may hold a token. */
export type FaultyAddress = Pick<
  BrokerAddress,
  "host" | "port" | "transport" | "username" | "tls"
>;

/** A failure in words. */
export interface Fault {
  readonly kind: LinkErrorKind;
  readonly message: string;
}

/**
 * The words for what Node, Deno, mqtt.js or ws reported, or undefined if there are none.
 *
 * @param isAccepted whether the broker has accepted the connection
 */
export function faultOf(
  report: string,
  { address, isAccepted }: { readonly address: FaultyAddress; readonly isAccepted: boolean },
): Fault | undefined {
  const rows = isAccepted ? AT_ANY_TIME : [...WHILE_CONNECTING, ...AT_ANY_TIME];
  const row = rows.find(([pattern]) => pattern.test(report));
  return row && { kind: row[2] ?? "tls", message: inWords(row[1], address) };
}

/** The broker closed the connection where a CONNACK was expected. */
export function closedUnaccepted(address: FaultyAddress): Fault {
  const words = "the broker at {at} closed the connection without accepting it; {transport}";
  return { kind: "closed", message: inWords(words, address) };
}

/** The host and port, as they stand in a URL. */
export function at({ host, port }: Pick<BrokerAddress, "host" | "port">): string {
  return `${bracketed(host)}:${port}`;
}

function inWords(words: Words, address: FaultyAddress): string {
  const { host, transport, tls } = address;
  const values: Readonly<Record<string, string>> = {
    "{at}": at(address),
    "{name}": `"${tls.serverName ?? host}"`,
    "{transport}": `check mqtt.host and mqtt.port; ${OTHER_TRANSPORTS[transport]}`,
  };
  const template = typeof words === "string" ? words : words(address);
  return template.replaceAll(/\{\w+\}/g, (hole) => values[hole] ?? hole);
}

/** For `{transport}`. */
const OTHER_TRANSPORTS = {
  tcp: 'if that port speaks TLS or WebSocket, set mqtt.transport to "tls", "ws" or "wss"',
  tls: 'if that port speaks no TLS, set mqtt.transport to "tcp"',
  ws: 'if that port speaks TLS or no WebSocket, set mqtt.transport to "wss", "tcp" or "tls"',
  wss: 'if that port speaks no TLS or no WebSocket, set mqtt.transport to "ws", "tls" or "tcp"',
} as const;

/** `{at}` stands for host and port, `{name}` for the name that the broker's certificate must have. */
type Words = string | ((address: FaultyAddress) => string);

/** What a report of it looks like, its words, and what kind of failure it is if not `tls`. */
type FaultRow = readonly [RegExp, Words, LinkErrorKind?];

const RESET = /ECONNRESET|EPIPE|ECONNABORTED|reset by peer|broken pipe|hang up/i;

/** What mqtt-packet says of bytes that are no packet. */
const NO_MQTT =
  /Invalid header flag bits|Cannot parse|Invalid variable byte integer|Packet too short|Not supported|QoS bits set to 1|Malformed|Invalid \w+ (?:code|reason code|flags)|Unknown property/;

/** The broker's alert is about the client certificate: what is wrong if there is one. */
function ofClient(fault: string): Words {
  return ifClientCertificate(
    `the broker at {at} refused the client certificate of mqtt.tls.cert: ${fault}`,
  );
}

function ifClientCertificate(words: string): Words {
  return ({ tls }) =>
    tls.cert === undefined
      ? "the broker at {at} requires a client certificate; set mqtt.tls.cert and mqtt.tls.key"
      : words;
}

/** The first that fits counts. */
const WHILE_CONNECTING: readonly FaultRow[] = [
  [
    /before secure TLS connection was established/,
    "{at} closed the connection during the TLS handshake; {transport}",
  ],
  [RESET, "{at} reset the connection without accepting it; {transport}", "closed"],
  [NO_MQTT, "what answers at {at} speaks no MQTT; {transport}", "network"],
];

/** The first that fits counts. Of TLS: Node's codes, and the words of rustls, which Deno uses. */
const AT_ANY_TIME: readonly FaultRow[] = [
  [/ECONNREFUSED/, "nothing accepts connections at {at}; is the broker running there?", "network"],
  [
    /ENOTFOUND|EAI_AGAIN|ENODATA/,
    "the host name of {at} cannot be resolved; check mqtt.host",
    "network",
  ],
  [/EHOSTUNREACH|ENETUNREACH/, "no route to {at}", "network"],
  [/ETIMEDOUT|connack timeout/, "the broker at {at} did not answer in time", "timeout"],
  [/Keepalive timeout/, "the broker at {at} did not answer the keep-alive", "timeout"],
  [
    /ALTNAME_INVALID|NotValidForName|not valid for name/,
    "the certificate of the broker at {at} is not for the name {name}; set mqtt.tls.server_name " +
    "(or mqtt.host) to a name that stands in the certificate",
  ],
  [
    /CERT_HAS_EXPIRED|(?:peer certificate|certificate has).*expired/i,
    "the certificate of the broker at {at} has expired; its owner must renew it " +
    "(or this machine's clock is wrong)",
  ],
  [
    /CERT_NOT_YET_VALID|not (?:yet valid|valid yet)|NotValidYet/i,
    "the certificate of the broker at {at} is not valid yet; " +
    "compare the clocks of this machine and of the broker",
  ],
  [
    /extended key usage|InvalidPurpose|INVALID_PURPOSE/i,
    "the certificate of the broker at {at} is not one for servers; its owner must make one with " +
    "the extended key usage serverAuth",
  ],
  [
    /CaUsedAsEndEntity/,
    "the certificate of the broker at {at} is one of an authority (CA:TRUE); its owner must make " +
    "one for servers, or mqtt.tls.ca must hold this very certificate",
  ],
  [
    /CERT_VERSION_1|UnsupportedCertVersion/,
    "a certificate of the broker at {at} is of X.509 version 1, which cannot be checked; its owner " +
    "must make it anew as version 3, with subjectAltName",
  ],
  [
    /SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_GET|CERT_UNTRUSTED|SIGNATURE_FAILURE|UnknownIssuer|BadSignature/,
    ({ tls }) =>
      tls.ca === undefined
        ? "the certificate of the broker at {at} is signed by no authority known here; " +
          "set mqtt.tls.ca to the certificate of the authority that signed it"
        : "the certificate of the broker at {at} is not signed by an authority of mqtt.tls.ca; " +
          "set it to the certificate of the one that signed it",
  ],
  [
    // Deno's node:tls says so of nearly everything.
    /UNABLE_TO_VERIFY|DEPTH_ZERO_SELF_SIGNED/,
    ({ tls }) =>
      "the certificate of the broker at {at} is not accepted: it is not signed by an authority " +
      `${tls.ca === undefined ? "known here (see mqtt.tls.ca)" : "of mqtt.tls.ca"}, is not valid ` +
      "now, or is not one for servers; mcpmqtt check says which",
  ],
  [
    /invalid peer certificate|CERT_MALFORMED|CERT_CHAIN_TOO_LONG/,
    "the certificate of the broker at {at} cannot be checked; its owner must make another one",
  ],
  [/WRONG_VERSION_NUMBER|InvalidContentType/, "what answers at {at} speaks no TLS; {transport}"],
  [
    /alert.*(?:CertificateRequired|HandshakeFailure)|ALERT_(?:CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE)/i,
    ifClientCertificate(
      "the broker at {at} ended the TLS handshake; it does not take the client certificate of " +
        "mqtt.tls.cert, or shares no cipher with this program",
    ),
  ],
  [
    /alert.*UnknownCA|ALERT_UNKNOWN_CA/i,
    ofClient("it is signed by no authority that the broker knows"),
  ],
  [/alert.*CertificateExpired|ALERT_CERTIFICATE_EXPIRED/i, ofClient("it has expired")],
  [/alert.*CertificateRevoked|ALERT_CERTIFICATE_REVOKED/i, ofClient("it was revoked")],
  [
    /alert.*(?:BadCertificate|CertificateUnknown|UnsupportedCertificate|DecryptError|AccessDenied)|ALERT_\w*(?:CERTIFICATE|DECRYPT_ERROR|ACCESS_DENIED)/i,
    ofClient("it does not accept it; ask the broker's owner which it accepts"),
  ],
  [
    /alert.*ProtocolVersion|ALERT_PROTOCOL_VERSION|PeerIncompatible/i,
    "the broker at {at} speaks neither TLS 1.2 nor 1.3, and older ones are not spoken here",
  ],
  [
    /alert.*Unrecogni[sz]edName|ALERT_UNRECOGNIZED_NAME/i,
    "the broker at {at} does not know the name {name}; set mqtt.tls.server_name to its name",
  ],
  [
    /ERR_SSL_UNSUPPORTED_PROTOCOL/,
    ({ tls }) =>
      tls.cert === undefined
        ? "no TLS connection is possible with the settings of mqtt.tls"
        : "mqtt.tls.cert and mqtt.tls.key cannot be used: not a certificate and its own key",
  ],
  [/ERR_SSL|ERR_TLS|received fatal alert/, "the TLS handshake with {at} failed; check mqtt.tls"],
  [
    /Unexpected server response: (?:401|403)\b/,
    "the web server at {at} does not allow the WebSocket; " +
    "check mqtt.path, and who may connect there",
    "network",
  ],
  [
    /Unexpected server response/,
    "the web server at {at} has no WebSocket at mqtt.path; check mqtt.path and mqtt.port",
    "network",
  ],
  [
    /subprotocol/i,
    'the WebSocket at {at} does not speak MQTT (subprotocol "mqtt"); check mqtt.path',
    "network",
  ],
  [
    /HPE_|Parse Error|Invalid (?:Upgrade|Sec-WebSocket-Accept) header/,
    "what answers at {at} speaks no WebSocket; {transport}",
    "network",
  ],
  [RESET, "the connection to {at} was reset", "closed"],
  [NO_MQTT, "the broker at {at} sent what is no MQTT packet", "network"],
];
