/**
 * What networks and brokers do.
 *
 * @module
 */
import { pause } from "../../lib/wait.ts";
import type { Dice } from "./dice.ts";
import type { World } from "./world.ts";

/** How often each kind is chosen. */
const WEIGHTS = {
  "cut": 4,
  "cut in a packet": 4,
  "stall": 3,
  "delay": 3,
  "half-open": 2,
  "refuse": 2,
  "kill": 2,
} as const;

type FaultKind = keyof typeof WEIGHTS;

/** Between two faults. */
const BETWEEN_MS = { least: 100, most: 900 } as const;
/** How long a cut in a packet waits for the packet. */
const PACKET_MS = 2_000;

/** Makes one fault after another, and knows when there was none. */
export class Faults {
  /** How often each kind has happened. */
  readonly counts = new Map<FaultKind, number>();
  readonly #world: World;
  readonly #dice: Dice;
  #calmSince = -Infinity;

  constructor(world: World, dice: Dice) {
    this.#world = world;
    this.#dice = dice;
  }

  /** Since when there is no fault, by `performance.now()`; `Infinity` while there is one. */
  get calmSince(): number {
    return this.#calmSince;
  }

  /**
   * Makes at least one, goes on until the signal is aborted, and heals what is broken then.
   * `meanwhile` is called as soon as something is broken, before anybody can have noticed.
   */
  async run(signal: AbortSignal, meanwhile: () => Promise<void>): Promise<void> {
    const begun: Promise<void>[] = [];
    const between = (): number => this.#dice.between(BETWEEN_MS.least, BETWEEN_MS.most);
    for (
      let isDue = await pause(between(), new AbortController().signal);
      isDue;
      isDue = await pause(between(), signal)
    ) {
      const kind = this.#dice.weighted(WEIGHTS);
      this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
      this.#calmSince = Infinity;
      const healed = this.#make(kind, signal);
      begun.push(meanwhile());
      await healed;
      this.#calmSince = performance.now();
    }
    await Promise.all(begun);
  }

  async #make(kind: FaultKind, signal: AbortSignal): Promise<void> {
    const { proxy } = this.#world;
    const dice = this.#dice;
    switch (kind) {
      case "cut":
        return await proxy.cut();
      case "cut in a packet":
        return await this.#cutInPacket(signal);
      case "stall":
        proxy.stall();
        await pause(dice.between(50, dice.chance(0.2) ? 4_000 : 1_000), signal);
        return proxy.resume();
      case "delay":
        proxy.delay(dice.between(5, 80));
        await pause(dice.between(200, 2_000), signal);
        return proxy.resume();
      case "half-open":
        proxy.halfOpen();
        await pause(dice.between(200, 4_000), signal);
        // No connection goes on with a hole in it.
        await proxy.cut();
        return proxy.resume();
      case "refuse":
        await proxy.refuse();
        await proxy.cut();
        await pause(dice.between(100, 1_500), signal);
        return proxy.accept();
      case "kill":
        return await this.#world.killBroker(dice.between(0, 800));
    }
  }

  async #cutInPacket(signal: AbortSignal): Promise<void> {
    const { proxy } = this.#world;
    const over = new AbortController();
    const cut = proxy.cutAfter(this.#dice.between(1, 3_000));
    await Promise.race([cut, pause(PACKET_MS, AbortSignal.any([signal, over.signal]))]);
    over.abort();
    // It would stay armed.
    void proxy.cutAfter(Number.MAX_SAFE_INTEGER);
    await proxy.cut();
  }
}
