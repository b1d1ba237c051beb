import assert from "node:assert/strict";
import type { Connection } from "../../lib/mqtt/connection.ts";
import { startAedes } from "../brokers/aedes.ts";
import { connectClient } from "../brokers/client.ts";
import { eachBroker } from "../brokers/each_broker.ts";
import { FaultProxy } from "../brokers/proxy.ts";
import { until } from "../brokers/until.ts";
import { Gathering, openConnection, publication, rejection, waiting } from "./connections.ts";
import {
  type ClientPacket,
  connack,
  CONNECT,
  PINGREQ,
  puback,
  PUBLISH,
  ScriptedBroker,
  type ScriptedClient,
  topicOf,
} from "./scripted_broker.ts";

/** In a flood from a real broker. */
const MESSAGES = 20_000;
/** How many of them are awaited before writing begins. */
const FLOOD = 600;
const RECEIVE_MAXIMUM_1 = [0x21, 0, 1];

/** What came from the clients of a scripted broker, which answers as `answer` says. */
class Recorded implements AsyncDisposable {
  readonly clientIds: string[] = [];
  /** `<number of the client> <topic>` of each message. */
  readonly published: string[] = [];
  readonly #broker: ScriptedBroker;

  constructor(
    answer: (packet: ClientPacket, client: ScriptedClient) => void,
    properties: readonly number[] = [],
  ) {
    this.#broker = new ScriptedBroker((packet, client) => {
      if (packet.type === CONNECT) {
        this.clientIds.push(clientIdOf(packet));
        client.send(...connack("5", properties));
      }
      if (packet.type === PUBLISH) this.published.push(`${client.index} ${topicOf(packet)}`);
      answer(packet, client);
    });
  }

  get host(): string {
    return this.#broker.host;
  }

  get port(): number {
    return this.#broker.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#broker[Symbol.asyncDispose]();
  }
}

function clientIdOf({ body }: ClientPacket): string {
  // Protocol name 6, level 1, flags 1, Keep Alive 2, then the properties.
  const at = 10 + 1 + (body[10] ?? 0);
  const length = ((body[at] ?? 0) << 8) + (body[at + 1] ?? 0);
  return new TextDecoder().decode(body.subarray(at + 2, at + 2 + length));
}

const answerAll = (packet: ClientPacket, client: ScriptedClient): void => {
  if (packet.type === PUBLISH && packet.flags >> 1 === 1) client.send(...puback(packet));
  if (packet.type === PINGREQ) client.send(0xD0, 0);
};

function open(broker: Recorded, options: object = {}): Promise<Connection> {
  return openConnection(broker, { version: "5", clientId: "me", ...options });
}

Deno.test("what is published goes over a connection of its own, opened if something may be", async () => {
  await using broker = new Recorded(answerAll);
  await using connection = await open(broker, { mayWrite: true });
  await until(() => broker.clientIds.length === 2);
  assert.deepEqual(broker.clientIds, ["me", "me-w"]);
  await connection.publish(publication("a", "x", { qos: 1 }), waiting());
  await connection.publish(publication("b"), waiting());
  assert.deepEqual(broker.published, ["1 a", "1 b"]);
});

Deno.test("a connection on which nothing may be published has no other beside it", async () => {
  await using broker = new Recorded(answerAll);
  await using _connection = await open(broker);
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.deepEqual(broker.clientIds, ["me"]);
});

Deno.test("with the Client Identifier that the owner chose there is one connection", async () => {
  await using broker = new Recorded(answerAll);
  await using connection = await open(broker, { mayWrite: true, isClientIdChosen: true });
  await connection.publish(publication("a", "x", { qos: 1 }), waiting());
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.deepEqual(broker.clientIds, ["me"]);
  assert.deepEqual(broker.published, ["0 a"]);
});

Deno.test("publishes at once go out in the order of their calls, whatever their QoS", async () => {
  let unanswered: Array<() => void> = [];
  await using broker = new Recorded((packet, client) => {
    if (packet.type === PINGREQ) client.send(0xD0, 0);
    if (packet.type !== PUBLISH || packet.flags >> 1 === 0) return;
    unanswered.push(() => client.send(...puback(packet)));
  }, RECEIVE_MAXIMUM_1);
  await using connection = await open(broker);
  const topics = Array.from({ length: 12 }, (_, i) => `t${i}`);
  const published = Promise.all(
    topics.map((topic, i) =>
      connection.publish(publication(topic, "x", { qos: i % 3 === 0 ? 0 : 1 }), waiting())
    ),
  );
  while (broker.published.length < topics.length) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    for (const answer of unanswered.splice(0)) answer();
  }
  for (const answer of unanswered.splice(0)) answer();
  unanswered = [];
  await until(() => broker.published.length === topics.length);
  const timer = setInterval(() => unanswered.splice(0).forEach((answer) => answer()), 5);
  await published;
  clearInterval(timer);
  assert.deepEqual(broker.published, topics.map((topic) => `1 ${topic}`));
});

Deno.test("sent at QoS 0 is said when the broker has read the message, not before", async () => {
  let pong: (() => void) | undefined;
  await using broker = new Recorded((packet, client) => {
    if (packet.type === PINGREQ) pong = () => client.send(0xD0, 0);
  });
  await using connection = await open(broker);
  let isSettled = false;
  const publishing = connection.publish(publication("a"), waiting()).then(() => isSettled = true);
  await until(() => broker.published.length === 1 && pong !== undefined);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(isSettled, false);
  pong?.();
  await publishing;
});

Deno.test("a publish at QoS 0 whose connection ends before the broker has read it is unknown", async () => {
  await using broker = new Recorded((packet, client) => {
    if (packet.type === PINGREQ) client.close();
  });
  await using connection = await open(broker);
  const error = await rejection(connection.publish(publication("a"), waiting()));
  assert.equal(error.outcome, "unknown");
  assert.equal(error.code, "not_connected");
});

Deno.test("what waits in line when its call ends is never sent", async () => {
  const acknowledge: Array<() => void> = [];
  await using broker = new Recorded((packet, client) => {
    if (packet.type === PUBLISH) acknowledge.push(() => client.send(...puback(packet)));
  }, RECEIVE_MAXIMUM_1);
  await using connection = await open(broker);
  const first = connection.publish(publication("first", "x", { qos: 1 }), waiting());
  await until(() => broker.published.length === 1);
  const abort = new AbortController();
  let isSent = false;
  const cancelled = connection.publish(publication("valve/open", "x", { qos: 1 }), {
    ...waiting(5_000, abort.signal),
    onSent: () => isSent = true,
  });
  const last = connection.publish(publication("last", "x", { qos: 1 }), waiting());
  await new Promise((resolve) => setTimeout(resolve, 20));
  abort.abort(new Error("the call is over"));
  await assert.rejects(cancelled, /the call is over/);
  acknowledge.shift()?.();
  await first;
  await until(() => broker.published.length === 2);
  acknowledge.shift()?.();
  await last;
  assert.equal(isSent, false);
  assert.deepEqual(broker.published, ["1 first", "1 last"]);
});

Deno.test("what has not left the process when its call ends never leaves it", async () => {
  await using broker = await startAedes();
  await using proxy = new FaultProxy(broker);
  await using witness = await connectClient(broker, { version: "3.1.1" });
  await witness.subscribe("#");
  await using connection = await openConnection(proxy, { times: { publishMs: 300 } });
  await connection.publish(publication("open"), waiting());
  proxy.stall();
  const big = new Uint8Array(16_000_000);
  const errors = await Promise.all([
    rejection(connection.publish(publication("big", big), waiting())),
    rejection(connection.publish(publication("valve/open", "1", { qos: 1 }), waiting())),
  ]);
  for (const { outcome } of errors) assert.equal(outcome, "unknown");
  proxy.resume();
  await connection.publish(publication("end", "x", { qos: 1 }), waiting());
  await witness.collect(1, { pick: ({ topic }) => topic === "end" });
  assert.deepEqual(witness.received.map(({ topic }) => topic), ["open", "end"]);
});

Deno.test("a broker that takes one connection only is told as such", async () => {
  await using broker = new ScriptedBroker(({ type }, client) => {
    if (type !== CONNECT) return;
    // Quota exceeded, §3.2.2.2
    if (client.index === 0) client.send(...connack("5"));
    else client.send(0x20, 3, 0, 0x97, 0);
  });
  await using connection = await openConnection(broker, { version: "5", clientId: "me" });
  const error = await rejection(connection.publish(publication("a"), waiting(100)));
  assert.equal(error.code, "not_connected");
  assert.equal(error.outcome, "not_sent");
  assert.match(error.message, /151 \(Quota exceeded\)/);
  assert.match(error.hint ?? "", /mqtt\.client_id/);
  assert.match(connection.status.lastError ?? "", /Quota exceeded/);
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
