/**
 * A pass between a client and a broker that counts what the broker sends.
 *
 * @module
 */
import { HOST, type RunningBroker } from "./broker.ts";

/** An open pass. */
export interface Tap extends AsyncDisposable {
  readonly port: number;
  receivedBytes(): number;
}

/** Listens on a free port. */
export function openTap(broker: Pick<RunningBroker, "host" | "port">): Tap {
  const listener = Deno.listen({ hostname: HOST, port: 0 });
  const connections = new Set<Promise<unknown>>();
  let bytes = 0;
  const pass = async (client: Deno.TcpConn): Promise<void> => {
    const upstream = await Deno.connect({ hostname: broker.host, port: broker.port });
    const counting = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform(chunk, controller): void {
        bytes += chunk.length;
        controller.enqueue(chunk);
      },
    });
    await Promise.allSettled([
      client.readable.pipeTo(upstream.writable),
      upstream.readable.pipeThrough(counting).pipeTo(client.writable),
    ]);
  };
  const accepting = (async () => {
    for await (const client of listener) connections.add(pass(client));
  })();
  return {
    port: listener.addr.port,
    receivedBytes: () => bytes,
    async [Symbol.asyncDispose](): Promise<void> {
      listener.close();
      await accepting;
      await Promise.all(connections);
    },
  };
}
