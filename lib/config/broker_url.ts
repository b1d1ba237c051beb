/**
 * The broker's address as a URL.
 *
 * @module
 */

/** How the bytes travel to the broker. */
export type MqttTransport = "tcp" | "tls" | "ws" | "wss";

/** What a URL says of the broker; left out where it is silent. */
export interface BrokerUrl {
  readonly transport: MqttTransport;
  /** Without the brackets of an IPv6 address. */
  readonly host: string;
  readonly port?: number;
  /** With the query; only for WebSockets. */
  readonly path?: string;
}

const TRANSPORTS: Readonly<Record<string, MqttTransport>> = {
  "mqtt:": "tcp",
  "mqtts:": "tls",
  "ws:": "ws",
  "wss:": "wss",
};

const SCHEMES = "must begin with mqtt://, mqtts://, ws:// or wss://, as in mqtt://broker.lan";
/** Schemes as other programs have them, and what they are here. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  "tcp:": "mqtt:",
  "ssl:": "mqtts:",
  "tls:": "mqtts:",
  "mqtt+ssl:": "mqtts:",
  "http:": "ws:",
  "https:": "wss:",
};

function elsewhere(scheme: string): string {
  const here = Object.hasOwn(ELSEWHERE, scheme) ? ELSEWHERE[scheme] : undefined;
  return here === undefined ? "" : `; what is ${scheme}// elsewhere is ${here}// here`;
}

/** The port of a transport where none is written. */
export const DEFAULT_PORTS: Readonly<Record<MqttTransport, number>> = {
  tcp: 1883,
  tls: 8883,
  ws: 80,
  wss: 443,
};

/**
 * Reads a broker URL. What is wrong is said without the URL itself, which may hold a password.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseBrokerUrl } from "./broker_url.ts";
 *
 * const url = parseBrokerUrl("mqtts://broker.lan");
 * assert("host" in url && url.host === "broker.lan" && url.transport === "tls");
 * assert("fault" in parseBrokerUrl("mqtt://user:pass@broker.lan"));
 * ```
 */
export function parseBrokerUrl(text: string): BrokerUrl | { readonly fault: string } {
  const [, scheme = ""] = /^([a-z][a-z\d+.-]*:)\/\//i.exec(text) ?? [];
  const transport = TRANSPORTS[scheme.toLowerCase()];
  if (transport === undefined) return { fault: `${SCHEMES}${elsewhere(scheme.toLowerCase())}` };
  const [, authority = ""] = /\/\/([^/?#]*)/.exec(text) ?? [];
  if (authority.includes("@")) {
    return {
      fault: 'must hold no user name and no password; write them to "username" and "password", ' +
        "or set MCPMQTT_USERNAME and MCPMQTT_PASSWORD",
    };
  }
  const url = URL.parse(text);
  const [, port] = /:(\d*)$/.exec(authority) ?? [];
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) {
    return { fault: "must have a port from 1 to 65535" };
  }
  if (url === null || url.hostname === "") {
    return { fault: "must have a host, as in mqtt://broker.lan" };
  }
  if (url.hash !== "") return { fault: 'must hold no "#"' };
  const path = /^[^/]*\/\/[^/?#]*[/?]/.test(text) ? url.pathname + url.search : undefined;
  const webSocket = transport === "ws" || transport === "wss";
  if (!webSocket && path !== undefined && path !== "/") {
    return { fault: "must end after the host and port; only ws:// and wss:// have a path" };
  }
  return {
    transport,
    host: withoutBrackets(url.hostname),
    ...url.port === "" ? {} : { port: Number(url.port) },
    ...webSocket && path !== undefined ? { path } : {},
  };
}

/** An IPv6 address as it stands alone. */
export function withoutBrackets(host: string): string {
  return host.replace(/^\[(.*)\]$/, "$1");
}
