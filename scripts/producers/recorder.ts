/**
 * Writes down what a broker is sent.
 *
 * @module
 */
import { connectClient, type Received, type TestClient } from "../../tests/brokers/client.ts";
import type { RecordedMessage } from "../../tests/devices/recordings.ts";
import type { Producer } from "./producer.ts";

/** So long nothing may come until all is taken to be there. */
const QUIET_MS = 1_000;

interface Address {
  readonly host: string;
  readonly port: number;
}

/** Takes down every message from its start on. */
export class Recorder implements AsyncDisposable {
  readonly #broker: Address;
  readonly #client: TestClient;

  private constructor(broker: Address, client: TestClient) {
    this.#broker = broker;
    this.#client = client;
  }

  /** Subscribes so that the retain flag and the QoS arrive as they were published. */
  static async start(broker: Address): Promise<Recorder> {
    const client = await connectClient(broker, { version: "5" });
    await client.subscribe("#", { qos: 2, rap: true });
    return new Recorder(broker, client);
  }

  /** Resolves when nothing has come for a second. */
  async quiet(): Promise<void> {
    let seen = -1;
    while (seen !== this.#client.received.length) {
      seen = this.#client.received.length;
      await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
    }
  }

  /**
   * All messages in order. Those that a new subscriber gets now are marked; a retained message is
   * kept once where it was published again without a change.
   */
  async messages(
    { leftOut = [], lastOnly = [] }: Pick<Producer, "leftOut" | "lastOnly">,
  ): Promise<RecordedMessage[]> {
    const live = this.#client.received
      .filter(({ topic }) => !leftOut.some((one) => one.test(topic)))
      .filter((message, index, all) => {
        const ofTopic = ({ topic }: Received): boolean => topic === message.topic;
        if (lastOnly.some((one) => one.test(message.topic))) {
          return all.findLast(ofTopic) === message;
        }
        const before = all.slice(0, index).findLast(ofTopic);
        return !message.retain || before === undefined || !same(before, message);
      });
    const retained = await this.#retained();
    return live.map((message, index) => {
      const { topic } = message;
      const isLast = !live.slice(index + 1).some((later) => later.retain && later.topic === topic);
      const kept = retained.get(topic);
      const isRetained = message.retain && isLast && kept !== undefined;
      if (isRetained && !same(kept, message)) throw new Error(`${topic} is retained as other`);
      return {
        topic,
        ...recordedPayload(message.payload),
        qos: message.qos,
        retain: message.retain,
        ...(isRetained ? { retained: true } : {}),
      };
    });
  }

  /** What a new subscriber gets, by topic. */
  async #retained(): Promise<Map<string, Received>> {
    await using client = await connectClient(this.#broker, { version: "5" });
    await client.subscribe("#", { qos: 2 });
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
    return new Map(
      client.received.filter(({ retain }) => retain).map((message) => [message.topic, message]),
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#client.close();
  }
}

function same(a: Received, b: Received): boolean {
  return a.payload.toBase64() === b.payload.toBase64();
}

/** As text where it is text that an editor shows. */
function recordedPayload(bytes: Uint8Array): { payload: string } | { base64: string } {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    // deno-lint-ignore no-control-regex
    if (!/[\x00-\x08\x0e-\x1f\x7f-\x9f]/.test(text)) return { payload: text };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
  return { base64: bytes.toBase64() };
}
