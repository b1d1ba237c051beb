/**
 * What a message costs that many sessions watch: they share one subscription.
 *
 * @module
 */
import { type BenchBroker, startBroker } from "./brokers.ts";
import { startBurst } from "./burst.ts";
import { startProgram } from "./processes.ts";
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
const TOPICS = 10;
/** What a hundred sessions are to keep up with, in messages a second. */
const MIN_RATE = 5_000;

interface Run {
  readonly ms: number;
  /** Processor time of the process with the sessions. */
  readonly cpuMs: number;
  /** What a session has not received, or twice, all together. */
  readonly lost: number;
}

/** One burst into the watches of 1, 10 and 100 sessions. */
export async function sharing({ quick }: BenchOptions): Promise<Section> {
  const count = quick ? 5_000 : 20_000;
  await using broker = await startBroker();
  const runs = await inTurns({
    "1 session": () => burstInto(1, broker, count),
    "10 sessions": () => burstInto(10, broker, count),
    "100 sessions": () => burstInto(100, broker, count),
  }, quick ? 3 : 5);
  const one = median(runs["1 session"].map(({ cpuMs }) => cpuMs));
  const lines = Object.entries(runs).flatMap(([sessions, of]): Line[] => {
    const ms = median(of.map((run) => run.ms));
    const cpuMs = median(of.map((run) => run.cpuMs));
    const rate = count / ms * 1_000;
    return [
      {
        name: `${sessions}, processor time per message`,
        ratio: cpuMs / one,
        measured: formatMs(cpuMs / count),
      },
      {
        name: `${sessions}, rate`,
        measured: formatRate(count, ms),
        goal: atLeast(MIN_RATE, rate),
      },
    ];
  });
  const lost = Object.values(runs).flat().reduce((sum, run) => sum + run.lost, 0);
  lines.push({ name: "lost, or doubled", measured: String(lost), goal: atMost(0, lost) });
  return {
    title: `A burst of ${count.toLocaleString("en")} messages of ${PAYLOAD_BYTES} bytes, QoS 0, ` +
      "into sessions that each watch all of it",
    baseline: "the same into one session",
    lines,
    notes: [`${broker.name}; all sessions of a run are in one process, over one connection`],
  };
}

async function burstInto(sessions: number, broker: BenchBroker, count: number): Promise<Run> {
  const { host, port, protocolVersion } = broker;
  await using subject = startProgram("sessions", [
    host,
    String(port),
    protocolVersion,
    String(sessions),
  ]);
  await subject.hear();
  const fire = async (wanted: number): Promise<Run> => {
    const prefix = "bench/burst";
    await using burst = await startBurst({
      host,
      port,
      count,
      payloadBytes: PAYLOAD_BYTES,
      prefix,
      topics: TOPICS,
    });
    await subject.tell(wanted);
    const start = performance.now();
    const [heard]: [Omit<Run, "ms">, void] = await Promise.all([subject.hear(), burst.fire()]);
    return { ms: performance.now() - start, ...heard };
  };
  // Once before, so that compiling does not count.
  await fire(count);
  return await fire(2 * count);
}
