/** What is collected patiently: it begins without a connection, and is taken up when there is one. */

import assert from "node:assert/strict";
import { Connection } from "../../lib/mqtt/connection.ts";
import { parseTopicFilter } from "../../lib/topics/topic_filter.ts";
import { startAedes } from "../brokers/aedes.ts";
import { FaultProxy } from "../brokers/proxy.ts";
import { until } from "../brokers/until.ts";
import {
  Gathering,
  MemoryLog,
  openConnection,
  settingsFor,
  startConnection,
  waiting,
} from "./connections.ts";
import {
  connack,
  CONNECT,
  ScriptedBroker,
  suback,
  SUBSCRIBE,
  unsuback,
  UNSUBSCRIBE,
} from "./scripted_broker.ts";

type Options = Parameters<Connection["collect"]>[1];

const patient = (more: Partial<Options> = {}): Options => ({
  ...waiting(),
  includeRetained: true,
  resume: true,
  isPatient: true,
  onMessage: (): void => {},
  ...more,
});

Deno.test("collect() that is patient is taken up over a connection of its own if it needs one", async () => {
  await using broker = await startAedes();
  await using proxy = new FaultProxy(broker);
  await using connection = await openConnection(proxy);
  await using watch = await Gathering.open(connection, "t/#", { resume: true });
  await proxy.refuse();
  await proxy.cut();
  await until(() => watch.interruptions === 1);
  await using _resource = await connection.collect([parseTopicFilter("t/a")], patient());
  proxy.accept();
  connection.wantFor();
  await until(() => broker.subscriptions().toSorted().join() === "t/#,t/a");
});

for (const isGivenUp of [false, true]) {
  const told = isGivenUp ? "nothing of it once it is given up" : "it to whoever collects, once";
  Deno.test(`collect() that is patient and that the broker refuses later tells ${told}`, async () => {
    let refuse: (() => void) | undefined;
    await using broker = new ScriptedBroker((packet, client) => {
      if (packet.type === CONNECT) client.send(...connack("5"));
      if (packet.type === UNSUBSCRIBE) client.send(...unsuback(packet));
      if (packet.type !== SUBSCRIBE) return;
      const filter = new TextDecoder().decode(packet.body.subarray(5, -1));
      if (filter === "t/a") refuse = () => client.send(...suback(packet, 0x87));
      else client.send(...suback(packet));
    });
    await using connection = startConnection(broker, { version: "5" });
    const abort = new AbortController();
    const failures: string[] = [];
    const { signal } = abort;
    const onFailed = ({ code }: { readonly code: string }): void => void failures.push(code);
    await connection.collect([parseTopicFilter("t/a")], patient({ signal, onFailed }));
    await until(() => refuse !== undefined);
    if (isGivenUp) abort.abort();
    refuse?.();
    // Its SUBACK comes after that of the other.
    await using _other = await Gathering.open(connection, "u");
    if (!isGivenUp) await until(() => failures.length > 0);
    assert.deepEqual(failures, isGivenUp ? [] : ["broker_refused"]);
  });
}

Deno.test("collect() waits two seconds at least for the SUBACK, however short a call is", async () => {
  await using broker = new ScriptedBroker((packet, client) => {
    if (packet.type === CONNECT) client.send(...connack("5"));
    if (packet.type === UNSUBSCRIBE) client.send(...unsuback(packet));
    if (packet.type === SUBSCRIBE) setTimeout(() => client.send(...suback(packet)), 100);
  });
  await using connection = await openConnection(broker, { version: "5" });
  await using _gathering = await Gathering.open(connection, "t/a", { waitMs: 1 });
});

Deno.test("Connection.attempted() begins to connect, and ends when its call does", async () => {
  await using broker = await startAedes();
  {
    await using connection = new Connection(settingsFor(broker), new MemoryLog());
    await connection.attempted(waiting());
    assert.equal(connection.status.isConnected, true);
  }
  await using silent = new ScriptedBroker(() => {});
  await using connection = new Connection(settingsFor(silent), new MemoryLog());
  const abort = new AbortController();
  const attempted = connection.attempted(waiting(5_000, abort.signal));
  abort.abort(new Error("the call is over"));
  await assert.rejects(attempted, /the call is over/);
  // That it takes too long is no failure of whoever only wants to know.
  await connection.attempted(waiting(1));
});
