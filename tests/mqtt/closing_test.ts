import assert from "node:assert/strict";
import { mosquittoAvailable, startMosquitto } from "../brokers/mosquitto.ts";
import { startAedes } from "../brokers/aedes.ts";
import { until } from "../brokers/until.ts";
import { Gathering, openConnection, publication, waiting } from "./connections.ts";

const MESSAGES = 1_000;
/** Far more than the loopback needs for it, and less than 40 ms for each would be. */
const TOGETHER_MS = 2_000;

Deno.test({
  name: "Connection.close() while messages of QoS 2 arrive leaves no fault behind",
  ignore: !mosquittoAvailable(),
  fn: async () => {
    await using broker = await startMosquitto({ config: ["max_queued_messages 0"] });
    await using publisher = await openConnection(broker, { version: "5" });
    for (const atLeast of [100, 200, 300, 400]) {
      const connection = await openConnection(broker, { version: "5" });
      await using gathering = await Gathering.open(connection, ["flood"]);
      const flood = Promise.all(
        Array.from(
          { length: MESSAGES },
          () => publisher.publish(publication("flood", "x", { qos: 2 }), waiting(20_000)),
        ),
      );
      await until(() => gathering.messages.length >= atLeast);
      await connection.close();
      await flood;
    }
  },
});

Deno.test("Connection.publish() at QoS 2 waits for no delayed TCP acknowledgement", async () => {
  await using broker = await startAedes();
  await using connection = await openConnection(broker);
  await using gathering = await Gathering.open(connection, ["quick"]);
  const start = performance.now();
  await Promise.all(
    Array.from(
      { length: 100 },
      () => connection.publish(publication("quick", "x", { qos: 2 }), waiting()),
    ),
  );
  await until(() => gathering.messages.length === 100);
  assert(performance.now() - start < TOGETHER_MS, `${performance.now() - start} ms`);
});
