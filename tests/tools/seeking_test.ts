import { until } from "../brokers/until.ts";
import { startHost } from "../host.ts";
import { connack, CONNECT, ScriptedBroker, suback } from "../mqtt/scripted_broker.ts";
import { ALL_OF_T } from "./served.ts";

/** When so many attempts have failed the next one is 2 to 4 s away, and the one after that 4 to 8. */
const FAILED_ATTEMPTS = 4;
/** Too short for two more attempts, were they not sought; far too long for two that are. */
const TWO_ATTEMPTS_MS = 5_000;

async function isTriedEverySecondAfter(tool: string, args: object): Promise<void> {
  let drop = (): void => {};
  await using broker = new ScriptedBroker((packet, client) => {
    if (client.index > 0) return client.close();
    drop = client.close;
    client.send(...packet.type === CONNECT ? connack("5") : suback(packet));
  });
  const { host: name, port } = broker;
  await using host = await startHost({
    config: { mqtt: { host: name, port, protocol_version: "5" }, topics: ALL_OF_T },
  });
  await host.expectResult("mqtt_watch", { topic: "t/#" });
  drop();
  await until(() => broker.accepted > FAILED_ATTEMPTS);
  await host.expectResult(tool, args);
  await until(() => broker.accepted > FAILED_ATTEMPTS + 2, {
    deadlineMs: TWO_ATTEMPTS_MS,
    what: () => `2 attempts after ${tool}, there were ${broker.accepted - 1 - FAILED_ATTEMPTS}`,
  });
}

Deno.test("after a call that does not wait for a lost connection it is tried every second", async () => {
  await Promise.all([
    isTriedEverySecondAfter("mqtt_status", {}),
    isTriedEverySecondAfter("mqtt_watch_read", { watch_id: "w1" }),
  ]);
});
