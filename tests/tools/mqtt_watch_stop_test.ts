import assert from "node:assert/strict";
import { served } from "./served.ts";

served(
  "mqtt_watch_stop gives what was received, and leaves nothing subscribed",
  {},
  async ({ host, device, broker, unsubscribed }) => {
    await host.expectResult("mqtt_watch", { topic: ["t/a", "t/b/#"] });
    assert.deepEqual(broker.subscriptions(), ["t/a", "t/b/#"]);
    await device.publish("t/b", "x", { qos: 1 });
    await host.expectResult("mqtt_watch_read", { watch_id: "w1", timeout: 10 });
    const stopped = await host.expectResult("mqtt_watch_stop", { watch_id: "w1" });
    assert.deepEqual(stopped, { watch_id: "w1", received: 1, dropped: 0 });
    await unsubscribed("t/a");
    await unsubscribed("t/b/#");
    await host.expectError("invalid_argument", "mqtt_watch_stop", { id: "w1" });
  },
);
