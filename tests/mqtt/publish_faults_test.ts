import assert from "node:assert/strict";
import type { McpMqttError } from "../../lib/errors.ts";
import { LinkLost } from "../../lib/mqtt/link/link.ts";
import {
  lostWhilePublishing,
  notAcknowledged,
  notRead,
  notSent,
} from "../../lib/mqtt/writing/publish_faults.ts";
import { eachBroker } from "../brokers/each_broker.ts";
import { FaultProxy } from "../brokers/proxy.ts";
import { until } from "../brokers/until.ts";
import { countOf, openConnection, publication, waiting } from "./connections.ts";

const ROUNDS = 4;

const lost = new LinkLost({ reasonCode: undefined, cause: "the connection was reset" });
const normal = new LinkLost({ reasonCode: 0, cause: "the broker disconnected: 0 (Success)" });
const unspecified = new LinkLost({ reasonCode: 0x80, cause: "the broker disconnected" });
const shutDown = new LinkLost({ reasonCode: 0x8B, cause: "the broker closed the connection" });

for (
  const [error, code, says] of [
    [
      lostWhilePublishing(lost, 0),
      "not_connected",
      "the connection was lost before the broker had read the message",
    ],
    [
      lostWhilePublishing(normal, 1),
      "not_connected",
      "the connection was lost before the broker acknowledged the message",
    ],
    [
      lostWhilePublishing(unspecified, 1),
      "broker_refused",
      "the broker disconnected with 128 (Unspecified error) before it acknowledged the message",
    ],
    [
      lostWhilePublishing(shutDown, 0),
      "broker_refused",
      "the broker disconnected with 139 (Server shutting down) before it had read the message",
    ],
    [
      lostWhilePublishing(shutDown, 2),
      "broker_refused",
      "the broker disconnected with 139 (Server shutting down) before it acknowledged the message",
    ],
    [notAcknowledged(100), "timeout", "the broker did not acknowledge the message within 0.1 s"],
    [
      notRead(10_000),
      "timeout",
      "the broker did not say within 10 s that it has read the message",
    ],
  ] as const
) {
  Deno.test(`the outcome is unknown if ${says}`, () => {
    assert.deepEqual([error.code, error.message, error.outcome], [code, says, "unknown"]);
    assert.equal(error.hint, "It may or may not have arrived; check before repeating it.");
  });
}

Deno.test("notSent() says of a lost connection that the message was not sent", () => {
  const { code, message, outcome } = notSent(lost) as McpMqttError;
  assert.deepEqual([code, message, outcome], [
    "not_connected",
    "the message was not sent: the connection was reset",
    "not_sent",
  ]);
});

eachBroker("publish() through cuts tells the truth about each message", async ({
  broker,
  version,
  connect,
}) => {
  await using proxy = new FaultProxy(broker);
  await using witness = await connect();
  await witness.subscribe("#", { qos: 2 });
  await using connection = await openConnection(proxy, { version });
  const outcomes = new Map<string, string>();
  for (let round = 0; round < ROUNDS; round++) {
    await connection.ready(waiting());
    // In later rounds the cut is later, and may fall anywhere in the acknowledgements.
    const cut = proxy.cutAfter(1 + round * 25);
    await Promise.all(Array.from({ length: 30 }, async (_, i) => {
      const qos = ([0, 1, 2] as const)[i % 3] ?? 0;
      const topic = `round${round}/${i}/qos${qos}`;
      try {
        await connection.publish(publication(topic, "x", { qos }), waiting(0));
        outcomes.set(topic, qos === 0 ? "sent" : "acknowledged");
      } catch (error) {
        const { code, outcome } = error as McpMqttError;
        assert.equal(code, "not_connected", String(error));
        outcomes.set(topic, outcome ?? "none");
      }
    }));
    await cut;
    await until(() => connection.status.reconnects === round + 1);
  }
  await connection.ready(waiting());
  await connection.publish(publication("end", "x", { qos: 2 }), waiting());
  await witness.collect(1, { pick: ({ topic }) => topic === "end" });
  const arrived = countOf(witness.received.map(({ topic }) => topic));
  assert.equal(outcomes.size, 30 * ROUNDS);
  for (const [topic, outcome] of outcomes) {
    const times = arrived.get(topic) ?? 0;
    assert.ok(times <= 1, `${topic} arrived ${times} times`);
    if (outcome === "acknowledged") assert.equal(times, 1, `${topic} was acknowledged`);
    if (outcome === "not_sent") assert.equal(times, 0, `${topic} was not sent`);
    assert.notEqual(outcome, "none");
  }
  const kinds = new Set(outcomes.values());
  assert.ok(kinds.has("unknown") && kinds.has("acknowledged"), [...kinds].join());
  assert.equal(connection.status.reconnects, ROUNDS);
});
