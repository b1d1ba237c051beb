/** Devices and bystanders of the tests: mqtt.js as it comes, closed cleanly. */

import { type IClientOptions, type IClientPublishOptions, MqttClient } from "mqtt";
import type { IClientSubscribeOptions, IPublishPacket, ISubscriptionGrant } from "mqtt";
import { connectAsync } from "mqtt";
import type { Buffer } from "node:buffer";
import type { ProtocolVersion } from "./broker.ts";
import { DEADLINE_MS, until, within } from "./until.ts";

/** How long a client waits for acknowledgements and the end of its connection when it is closed. */
const GRACE_MS = 500;

/** One message as it arrived. */
export interface Received {
  readonly topic: string;
  readonly payload: Uint8Array;
  /** The payload as UTF-8. */
  readonly text: string;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  readonly packet: IPublishPacket;
}

/** How a client connects. */
export interface TestClientOptions extends Omit<IClientOptions, "protocolVersion"> {
  /** Default "3.1.1", which every broker speaks. */
  readonly version?: ProtocolVersion;
}

/** A connected client; it never reconnects, so that a test sees what happens. */
export interface TestClient extends AsyncDisposable {
  /** mqtt.js itself, for what this leaves out. */
  readonly mqtt: MqttClient;
  readonly clientId: string;
  /** Everything that has arrived, oldest first. */
  readonly received: readonly Received[];
  /** Resolves when sent (QoS 0) or acknowledged. */
  publish(
    topic: string,
    payload: string | Uint8Array,
    options?: IClientPublishOptions,
  ): Promise<void>;
  /** Publishes `count` messages with the payloads 0, 1, 2, … or what `payload` makes of the number. */
  burst(
    topic: string,
    count: number,
    options?: IClientPublishOptions & { payload?: (index: number) => string | Uint8Array },
  ): Promise<void>;
  /** Resolves with the SUBACK. */
  subscribe(
    filters: string | string[],
    options?: IClientSubscribeOptions,
  ): Promise<ISubscriptionGrant[]>;
  unsubscribe(filters: string | string[]): Promise<void>;
  /** Calls `answer` for each message of a filter, and publishes what it gives where it says. */
  respond(
    filter: string,
    answer: (message: Received) => Reply | undefined | Promise<Reply | undefined>,
  ): Promise<void>;
  /** The first `count` messages that pass `pick`, once they have arrived. */
  collect(count: number, options?: CollectOptions): Promise<Received[]>;
  close(): Promise<void>;
}

/** What {@linkcode TestClient.respond} publishes. */
export interface Reply {
  readonly topic: string;
  readonly payload: string | Uint8Array;
  readonly options?: IClientPublishOptions;
}

/** How {@linkcode TestClient.collect} waits. */
export interface CollectOptions {
  readonly pick?: (message: Received) => boolean;
  /** Default {@linkcode DEADLINE_MS}. */
  readonly deadlineMs?: number;
}

/**
 * Connects to a broker.
 *
 * @throws when the broker refuses or cannot be reached
 */
export async function connectClient(
  broker: { readonly host: string; readonly port: number },
  options: TestClientOptions = {},
): Promise<TestClient> {
  const { version = "3.1.1", ...rest } = options;
  const mqtt = await connectAsync(`mqtt://${broker.host}:${broker.port}`, {
    clientId: `test-${crypto.randomUUID()}`,
    connectTimeout: DEADLINE_MS,
    reconnectPeriod: 0,
    ...rest,
    protocolVersion: version === "5" ? 5 : 4,
  }, false);
  // Without a listener a broken connection would end the test as an uncaught error.
  mqtt.on("error", () => {});
  const received: Received[] = [];
  mqtt.on("message", (_topic, payload, packet) => received.push(toReceived(payload, packet)));

  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => closing ??= end(mqtt);
  const client: TestClient = {
    mqtt,
    clientId: mqtt.options.clientId ?? "",
    received,
    async publish(topic, payload, publishOptions = {}): Promise<void> {
      await mqtt.publishAsync(topic, asPayload(payload), publishOptions);
    },
    async burst(topic, count, { payload = String, ...publishOptions } = {}): Promise<void> {
      const sent = Array.from(
        { length: count },
        (_, index) => client.publish(topic, payload(index), publishOptions),
      );
      await Promise.all(sent);
    },
    subscribe: (filters, subscribeOptions = { qos: 0 }) =>
      mqtt.subscribeAsync(filters, subscribeOptions),
    async unsubscribe(filters): Promise<void> {
      await mqtt.unsubscribeAsync(filters);
    },
    async respond(filter, answer): Promise<void> {
      mqtt.on("message", async (_topic, payload, packet) => {
        if (!matches(filter, packet.topic)) return;
        const reply = await answer(toReceived(payload, packet));
        if (reply) await client.publish(reply.topic, reply.payload, reply.options);
      });
      await client.subscribe(filter, { qos: 1 });
    },
    async collect(
      count,
      { pick = (): boolean => true, deadlineMs = DEADLINE_MS } = {},
    ): Promise<Received[]> {
      const picked = (): Received[] => received.filter(pick);
      const what = (): string => `${count} messages, of which ${picked().length} arrived`;
      await until(() => picked().length >= count, { deadlineMs, what });
      return picked().slice(0, count);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
  return client;
}

/** With a DISCONNECT, or without one where the broker does not even take that. */
async function end(mqtt: MqttClient): Promise<void> {
  if (mqtt.connected) {
    try {
      return await within(mqtt.endAsync(), GRACE_MS);
    } catch {
      mqtt.stream.destroy();
    }
  }
  await mqtt.endAsync(true);
}

function toReceived(payload: Buffer, packet: IPublishPacket): Received {
  const { topic, qos, retain } = packet;
  return { topic, payload, text: payload.toString(), qos, retain, packet };
}

/** mqtt.js takes text or a Buffer by its typings, and any Uint8Array in truth. */
function asPayload(payload: string | Uint8Array): string | Buffer {
  return typeof payload === "string" ? payload : payload as Buffer;
}

/** Plain §4.7 matching, so that the tests do not lean on what they test. */
function matches(filter: string, topic: string): boolean {
  const levels = topic.split("/");
  const wanted = filter.split("/");
  const rest = wanted.at(-1) === "#";
  if (rest) wanted.pop();
  return (rest ? levels.length >= wanted.length : levels.length === wanted.length) &&
    wanted.every((level, index) => level === "+" || level === levels[index]);
}
