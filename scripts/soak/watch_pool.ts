/**
 * The watches of the agent, each with what it is owed.
 *
 * @module
 */
import { until } from "../../tests/brokers/until.ts";
import type { Dice } from "./dice.ts";
import { Ear, heard } from "./ear.ts";
import type { Ledger } from "./ledger.ts";
import type { Soaked } from "./session.ts";

const MAX_WATCHES = 5;
const TOPICS: ReadonlyArray<readonly string[]> = [
  ["s/#"],
  ["s/a/#"],
  ["s/+/2"],
  ["s/k/#"],
  ["s/b/+", "s/+/3"],
];
/** How long a watch may take to hear again after the last fault: the cap of the backoff, and a bit. */
const BACK_WITHIN_MS = 40_000;

interface Watched {
  readonly id: string;
  readonly ear: Ear;
  /** Of which everything is heard by one who reads it. */
  readonly topic: string;
  /** Nobody else may read it meanwhile. */
  isBusy: boolean;
  lastSeq: number;
  dropped: number;
}

/** Starts, reads and stops watches. */
export class WatchPool {
  readonly #soaked: Soaked;
  readonly #ledger: Ledger;
  readonly #watched = new Map<string, Watched>();
  #starting = 0;

  constructor(soaked: Soaked) {
    this.#soaked = soaked;
    this.#ledger = soaked.ledger;
  }

  /** Starts one where there is room, else stops one. */
  async startOrStop(dice: Dice): Promise<void> {
    if (this.#watched.size + this.#starting < MAX_WATCHES) return await this.#start(dice);
    const watched = this.#take(dice);
    if (watched !== undefined) await this.#stop(watched);
  }

  /** Reads one that nobody else reads. */
  async read(dice: Dice, signal?: AbortSignal): Promise<void> {
    const watched = this.#take(dice);
    if (watched === undefined) return;
    await this.#read(watched, { timeout: dice.between(0, 6) / 10, max_messages: 60, signal });
    watched.isBusy = false;
  }

  /** Waits until each hears again, with nothing in its way any more. */
  async recover(publish: (topic: string) => Promise<void>): Promise<void> {
    await Promise.all([...this.#watched.values()].map(async (watched) => {
      const before = watched.ear.count;
      try {
        await until(async () => {
          await publish(watched.topic);
          await this.#read(watched, { timeout: 0.5 });
          return watched.ear.count > before;
        }, { deadlineMs: BACK_WITHIN_MS });
      } catch {
        this.#ledger.violation(
          `the watch of ${watched.topic} heard nothing for ${BACK_WITHIN_MS} ms`,
        );
      }
    }));
  }

  /** Stops all, once each has heard what it is owed. */
  async stopAll(): Promise<void> {
    await Promise.all([...this.#watched.values()].map((watched) => this.#stop(watched)));
  }

  async #start(dice: Dice): Promise<void> {
    const topics = dice.pick(TOPICS);
    const includeRetained = dice.chance(0.5);
    const ear = new Ear(this.#ledger, {
      name: "mqtt_watch",
      topics,
      includeRetained,
      resume: true,
    });
    this.#starting++;
    const { data, error, wasCalm } = await this.#soaked.call("mqtt_watch", {
      topic: topics,
      include_retained: includeRetained,
    }, { boundMs: 16_000 });
    this.#starting--;
    if (data === undefined) {
      if (wasCalm) this.#ledger.violation(`without a fault no watch: ${error?.message}`);
      return;
    }
    ear.inForce(data.filters);
    const topic = topics[0]?.replaceAll(/[+#]/g, "1").replace(/^s\/1$/, "s/a/1") ?? "";
    this.#watched.set(data.watch_id, {
      id: data.watch_id,
      ear,
      topic: topic.split("/").length === 2 ? `${topic}/1` : topic,
      isBusy: false,
      lastSeq: 0,
      dropped: 0,
    });
  }

  #take(dice: Dice): Watched | undefined {
    const free = [...this.#watched.values()].filter(({ isBusy }) => !isBusy);
    if (free.length === 0) return undefined;
    const watched = dice.pick(free);
    watched.isBusy = true;
    return watched;
  }

  async #read(
    watched: Watched,
    options: { timeout: number; max_messages?: number; signal?: AbortSignal | undefined },
  ): Promise<void> {
    const { timeout, max_messages = 1_000, signal } = options;
    const { ear, id } = watched;
    const args = { watch_id: id, timeout, max_messages };
    const { data, error } = await this.#soaked.call("mqtt_watch_read", args, { signal });
    if (error !== undefined) {
      ear.close();
      this.#watched.delete(id);
      this.#ledger.violation(`mqtt_watch_read failed: ${error.code}: ${error.message}`);
    }
    if (data === undefined) return;
    if (data.interruptions > 0) ear.interrupted();
    ear.dropped(data.dropped);
    watched.dropped += data.dropped;
    for (const { seq, ...message } of data.messages) {
      ear.hear(heard(message));
      const gap = seq - watched.lastSeq - 1;
      if (gap < 0 || gap > watched.dropped) {
        this.#ledger.violation(
          `${id} went from ${watched.lastSeq} to ${seq}, ${data.dropped} dropped`,
        );
      }
      watched.dropped -= Math.max(0, gap);
      watched.lastSeq = seq;
    }
  }

  async #stop(watched: Watched): Promise<void> {
    const { id, ear } = watched;
    await ear.settle(() => this.#read(watched, { timeout: 0.1 }));
    this.#watched.delete(id);
    const { data } = await this.#soaked.call("mqtt_watch_stop", { watch_id: id });
    if (data !== undefined && data.received < ear.count) {
      this.#ledger.violation(`${id} received ${data.received}, and gave ${ear.count}`);
    }
    ear.close();
  }
}
