/**
 * HTTP/1.1 with next to no work, so that a load is the server's and not its clients': `fetch` costs
 * more than what it asks.
 *
 * @module
 */
import type { HttpRequest } from "./http_orders.ts";

const HOST = "127.0.0.1";
const END_OF_HEAD = "\r\n\r\n";
const encoder = new TextEncoder();
const decoder = new TextDecoder("latin1");

/** An answer; a body in chunks is given as it came. */
export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
  header(name: string): string | undefined;
}

/** One connection, with one request at a time. */
export class HttpClient {
  readonly #connection: Deno.TcpConn;
  readonly #port: number;
  readonly #buffer = new Uint8Array(65_536);

  private constructor(connection: Deno.TcpConn, port: number) {
    this.#connection = connection;
    this.#port = port;
  }

  static async connect(port: number): Promise<HttpClient> {
    const connection = await Deno.connect({ hostname: HOST, port });
    connection.setNoDelay();
    return new HttpClient(connection, port);
  }

  /** What is sent for a request, made once. */
  encode({ method = "POST", headers, body }: HttpRequest): Uint8Array {
    const all = { host: `${HOST}:${this.#port}`, ...headers };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`).join("");
    const bytes = encoder.encode(body);
    const head = `${method} /mcp HTTP/1.1\r\n${lines}content-length: ${bytes.length}\r\n\r\n`;
    return new Uint8Array([...encoder.encode(head), ...bytes]);
  }

  /** Sends a request and waits for the whole answer. */
  async ask(request: Uint8Array): Promise<HttpAnswer> {
    await this.#write(request);
    let text = "";
    do text += await this.#read(); while (!isWhole(text));
    return answerOf(text);
  }

  /** Sends a request and waits for the head of the answer. */
  async begin(request: Uint8Array): Promise<HttpAnswer> {
    await this.#write(request);
    let text = "";
    do text += await this.#read(); while (!text.includes(END_OF_HEAD));
    return answerOf(text);
  }

  close(): void {
    this.#connection.close();
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.#connection.write(bytes.subarray(at));
  }

  async #read(): Promise<string> {
    const count = await this.#connection.read(this.#buffer);
    if (count === null) throw new Error("the server closed the connection");
    return decoder.decode(this.#buffer.subarray(0, count));
  }
}

function isWhole(text: string): boolean {
  const end = text.indexOf(END_OF_HEAD);
  if (end < 0) return false;
  const head = text.slice(0, end);
  const [, bytes] = /\r\ncontent-length: (\d+)/i.exec(head) ?? [];
  if (bytes !== undefined) return text.length >= end + END_OF_HEAD.length + Number(bytes);
  return !/\r\ntransfer-encoding: chunked/i.test(head) || text.endsWith("\r\n0\r\n\r\n");
}

function answerOf(text: string): HttpAnswer {
  const end = text.indexOf(END_OF_HEAD);
  const head = text.slice(0, end);
  return {
    status: Number(head.slice(9, 12)),
    text: text.slice(end + END_OF_HEAD.length),
    header: (name) => new RegExp(`\\r\\n${name}: ([^\\r]*)`, "i").exec(head)?.[1],
  };
}
