/** What is seen of retained messages that change, or do not, while the connection is lost. */

import assert from "node:assert/strict";
import { eachBroker } from "../brokers/each_broker.ts";
import { FaultProxy } from "../brokers/proxy.ts";
import { until } from "../brokers/until.ts";
import { Gathering, openConnection, publication, waiting } from "./connections.ts";
import {
  connack,
  CONNECT,
  puback,
  PUBLISH,
  ScriptedBroker,
  type ScriptedClient,
  suback,
  SUBSCRIBE,
  unsuback,
  UNSUBSCRIBE,
} from "./scripted_broker.ts";

eachBroker("a collection that resumes gets what changed, and nothing again", async ({
  broker,
  version,
  connect,
}) => {
  await using device = await connect();
  const retained = { retain: true, qos: 1 } as const;
  await device.publish("t/lamp", "off", retained);
  await device.publish("t/same", "same", retained);
  await device.publish("t/heard", "old", retained);
  await using proxy = new FaultProxy(broker);
  await using connection = await openConnection(proxy, { version });
  await using gathering = await Gathering.open(connection, ["t/+", "u/#"], { resume: true });
  await gathering.atLeast(3);
  await device.publish("t/heard", "new", retained);
  await device.publish("u/event", "not retained", { qos: 1 });
  await gathering.atLeast(5);
  await proxy.refuse();
  await proxy.cut();
  await device.publish("t/lamp", "on", retained);
  await device.publish("t/appeared", "1", retained);
  proxy.accept();
  await gathering.atLeast(7, 10_000);
  // What comes after this is everything that is still to come.
  await device.publish("u/end", "end", { qos: 1 });
  await until(() => gathering.texts.includes("u/end end"), { deadlineMs: 10_000 });
  const after = gathering.messages.slice(5).filter(({ topic }) => topic !== "u/end");
  assert.deepEqual(
    after.map(({ topic, retain }) => [topic, retain]).sort(),
    [["t/appeared", true], ["t/lamp", true]],
  );
  assert.ok(gathering.texts.includes("t/lamp on"));
});

eachBroker("a collection without retained messages gets none after an outage either", async ({
  broker,
  version,
  connect,
}) => {
  await using device = await connect();
  await using proxy = new FaultProxy(broker);
  await using connection = await openConnection(proxy, { version });
  await using gathering = await Gathering.open(connection, "t/#", {
    resume: true,
    includeRetained: false,
  });
  await proxy.refuse();
  await proxy.cut();
  await device.publish("t/a", "meanwhile", { retain: true, qos: 1 });
  proxy.accept();
  await until(() => connection.status.reconnects === 1, { deadlineMs: 10_000 });
  await connection.publish(publication("t/end", "end", { qos: 1 }), waiting());
  await gathering.atLeast(1);
  assert.deepEqual(gathering.texts, ["t/end end"]);
});

eachBroker("what is published right after an outage is seen by what collects", async ({
  broker,
  version,
}) => {
  await using proxy = new FaultProxy(broker);
  await using connection = await openConnection(proxy, { version });
  await using gathering = await Gathering.open(connection, "t/#", { resume: true });
  for (let round = 0; round < 5; round++) {
    await proxy.cut();
    await until(() => gathering.interruptions === round + 1);
    await connection.publish(publication("t/a", `${round}`, { qos: 1 }), waiting(10_000));
    await until(() => gathering.texts.includes(`t/a ${round}`));
  }
  assert.equal(gathering.messages.length, 5);
});

Deno.test("a publish after an outage waits until what collects is subscribed again", async () => {
  const received: string[] = [];
  let confirm: (() => void) | undefined;
  let main: ScriptedClient | undefined;
  await using broker = new ScriptedBroker((packet, client) => {
    if (packet.type === CONNECT) client.send(...connack("5"));
    if (packet.type === PUBLISH) {
      received.push("PUBLISH");
      client.send(...puback(packet));
    }
    if (packet.type === UNSUBSCRIBE) client.send(...unsuback(packet));
    if (packet.type !== SUBSCRIBE) return;
    const answer = (): void => client.send(...suback(packet));
    if (main === undefined) answer();
    else confirm = answer;
    main = client;
  });
  await using connection = await openConnection(broker, { version: "5" });
  await using gathering = await Gathering.open(connection, "t/#", { resume: true });
  await connection.publish(publication("t/a", "x", { qos: 1 }), waiting());
  main?.close();
  await until(() => gathering.interruptions === 1);
  const publishing = connection.publish(publication("t/a", "y", { qos: 1 }), waiting());
  await until(() => confirm !== undefined);
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(received.length, 1);
  confirm?.();
  await publishing;
  assert.equal(received.length, 2);
});
