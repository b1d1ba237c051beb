/**
 * The mixed work of an agent, and what must hold for each piece of it.
 *
 * @module
 */
import { pause } from "../../lib/wait.ts";
import type { QoS } from "../../lib/messages/message.ts";
import { readMessage } from "../../lib/resources/message.ts";
import { parseTopicName } from "../../lib/topics/topic_name.ts";
import { REQUEST_TOPIC } from "./device.ts";
import type { Dice } from "./dice.ts";
import { Ear, heard } from "./ear.ts";
import type { Floods } from "./floods.ts";
import { idOf, type Ledger } from "./ledger.ts";
import type { CallResult, Soaked } from "./session.ts";
import type { WatchPool } from "./watch_pool.ts";
import { FOREIGN_TOPIC, KEPT_TOPICS, LIVE_TOPICS } from "./world.ts";

/** How often each operation is chosen. */
const WEIGHTS = {
  publish: 22,
  collect: 16,
  subscribe: 9,
  read: 9,
  query: 10,
  watch: 6,
  watchRead: 14,
  resource: 5,
  updates: 3,
  topics: 3,
  status: 3,
} as const;

/** The name of an operation. */
export type Operation = keyof typeof WEIGHTS;

/** What is asked for: names and filters, apart and overlapping, in part not granted. */
const REQUESTS: ReadonlyArray<readonly string[]> = [
  ["s/#"],
  ["#"],
  ["s/+/1"],
  ["+/+/2"],
  ["s/a/+"],
  ["s/b/#"],
  ["s/a/1"],
  ["s/c/3"],
  ["s/k/+"],
  ["s/k/1"],
  ["s/a/+", "s/+/1"],
  ["s/b/2", "s/k/#", "s/+/2"],
  ["s/a/1", "s/b/1", "s/c/1"],
];
/** The response topic that all queries share where Correlation Data keeps them apart. */
const SHARED_RESPONSE_TOPIC = "s/r/shared";
const CANCEL_PROBABILITY = 0.15;
/** A call that waits less may find that a connection of its own takes longer, on a busy machine. */
const CONNECTED_WITHIN_S = 1;
/** What a host cancels; the others are over at once, or have no end of their own. */
const CANCELLED: ReadonlySet<Operation> = new Set([
  "publish",
  "collect",
  "subscribe",
  "read",
  "query",
  "watchRead",
  "resource",
  "topics",
]);

/** Works. */
export class AgentWork {
  /** How often each operation was done. */
  readonly counts = new Map<Operation, number>();
  /** How often each error was given. */
  readonly errors = new Map<string, number>();
  readonly #soaked: Soaked;
  readonly #ledger: Ledger;
  readonly #watches: WatchPool;
  readonly #floods: Floods;

  constructor(
    soaked: Soaked,
    { watches, floods }: { readonly watches: WatchPool; readonly floods: Floods },
  ) {
    this.#soaked = soaked;
    this.#ledger = soaked.ledger;
    this.#watches = watches;
    this.#floods = floods;
  }

  /** Does one thing, chosen by the dice. */
  async operate(dice: Dice): Promise<void> {
    const operation = dice.weighted(WEIGHTS);
    this.counts.set(operation, (this.counts.get(operation) ?? 0) + 1);
    if (CANCELLED.has(operation) && dice.chance(CANCEL_PROBABILITY)) {
      await this.#soaked.cancelled(operation, {
        afterMs: dice.between(0, 250),
        work: (signal) => this.#do(operation, dice, signal),
      });
    } else {
      await this.#do(operation, dice);
    }
  }

  /** Publishes a few messages at once. */
  async publishSome(dice: Dice): Promise<void> {
    await Promise.all(Array.from({ length: 4 }, () => this.#publish(dice)));
  }

  /** Writes in the middle of a flood. */
  async flood(dice: Dice): Promise<void> {
    this.#expectCalm(await this.#floods.flood(dice), []);
  }

  async #do(operation: Operation, dice: Dice, signal?: AbortSignal): Promise<void> {
    switch (operation) {
      case "publish":
        return await this.#publish(dice, signal);
      case "collect":
        return await this.#collect(dice, signal);
      case "subscribe":
        return await this.#subscribe(dice, signal);
      case "read":
        return await this.#read(dice, signal);
      case "query":
        return await this.#query(dice, signal);
      case "watch":
        return await this.#watches.startOrStop(dice);
      case "watchRead":
        return await this.#watches.read(dice, signal);
      case "resource":
        return await this.#resource(dice, signal);
      case "updates":
        return await this.#updates(dice);
      case "topics":
        return await this.#topics(dice, signal);
      case "status":
        return await this.#status();
    }
  }

  async #publish(dice: Dice, signal?: AbortSignal): Promise<void> {
    const isForeign = dice.chance(0.05);
    const topic = isForeign ? FOREIGN_TOPIC : dice.pick(LIVE_TOPICS);
    const qos: QoS = dice.pick([0, 1, 2]);
    const text = dice.chance(0.1) ? "x".repeat(dice.between(1_000, 30_000)) : "";
    const sent = this.#ledger.begin({ topic, qos, retain: false });
    const payload = `${sent.id} ${text}`;
    const result = await this.#soaked.call("mqtt_publish", { topic, payload, qos }, { signal });
    const { data, error } = result;
    if (data !== undefined) {
      const fate = data.outcome as "sent" | "acknowledged";
      this.#ledger.end(sent, fate);
      if (fate !== (qos === 0 ? "sent" : "acknowledged") || isForeign) {
        this.#ledger.violation(`${sent.id} (QoS ${qos} on ${topic}) was said to be ${fate}`);
      }
    } else {
      // A cancelled one may or may not be on its way.
      this.#ledger.end(sent, error === undefined ? "unknown" : error.outcome ?? "unknown");
      if (error !== undefined && error.outcome === undefined) {
        this.#ledger.violation(`a publish failed with ${error.code} and without an outcome`);
      }
    }
    this.#expectCalm(result, isForeign ? ["forbidden"] : [], signal);
    if (isForeign && error?.code !== "forbidden" && !signal?.aborted) {
      this.#ledger.violation(`${topic} is not granted, and gave ${error?.code}`);
    }
  }

  async #collect(dice: Dice, signal?: AbortSignal): Promise<void> {
    const topics = dice.pick(REQUESTS);
    const includeRetained = dice.chance(0.5);
    const resume = dice.chance(0.6);
    const holdMs = dice.between(50, 700);
    const ear = new Ear(this.#ledger, { name: "collect", topics, includeRetained, resume });
    const work = async (until: AbortSignal): Promise<void> => {
      const collection = await this.#soaked.session.access.collect(topics, {
        includeRetained,
        resume,
        waitMs: 3_000,
        signal: until,
        onMessage: ({ topic, payload, retain }) =>
          ear.hear({ topic, payload: new TextDecoder().decode(payload), retain }),
        onInterrupted: () => ear.interrupted(),
        onFailed: () => ear.close(),
      });
      ear.inForce(collection.filters.map(({ text }) => text));
      const isWhole = await pause(holdMs, until);
      if (isWhole) await ear.settle();
      ear.close();
      const released = collection[Symbol.asyncDispose]();
      // Who has cancelled does not wait for the UNSUBACK.
      if (isWhole) await released;
    };
    const result = await this.#soaked.run(`collect ${topics}`, work, { boundMs: 30_000, signal });
    ear.close();
    this.#expectCalm(result, [], signal);
  }

  async #subscribe(dice: Dice, signal?: AbortSignal): Promise<void> {
    const topics = dice.pick(REQUESTS);
    const includeRetained = dice.chance(0.5);
    const ear = new Ear(this.#ledger, {
      name: "mqtt_subscribe",
      topics,
      includeRetained,
      resume: true,
    });
    const startedAt = performance.now();
    const timeout = dice.between(1, 8) / 10;
    const result = await this.#soaked.call("mqtt_subscribe", {
      topic: topics.length === 1 ? topics[0] : topics,
      timeout,
      max_messages: dice.between(1, 40),
      include_retained: includeRetained,
    }, { signal });
    const { data, wasCalm } = result;
    // Of one topic, it stands in no message.
    for (const message of data?.messages ?? []) ear.hear(heard({ topic: topics[0], ...message }));
    if (data !== undefined && data.count !== data.messages.length) {
      this.#ledger.violation(`count is ${data.count} of ${data.messages.length} messages`);
    }
    if (data?.ended === "disconnected" && wasCalm) {
      const elapsed = Math.round(performance.now() - startedAt);
      this.#ledger.violation(
        `mqtt_subscribe was disconnected within ${elapsed} ms, without a fault`,
      );
    }
    this.#expectCalm(result, failuresWithin(timeout), signal);
  }

  async #read(dice: Dice, signal?: AbortSignal): Promise<void> {
    const topics = [dice.chance(0.4) ? dice.pick(KEPT_TOPICS) : dice.pick(["s/a/+", "s/b/1", "#"])];
    const includeRetained = dice.chance(0.7);
    const ear = new Ear(this.#ledger, { name: "mqtt_read", topics, includeRetained, resume: true });
    ear.inForce(topics);
    const isKept = ear.missing().length > 0;
    const timeout = dice.between(2, 10) / 10;
    const result = await this.#soaked.call("mqtt_read", {
      topic: topics[0],
      timeout,
      include_retained: includeRetained,
    }, { signal });
    if (result.data !== undefined) ear.hear(heard(result.data));
    // What is kept may be replaced meanwhile, but never by nothing.
    const failures = [...failuresWithin(timeout), ...isKept ? [] : ["timeout"]];
    this.#expectCalm(result, failures, signal);
  }

  async #query(dice: Dice, signal?: AbortSignal): Promise<void> {
    const sent = this.#ledger.begin({ topic: REQUEST_TOPIC, qos: 1, retain: false });
    const is5 = this.#soaked.connection.status.protocolVersion === "5";
    const response_topic = is5 && dice.chance(0.5) ? SHARED_RESPONSE_TOPIC : `s/r/${sent.id}`;
    const result = await this.#soaked.call("mqtt_query", {
      request_topic: REQUEST_TOPIC,
      response_topic,
      payload: `${sent.id} reply=${response_topic}`,
      timeout: 2,
      qos: 1,
    }, { signal, boundMs: 12_000 });
    const { data, error } = result;
    // An answer proves that it has arrived, but not that the broker has said so.
    this.#ledger.end(sent, error?.outcome ?? "unknown");
    for (const { payload } of data?.responses ?? []) {
      const [id, answers] = String(payload).split(" ");
      if (answers !== sent.id || sent.seen !== 1) {
        this.#ledger.violation(`${id} is an answer to ${answers}, and was given for ${sent.id}`);
      }
    }
    this.#expectCalm(result, [], signal);
  }

  async #resource(dice: Dice, signal?: AbortSignal): Promise<void> {
    const topic = parseTopicName(dice.pick([...KEPT_TOPICS, "s/a/1"]));
    const result = await this.#soaked.run(
      `resource ${topic}`,
      (until) => readMessage(topic, this.#soaked.session, until),
      { signal },
    );
    if (result.data !== undefined) this.#assertPublished(result.data);
    this.#expectCalm(result, ["timeout"], signal);
  }

  async #updates(dice: Dice): Promise<void> {
    const topic = parseTopicName(dice.pick([...KEPT_TOPICS, "s/b/3"]));
    const holder = crypto.randomUUID();
    const { updates } = this.#soaked.session;
    const subscriber = { uri: `mcpmqtt://message/${topic}`, holder };
    updates.subscribe(topic, subscriber).catch(() => {});
    await pause(dice.between(0, 600), this.#soaked.signal);
    await updates.unsubscribe(topic, subscriber);
  }

  async #topics(dice: Dice, signal?: AbortSignal): Promise<void> {
    const args = { filter: dice.pick(["#", "s/k/#", "s/+/1"]), duration: dice.between(1, 5) / 10 };
    const result = await this.#soaked.call("mqtt_topics", args, { signal });
    for (const { topic, topics, names, last } of result.data?.topics ?? []) {
      if (topics === undefined) this.#assertPublished({ topic, payload: last });
      else if (names.length < 2) this.#ledger.violation(`${topic} stands for ${names.length}`);
    }
    if (result.data?.disconnected && result.wasCalm) {
      this.#ledger.violation("mqtt_topics was disconnected, without a fault");
    }
    this.#expectCalm(result, [], signal);
  }

  async #status(): Promise<void> {
    const { data, wasCalm } = await this.#soaked.call("mqtt_status", {});
    if (!wasCalm || data?.connected) return;
    // While nobody waits for it the connection is tried at long intervals, and that is the truth.
    if (await this.#soaked.missingConnections() > 0) {
      this.#ledger.violation(`without a fault there is no connection: ${data?.last_error}`);
    }
  }

  #assertPublished({ topic, payload }: { topic: string; payload: unknown }): void {
    const sent = this.#ledger.find(idOf(payload));
    if (sent?.topic === topic && topic.startsWith("s/")) return;
    this.#ledger.violation(`${topic} gave ${String(payload).slice(0, 40)}, which nobody published`);
  }

  /** Without a fault nothing fails but for a reason. */
  #expectCalm(
    { error, wasCalm }: CallResult,
    codes: readonly string[],
    signal?: AbortSignal,
  ): void {
    if (error === undefined) return;
    this.errors.set(error.code, (this.errors.get(error.code) ?? 0) + 1);
    if (!wasCalm || signal?.aborted || codes.includes(error.code)) return;
    this.#ledger.violation(`without a fault: ${error.code}: ${error.message}`);
  }
}

/** The errors of a call that has so many seconds to connect, however calm it is. */
function failuresWithin(seconds: number): readonly string[] {
  return seconds < CONNECTED_WITHIN_S ? ["not_connected"] : [];
}
