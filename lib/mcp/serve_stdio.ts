/**
 * Serves one client over stdin and stdout.
 *
 * @module
 */
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import type { Logger } from "../log.ts";
import type { Session } from "../access/session.ts";
import type { Audit } from "./audit.ts";
import { Confirmations } from "./confirm.ts";
import { Listening } from "./listen.ts";
import { createServer } from "./server.ts";
import { StdioTransport } from "./stdio.ts";

/** What {@linkcode serveOnStdio} needs. */
export interface ServeOptions {
  readonly session: Session;
  readonly log: Logger;
  readonly audit?: Audit | undefined;
  readonly input: ReadableStream<Uint8Array>;
  readonly output: { write(bytes: Uint8Array): Promise<number> };
  /** Called after each message that went out. */
  readonly onSent: () => void;
}

/** A client, or several, that are being served. */
export interface Serving {
  /** Settles when there is nobody left to be served. */
  readonly ended: Promise<void>;
  /** Cancels the calls in flight, ends the session, and waits until what was said is written. */
  close(): Promise<void>;
}

/**
 * Begins to serve, whichever protocol generation the host speaks; until the end of input, or until
 * nobody reads the output any more.
 */
export function serveOnStdio({ session, log, audit, ...streams }: ServeOptions): Serving {
  const listening = new Listening({ session, log, audit });
  const transport = new StdioTransport({
    ...streams,
    onReceived: (message) => listening.received(message),
    replace: (message) => listening.replace(message),
  });
  const confirmations = new Confirmations();
  const onError = eachOnce((error) => log.warning(`MCP: ${error.message}`));
  const handle = serveStdio(() => createServer({ session, log, audit, confirmations, onError }), {
    transport,
    onerror: onError,
  });
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const { onclose } = transport;
  transport.onclose = () => {
    onclose?.();
    resolve();
  };
  return {
    ended,
    async close(): Promise<void> {
      await handle.close();
      await Promise.all([transport.flush(), session[Symbol.asyncDispose]()]);
    },
  };
}

/** The entry and the server behind it both report what the transport reports. */
function eachOnce(report: (error: Error) => void): (error: Error) => void {
  const reported = new WeakSet<Error>();
  return (error) => {
    if (reported.has(error)) return;
    reported.add(error);
    report(error);
  };
}
