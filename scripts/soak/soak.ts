/**
 * The soak: rounds of mixed work under faults, and what must hold after each.
 *
 * @module
 */
import type { ProtocolVersion } from "../../tests/brokers/broker.ts";
import { until } from "../../tests/brokers/until.ts";
import { AgentWork } from "./agent.ts";
import { Dice } from "./dice.ts";
import { Faults } from "./faults.ts";
import { Floods } from "./floods.ts";
import { Ledger } from "./ledger.ts";
import { Soaked } from "./session.ts";
import { WatchPool } from "./watch_pool.ts";
import { World } from "./world.ts";

/** How to soak. */
export interface SoakOptions {
  readonly operations: number;
  readonly seed: number;
  readonly versions: readonly ProtocolVersion[];
  /** Told after each round. */
  readonly onRound?: (round: string) => void;
}

/** What came of it. */
export interface SoakReport {
  readonly violations: readonly string[];
  readonly operations: number;
  readonly messages: number;
  readonly reconnects: number;
  readonly faults: ReadonlyMap<string, number>;
  readonly errors: ReadonlyMap<string, number>;
  /** Megabytes by which the process grew after its first round. */
  readonly grownMb: number;
}

const WORKERS = 6;
const OPERATIONS_PER_ROUND = 150;
/** Of a round, before the first fault and after the last one. */
const CALM_OPERATIONS = 20;
/** So that a broker's log, which the tests keep in memory, does not count as growth. */
const ROUNDS_PER_WORLD = 10;
const MAX_GROWN_MB = 96;
/** More of them would tell nothing new. */
const ENOUGH_VIOLATIONS = 20;
const ENDED_WITHIN_MS = 8_000;

/** Soaks, with as many operations for each version of the protocol. */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const { operations, seed, versions } = options;
  const tally = new Tally();
  const rounds = Math.ceil(operations / versions.length / OPERATIONS_PER_ROUND);
  const perRound = Math.ceil(operations / versions.length / rounds);
  for (const [leg, version] of versions.entries()) {
    for (let first = 0; first < rounds; first += ROUNDS_PER_WORLD) {
      if (tally.violations.length >= ENOUGH_VIOLATIONS) break;
      const dice = new Dice(seed + leg * 1_000 + first);
      await soakWorld({
        ...options,
        tally,
        dice,
        version,
        rounds: Math.min(ROUNDS_PER_WORLD, rounds - first),
        perRound,
      });
    }
  }
  return tally.report();
}

interface WorldSoak extends SoakOptions {
  readonly tally: Tally;
  readonly dice: Dice;
  readonly version: ProtocolVersion;
  readonly rounds: number;
  readonly perRound: number;
}

async function soakWorld(options: WorldSoak): Promise<void> {
  const { tally, dice, version, rounds } = options;
  const ledger = new Ledger();
  const worldDice = new Dice(dice.between(0, 1e9));
  await using world = await World.open({ ledger, version, dice: worldDice });
  const faults = new Faults(world, new Dice(dice.between(0, 1e9)));
  const soaked = new Soaked(world, { ledger, faults, version });
  const watches = new WatchPool(soaked);
  const floods = new Floods(soaked, world);
  const work = new AgentWork(soaked, { watches, floods });
  // What a busy machine needs to connect is no fault of a call that waits less.
  await expect(ledger, "connections missing at the start", () => soaked.missingConnections());
  for (let round = 0; round < rounds; round++) {
    await soakRound({ ...options, world, ledger, faults, soaked, watches, floods, work });
    tally.endRound(`MQTT ${version}, round ${round + 1} of ${rounds}`, ledger);
    options.onRound?.(
      `MQTT ${version}: ${ledger.size} messages, ${soaked.connection.status.reconnects} reconnects, ${
        Math.round(Deno.memoryUsage().rss / 1e6)
      } MB, ${tally.violations.length} violations`,
    );
    if (tally.violations.length >= ENOUGH_VIOLATIONS) break;
    ledger.forget();
  }
  tally.add(work, faults, {
    messages: ledger.size,
    reconnects: soaked.connection.status.reconnects,
  });
  await soaked[Symbol.asyncDispose]();
  await expect(ledger, "connections after the end", () => world.proxy.connections);
  await expect(ledger, "subscriptions after the end", () => world.subscriptions().length);
  tally.endRound(`MQTT ${version}, the end`, ledger);
}

interface RoundSoak extends WorldSoak {
  readonly world: World;
  readonly ledger: Ledger;
  readonly faults: Faults;
  readonly soaked: Soaked;
  readonly watches: WatchPool;
  readonly floods: Floods;
  readonly work: AgentWork;
}

async function soakRound(options: RoundSoak): Promise<void> {
  const { dice, perRound, world, ledger, faults, soaked, watches, floods, work } = options;
  const workers = Array.from({ length: WORKERS }, () => new Dice(dice.between(0, 1e9)));
  const operate = async (operations: number): Promise<void> => {
    let left = operations;
    await Promise.all(workers.map(async (own) => {
      while (left-- > 0) await work.operate(own);
    }));
  };
  const own = new Dice(dice.between(0, 1e9));
  await Promise.all([operate(CALM_OPERATIONS), work.flood(own)]);
  const enough = new AbortController();
  const meanwhile = new Dice(dice.between(0, 1e9));
  const faulting = faults.run(enough.signal, () => work.publishSome(meanwhile));
  await Promise.all([operate(perRound - 2 * CALM_OPERATIONS), work.flood(own)]);
  enough.abort();
  await faulting;
  await expect(ledger, "connections missing after the faults", () => soaked.missingConnections());
  await watches.recover(async (topic) => await world.device?.publish({ topic, qos: 1 }));
  await operate(CALM_OPERATIONS);
  await watches.stopAll();
  await expect(ledger, "messages acknowledged and not at the broker", () => ledger.unseen().length);
  floods.check();
  await expect(ledger, "subscriptions after a round", () => world.subscriptions().length);
  // One for reading and one for writing.
  await expect(ledger, "connections beside the two", () => world.proxy.connections - 2);
  await expect(ledger, "listeners on the client's signal", () => soaked.listeners);
}

/** Waits for nothing to be left. */
async function expect(
  ledger: Ledger,
  what: string,
  count: () => number | Promise<number>,
): Promise<void> {
  try {
    await until(async () => await count() === 0, { deadlineMs: ENDED_WITHIN_MS });
  } catch {
    ledger.violation(`${await count()} ${what}`);
  }
}

/** Adds up. */
class Tally {
  readonly violations: string[] = [];
  readonly #faults = new Map<string, number>();
  readonly #errors = new Map<string, number>();
  #operations = 0;
  #messages = 0;
  #reconnects = 0;
  #firstRss: number | undefined;
  #lastRss = 0;

  endRound(name: string, { violations }: Ledger): void {
    this.violations.push(...violations.map((text) => `${name}: ${text}`));
    violations.length = 0;
    this.#lastRss = Deno.memoryUsage().rss;
    this.#firstRss ??= this.#lastRss;
  }

  add(
    { counts, errors }: AgentWork,
    faults: Faults,
    { messages, reconnects }: { readonly messages: number; readonly reconnects: number },
  ): void {
    for (const count of counts.values()) this.#operations += count;
    for (const [kind, count] of faults.counts) increase(this.#faults, kind, count);
    for (const [code, count] of errors) increase(this.#errors, code, count);
    this.#messages += messages;
    this.#reconnects += reconnects;
  }

  report(): SoakReport {
    const grownMb = Math.round((this.#lastRss - (this.#firstRss ?? 0)) / 1e6);
    if (grownMb > MAX_GROWN_MB) this.violations.push(`the process grew by ${grownMb} MB`);
    return {
      violations: this.violations,
      operations: this.#operations,
      messages: this.#messages,
      reconnects: this.#reconnects,
      faults: this.#faults,
      errors: this.#errors,
      grownMb,
    };
  }
}

function increase(counts: Map<string, number>, name: string, by: number): void {
  counts.set(name, (counts.get(name) ?? 0) + by);
}
