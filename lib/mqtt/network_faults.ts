/**
 * What can go wrong on the way to a broker, and how each is said: what it is and what to change.
 * Nothing that came over the wire gets into the words.
 *
 * @module
 */
import {
  at,
  type FaultRow,
  type FaultyAddress,
  type LinkErrorKind,
  otherTransport,
} from "./fault_row.ts";
import { TLS_FAULTS } from "./tls_faults.ts";

export { at, type FaultyAddress, type LinkErrorKind } from "./fault_row.ts";

/** A failure in words. */
export interface Fault {
  readonly kind: LinkErrorKind;
  readonly message: string;
}

/** The words for what Node, Deno, mqtt.js or ws reported, or undefined where there are none. */
export function networkFault(report: string, address: FaultyAddress): Fault | undefined {
  return find(ANY_TIME, report, address);
}

/** As {@linkcode networkFault}, for a connection that the broker has not accepted yet. */
export function connectFault(report: string, address: FaultyAddress): Fault | undefined {
  return find(CONNECTING, report, address) ?? networkFault(report, address);
}

/** The broker closed the connection where a CONNACK was expected. */
export function closedUnaccepted(address: FaultyAddress): Fault {
  const message = `the broker at ${at(address)} closed the connection without accepting it; ` +
    otherTransport(address);
  return { kind: "closed", message };
}

function find(
  rows: readonly FaultRow[],
  report: string,
  address: FaultyAddress,
): Fault | undefined {
  const row = rows.find(([pattern]) => pattern.test(report));
  return row && { kind: row[1], message: row[2](address) };
}

/** What mqtt-packet says of bytes that are no packet. */
const NO_MQTT =
  /Invalid header flag bits|Cannot parse|Invalid variable byte integer|Packet too short|Not supported|QoS bits set to 1|Malformed|Invalid \w+ (?:code|reason code|flags)|Unknown property/;

const CONNECTING: readonly FaultRow[] = [
  [
    /before secure TLS connection was established/,
    "tls",
    (address) =>
      `${at(address)} closed the connection during the TLS handshake; ${otherTransport(address)}`,
  ],
  [
    /ECONNRESET|EPIPE|ECONNABORTED|reset by peer|broken pipe|hang up/i,
    "closed",
    (address) =>
      `${at(address)} reset the connection without accepting it; ${otherTransport(address)}`,
  ],
  [
    NO_MQTT,
    "network",
    (address) => `what answers at ${at(address)} speaks no MQTT; ${otherTransport(address)}`,
  ],
];

const ANY_TIME: readonly FaultRow[] = [
  [
    /ECONNREFUSED/,
    "network",
    (address) => `nothing accepts connections at ${at(address)}; is the broker running there?`,
  ],
  [
    /ENOTFOUND|EAI_AGAIN|ENODATA/,
    "network",
    (address) => `the host name of ${at(address)} cannot be resolved; check mqtt.host`,
  ],
  [/EHOSTUNREACH|ENETUNREACH/, "network", (address) => `no route to ${at(address)}`],
  [
    /ETIMEDOUT|connack timeout/,
    "timeout",
    (address) => `the broker at ${at(address)} did not answer in time`,
  ],
  [
    /Keepalive timeout/,
    "timeout",
    (address) => `the broker at ${at(address)} did not answer the keep-alive`,
  ],
  ...TLS_FAULTS,
  [
    /Unexpected server response: (?:401|403)\b/,
    "network",
    (address) =>
      `the web server at ${at(address)} does not allow the WebSocket; ` +
      "check mqtt.path, and who may connect there",
  ],
  [
    /Unexpected server response/,
    "network",
    (address) =>
      `the web server at ${
        at(address)
      } has no WebSocket at mqtt.path; check mqtt.path and mqtt.port`,
  ],
  [
    /subprotocol/i,
    "network",
    (address) =>
      `the WebSocket at ${at(address)} does not speak MQTT (subprotocol "mqtt"); check mqtt.path`,
  ],
  [
    /HPE_|Parse Error|Invalid (?:Upgrade|Sec-WebSocket-Accept) header/,
    "network",
    (address) => `what answers at ${at(address)} speaks no WebSocket; ${otherTransport(address)}`,
  ],
  [
    /ECONNRESET|EPIPE|ECONNABORTED|reset by peer|broken pipe|hang up/i,
    "closed",
    (address) => `the connection to ${at(address)} was reset`,
  ],
  [
    NO_MQTT,
    "network",
    (address) => `the broker at ${at(address)} sent what is no MQTT packet`,
  ],
];
