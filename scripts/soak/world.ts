/**
 * The world of the soak: a broker, a faulty network before it, and devices on it.
 *
 * @module
 */
import { pause } from "../../lib/wait.ts";
import { startAedes } from "../../tests/brokers/aedes.ts";
import type { ProtocolVersion, TestBroker } from "../../tests/brokers/broker.ts";
import { freePort, mosquittoAvailable, startMosquitto } from "../../tests/brokers/mosquitto.ts";
import { FaultProxy, type Target } from "../../tests/brokers/proxy.ts";
import { Device } from "./device.ts";
import type { Dice } from "./dice.ts";
import type { Ledger } from "./ledger.ts";

/** Topics on which devices publish now and then. */
export const LIVE_TOPICS: readonly string[] = ["a", "b", "c"].flatMap((room) =>
  ["1", "2", "3"].map((sensor) => `s/${room}/${sensor}`)
);
/** Topics of which the broker keeps the last message. */
export const KEPT_TOPICS: readonly string[] = ["s/k/1", "s/k/2", "s/k/3"];
/** Not granted; devices publish there too. */
export const FOREIGN_TOPIC = "x/1";

/** What the world is made of. */
export interface WorldOptions {
  readonly ledger: Ledger;
  readonly version: ProtocolVersion;
  readonly dice: Dice;
}

/** Between two messages of the devices. */
const LIFE_MS = { least: 15, most: 60 } as const;
/** mosquitto must not be the one that drops, or that holds QoS 1 back and lets QoS 0 pass. */
const MOSQUITTO = { config: ["max_queued_messages 0", "max_inflight_messages 0"] };

/** Runs until it is disposed of. */
export class World implements AsyncDisposable {
  readonly proxy: FaultProxy;
  readonly broker: TestBroker;
  readonly #options: WorldOptions;
  readonly #nowhere: Target = { host: "127.0.0.1", port: freePort() };
  readonly #closing = new AbortController();
  #device: Device | undefined;
  #living: Promise<void> | undefined;

  private constructor(broker: TestBroker, options: WorldOptions) {
    this.broker = broker;
    this.#options = options;
    // Nobody gets to the broker before who listens there directly.
    this.proxy = new FaultProxy(() => this.#device === undefined ? this.#nowhere : broker);
  }

  /** Starts everything. */
  static async open(options: WorldOptions): Promise<World> {
    const broker = mosquittoAvailable() ? await startMosquitto(MOSQUITTO) : await startAedes();
    const world = new World(broker, options);
    await world.#connect();
    world.#living = world.#live();
    return world;
  }

  /** The device, while it is connected. */
  get device(): Device | undefined {
    return this.#device;
  }

  /** Kills the broker, which forgets everything, and starts it again. */
  async killBroker(downMs: number): Promise<void> {
    await this.proxy.cut();
    await this.#disconnect();
    await this.broker.kill();
    this.#options.ledger.killed();
    await pause(downMs, this.#closing.signal);
    await this.broker.restart();
    await this.#connect();
  }

  /** The topic filters that are held at the broker, but for that of the device. */
  subscriptions(): string[] {
    const held = this.broker.subscriptions();
    const own = held.indexOf("#");
    return own < 0 ? held : held.toSpliced(own, 1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#living;
    await this.#disconnect();
    await this.proxy.close();
    await this.broker.close();
  }

  async #connect(): Promise<void> {
    this.#device = await Device.open(this.broker, this.#options);
  }

  async #disconnect(): Promise<void> {
    const device = this.#device;
    this.#device = undefined;
    await device?.[Symbol.asyncDispose]();
  }

  async #live(): Promise<void> {
    const { dice } = this.#options;
    while (!this.#closing.signal.aborted) {
      await this.#device?.publish(this.#nextMessage());
      await pause(dice.between(LIFE_MS.least, LIFE_MS.most), this.#closing.signal);
    }
  }

  #nextMessage(): Parameters<Device["publish"]>[0] {
    const { dice } = this.#options;
    const qos = dice.pick([0, 1, 1, 2] as const);
    if (dice.chance(0.03)) return { topic: FOREIGN_TOPIC, qos };
    if (dice.chance(0.1)) return { topic: dice.pick(KEPT_TOPICS), qos: 1, retain: true };
    const text = dice.chance(0.05) ? "x".repeat(dice.between(1_000, 20_000)) : "";
    return { topic: dice.pick(LIVE_TOPICS), qos, text };
  }
}
