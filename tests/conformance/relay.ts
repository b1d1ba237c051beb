/** A relay for requests that leave out the query of the URL: it adds the key, and changes no other byte. */

/** A relay that listens. */
export interface Relay extends AsyncDisposable {
  /** The URL of the server, as it is reached by this. */
  readonly url: URL;
}

/** Relays to a server on the loopback; requests of its path without a query get that of `url`. */
export function relay(url: URL): Relay {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Promise<void>>();
  const sockets = new Set<Deno.TcpConn>();
  const withKey = (chunk: Uint8Array): Uint8Array => {
    const line = new TextEncoder().encode(`POST ${url.pathname} `);
    if (line.some((byte, at) => chunk[at] !== byte)) return chunk;
    const replaced = new TextEncoder().encode(`POST ${url.pathname}${url.search} `);
    const bytes = new Uint8Array(chunk.length - line.length + replaced.length);
    bytes.set(replaced);
    bytes.set(chunk.subarray(line.length), replaced.length);
    return bytes;
  };
  const serve = async (client: Deno.TcpConn): Promise<void> => {
    sockets.add(client);
    const server = await Deno.connect({ hostname: "127.0.0.1", port: Number(url.port) });
    sockets.add(server);
    const adding = new TransformStream<Uint8Array, Uint8Array>({
      transform: (chunk, controller) => controller.enqueue(withKey(chunk)),
    });
    // Either side may go whenever it wants.
    await Promise.allSettled([
      client.readable.pipeThrough(adding).pipeTo(server.writable),
      server.readable.pipeTo(client.writable),
    ]);
    sockets.delete(client);
    sockets.delete(server);
  };
  const accepting = (async (): Promise<void> => {
    for await (const client of listener) {
      const serving = serve(client).catch(() => {}).finally(() => open.delete(serving));
      open.add(serving);
    }
  })();
  const own = new URL(url);
  own.port = String(listener.addr.port);
  return {
    url: own,
    async [Symbol.asyncDispose](): Promise<void> {
      listener.close();
      await accepting;
      for (const socket of sockets) close(socket);
      await Promise.all(open);
    },
  };
}

function close(socket: Deno.TcpConn): void {
  try {
    socket.close();
  } catch {
    // Its stream has done so.
  }
}
