/**
 * Many watches on everything at once, at full rate: that each message is accounted for, what memory
 * it takes, and how long other calls wait in the middle of it.
 *
 * @module
 */
import { type Host, startHost } from "../tests/host.ts";
import { type BenchBroker, startBrokers } from "./brokers.ts";
import { type Burst, startBurst } from "./burst.ts";
import { memoryOf, type Program, startProgram } from "./processes.ts";
import {
  atMost,
  type BenchOptions,
  formatMs,
  formatRate,
  type Line,
  type Section,
} from "./report.ts";
import { median, quantile } from "./samples.ts";

const PAYLOAD_BYTES = 200;
const TOPICS = 1_000;
const WATCHES = 10;
/** The collection wants the last of them, so that it has to look at all. */
const WANTED = 500;
const MAX_CALL_MS = 200;
/** The part of the load that each watch has when it counts as under way. */
const UNDER_WAY = 0.01;
/** Between the calls in the middle of the load, in milliseconds. */
const PAUSE_MS = 20;

/** The load into one `mqtt_subscribe` and ten watches of one server. */
export async function loading({ quick }: BenchOptions): Promise<Section> {
  const count = quick ? 20_000 : 100_000;
  const lines: Line[] = [];
  for (const broker of await startBrokers()) {
    await using _ = broker;
    lines.push(...(await loadOf(broker, count)).map((line) => ({
      ...line,
      name: `${broker.name}, ${line.name}`,
    })));
  }
  return {
    title: `${count.toLocaleString("en")} messages over ${TOPICS.toLocaleString("en")} topics ` +
      `into ${WATCHES} watches and one collection at once`,
    baseline: "mqtt.js, as many clients in one process, the same load; higher is faster",
    lines,
    notes: [
      "calls are made one after the other while the load is under way",
      "mqtt.js alone: a client without subscriptions in an idle process, which shows the broker's own time",
    ],
  };
}

async function loadOf(broker: BenchBroker, count: number): Promise<Line[]> {
  const bareMs = await bareLoad(broker, count);
  await using alone = startProgram("bare", addressOf(broker));
  await alone.hear();
  await using host = await startHost({ config: configFor(broker) });
  const watches: string[] = [];
  for (let i = 0; i < WATCHES; i++) {
    watches.push((await host.expectResult("mqtt_watch", { topic: "load/#" })).watch_id);
  }
  const collection = host.expectResult("mqtt_subscribe", {
    topic: "load/#",
    timeout: 120,
    max_messages: WANTED,
    where: { path: "/n", op: "ge", value: count - WANTED },
  }, { timeoutMs: 150_000 });
  await host.expectResult("mqtt_status");
  await pause(500);
  await using burst = await startBurst(burstOf(broker, count));
  const restMb = (await memoryOf(host.pid))?.nowMb;
  const start = performance.now();
  const under = callsUnder({ host, alone }, { count, collection });
  await burst.fire();
  const { elapsedMs, ...calls } = await under(start);
  const memory = await memoryOf(host.pid);
  const accounts = await Promise.all(watches.map((id) => account(host, id, count)));
  const picked = numbersOf((await collection).messages);
  const wrong = accounts.reduce((sum, one) => sum + one, 0) +
    (picked.size === WANTED ? 0 : WANTED - picked.size);
  return [
    {
      name: "delivered to all",
      ratio: bareMs / elapsedMs,
      measured: formatRate(count * (WATCHES + 1), elapsedMs),
    },
    {
      name: "neither delivered nor dropped, or doubled",
      measured: String(wrong),
      goal: atMost(0, wrong),
    },
    callLine("mqtt_status", calls.status),
    callLine("mqtt_publish, QoS 0", calls.sent),
    callLine("mqtt_publish, QoS 1", calls.acknowledged),
    timesLine("mqtt.js alone, QoS 1", calls.alone),
    ...(memory === undefined || restMb === undefined ? [] : [{
      name: "peak memory, against the same at rest",
      ratio: memory.peakMb / restMb,
      measured: `${Math.round(memory.peakMb)} MB`,
    }]),
  ];
}

function timesLine(name: string, times: readonly number[]): Line {
  return {
    name: `${name} meanwhile, worst of ${times.length}`,
    measured: `${formatMs(quantile(times, 1))}, median ${formatMs(median(times))}`,
  };
}

function callLine(name: string, times: readonly number[]): Line {
  return {
    ...timesLine(name, times),
    goal: atMost(MAX_CALL_MS, quantile(times, 1), " ms"),
  };
}

interface Calls {
  readonly elapsedMs: number;
  readonly status: readonly number[];
  readonly sent: readonly number[];
  readonly acknowledged: readonly number[];
  readonly alone: readonly number[];
}

/** Calls one tool after the other, from when the load is under way until every watch has everything. */
function callsUnder(
  { host, alone }: { readonly host: Host; readonly alone: Program },
  { count, collection }: { readonly count: number; readonly collection: Promise<unknown> },
): (start: number) => Promise<Calls> {
  const status: number[] = [];
  const sent: number[] = [];
  const acknowledged: number[] = [];
  const aloneTimes: number[] = [];
  const timed = async (times: number[], name: string, args: object = {}): Promise<unknown> => {
    const start = performance.now();
    const result = await host.callTool(name, args, { timeoutMs: 60_000 });
    times.push(performance.now() - start);
    return result.structuredContent;
  };
  const publish = { topic: "other/a", payload: "1" };
  const all = (async () => {
    while (true) {
      const { watches } = await timed(status, "mqtt_status") as {
        watches: ReadonlyArray<{ received: number }>;
      };
      if (watches.every(({ received }) => received >= count)) break;
      if (watches.some(({ received }) => received < count * UNDER_WAY)) continue;
      await timed(sent, "mqtt_publish", publish);
      await timed(acknowledged, "mqtt_publish", { ...publish, qos: 1 });
      await alone.tell({ order: "publish", ...publish, count: 1 });
      aloneTimes.push(...await alone.hear());
      await pause(PAUSE_MS);
    }
    await collection;
  })();
  return async (start) => {
    await all;
    return { elapsedMs: performance.now() - start, status, sent, acknowledged, alone: aloneTimes };
  };
}

/** How many messages of a watch are not accounted for: delivered once or counted as dropped. */
async function account(host: Host, watch_id: string, count: number): Promise<number> {
  const numbers: number[] = [];
  let dropped: number | undefined;
  let after: number | undefined;
  while (true) {
    const page = await host.expectResult("mqtt_watch_read", {
      watch_id,
      max_messages: 1_000,
      ...(after === undefined ? {} : { after }),
    });
    dropped ??= page.dropped as number;
    numbers.push(...numbersOf(page.messages));
    after = page.next;
    if (page.remaining === 0) break;
  }
  const { received } = await host.expectResult("mqtt_watch_stop", { watch_id });
  const doubled = numbers.length - new Set(numbers).size;
  return Math.abs(count - received) + Math.abs(received - dropped - numbers.length) + doubled;
}

function numbersOf(messages: ReadonlyArray<{ payload: { n: number } }>): Set<number> {
  return new Set(messages.map(({ payload }) => payload.n));
}

/** The time that as many mqtt.js clients take for the same. */
async function bareLoad(broker: BenchBroker, count: number): Promise<number> {
  await using bare = startProgram("bare", [...addressOf(broker), String(WATCHES + 1)]);
  await bare.hear();
  await bare.tell({ order: "collect", filter: "load/#" });
  await bare.hear();
  await using burst = await startBurst(burstOf(broker, count));
  await bare.tell({ order: "await", count: count * (WATCHES + 1) });
  const start = performance.now();
  await Promise.all([bare.hear(), burst.fire()]);
  return performance.now() - start;
}

function addressOf({ host, port, protocolVersion }: BenchBroker): string[] {
  return [host, String(port), protocolVersion];
}

function configFor({ host, port }: BenchBroker): object {
  return {
    mqtt: { host, port },
    topics: [
      { pattern: "load/#", permissions: ["read"] },
      { pattern: "other/#", permissions: ["write"] },
    ],
    limits: { publish_per_minute: 0, max_result_bytes: 16_777_216 },
    logging: { level: "WARNING" },
  };
}

function burstOf({ host, port }: BenchBroker, count: number): Burst {
  return { host, port, count, payloadBytes: PAYLOAD_BYTES, prefix: "load", topics: TOPICS };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
