import assert from "node:assert/strict";
import type { Connection } from "../../lib/mqtt/connection.ts";
import { eachBroker } from "../brokers/each_broker.ts";
import { until } from "../brokers/until.ts";
import {
  Gathering,
  MemoryLog,
  openConnection,
  publication,
  rejection,
  type TestConnectionOptions,
  waiting,
} from "./connections.ts";
import {
  type ClientPacket,
  connack,
  CONNECT,
  PINGREQ,
  puback,
  PUBLISH,
  ScriptedBroker,
  type ScriptedClient,
  suback,
  SUBSCRIBE,
  topicOf,
  unsuback,
  UNSUBSCRIBE,
} from "./scripted_broker.ts";

const MAIN = 0;
const DETOUR = 1;
/** What counts as a load, and a little more. */
const FLOOD = 600;
/** In a flood from a real broker. */
const MESSAGES = 20_000;
/** Longer than a load is remembered, in milliseconds. */
const AFTER_FLOOD_MS = 600;
const NOT_AUTHORIZED = 0x87;

/** What the broker does with the packets of one client; default: it answers. */
interface Behaviour {
  connect?: "answer" | "refuse" | "ignore";
  publish?: "answer" | "refuse" | "ignore" | "close";
  ping?: "answer" | "ignore";
}

/** A broker that floods the first client on demand, and tells by whom what was published. */
class FloodingBroker implements AsyncDisposable {
  readonly behaviour: Behaviour[] = [];
  /** `<number of the client> <topic>` of each message that was published, in the order of arrival. */
  readonly published: string[] = [];
  readonly clientIds: string[] = [];
  readonly #version: "5" | "3.1.1";
  readonly #unanswered: Array<() => void> = [];
  readonly #broker: ScriptedBroker;
  #main: ScriptedClient | undefined;

  constructor(version: "5" | "3.1.1" = "5") {
    this.#version = version;
    this.#broker = new ScriptedBroker((packet, client) => this.#on(packet, client));
  }

  get connections(): number {
    return this.#broker.connections;
  }

  get accepted(): number {
    return this.#broker.accepted;
  }

  /** A connection whose main link has just got a flood. */
  async flooded(options: TestConnectionOptions = {}): Promise<Connection> {
    const connection = await this.connect(options);
    await this.flood(connection);
    return connection;
  }

  async connect(options: TestConnectionOptions = {}): Promise<Connection> {
    return await openConnection(this.#broker, { version: this.#version, ...options });
  }

  async flood(connection: Connection): Promise<void> {
    await using gathering = await Gathering.open(connection, "flood");
    const topic = [0, 5, ...new TextEncoder().encode("flood")];
    const message = this.#version === "5" ? [0x30, 8, ...topic, 0] : [0x30, 7, ...topic];
    this.#main?.send(...Array.from({ length: FLOOD }, () => message).flat());
    await gathering.atLeast(FLOOD);
  }

  /** Answers what was left unanswered, and everything from now on. */
  answerAll(): void {
    this.behaviour.length = 0;
    for (const answer of this.#unanswered.splice(0)) answer();
  }

  async publishedAre(expected: readonly string[]): Promise<void> {
    await until(() => this.published.length >= expected.length, {
      deadlineMs: 5_000,
      what: () => `${expected.length} messages, got ${this.published.join()}`,
    });
    assert.deepEqual(this.published, expected);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#broker[Symbol.asyncDispose]();
  }

  #on(packet: ClientPacket, client: ScriptedClient): void {
    const { connect = "answer", publish = "answer", ping = "answer" } =
      this.behaviour[client.index] ?? {};
    if (packet.type === CONNECT) {
      if (client.index === MAIN) this.#main = client;
      this.clientIds.push(clientIdOf(packet, this.#version));
      if (connect === "refuse") client.close();
      else this.#answer(connect, () => client.send(...connack(this.#version)));
    } else if (packet.type === PUBLISH) {
      this.published.push(`${client.index} ${topicOf(packet)}`);
      if (publish === "close") client.close();
      else if (publish === "refuse") client.send(...puback(packet, NOT_AUTHORIZED));
      else if ((packet.flags & 0x06) !== 0) {
        this.#answer(publish, () => client.send(...this.#puback(packet)));
      }
    } else if (packet.type === PINGREQ) {
      this.#answer(ping, () => client.send(0xD0, 0));
    } else if (packet.type === SUBSCRIBE) {
      client.send(...this.#version === "5" ? suback(packet) : [0x90, 3, ...identifier(packet), 0]);
    } else if (packet.type === UNSUBSCRIBE) {
      client.send(...this.#version === "5" ? unsuback(packet) : [0xB0, 2, ...identifier(packet)]);
    }
  }

  #answer(how: string, answer: () => void): void {
    if (how === "ignore") this.#unanswered.push(answer);
    else answer();
  }

  #puback(publish: ClientPacket): number[] {
    const [, , ...rest] = puback(publish);
    return this.#version === "5" ? [0x40, 3, ...rest] : [0x40, 2, ...rest.slice(0, 2)];
  }
}

function identifier({ body }: ClientPacket): Uint8Array {
  return body.subarray(0, 2);
}

/** After the variable header, §3.1.2; in MQTT 5 that ends with properties. */
function clientIdOf({ body }: ClientPacket, version: "5" | "3.1.1"): string {
  const at = version === "5" ? 11 + (body[10] ?? 0) : 10;
  const length = ((body[at] ?? 0) << 8) + (body[at + 1] ?? 0);
  return new TextDecoder().decode(body.subarray(at + 2, at + 2 + length));
}

function publish(connection: Connection, topic: string, qos: 0 | 1 = 1): Promise<unknown> {
  return connection.publish(publication(topic, "x", { qos }), waiting());
}

for (const version of ["5", "3.1.1"] as const) {
  Deno.test(`a publish goes past a flood, whatever the QoS (MQTT ${version})`, async () => {
    await using broker = new FloodingBroker(version);
    await using connection = await broker.flooded();
    broker.behaviour[MAIN] = { publish: "ignore", ping: "ignore" };
    await publish(connection, "a");
    await publish(connection, "b", 0);
    await publish(connection, "c");
    await broker.publishedAre([`${DETOUR} a`, `${DETOUR} b`, `${DETOUR} c`]);
    const { clientId } = connection.status;
    assert.deepEqual(broker.clientIds, [clientId, `${clientId}-w`]);
  });
}

Deno.test("without a flood there is one connection", async () => {
  await using broker = new FloodingBroker();
  await using connection = await broker.connect();
  for (const qos of [0, 1, 0, 1] as const) await publish(connection, "a", qos);
  await broker.publishedAre(Array.from({ length: 4 }, () => `${MAIN} a`));
  assert.equal(broker.accepted, 1);
});

Deno.test("a publish follows one at QoS 0 that the broker may not have read", async () => {
  await using broker = new FloodingBroker();
  await using connection = await broker.connect();
  broker.behaviour[MAIN] = { ping: "ignore" };
  await publish(connection, "on", 0);
  await broker.flood(connection);
  await publish(connection, "off");
  await broker.publishedAre([`${MAIN} on`, `${MAIN} off`]);
  broker.answerAll();
  await until(async () => {
    await publish(connection, "more");
    return broker.published.at(-1) === `${DETOUR} more`;
  }, { deadlineMs: 2_000, what: () => `a detour after ${broker.published.join()}` });
});

Deno.test("a publish follows one at QoS 0 even where the way past the flood is open", async () => {
  await using broker = new FloodingBroker();
  await using connection = await broker.flooded();
  await publish(connection, "first");
  await new Promise((resolve) => setTimeout(resolve, AFTER_FLOOD_MS));
  broker.behaviour[MAIN] = { ping: "ignore" };
  await publish(connection, "on", 0);
  await broker.flood(connection);
  await publish(connection, "off");
  await broker.publishedAre([`${DETOUR} first`, `${MAIN} on`, `${MAIN} off`]);
});

Deno.test("a publish follows one that is not acknowledged", async () => {
  await using broker = new FloodingBroker();
  await using connection = await broker.connect();
  broker.behaviour[MAIN] = { publish: "ignore" };
  const first = publish(connection, "on");
  await broker.publishedAre([`${MAIN} on`]);
  await broker.flood(connection);
  const second = publish(connection, "off");
  await broker.publishedAre([`${MAIN} on`, `${MAIN} off`]);
  broker.answerAll();
  await Promise.all([first, second]);
});

Deno.test("a publish after one whose acknowledgement never came follows it", async () => {
  await using broker = new FloodingBroker();
  await using connection = await broker.connect({ times: { publishMs: 50 } });
  broker.behaviour[MAIN] = { publish: "ignore", ping: "ignore" };
  assert.equal((await rejection(publish(connection, "on"))).outcome, "unknown");
  await broker.flood(connection);
  assert.equal((await rejection(publish(connection, "off"))).outcome, "unknown");
  await broker.publishedAre([`${MAIN} on`, `${MAIN} off`]);
});

Deno.test("after the flood publishes go the usual way, and follow those past it", async () => {
  await using broker = new FloodingBroker();
  await using connection = await broker.flooded();
  broker.behaviour[DETOUR] = { publish: "ignore" };
  const first = publish(connection, "on");
  await broker.publishedAre([`${DETOUR} on`]);
  await new Promise((resolve) => setTimeout(resolve, AFTER_FLOOD_MS));
  const second = publish(connection, "off");
  await broker.publishedAre([`${DETOUR} on`, `${DETOUR} off`]);
  broker.answerAll();
  await Promise.all([first, second]);
  await publish(connection, "later");
  await broker.publishedAre([`${DETOUR} on`, `${DETOUR} off`, `${MAIN} later`]);
});

Deno.test("publishes at once go out in the order of their calls", async () => {
  await using broker = new FloodingBroker();
  await using connection = await broker.flooded();
  const topics = Array.from({ length: 20 }, (_, i) => `${i}`);
  await Promise.all(topics.map((topic, i) => publish(connection, topic, i % 2 === 0 ? 1 : 0)));
  await broker.publishedAre(topics.map((topic) => `${DETOUR} ${topic}`));
});

Deno.test("a detour that does not open is not waited for long", async () => {
  await using broker = new FloodingBroker();
  const connection = await broker.flooded();
  broker.behaviour[DETOUR] = { connect: "ignore" };
  const topics = ["a", "b", "c"];
  await Promise.all(topics.map((topic, i) => publish(connection, topic, i === 1 ? 0 : 1)));
  await broker.publishedAre(topics.map((topic) => `${MAIN} ${topic}`));
  // It is on its way still.
  await connection.close();
});

Deno.test("a detour that the broker refuses is not asked for again", async () => {
  await using broker = new FloodingBroker();
  const log = new MemoryLog();
  await using connection = await broker.flooded({ log });
  broker.behaviour[DETOUR] = { connect: "refuse" };
  for (const topic of ["a", "b", "c"]) await publish(connection, topic);
  await broker.publishedAre([`${MAIN} a`, `${MAIN} b`, `${MAIN} c`]);
  assert.equal(broker.accepted, 2);
  assert.match(log.lines.at(-1) ?? "", /^no further connection to publish past the messages/);
});

Deno.test("what is refused on the detour is published the usual way, and so is the rest", async () => {
  await using broker = new FloodingBroker();
  await using connection = await broker.flooded({ clientId: "boiler" });
  broker.behaviour[DETOUR] = { publish: "refuse" };
  for (const topic of ["a", "b"]) await publish(connection, topic);
  await broker.publishedAre([`${DETOUR} a`, `${MAIN} a`, `${MAIN} b`]);
});

Deno.test("what is refused on both is refused, and says nothing against the detour", async () => {
  await using broker = new FloodingBroker();
  await using connection = await broker.flooded();
  broker.behaviour[MAIN] = { publish: "refuse" };
  broker.behaviour[DETOUR] = { publish: "refuse" };
  const { code, outcome } = await rejection(publish(connection, "a"));
  assert.deepEqual({ code, outcome }, { code: "broker_refused", outcome: "not_sent" });
  broker.behaviour.length = 0;
  await publish(connection, "b");
  await broker.publishedAre([`${DETOUR} a`, `${MAIN} a`, `${DETOUR} b`]);
});

Deno.test("MQTT 3.1.1: a Client Identifier of the owner's publishes on no other", async () => {
  await using broker = new FloodingBroker("3.1.1");
  await using connection = await broker.flooded({ clientId: "boiler" });
  await publish(connection, "a");
  await broker.publishedAre([`${MAIN} a`]);
  assert.deepEqual(broker.clientIds, ["boiler"]);
});

Deno.test("a message that is lost with the detour is not sent again, and none goes that way", async () => {
  await using broker = new FloodingBroker();
  await using connection = await broker.flooded();
  broker.behaviour[DETOUR] = { publish: "close" };
  const { code, outcome } = await rejection(publish(connection, "a"));
  assert.deepEqual({ code, outcome }, { code: "not_connected", outcome: "unknown" });
  await publish(connection, "b");
  await broker.publishedAre([`${DETOUR} a`, `${MAIN} b`]);
});

Deno.test("a detour without use is closed, and opened again when needed", async () => {
  await using broker = new FloodingBroker();
  await using connection = await broker.flooded({ times: { idleLaneMs: 50 } });
  await publish(connection, "a");
  await until(() => broker.connections === 1, {
    deadlineMs: 2_000,
    what: () => `1 connection, there are ${broker.connections}`,
  });
  await broker.flood(connection);
  await publish(connection, "b");
  await broker.publishedAre([`${DETOUR} a`, "2 b"]);
});

Deno.test("a detour in use is not closed", async () => {
  await using broker = new FloodingBroker();
  await using connection = await broker.flooded({ times: { idleLaneMs: 1_000 } });
  for (let i = 0; i < 13; i++) {
    await broker.flood(connection);
    await publish(connection, "a");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await broker.publishedAre(Array.from({ length: 13 }, () => `${DETOUR} a`));
});

eachBroker("publishes of each QoS amid a flood arrive in order and once", async ({
  broker,
  version,
  connect,
}) => {
  await using connection = await openConnection(broker, { version });
  await using flood = await Gathering.open(connection, "flood");
  await using observer = await connect();
  // At QoS 2 its own exchange with the broker would put them out of order.
  await observer.subscribe("written", { qos: 1 });
  await using device = await connect();
  for (let i = 0; i < MESSAGES; i++) device.mqtt.publish("flood", `${i}`);
  await flood.atLeast(FLOOD);
  const expected: string[] = [];
  do {
    const qos = ([0, 1, 0, 2] as const)[expected.length % 4] ?? 0;
    const text = `${expected.length}`;
    expected.push(text);
    await connection.publish(publication("written", text, { qos }), waiting());
  } while (flood.messages.length < MESSAGES);
  await observer.collect(expected.length);
  assert.deepEqual(observer.received.map(({ text }) => text), expected);
  assert.equal(flood.messages.length, MESSAGES);
  assert.ok(broker.clients().includes(`${connection.status.clientId}-w`));
});
