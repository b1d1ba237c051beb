/**
 * The program as a host starts it, and its watches as an agent reads them.
 *
 * @module
 */
import type { TestClient } from "../../tests/brokers/client.ts";
import { type Host, startHost, untilConnected } from "../../tests/host.ts";
import type { Context } from "./check.ts";

/** A message as a tool shows it. */
export interface Shown {
  readonly topic: string;
  readonly payload: unknown;
  readonly retain?: true;
}

/** How the program is started. */
export interface ProgramOptions {
  /** Where the broker is, or what stands before it. */
  readonly port?: number;
}

/** More than any check has. */
const LIMITS = {
  max_messages: 10_000,
  max_result_bytes: 4_194_304,
  max_watches: 40,
  watch_buffer_messages: 10_000,
};
const LAST = "last";
const AT_ONCE = 10;

/** The config that the program is started with. */
export function configFor(
  { broker, version }: Context,
  { port = broker.port }: ProgramOptions = {},
): { readonly mqtt: object; readonly topics: readonly object[]; readonly limits: object } {
  return {
    mqtt: { host: broker.host, port, protocol_version: version },
    topics: [{ pattern: "#", permissions: ["read", "write"], retain: true }],
    limits: LIMITS,
  };
}

/** Starts the program; settles when it has the broker. */
export async function startProgram(context: Context, options: ProgramOptions = {}): Promise<Host> {
  const host = await startHost({ config: configFor(context, options) });
  try {
    await untilConnected(host);
    return host;
  } catch (error) {
    await host.close();
    throw error;
  }
}

/** Calls a tool that must succeed. */
// deno-lint-ignore no-explicit-any -- a check looks into it as it pleases
export type Call = (name: string, args: object) => Promise<any>;

/** Publishes to `topic` what comes last in every watch that {@linkcode readToLast} reads. */
export async function publishLast(call: Call, topic: string): Promise<void> {
  await call("mqtt_publish", { topic, payload: LAST, qos: 1 });
}

/** What a watch has collected up to what {@linkcode publishLast} published. */
export async function readToLast(
  call: Call,
  { watch_id }: { readonly watch_id: string },
): Promise<Shown[]> {
  const got: Shown[] = [];
  while (true) {
    const { messages, dropped } = await call("mqtt_watch_read", {
      watch_id,
      timeout: 5,
      max_messages: 1_000,
    });
    if (dropped > 0) throw new Error(`the watch lost ${dropped} messages`);
    if (messages.length === 0) throw new Error(`the last message is missing after ${got.length}`);
    for (const message of messages as Shown[]) {
      if (message.payload === LAST) return got;
      got.push(message);
    }
  }
}

/** What {@linkcode publishAll} publishes. */
export interface Batch {
  readonly retain?: boolean;
  of(i: number): readonly [topic: string, payload: string];
}

/** Publishes at QoS 1, as many at once as every broker takes: mqtt.js knows no Receive Maximum. */
export async function publishAll(
  device: TestClient,
  count: number,
  { retain = false, of }: Batch,
): Promise<void> {
  for (let at = 0; at < count; at += AT_ONCE) {
    const length = Math.min(AT_ONCE, count - at);
    await Promise.all(Array.from({ length }, (_, i) => {
      const [topic, payload] = of(at + i);
      return device.publish(topic, payload, { qos: 1, retain });
    }));
  }
}
