/**
 * What the tables of faults are made of.
 *
 * @module
 */
import { bracketed, type BrokerAddress } from "./transport_options.ts";

/**
 * What kind of failure it is: `version`, the broker does not speak the protocol version; `refused`,
 * the broker said no; `closed`, it closed the connection without a word; `timeout`; `denied`, this
 * process has no permission; `tls`, the two could not agree on an encrypted connection; `network`,
 * all else on the way.
 */
export type LinkErrorKind =
  | "version"
  | "refused"
  | "closed"
  | "timeout"
  | "denied"
  | "tls"
  | "network";

/** What the words are made of. */
export type FaultyAddress = Pick<
  BrokerAddress,
  "host" | "port" | "transport" | "username" | "tls"
>;

/** What a report looks like, what kind of failure it is, and its words. */
export type FaultRow = readonly [RegExp, LinkErrorKind, (address: FaultyAddress) => string];

/** The host and port, as they stand in a URL. */
export function at({ host, port }: Pick<BrokerAddress, "host" | "port">): string {
  return `${bracketed(host)}:${port}`;
}

/** What to try where the port speaks something else. */
export function otherTransport({ transport }: FaultyAddress): string {
  const others = {
    tcp: 'if that port speaks TLS or WebSocket, set mqtt.transport to "tls", "ws" or "wss"',
    tls: 'if that port speaks no TLS, set mqtt.transport to "tcp"',
    ws: 'if that port speaks TLS or no WebSocket, set mqtt.transport to "wss", "tcp" or "tls"',
    wss: 'if that port speaks no TLS or no WebSocket, set mqtt.transport to "ws", "tls" or "tcp"',
  };
  return `check mqtt.host and mqtt.port; ${others[transport]}`;
}
