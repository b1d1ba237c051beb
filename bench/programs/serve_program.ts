/**
 * What the clients under comparison are told, line by line, and what they answer.
 *
 * @module
 */
import process from "node:process";
import { TextLineStream } from "../../tests/brokers/text_line_stream.ts";

/** A client under comparison. */
export interface Subject {
  collect(filter: string, onMessage: (payload: Uint8Array) => void): Promise<void>;
  /** At QoS 1; settles with the acknowledgement. */
  publish(topic: string, payload: string): Promise<void>;
}

/** What a program is told to do. */
export type Order =
  | { readonly order: "collect"; readonly filter: string }
  | { readonly order: "await"; readonly count: number }
  | {
    readonly order: "publish";
    readonly topic: string;
    readonly payload: string;
    readonly count: number;
  };

/** What came of an `await`. */
export interface Collected {
  readonly received: number;
  /** Messages that came more than once. */
  readonly doubled: number;
  /** Processor time since the order, in milliseconds. */
  readonly cpuMs: number;
}

/** How long nothing may arrive before what is missing counts as lost, in milliseconds. */
const SILENCE_MS = 3_000;

/** Says that it is there, and follows orders until the input ends. */
export async function serveProgram(subject: Subject): Promise<void> {
  let received = 0;
  let doubled = 0;
  let seen = new Set<number>();
  let onMessage = (): void => {};
  const collected = async (count: number): Promise<Collected> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    let timer = setTimeout(resolve, SILENCE_MS);
    let last = 0;
    const cpuStart = process.cpuUsage();
    const watch = setInterval(() => {
      if (received === last) return;
      last = received;
      clearTimeout(timer);
      timer = setTimeout(resolve, SILENCE_MS);
    }, SILENCE_MS / 4);
    onMessage = () => received >= count && resolve();
    onMessage();
    await promise;
    clearTimeout(timer);
    clearInterval(watch);
    const { user, system } = process.cpuUsage(cpuStart);
    const result = { received, doubled, cpuMs: (user + system) / 1_000 };
    received = 0;
    doubled = 0;
    seen = new Set();
    return result;
  };
  const carryOut = async (order: Order): Promise<unknown> => {
    switch (order.order) {
      case "collect":
        await subject.collect(order.filter, (payload) => {
          received++;
          const n = numberIn(payload);
          if (seen.has(n)) doubled++;
          else seen.add(n);
          onMessage();
        });
        return {};
      case "await":
        return await collected(order.count);
      case "publish": {
        const times: number[] = [];
        for (let i = 0; i < order.count; i++) {
          const start = performance.now();
          await subject.publish(order.topic, order.payload);
          times.push(performance.now() - start);
        }
        return times;
      }
    }
  };
  console.log("{}");
  const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream());
  for await (const line of lines) console.log(JSON.stringify(await carryOut(JSON.parse(line))));
}

/** The number at the start of the payload, `{"n":7,…`, at next to no cost. */
function numberIn(payload: Uint8Array): number {
  let n = 0;
  for (let i = 5; i < payload.length; i++) {
    const digit = (payload[i] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) break;
    n = n * 10 + digit;
  }
  return n;
}
