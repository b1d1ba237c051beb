/** One connection through the fault-injecting proxy. */

/** The state of the line, asked by each connection for each chunk. */
export interface Line {
  /** Nothing is passed on while it is pending; what arrives is kept. */
  readonly open: Promise<void>;
  readonly delayMs: number;
  /** What arrives is thrown away. */
  readonly swallow: boolean;
  /** How many of these bytes from the broker may pass; after the `last` ones the line is cut. */
  allow(bytesFromBroker: number): { readonly bytes: number; readonly last: boolean };
  /** Cuts every connection. */
  cut(): void;
}

/** A client's connection and the one to the broker that belongs to it. */
export class ProxyConnection {
  readonly #client: Deno.TcpConn;
  readonly #line: Line;
  #broker: Deno.TcpConn | undefined;
  readonly #closed = Promise.withResolvers<void>();
  #isClosed = false;

  constructor(client: Deno.TcpConn, line: Line) {
    this.#client = client;
    this.#line = line;
  }

  /** Passes bytes on until one side closes or {@linkcode ProxyConnection.close}; never rejects. */
  async run(target: { readonly host: string; readonly port: number }): Promise<void> {
    try {
      const broker = await Deno.connect({ hostname: target.host, port: target.port });
      if (this.#isClosed) return broker.close();
      this.#broker = broker;
      await Promise.all([this.#pump(this.#client, broker), this.#pump(broker, this.#client)]);
    } catch (error) {
      if (!isConnectionError(error)) throw error;
    } finally {
      this.close();
    }
  }

  /** Closes both sides. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#client.close();
    this.#broker?.close();
    this.#closed.resolve();
  }

  /** Writes bytes to the client that the broker never sent. */
  async inject(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await ignoreClosed(writeAll(this.#client, bytes));
  }

  async #pump(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
    const fromBroker = from === this.#broker;
    const buffer = new Uint8Array(65_536);
    try {
      while (!this.#isClosed) {
        const size = await from.read(buffer);
        if (size === null) break;
        await this.#wait();
        if (this.#isClosed) return;
        if (this.#line.swallow) continue;
        const allowed = fromBroker ? this.#line.allow(size) : { bytes: size, last: false };
        await writeAll(to, buffer.subarray(0, allowed.bytes));
        if (allowed.last) this.#line.cut();
      }
    } catch (error) {
      if (!isConnectionError(error)) throw error;
    }
    // A cable pulled out carries no FIN either.
    if (fromBroker && this.#line.swallow) await this.#closed.promise;
    this.close();
  }

  async #wait(): Promise<void> {
    const { delayMs } = this.#line;
    if (delayMs > 0) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const passed = new Promise<void>((resolve) => timer = setTimeout(resolve, delayMs));
      await Promise.race([passed, this.#closed.promise]);
      clearTimeout(timer);
    }
    await Promise.race([this.#line.open, this.#closed.promise]);
  }
}

async function writeAll(to: Deno.TcpConn, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  let written = 0;
  while (written < bytes.length) written += await to.write(bytes.subarray(written));
}

async function ignoreClosed(writing: Promise<void>): Promise<void> {
  try {
    await writing;
  } catch (error) {
    if (!isConnectionError(error)) throw error;
  }
}

function isConnectionError(error: unknown): boolean {
  return error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted ||
    error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.ConnectionRefused ||
    error instanceof Deno.errors.ConnectionAborted || error instanceof Deno.errors.NotConnected;
}
