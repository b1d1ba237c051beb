/**
 * Floods of messages, and what is written in the middle of them.
 *
 * @module
 */
import type { Dice } from "./dice.ts";
import { Ear } from "./ear.ts";
import type { Ledger, Sent } from "./ledger.ts";
import type { CallResult, Soaked } from "./session.ts";
import type { World } from "./world.ts";

const FLOODED_TOPIC = "s/f/1";
const MESSAGES = 300;
const WRITES = 8;

/** Floods one topic, and holds what is written meanwhile to the order of the calls. */
export class Floods {
  readonly #soaked: Soaked;
  readonly #world: World;
  readonly #ledger: Ledger;
  readonly #written: Sent[][] = [];

  constructor(soaked: Soaked, world: World) {
    this.#soaked = soaked;
    this.#world = world;
    this.#ledger = soaked.ledger;
  }

  /** Collects a flood whole, and writes at QoS 0 and 1 in turns in the middle of it. */
  async flood(dice: Dice): Promise<CallResult> {
    const topics = [FLOODED_TOPIC];
    const ear = new Ear(this.#ledger, {
      name: "flood",
      topics,
      includeRetained: false,
      resume: true,
    });
    const work = async (signal: AbortSignal): Promise<void> => {
      const collection = await this.#soaked.session.access.collect(topics, {
        includeRetained: false,
        resume: true,
        waitMs: 3_000,
        signal,
        onMessage: ({ topic, payload, retain }) =>
          ear.hear({ topic, payload: new TextDecoder().decode(payload), retain }),
        onInterrupted: () => ear.interrupted(),
        onFailed: () => ear.close(),
      });
      ear.inForce(collection.filters.map(({ text }) => text));
      const { device } = this.#world;
      const flooding = Array.from(
        { length: MESSAGES },
        () => device?.publish({ topic: FLOODED_TOPIC, qos: 1 }),
      );
      await this.#write(`s/w/${dice.between(1, 3)}`);
      await Promise.all(flooding);
      await ear.settle();
      ear.close();
      await collection[Symbol.asyncDispose]();
    };
    const result = await this.#soaked.run("flood", work, { boundMs: 90_000 });
    ear.close();
    return result;
  }

  /** What was written one after the other must have reached the broker so. */
  check(): void {
    for (const sequence of this.#written) {
      const reached = sequence.filter(({ seen }) => seen > 0);
      const order = reached.toSorted((a, b) => (a.seenAs ?? 0) - (b.seenAs ?? 0));
      if (order.some((sent, i) => sent !== reached[i])) {
        const ids = order.map(({ id, qos }) => `${id} (QoS ${qos})`).join(", ");
        this.#ledger.violation(`written one after the other, they reached the broker as ${ids}`);
      }
    }
    this.#written.length = 0;
  }

  async #write(topic: string): Promise<void> {
    const sequence: Sent[] = [];
    for (let i = 0; i < WRITES; i++) {
      const qos = i % 2 === 0 ? 0 : 1;
      const sent = this.#ledger.begin({ topic, qos, retain: false });
      const { data, error } = await this.#soaked.call("mqtt_publish", {
        topic,
        payload: sent.id,
        qos,
      });
      this.#ledger.end(sent, data?.outcome ?? error?.outcome ?? "unknown");
      // What has failed may come late.
      if (data !== undefined) sequence.push(sent);
    }
    this.#written.push(sequence);
  }
}
