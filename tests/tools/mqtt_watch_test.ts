import assert from "node:assert/strict";
import { eachServed, served } from "./served.ts";

interface Numbered {
  readonly seq: number;
  readonly payload: unknown;
}

eachServed(
  "mqtt_watch: start, act, read misses nothing in between",
  {},
  async ({ host, device, unsubscribed }) => {
    await device.publish("t/lamp", "off", { retain: true, qos: 1 });
    await device.respond("t/lamp/set", ({ text }) => ({
      topic: "t/lamp",
      payload: text,
      options: { qos: 1, retain: true },
    }));
    const started = await host.expectResult("mqtt_watch", {
      topic: ["t/lamp", "t/+"],
      include_retained: false,
    });
    assert.deepEqual(started, { watch_id: "w1", filters: ["t/+"], narrowed: false });
    await host.expectResult("mqtt_publish", { topic: "t/lamp/set", payload: "on", qos: 1 });
    const read = { watch_id: "w1", timeout: 10 };
    const { messages, ...rest } = await host.expectResult("mqtt_watch_read", read);
    assert.deepEqual(messages.map(({ seq, payload }: Numbered) => [seq, payload]), [[1, "on"]]);
    assert.deepEqual(rest, { next: 1, remaining: 0, dropped: 0 });

    const { watches } = await host.expectResult("mqtt_status");
    assert.deepEqual(watches, [{ watch_id: "w1", filters: ["t/+"], received: 1, dropped: 0 }]);
    const stopped = await host.expectResult("mqtt_watch_stop", { watch_id: "w1" });
    assert.deepEqual(stopped, { watch_id: "w1", received: 1, dropped: 0 });
    await unsubscribed("t/+");
    const { message } = await host.expectError("not_found", "mqtt_watch_read", read);
    assert.equal(message, 'there is no watch "w1": it was stopped');
    await host.expectError("not_found", "mqtt_watch_stop", { watch_id: "w1" });
  },
);

served(
  "mqtt_watch: what is wrong is refused, and max_watches holds",
  {
    topics: [{ pattern: "t/#", permissions: ["read"] }, { pattern: "w", permissions: ["write"] }],
    limits: { max_watches: 2 },
  },
  async ({ host, broker }) => {
    const refused: ReadonlyArray<readonly [string, object]> = [
      ["forbidden", { topic: "w" }],
      ["forbidden", { topic: "$share/g/t/a" }],
      ["invalid_topic", { topic: "t/\0" }],
      ["invalid_argument", {}],
      ["invalid_argument", { topic: "t/a", timeout: 5 }],
    ];
    for (const [code, args] of refused) await host.expectError(code, "mqtt_watch", args);
    assert.deepEqual(broker.subscriptions(), []);
    const { filters, narrowed } = await host.expectResult("mqtt_watch", { topic: "#" });
    assert.deepEqual([filters, narrowed], [["t/#"], true]);
    await host.expectResult("mqtt_watch", { topic: "t/a" });
    const { message, hint } = await host.expectError("invalid_argument", "mqtt_watch", {
      topic: "t/b",
    });
    assert.match(message, /2 watches are running.*max_watches/);
    assert.match(hint ?? "", /mqtt_watch_stop: w1, w2/);
    await host.expectResult("mqtt_watch_stop", { watch_id: "w1" });
    assert.equal((await host.expectResult("mqtt_watch", { topic: "t/b" })).watch_id, "w3");
  },
);
