/**
 * A publisher that costs next to nothing: the packets are made before the clock starts, and written
 * as fast as the broker takes them, from a process of its own.
 *
 * @module
 */
import { startProgram } from "./processes.ts";

/** What to publish, at QoS 0. */
export interface Burst {
  readonly host: string;
  readonly port: number;
  readonly count: number;
  readonly payloadBytes: number;
  /** The messages go to `PREFIX/0`, `PREFIX/1`, … in turns. */
  readonly prefix: string;
  readonly topics: number;
  /** Where one more message goes at the end. */
  readonly doneTopic?: string;
}

/** A burst that is ready. */
export interface LoadedBurst extends AsyncDisposable {
  /** Writes everything; settles when the broker has read it. */
  fire(): Promise<void>;
}

/** Starts the process that will publish, and waits until it is connected. */
export async function startBurst(burst: Burst): Promise<LoadedBurst> {
  const program = startProgram("burst", [JSON.stringify(burst)]);
  await program.hear();
  return {
    async fire(): Promise<void> {
      await program.tell("fire");
      await program.hear();
    },
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

const CHUNK_BYTES = 64 * 1024;
/** MQTT 3.1.1 §3.1: clean session, no Keep Alive, Client Identifier left to the broker. */
const CONNECT = Uint8Array.of(0x10, 12, 0, 4, 0x4D, 0x51, 0x54, 0x54, 4, 2, 0, 0, 0, 0);
const DISCONNECT = Uint8Array.of(0xE0, 0);
const CONNACK_BYTES = 4;

/** In the process that publishes. Each payload is JSON: `{"n":7,"pad":"…"}`. */
export async function loadBurst(burst: Burst): Promise<{ fire(): Promise<void> }> {
  const packets = encode(burst);
  const connection = await Deno.connect({ hostname: burst.host, port: burst.port });
  await writeAll(connection, CONNECT);
  await connection.read(new Uint8Array(CONNACK_BYTES));
  return {
    async fire(): Promise<void> {
      await writeAll(connection, packets);
      await writeAll(connection, DISCONNECT);
      // The broker closes when it has read everything.
      while (await connection.read(new Uint8Array(1)).catch(() => null) !== null);
      connection.close();
    },
  };
}

function payloadOf(n: number, bytes: number): string {
  const head = `{"n":${n},"pad":"`;
  return `${head}${"x".repeat(bytes - head.length - 2)}"}`;
}

function encode({ count, payloadBytes, prefix, topics, doneTopic }: Burst): Uint8Array {
  const encoder = new TextEncoder();
  const length = count + (doneTopic === undefined ? 0 : 1);
  const packets = Array.from({ length }, (_, n) => {
    const topic = n === count && doneTopic !== undefined ? doneTopic : `${prefix}/${n % topics}`;
    const name = encoder.encode(topic);
    const body = [name.length >> 8, name.length & 0xFF, ...name];
    const payload = encoder.encode(payloadOf(n, payloadBytes));
    const head = [0x30, ...remainingLength(body.length + payload.length), ...body];
    const packet = new Uint8Array(head.length + payload.length);
    packet.set(head);
    packet.set(payload, head.length);
    return packet;
  });
  const whole = new Uint8Array(packets.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const packet of packets) {
    whole.set(packet, at);
    at += packet.length;
  }
  return whole;
}

/** Variable Byte Integer, MQTT 5.0 §1.5.5. */
function remainingLength(length: number): number[] {
  return length < 128 ? [length] : [length & 127 | 128, ...remainingLength(length >> 7)];
}

async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += await connection.write(bytes.subarray(at, at + CHUNK_BYTES));
  }
}
