/**
 * What a call over HTTP costs beside a bare `Deno.serve`, whether a hundred clients are served
 * without an error, and what a session takes.
 *
 * @module
 */
import { startBroker } from "./brokers.ts";
import type { HttpFigures, HttpLoad, HttpRequest } from "./http_orders.ts";
import { cpuMsOf, type Program, startProgram } from "./processes.ts";
import { atLeast, atMost, type BenchOptions, formatMs, type Line, type Section } from "./report.ts";
import { inTurns, median } from "./samples.ts";
import { BEGINNING, CALLS, LISTENING, type Served, startServed, statusIn } from "./served.ts";

const CLIENTS = [1, 10, 100];
const MIN_RATIO = 0.3;
const GOAL_OF = "mqtt_status";
const SESSIONS = 1_000;
/** Begun before anything is measured, so that compiling does not count. */
const SESSIONS_BEFORE = 200;
const MAX_SESSION_KB = 100;

/** The calls from 1, 10 and 100 clients, the hundred for a while, and idle sessions. */
export async function serving({ quick }: BenchOptions): Promise<Section> {
  const roundMs = quick ? 300 : 1_000;
  const rounds = quick ? 1 : 3;
  await using broker = await startBroker();
  await using clients = startProgram("http_clients");
  const lines: Line[] = [];
  {
    await using served = await startServed(broker);
    const [session = ""] = await begin(clients, served, 1);
    const calls = { ...CALLS, "mqtt_status, older generation": statusIn(session) };
    for (const [name, request] of Object.entries(calls)) {
      const isShared = name in CALLS;
      const at = { name, request, roundMs, rounds, clients, served };
      // One session has one client, and a call of an id at a time.
      lines.push(...await compare(at, isShared ? CLIENTS : [1]));
    }
    lines.push(await endure({ clients, served, ms: quick ? 5_000 : 60_000 }));
  }
  {
    await using served = await startServed(broker);
    lines.push(...await idle(clients, served));
  }
  return {
    title: "Calls over HTTP, each client with a connection of its own",
    baseline: "the requests a second of a bare Deno.serve that answers the same bytes",
    lines,
    notes: [
      `${broker.name}; clients, server and Deno.serve are processes of their own, ` +
      `on ${navigator.hardwareConcurrency} processors`,
      "limits.max_requests and limits.max_sessions are above what is asked",
    ],
  };
}

interface Comparison {
  readonly name: string;
  readonly request: HttpRequest;
  readonly roundMs: number;
  readonly rounds: number;
  readonly clients: Program;
  readonly served: Served;
}

/** What came of one round. */
interface Run {
  /** Answers a second. */
  readonly rate: number;
  readonly p99Ms: number;
  /** Processor time of the server for an answer. */
  readonly cpuMs: number;
}

/** One call of this program, and the same bytes from a bare server. */
async function compare(
  { name, request, roundMs, rounds, clients, served }: Comparison,
  counts: readonly number[],
): Promise<Line[]> {
  const answer = JSON.stringify(await answerTo(request, served));
  await using bare = startProgram("bare_http", [answer]);
  const { port } = await bare.hear();
  const isGoal = name === GOAL_OF;
  await using sdk = isGoal ? startProgram("sdk_http", [answer]) : undefined;
  const sdkAt = sdk && { pid: sdk.pid, port: (await sdk.hear()).port };
  const lines: Line[] = [];
  for (const count of counts) {
    const of = (at: { pid: number; port: number }) => async (): Promise<Run> => {
      const cpuBefore = await cpuMsOf(at.pid);
      const figures = await load(clients, {
        port: at.port,
        requests: [request],
        clients: count,
        ms: roundMs,
      });
      if (figures.faults > 0) throw new Error(`${name}: ${figures.fault}`);
      const { count: answers, elapsedMs, p99Ms } = figures;
      const cpuMs = (await cpuMsOf(at.pid) - cpuBefore) / answers;
      return { rate: answers / elapsedMs * 1_000, p99Ms, cpuMs };
    };
    const measured: Readonly<Record<string, () => Promise<Run>>> = {
      served: of(served),
      bare: of({ pid: bare.pid, port }),
      ...(sdkAt === undefined ? {} : { sdk: of(sdkAt) }),
    };
    type Which = "served" | "bare" | "sdk";
    const runs = await inTurns(measured, rounds);
    const middle = (which: Which, what: keyof Run): number =>
      median((runs[which] ?? []).map((run) => run[what]));
    const ratio = middle("served", "rate") / middle("bare", "rate");
    const shown = (which: Which): string =>
      `${Math.round(middle(which, "rate")).toLocaleString("en")}/s, ` +
      `p99 ${formatMs(middle(which, "p99Ms"))}, ` +
      `processor ${formatMs(middle(which, "cpuMs"))}`;
    lines.push({
      name: `${name}, ${count} client${count === 1 ? "" : "s"}`,
      ratio,
      measured: `${shown("served")}; bare ${shown("bare")}`,
      ...(isGoal ? { goal: atLeast(MIN_RATIO, ratio) } : {}),
    });
    if (sdk !== undefined) {
      lines.push({
        name: "the SDK alone, with a tool that gives the same",
        ratio: middle("sdk", "rate") / middle("bare", "rate"),
        measured: shown("sdk"),
      });
    }
  }
  return lines;
}

/** A hundred clients that do different things. */
async function endure(
  { clients, served, ms }: {
    readonly clients: Program;
    readonly served: Served;
    readonly ms: number;
  },
): Promise<Line> {
  const { port } = served;
  const requests = Object.values(CALLS);
  const { count, faults, fault, p99Ms } = await load(clients, { port, requests, clients: 100, ms });
  const first = fault === undefined ? "" : `, first: ${fault}`;
  return {
    name: `errors, 100 clients for ${ms / 1_000} s, the three calls`,
    measured: `${faults} of ${count.toLocaleString("en")}, p99 ${formatMs(p99Ms)}${first}`,
    goal: atMost(0, faults),
  };
}

/** What sessions of an older generation take that nobody uses, and the streams that they may have. */
async function idle(clients: Program, served: Served): Promise<Line[]> {
  await begin(clients, served, SESSIONS_BEFORE);
  const before = await served.memory();
  const ids = await begin(clients, served, SESSIONS);
  const after = await served.memory();
  const { port } = served;
  await clients.tell({ order: "listen", port, headers: LISTENING, ids });
  await clients.hear();
  const listening = await served.memory();
  const line = (name: string, than: typeof before, now: typeof before): Line => {
    const kb = (now.rss - than.rss) / SESSIONS / 1_000;
    const heapKb = (now.heapUsed - than.heapUsed) / SESSIONS / 1_000;
    return {
      name,
      measured: `${kb.toFixed(1)} kB resident, ${heapKb.toFixed(1)} kB of heap`,
      goal: atMost(MAX_SESSION_KB, kb, " kB"),
    };
  };
  return [
    line(`an idle session of an older generation, of ${SESSIONS}`, before, after),
    line("the same with its stream open", before, listening),
  ];
}

async function begin(clients: Program, { port }: Served, count: number): Promise<string[]> {
  await clients.tell({ order: "begin", port, ...BEGINNING, count });
  return await clients.hear();
}

async function load(clients: Program, order: HttpLoad): Promise<HttpFigures> {
  await clients.tell({ order: "load", ...order });
  return await clients.hear();
}

/** The bytes of an answer, and what they are. */
async function answerTo(
  { headers, body }: HttpRequest,
  { port }: Served,
): Promise<{ type: string; text: string }> {
  const response = await fetch(`http://127.0.0.1:${port}/mcp`, { method: "POST", headers, body });
  const text = await response.text();
  return { type: response.headers.get("content-type") ?? "", text };
}
