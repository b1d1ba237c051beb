/** More retained messages than a broker holds ready at QoS 1 and 2. */

import assert from "node:assert/strict";
import { connectClient } from "../brokers/client.ts";
import { mosquittoAvailable, startMosquitto } from "../brokers/mosquitto.ts";
import { serve } from "./served.ts";

const COUNT = 1_500;
const ignore = !mosquittoAvailable();

for (const version of ["5", "3.1.1"] as const) {
  for (const config of [[], ["max_inflight_messages 1"]]) {
    const name = `${version}, ${config.join() || "mosquitto as it comes"}`;
    Deno.test({
      name: `all retained messages are told of, however many there are (${name})`,
      ignore,
      async fn() {
        await using broker = await startMosquitto({ config });
        await using device = await connectClient(broker, { version });
        for (let at = 0; at < COUNT; at += 100) {
          await Promise.all(
            Array.from(
              { length: 100 },
              (_, i) => device.publish(`t/${at + i}`, `{"n": ${at + i}}`, { qos: 1, retain: true }),
            ),
          );
        }
        await using served = await serve(broker, version, { limits: { max_messages: 5_000 } });
        const { host } = served;
        const { total } = await host.expectResult("mqtt_topics", {
          filter: "t/#",
          retained_only: true,
        });
        assert.equal(total, COUNT);
        const listened = await host.expectResult("mqtt_topics", { filter: "t/#", duration: 1 });
        assert.equal(listened.total, COUNT);
        const all = { topic: "t/#", retained_only: true, summary: true };
        const { count, ended } = await host.expectResult("mqtt_subscribe", all);
        assert.deepEqual([count, ended], [COUNT, "retained"]);
        const { watch_id } = await host.expectResult("mqtt_watch", { topic: "t/#" });
        const where = { path: "/n", op: "eq", value: COUNT - 1 };
        const last = await host.expectResult("mqtt_read", { topic: "t/+", where });
        assert.deepEqual(last.payload, { n: COUNT - 1 });
        const read = { watch_id, topic: `t/${COUNT - 1}`, timeout: 10 };
        const { messages } = await host.expectResult("mqtt_watch_read", read);
        assert.equal(messages.length, 1);
      },
    });
  }
}
