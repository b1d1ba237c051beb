/**
 * How fast a burst is collected, and what of it is lost.
 *
 * @module
 */
import { startHost } from "../tests/host.ts";
import { type BenchBroker, startBrokers } from "./brokers.ts";
import { type LoadedBurst, startBurst } from "./burst.ts";
import { startProgram } from "./processes.ts";
import type { Collected } from "./programs/serve_program.ts";
import {
  atLeast,
  atMost,
  type BenchOptions,
  formatMs,
  formatRate,
  type Line,
  type Section,
} from "./report.ts";
import { inTurns, median } from "./samples.ts";

const PAYLOAD_BYTES = 200;
const TOPIC = "bench/burst";
const DONE = "bench/done";
/** By then a subscription of this machine to itself is in force, in milliseconds. */
const SUBSCRIBED_MS = 100;
const MIN_RATIO = 0.8;

/** One burst: how long until the last message was there, and how many were. */
interface Run {
  readonly ms: number;
  /** Processor time of the receiving process; undefined where it is not known. */
  readonly cpuMs?: number;
  readonly received: number;
  readonly doubled: number;
}

/** Bursts into mqtt.js, into `Connection.collect`, and into a watch of the server. */
export async function collecting({ quick }: BenchOptions): Promise<Section> {
  const count = quick ? 5_000 : 20_000;
  const rounds = quick ? 3 : 7;
  const lines: Line[] = [];
  for (const broker of await startBrokers()) {
    await using _ = broker;
    const runs = await inTurns({
      bare: () => burstInto("bare", broker, count),
      lib: () => burstInto("lib", broker, count),
      watch: () => burstIntoWatch(broker, count),
    }, rounds);
    const bareMs = median(runs.bare.map(({ ms }) => ms));
    const line = (name: string, of: readonly Run[]): Line => {
      const ms = median(of.map((run) => run.ms));
      const ratio = bareMs / ms;
      return {
        name: `${broker.name}, ${name}`,
        ratio,
        measured: formatRate(count, ms),
        ...(of === runs.bare ? {} : { goal: atLeast(MIN_RATIO, ratio) }),
      };
    };
    const missing = Object.values(runs).flat()
      .reduce((sum, { received, doubled }) => sum + count - (received - doubled), 0);
    const doubled = Object.values(runs).flat().reduce((sum, run) => sum + run.doubled, 0);
    lines.push(
      line("mqtt.js", runs.bare),
      line("Connection.collect()", runs.lib),
      line("mqtt_watch", runs.watch),
      processorLine(broker, runs, count),
      { name: `${broker.name}, lost`, measured: String(missing), goal: atMost(0, missing) },
      { name: `${broker.name}, doubled`, measured: String(doubled), goal: atMost(0, doubled) },
    );
  }
  return {
    title: `Collecting a burst of ${
      count.toLocaleString("en")
    } messages of ${PAYLOAD_BYTES} bytes, QoS 0`,
    baseline: "mqtt.js with a message listener, in a process of its own, on the same broker",
    lines,
    notes: ["from the first byte published to the last message received; higher is faster"],
  };
}

/** Where the broker is slower than its reader, only this tells what the reader costs. */
function processorLine(
  { name }: BenchBroker,
  { bare, lib }: { readonly bare: readonly Run[]; readonly lib: readonly Run[] },
  count: number,
): Line {
  const [bareMs, libMs] = [bare, lib].map((runs) => median(runs.map(({ cpuMs = NaN }) => cpuMs)));
  const [bareEach, libEach] = [(bareMs ?? NaN) / count, (libMs ?? NaN) / count];
  return {
    name: `${name}, Connection.collect(), messages per processor time`,
    ratio: bareEach / libEach,
    measured: `${formatMs(libEach)} each, mqtt.js ${formatMs(bareEach)}`,
  };
}

async function burstInto(
  program: "bare" | "lib",
  broker: BenchBroker,
  count: number,
): Promise<Run> {
  await using subject = startProgram(program, [
    broker.host,
    String(broker.port),
    broker.protocolVersion,
  ]);
  await subject.hear();
  await subject.tell({ order: "collect", filter: `${TOPIC}/#` });
  await subject.hear();
  const awaitAll = async (messages: number): Promise<Run> => {
    await using burst = await load(broker, messages);
    await subject.tell({ order: "await", count: messages });
    const start = performance.now();
    const [collected]: [Collected, void] = await Promise.all([subject.hear(), burst.fire()]);
    return { ms: performance.now() - start, ...collected };
  };
  // Once before, so that compiling does not count.
  await awaitAll(count);
  return await awaitAll(count);
}

async function burstIntoWatch(broker: BenchBroker, count: number): Promise<Run> {
  await using host = await startHost({ config: configFor(broker, count) });
  const { watch_id } = await host.expectResult("mqtt_watch", { topic: `${TOPIC}/#` });
  // The same publisher says last that it has done, on a topic of the same connection.
  const fire = async (messages: number): Promise<number> => {
    await using burst = await load(broker, messages, { saysDone: true });
    const done = host.expectResult("mqtt_read", { topic: DONE, timeout: 60 }, {
      timeoutMs: 70_000,
    });
    await new Promise((resolve) => setTimeout(resolve, SUBSCRIBED_MS));
    const start = performance.now();
    await Promise.all([done, burst.fire()]);
    return performance.now() - start;
  };
  await fire(count);
  const ms = await fire(count);
  const numbers: number[] = [];
  for (let after = count; after < 2 * count;) {
    const page = await host.expectResult("mqtt_watch_read", {
      watch_id,
      after,
      max_messages: 5_000,
    });
    if (page.messages.length === 0) break;
    numbers.push(...page.messages.map(({ payload }: { payload: { n: number } }) => payload.n));
    after = page.next;
  }
  return { ms, received: numbers.length, doubled: numbers.length - new Set(numbers).size };
}

function load(
  { host, port }: BenchBroker,
  count: number,
  { saysDone = false } = {},
): Promise<LoadedBurst> {
  return startBurst({
    host,
    port,
    count,
    payloadBytes: PAYLOAD_BYTES,
    prefix: TOPIC,
    topics: 10,
    ...(saysDone ? { doneTopic: DONE } : {}),
  });
}

function configFor({ host, port }: BenchBroker, count: number): object {
  return {
    mqtt: { host, port },
    topics: [{ pattern: "bench/#", permissions: ["read", "write"] }],
    limits: {
      max_messages: 5_000,
      max_result_bytes: 16_777_216,
      watch_buffer_messages: 2 * count,
      publish_per_minute: 0,
    },
    logging: { level: "WARNING" },
  };
}
