/**
 * Why the broker's certificate is not accepted. `node:tls` of Deno says the same of an expired one
 * and of one by an unknown authority; `Deno.startTls` tells the reasons apart.
 *
 * @module
 */
import { LinkError } from "./link_error.ts";
import { type BrokerAddress, isEncrypted } from "../link/transport_options.ts";

/**
 * Says what is wrong with the broker's certificate, or undefined if nothing is found within
 * `timeoutMs`. That takes a connection of its own, over which nothing is sent after the TLS handshake.
 */
export async function certificateFault(
  address: BrokerAddress,
  timeoutMs = 2_000,
): Promise<string | undefined> {
  if (!isEncrypted(address) || !address.tls.verify) return undefined;
  const report = await refusal(address, AbortSignal.timeout(timeoutMs));
  return report && LinkError.whileConnecting(new Error(report), address).message;
}

/** What rustls says of the broker's certificate. */
async function refusal(
  { host, port, tls }: BrokerAddress,
  signal: AbortSignal,
): Promise<string | undefined> {
  let connection: Deno.TcpConn | Deno.TlsConn | undefined;
  const close = (): void => {
    try {
      connection?.close();
    } catch {
      // Closed already, which is what is wanted.
    }
  };
  signal.addEventListener("abort", close, { once: true });
  try {
    connection = await Deno.connect({ hostname: host, port, signal });
    connection = await Deno.startTls(connection, {
      hostname: tls.serverName ?? host,
      caCerts: tls.ca === undefined ? [] : [tls.ca],
    });
    await connection.handshake();
    return undefined;
  } catch (reason) {
    const isAboutIt = reason instanceof Error &&
      reason.message.startsWith("invalid peer certificate");
    return isAboutIt ? reason.message : undefined;
  } finally {
    signal.removeEventListener("abort", close);
    close();
  }
}
