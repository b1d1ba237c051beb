/**
 * Where a broker is and how its bytes travel: plain TCP, TLS, or WebSocket over either.
 *
 * @module
 */
import type { IClientOptions } from "mqtt";
import type { TlsConfig } from "../../config/config.ts";
import { given } from "../../messages/json.ts";

/** Where and how to connect. */
export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
  readonly transport: "tcp" | "tls" | "ws" | "wss";
  /** For `ws` and `wss`. */
  readonly path: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly keepaliveSeconds: number;
  readonly tls: TlsConfig;
}

/** The part of mqtt.js's options that says how to reach the broker. */
export async function transportOptions(address: BrokerAddress): Promise<IClientOptions> {
  const { host, port, path, transport } = address;
  const tls = isEncrypted(address) ? await tlsOptions(address.tls) : {};
  return {
    protocol: ({ tcp: "mqtt", tls: "mqtts", ws: "ws", wss: "wss" } as const)[transport],
    host,
    // Of a WebSocket's mqtt.js writes a URL.
    hostname: isWebSocket(address) ? bracketed(host) : host,
    port,
    path,
    ...tls,
    // mqtt.js passes only some of the TLS options on to ws.
    ...(isWebSocket(address) ? { wsOptions: { ...tls, perMessageDeflate: false } } : {}),
  };
}

async function tlsOptions(tls: TlsConfig): Promise<IClientOptions> {
  const { ca, cert, key, keyPassphrase, serverName, verify } = tls;
  const { serverIdentityCheck } = await import("./server_identity.ts");
  return {
    rejectUnauthorized: verify,
    ...(verify ? { checkServerIdentity: serverIdentityCheck(ca) } : {}),
    ...given({ ca, cert, key, passphrase: keyPassphrase, servername: serverName }),
  };
}

/** Whether TLS lies under it. */
export function isEncrypted({ transport }: Pick<BrokerAddress, "transport">): boolean {
  return transport === "tls" || transport === "wss";
}

function isWebSocket({ transport }: BrokerAddress): boolean {
  return transport === "ws" || transport === "wss";
}

/** The host as it stands before a port: an IPv6 address in brackets. */
export function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
