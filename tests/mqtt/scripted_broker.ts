/** A TCP server that answers MQTT packets as a script says: for what no sound broker does. */

/** A packet of a client: its type (§2.1.2), flags, and what follows the Remaining Length. */
export interface ClientPacket {
  readonly type: number;
  readonly flags: number;
  readonly body: Uint8Array;
}

/** One client of the scripted broker. */
export interface ScriptedClient {
  /** 0 for the first connection. */
  readonly index: number;
  send(...bytes: number[]): void;
  close(): void;
}

/** Packet types, §2.1.2. */
export const CONNECT = 1;
export const PUBLISH = 3;
export const PUBREL = 6;
export const SUBSCRIBE = 8;
export const UNSUBSCRIBE = 10;
export const PINGREQ = 12;
export const DISCONNECT = 14;

/** Called with each packet. */
export type Script = (packet: ClientPacket, client: ScriptedClient) => void;

const HOST = "127.0.0.1";

/** Listens on a free port of the loopback until it is disposed of. */
export class ScriptedBroker implements AsyncDisposable {
  readonly host = HOST;
  readonly port: number;
  /** Connections accepted since the start. */
  accepted = 0;
  readonly #listener: Deno.TcpListener;
  readonly #script: Script;
  readonly #clients = new Map<Deno.TcpConn, Promise<void>>();
  readonly #accepting: Promise<void>;

  constructor(script: Script) {
    this.#script = script;
    this.#listener = Deno.listen({ hostname: HOST, port: 0 });
    this.port = this.#listener.addr.port;
    this.#accepting = this.#accept();
  }

  /** Connections open now. */
  get connections(): number {
    return this.#clients.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#accepting;
    const served = [...this.#clients.values()];
    for (const socket of this.#clients.keys()) shut(socket);
    await Promise.all(served);
  }

  async #accept(): Promise<void> {
    for await (const socket of this.#listener) {
      const index = this.accepted++;
      this.#clients.set(socket, this.#serve(socket, index).then(() => {}));
    }
  }

  async #serve(socket: Deno.TcpConn, index: number): Promise<void> {
    let writing = Promise.resolve();
    const client: ScriptedClient = {
      index,
      send: (...bytes) => {
        writing = writing.then(() => writeAll(socket, Uint8Array.from(bytes)));
      },
      close: () => {
        writing = writing.then(() => shut(socket));
      },
    };
    let held = new Uint8Array();
    const buffer = new Uint8Array(65_536);
    try {
      for (let size = await socket.read(buffer); size !== null; size = await socket.read(buffer)) {
        const joined = new Uint8Array(held.length + size);
        joined.set(held);
        joined.set(buffer.subarray(0, size), held.length);
        held = joined;
        for (let next = parse(held); next !== undefined; next = parse(held)) {
          held = held.slice(next.size);
          this.#script(next.packet, client);
        }
      }
    } catch {
      // A connection that breaks is what the scripts are for.
    }
    await writing;
    shut(socket);
    this.#clients.delete(socket);
  }
}

/** CONNACK with reason code 0, and in MQTT 5 the given properties. */
export function connack(version: "5" | "3.1.1", properties: readonly number[] = []): number[] {
  if (version === "3.1.1") return [0x20, 2, 0, 0];
  return [0x20, 3 + properties.length, 0, 0, properties.length, ...properties];
}

/** A SUBACK in MQTT 5 for one filter that answers a SUBSCRIBE. */
export function suback(subscribe: ClientPacket, code = 0): number[] {
  return [0x90, 4, ...identifierOf(subscribe), 0, code];
}

/** An UNSUBACK in MQTT 5 for one filter. */
export function unsuback(unsubscribe: ClientPacket): number[] {
  return [0xB0, 4, ...identifierOf(unsubscribe), 0, 0];
}

/** A DISCONNECT of MQTT 5. */
export function disconnect(reasonCode: number): number[] {
  return [0xE0, 1, reasonCode];
}

/** A PUBACK of MQTT 5 for a PUBLISH of QoS 1. */
export function puback(publish: ClientPacket, reasonCode = 0): number[] {
  const topicLength = ((publish.body[0] ?? 0) << 8) + (publish.body[1] ?? 0);
  const identifier = publish.body.subarray(2 + topicLength, 4 + topicLength);
  return [0x40, 3, ...identifier, reasonCode];
}

/** The topic name of a PUBLISH. */
export function topicOf({ body }: ClientPacket): string {
  const length = ((body[0] ?? 0) << 8) + (body[1] ?? 0);
  return new TextDecoder().decode(body.subarray(2, 2 + length));
}

function identifierOf({ body }: ClientPacket): Uint8Array {
  return body.subarray(0, 2);
}

function parse(
  bytes: Uint8Array,
): { readonly packet: ClientPacket; readonly size: number } | undefined {
  let length = 0;
  let at = 1;
  for (let shift = 0;; shift += 7) {
    const byte = bytes[at++];
    if (byte === undefined) return undefined;
    length += (byte & 0x7F) << shift;
    if (byte < 0x80) break;
  }
  const first = bytes[0] ?? 0;
  if (bytes.length < at + length) return undefined;
  const body = bytes.slice(at, at + length);
  return { packet: { type: first >> 4, flags: first & 0x0F, body }, size: at + length };
}

async function writeAll(socket: Deno.TcpConn, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  try {
    for (let written = 0; written < bytes.length;) {
      written += await socket.write(bytes.subarray(written));
    }
  } catch {
    // The client has gone.
  }
}

function shut(socket: Deno.TcpConn): void {
  try {
    socket.close();
  } catch {
    // It is closed already.
  }
}
