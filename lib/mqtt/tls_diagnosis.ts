/**
 * Why the broker's certificate is not accepted. `node:tls` of Deno says of an expired one, too, that
 * its signature cannot be verified; `Deno.startTls` tells the reasons apart.
 *
 * @module
 */
import { LinkError } from "./link_error.ts";
import type { BrokerAddress } from "./transport_options.ts";

/** How long the diagnosis may take, in milliseconds. */
const DIAGNOSIS_MS = 2_000;

/** Puts the reason into `error` where it is about the broker's certificate, else gives it back. */
export async function diagnosed(
  error: unknown,
  { address, signal }: { readonly address: BrokerAddress; readonly signal: AbortSignal },
): Promise<unknown> {
  if (!(error instanceof LinkError) || !isUnverified(error.cause) || signal.aborted) return error;
  const reason = await certificateFault(address, signal);
  if (reason === undefined) return error;
  return LinkError.whileConnecting(new Error(reason, { cause: error.cause }), address);
}

function isUnverified(cause: unknown): boolean {
  const code = (cause as { code?: unknown } | undefined)?.code;
  return typeof code === "string" && /^(?:UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_)/.test(code);
}

/** What rustls says of the broker's certificate, in a handshake of its own; nothing else is sent. */
async function certificateFault(
  { host, port, tls }: BrokerAddress,
  signal: AbortSignal,
): Promise<string | undefined> {
  const options = { signal: AbortSignal.any([signal, AbortSignal.timeout(DIAGNOSIS_MS)]) };
  let connection: Deno.TcpConn | Deno.TlsConn | undefined;
  const close = (): void => {
    try {
      connection?.close();
    } catch {
      // Closed already, which is what is wanted.
    }
  };
  options.signal.addEventListener("abort", close, { once: true });
  try {
    connection = await Deno.connect({ hostname: host, port, ...options });
    connection = await Deno.startTls(connection, {
      hostname: tls.serverName ?? host,
      caCerts: tls.ca === undefined ? [] : [tls.ca],
    });
    await connection.handshake();
    return undefined;
  } catch (reason) {
    return reason instanceof Deno.errors.InvalidData ? reason.message : undefined;
  } finally {
    options.signal.removeEventListener("abort", close);
    close();
  }
}
