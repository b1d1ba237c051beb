/**
 * The embedded broker of `--demo`: aedes, an MQTT 3.1.1 broker, on a free port of the loopback.
 *
 * @module
 */

import type { Aedes, AedesOptions } from "aedes";
import { Buffer } from "node:buffer";
import { createServer, type Server, type Socket } from "node:net";

/** What {@linkcode startDemoBroker} may be told; tests refuse and observe by `aedes`. */
export interface DemoBrokerOptions {
  /** The TCP port; default 0, a free one. */
  readonly port?: number;
  /** Handlers and limits, as aedes takes them. */
  readonly aedes?: AedesOptions;
}

/** A broker in this process. */
export interface DemoBroker extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** The broker itself, for what this interface leaves out. */
  readonly aedes: Aedes;
  /** Publishes without a client in between; resolves when the message has been handed on. */
  publish(topic: string, payload: string, options?: { retain?: boolean }): Promise<void>;
  /** Calls `receive` with each message that matches `filter`, for as long as the broker runs. */
  subscribe(filter: string, receive: (topic: string, payload: string) => void): Promise<void>;
  /** Ends the broker and every connection to it. May be called twice. */
  close(): Promise<void>;
}

const HOST = "127.0.0.1";

/**
 * Starts the broker and resolves when it accepts connections.
 *
 * @throws when the port is taken, or the permission to listen is missing
 */
export async function startDemoBroker(options: DemoBrokerOptions = {}): Promise<DemoBroker> {
  // Only `--demo` needs it, so nothing else pays for loading it.
  const { Aedes } = await import("aedes");
  const aedes = await Aedes.createBroker(options.aedes);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    // Else a retained message waits 40 ms for the TCP acknowledgement of the SUBACK before it.
    socket.setNoDelay(true);
    readWhole(socket);
    aedes.handle(socket);
  });
  let port: number;
  try {
    port = await listen(server, options.port ?? 0);
  } catch (error) {
    await new Promise<void>((resolve) => aedes.close(resolve));
    throw error;
  }

  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => closing ??= closeAll(aedes, server, sockets);
  return {
    host: HOST,
    port,
    aedes,
    publish: (topic, payload, { retain = false } = {}) =>
      publish(aedes, { topic, payload, retain }),
    subscribe: (filter, receive) =>
      new Promise((resolve) => {
        aedes.subscribe(filter, (packet, done) => {
          receive(packet.topic, packet.payload.toString());
          done();
        }, resolve);
      }),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/**
 * Makes `socket.read()` give all that has arrived, as Node did up to version 25. From then on, and
 * so in Deno 2.9, it gives the first chunk; aedes 1.2 reads once for each `readable` event, and a
 * connection that brings a packet of more than about 128 KB would hang.
 */
function readWhole(socket: Socket): void {
  const read = socket.read.bind(socket);
  socket.read = (size?: number | null): Buffer | null => {
    if (typeof size === "number") return read(size);
    const chunks: Buffer[] = [];
    for (let chunk = read(); chunk !== null; chunk = read()) chunks.push(chunk);
    return chunks.length === 0 ? null : Buffer.concat(chunks);
  };
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, HOST, () => {
      server.off("error", reject);
      const address = server.address();
      if (address === null || typeof address === "string") {
        reject(new Error(`The demo broker listens on ${address}, which is no TCP port.`));
      } else {
        resolve(address.port);
      }
    });
  });
}

function publish(
  aedes: Aedes,
  message: { topic: string; payload: string; retain: boolean },
): Promise<void> {
  return new Promise((resolve, reject) => {
    aedes.publish({
      cmd: "publish",
      topic: message.topic,
      payload: Buffer.from(message.payload),
      qos: 0,
      dup: false,
      retain: message.retain,
    }, (error) => error ? reject(error) : resolve());
  });
}

/** aedes closes the clients it has accepted; sockets that never sent a CONNECT are closed here. */
async function closeAll(aedes: Aedes, server: Server, sockets: Set<Socket>): Promise<void> {
  const serverClosed = new Promise<void>((resolve) => server.close(() => resolve()));
  await new Promise<void>((resolve) => aedes.close(resolve));
  const socketsClosed = [...sockets].map((socket) =>
    new Promise<void>((resolve) => {
      socket.once("close", () => resolve());
      socket.destroy();
    })
  );
  await Promise.all([serverClosed, ...socketsClosed]);
}
