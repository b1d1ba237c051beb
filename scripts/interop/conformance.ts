/**
 * Runs the conformance set against brokers.
 *
 * @module
 */
import type { NoteId } from "./notes.ts";
import { type BrokerKind, type ProtocolVersion, Unavailable } from "./broker.ts";
import { ask, type Check, Context, type Outcome } from "./check.ts";
import { type Observation, observe } from "./observations.ts";

/** How often a broker with a flaw that comes and goes is asked. */
const FLAWED_ATTEMPTS = 3;

/** What one broker answered. */
export interface BrokerReport {
  readonly name: string;
  readonly version: string;
  readonly columns: readonly Column[];
}

/** What it answered in one protocol version. */
export interface Column {
  readonly protocol: ProtocolVersion;
  /** By the name of the check. */
  readonly outcomes: ReadonlyMap<string, Outcome>;
  /** By the name of the question. */
  readonly observations: ReadonlyMap<Observation, string>;
}

/** A broker that could not be had. */
export interface Skipped {
  readonly name: string;
  readonly reason: string;
}

/** What to ask, and who is told of each answer. */
export interface ConformanceOptions {
  readonly checks: readonly Check[];
  readonly tell: (line: string) => void;
}

/** Gets and starts a broker and asks it everything, in each protocol version that it speaks. */
export async function conformance(
  kind: BrokerKind,
  options: ConformanceOptions,
): Promise<BrokerReport | Skipped> {
  const dir = await Deno.makeTempDir({ prefix: "mcpmqtt-interop-" });
  try {
    const { version, start } = await kind.prepare(dir);
    const columns: Column[] = [];
    await using broker = await start();
    for (const protocol of kind.protocols) {
      options.tell(`${kind.name} ${version}, MQTT ${protocol}`);
      const [newest = protocol] = kind.protocols;
      const context = new Context({ broker, version: protocol, newest });
      columns.push(await column(context, { ...options, flaw: kind.flaw }));
    }
    return { name: kind.name, version, columns };
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    options.tell(`${kind.name} is left out: ${error.message}`);
    return { name: kind.name, reason: error.message };
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function column(
  context: Context,
  { checks, tell, flaw }: ConformanceOptions & { readonly flaw: NoteId | undefined },
): Promise<Column> {
  const observations = await observe(context);
  for (const [question, answer] of observations) tell(`  ${question}: ${answer}`);
  const outcomes = new Map<string, Outcome>();
  for (const check of checks) {
    const start = performance.now();
    const outcome = await answer(check, { context, flaw });
    outcomes.set(check.name, outcome);
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    tell(
      `  ${outcome.answer.padEnd(3)} ${check.name} (${seconds} s) ${
        outcome.note ?? outcome.fault ?? ""
      }`.trimEnd(),
    );
  }
  return { protocol: context.version, outcomes, observations };
}

/** Asks until there is an answer that a flaw does not explain, or as often as that may be tried. */
async function answer(
  check: Check,
  { context, flaw }: { readonly context: Context; readonly flaw: NoteId | undefined },
): Promise<Outcome> {
  const first = await ask(check, context);
  if (first.fault === undefined || flaw === undefined) return first;
  for (let attempt = 1; attempt < FLAWED_ATTEMPTS; attempt++) {
    // What it met may have left more than the check behind.
    await context.broker.restart();
    const outcome = await ask(check, context);
    if (outcome.fault === undefined) return { note: flaw, ...outcome };
  }
  return { answer: "no", note: flaw };
}
