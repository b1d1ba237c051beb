/**
 * The devices: clients on the broker itself, past the faulty network.
 *
 * @module
 */
import type { Buffer } from "node:buffer";
import { connectClient, type Received, type TestClient } from "../../tests/brokers/client.ts";
import type { ProtocolVersion, TestBroker } from "../../tests/brokers/broker.ts";
import type { QoS } from "../../lib/messages/message.ts";
import { idOf, type Ledger, type Sent } from "./ledger.ts";

/** Where requests go. */
export const REQUEST_TOPIC = "s/q/request";

/** A message that a device sends. */
export interface DeviceMessage {
  readonly topic: string;
  readonly qos: QoS;
  readonly retain?: boolean;
  /** After the identifier. */
  readonly text?: string;
  readonly correlationData?: Buffer | undefined;
}

/** A client that publishes, answers requests, and listens to everything. */
export class Device implements AsyncDisposable {
  readonly #ledger: Ledger;
  readonly #version: ProtocolVersion;
  readonly #client: TestClient;
  readonly #pending = new Map<Sent, () => void>();

  private constructor(client: TestClient, ledger: Ledger, version: ProtocolVersion) {
    this.#client = client;
    this.#ledger = ledger;
    this.#version = version;
    // All that is not known to have arrived when the connection ends.
    client.mqtt.on("close", () => {
      for (const sent of [...this.#pending.keys()]) this.#end(sent, "unknown");
    });
    client.mqtt.on("message", (topic, payload, packet) => {
      if (packet.retain) return;
      const text = payload.toString();
      this.#ledger.seenAtBroker(idOf(text));
      if (topic === REQUEST_TOPIC) this.#answer(text, packet);
    });
  }

  /** Connects, and hears from then on all that the broker takes. */
  static async open(
    broker: TestBroker,
    { ledger, version }: { readonly ledger: Ledger; readonly version: ProtocolVersion },
  ): Promise<Device> {
    const client = await connectClient(broker, { version });
    const device = new Device(withoutMemory(client), ledger, version);
    await client.subscribe("#", { qos: 2 });
    return device;
  }

  /** Publishes and settles when it is known, or never will be, whether it has arrived. */
  publish(message: DeviceMessage): Promise<void> {
    const { topic, qos, retain = false, text = "", correlationData } = message;
    const { mqtt } = this.#client;
    if (!mqtt.connected) return Promise.resolve();
    const sent = this.#ledger.begin({ topic, qos, retain });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#pending.set(sent, resolve);
    const isAsked = this.#version === "5" && correlationData !== undefined;
    const properties = isAsked ? { properties: { correlationData } } : {};
    mqtt.publish(topic, `${sent.id} ${text}`, { qos, retain, ...properties }, (error) => {
      this.#end(sent, error ? "unknown" : qos > 0 ? "acknowledged" : "sent");
    });
    return promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close();
  }

  #end(sent: Sent, fate: "acknowledged" | "sent" | "unknown"): void {
    const settle = this.#pending.get(sent);
    if (settle === undefined) return;
    this.#pending.delete(sent);
    this.#ledger.end(sent, fate);
    settle();
  }

  #answer(text: string, { properties }: Received["packet"]): void {
    const [, topic = ""] = / reply=(\S+)/.exec(text) ?? [];
    const correlationData = properties?.correlationData;
    void this.publish({ topic, qos: 1, text: idOf(text), correlationData });
  }
}

/** The client of the tests keeps all that it receives; here that would be what grows. */
function withoutMemory(client: TestClient): TestClient {
  const received = client.received as Received[];
  received.push = (): number => 0;
  return client;
}
