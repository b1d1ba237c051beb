/** A house of the demo for tests: it measures every 20 ms, and a client is beside it. */

import { startDemoBroker } from "../../demo/broker.ts";
import { type House, startHouse } from "../../demo/house.ts";
import { connectClient, type TestClient } from "../brokers/client.ts";

/** Between two readings, in milliseconds. */
export const INTERVAL_MS = 20;

/** Registers a test that gets a client of a house, and the house. */
export function houseTest(
  name: string,
  test: (client: TestClient, house: House) => Promise<void>,
): void {
  Deno.test(name, async () => {
    await using broker = await startDemoBroker();
    await using client = await connectClient(broker);
    using house = await startHouse(broker, { intervalMs: INTERVAL_MS });
    await test(client, house);
  });
}
