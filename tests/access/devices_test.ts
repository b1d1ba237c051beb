import assert from "node:assert/strict";
import { Access } from "../../lib/access/access.ts";
import { Devices } from "../../lib/access/devices.ts";
import { Rates } from "../../lib/access/rates.ts";
import { Connection } from "../../lib/mqtt/connection.ts";
import { Permissions } from "../../lib/topics/permissions.ts";
import { parseTopicFilter } from "../../lib/topics/topic_filter.ts";
import { startAedes } from "../brokers/aedes.ts";
import { FaultProxy } from "../brokers/proxy.ts";
import { until } from "../brokers/until.ts";
import { quietLogger } from "../../lib/cli/quiet_logger.ts";
import { settingsFor } from "../mqtt/connections.ts";
import { LIMITS, NO_DEVICES } from "./collecting.ts";

interface Opened extends AsyncDisposable {
  readonly devices: Devices;
  readonly connection: Connection;
}

/** The devices at a broker by Home Assistant's discovery, for who may read `granted`. */
function open(
  broker: { readonly host: string; readonly port: number },
  { granted = "#", idleMs = 60_000 }: { readonly granted?: string; readonly idleMs?: number } = {},
): Opened {
  const connection = new Connection(
    settingsFor(broker, { clientId: "devices", version: "3.1.1" }),
    quietLogger,
  );
  const pattern = parseTopicFilter(granted);
  const access = new Access(connection, {
    permissions: new Permissions([{ pattern, permissions: ["read"], deny: [], retain: false }]),
    readOnly: false,
    limits: LIMITS,
    rates: new Rates(0),
    devices: { ...NO_DEVICES, sparkplug: [], homeassistant: ["ha"] },
  });
  const devices = new Devices(access, { idleMs });
  return {
    devices,
    connection,
    async [Symbol.asyncDispose]() {
      await devices[Symbol.asyncDispose]();
      await access[Symbol.asyncDispose]();
      await connection.close();
    },
  };
}

type Broker = Awaited<ReturnType<typeof startAedes>>;

const FILTER = "ha/+/+/config";

async function announce(broker: Broker, id: string, name: string | undefined): Promise<void> {
  const config = { name: "T", stat_t: `s/${id}`, dev: { ids: [id], name } };
  await broker.publish(`ha/sensor/${id}/config`, name === undefined ? "" : JSON.stringify(config), {
    retain: true,
  });
}

async function names(
  { devices }: Opened,
  signal = new AbortController().signal,
): Promise<string[]> {
  const known = await devices.known(signal);
  return known.devices.map(({ name }) => name);
}

Deno.test("Devices.known() asked for by several at once subscribes once, and goes on to listen", async () => {
  await using broker = await startAedes();
  await announce(broker, "a", "Attic");
  await using opened = open(broker);
  const both = await Promise.all([names(opened), names(opened)]);
  assert.deepEqual(both, [["Attic"], ["Attic"]]);
  await announce(broker, "b", "Bath");
  assert.deepEqual(await names(opened), ["Attic", "Bath"]);
  for (const filter of [FILTER, "s/a", "s/b"]) {
    assert.equal(broker.subscribeCounts().get(filter), 1, filter);
  }
});

Deno.test("Devices keeps nothing subscribed when nobody has asked for a while, nor at its end", async () => {
  await using broker = await startAedes();
  await announce(broker, "a", "Attic");
  await using opened = open(broker, { idleMs: 50 });
  assert.deepEqual(await names(opened), ["Attic"]);
  await until(() => broker.subscriptions().length === 0);
  // It begins anew.
  assert.deepEqual(await names(opened), ["Attic"]);
  assert.equal(broker.subscribeCounts().get(FILTER), 2);
  await opened.devices[Symbol.asyncDispose]();
  await until(() => broker.subscriptions().length === 0);
  await assert.rejects(names(opened), { name: "AbortError" });
});

Deno.test("Devices.known() that is cancelled takes no other call with it", async () => {
  await using broker = await startAedes();
  await announce(broker, "a", "Attic");
  await using opened = open(broker);
  const cancelled = new AbortController();
  const gone = names(opened, cancelled.signal);
  const others = names(opened);
  cancelled.abort(new DOMException("cancelled", "AbortError"));
  await assert.rejects(gone, { name: "AbortError" });
  assert.deepEqual(await others, ["Attic"]);
});

Deno.test("Devices.known() tells after an outage what is so then, with what was removed meanwhile gone", async () => {
  await using broker = await startAedes();
  await announce(broker, "a", "Attic");
  await announce(broker, "b", "Bath");
  await using proxy = new FaultProxy(broker);
  await using opened = open(proxy);
  assert.deepEqual(await names(opened), ["Attic", "Bath"]);
  await proxy.refuse();
  await proxy.cut();
  await announce(broker, "a", undefined);
  await announce(broker, "b", "Bathroom");
  proxy.accept();
  await until(() => opened.connection.status.isConnected);
  assert.deepEqual(await names(opened), ["Bathroom"]);
});

Deno.test("Devices.known() fails without a broker, and succeeds once there is one", async () => {
  await using broker = await startAedes();
  await announce(broker, "a", "Attic");
  await using proxy = new FaultProxy(broker);
  await proxy.refuse();
  await using opened = open(proxy);
  await assert.rejects(names(opened, AbortSignal.timeout(300)), { name: "TimeoutError" });
  proxy.accept();
  assert.deepEqual(await names(opened), ["Attic"]);
});

Deno.test("Devices.known() subscribes to no value that may not be read, and says if it is narrowed", async () => {
  await using broker = await startAedes();
  await announce(broker, "a", "Attic");
  await using opened = open(broker, { granted: "ha/sensor/#" });
  const { signal } = new AbortController();
  const { devices, narrowed } = await opened.devices.known(signal);
  assert.equal(devices[0]?.entities[0]?.read?.topic, "s/a");
  assert.equal(narrowed, true);
  assert.ok(broker.subscriptions().every((one) => one.startsWith("ha/sensor/")));
});

Deno.test("Devices.known() leaves out what the broker refuses, and says that it is narrowed", async () => {
  // So many that it is not looked for each of them.
  const refused = (filter: string): boolean => /^s\/\d*3|^ha\/\+\/\+\/\+/.test(filter);
  await using broker = await startAedes({ refuseSubscription: refused });
  for (let i = 0; i < 400; i++) await announce(broker, `${i}`, `Room ${i}`);
  await using opened = open(broker);
  const { devices, narrowed } = await opened.devices.known(new AbortController().signal);
  assert.deepEqual([devices.length, narrowed], [400, true]);
  const held = broker.subscriptions();
  assert.ok(held.includes(FILTER) && held.includes("s/0") && held.includes("s/10"));
  assert.ok(!held.some(refused));
});
