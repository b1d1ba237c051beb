/** One test, run on every broker and in every protocol version that it speaks. */

import { startAedes } from "./aedes.ts";
import type { ProtocolVersion, TestBroker } from "./broker.ts";
import { connectClient, type TestClient, type TestClientOptions } from "./client.ts";
import { mosquittoAvailable, startMosquitto } from "./mosquitto.ts";

/** What the test gets: a fresh broker, closed after it. */
export interface BrokerCase {
  readonly broker: TestBroker;
  /** What the test is to speak. */
  readonly version: ProtocolVersion;
  /** A raw client of this broker in this version; the test disposes it. */
  connect(options?: TestClientOptions): Promise<TestClient>;
}

interface Kind {
  readonly label: string;
  readonly version: ProtocolVersion;
  readonly start: () => Promise<TestBroker>;
  readonly ignore: boolean;
}

const KINDS: readonly Kind[] = [
  { label: "aedes, 3.1.1", version: "3.1.1", start: startAedes, ignore: false },
  { label: "mosquitto, 5", version: "5", start: startMosquitto, ignore: !mosquittoAvailable() },
  {
    label: "mosquitto, 3.1.1",
    version: "3.1.1",
    start: startMosquitto,
    ignore: !mosquittoAvailable(),
  },
];

/**
 * Registers the test `name (aedes, 3.1.1)`, `name (mosquitto, 5)` and `name (mosquitto, 3.1.1)`; the
 * latter two are ignored where mosquitto is not installed and not required.
 */
export function eachBroker(name: string, test: (tested: BrokerCase) => Promise<void>): void {
  for (const { label, version, start, ignore } of KINDS) {
    Deno.test({
      name: `${name} (${label})`,
      ignore,
      fn: async () => {
        await using broker = await start();
        await test({
          broker,
          version,
          connect: (options) => connectClient(broker, { version, ...options }),
        });
      },
    });
  }
}
