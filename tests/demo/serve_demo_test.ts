import assert from "node:assert/strict";
import { type BasicHost, rawHost, startHost } from "../host.ts";
import { BUSY_MS } from "../brokers/until.ts";
import { startLegacyHost } from "../host_legacy.ts";

const options = { args: ["--demo"] };
const HOSTS: Readonly<Record<string, () => Promise<BasicHost>>> = {
  "SDK 2": () => startHost(options),
  "SDK 2, initialize": () => startHost({ ...options, protocol: "legacy" }),
  "SDK 2, 2026-07-28": () => startHost({ ...options, protocol: { pin: "2026-07-28" } }),
  "SDK 1": () => startLegacyHost(options),
};

for (const [name, start] of Object.entries(HOSTS)) {
  Deno.test(`mcpmqtt --demo serves the house to a host that reads, acts and cancels (${name})`, async () => {
    await using host = await start();
    const { topics } = await host.readResource("mcpmqtt://topics/allowed");
    assert.equal(topics.length, 13);
    const light = await host.expectResult("mqtt_read", { topic: "actuators/lights/living/state" });
    assert.equal(light.payload.on, false);
    await host.expectError("forbidden", "mqtt_publish", { topic: "status/system", payload: "x" });
    const lamp = await host.expectResult("mqtt_query", {
      request_topic: "zigbee2mqtt/bedroom lamp/set",
      response_topic: "zigbee2mqtt/bedroom lamp",
      payload: { state: "ON", brightness: 60 },
      where: { path: "/state", op: "eq", value: "ON" },
    });
    assert.equal(lamp.before.state, "OFF");
    assert.equal(lamp.responses[0].payload.brightness, 60);
    const restart = { topic: "zigbee2mqtt/bridge/request/restart", payload: "" };
    await host.expectError("forbidden", "mqtt_publish", restart);

    const stop = new AbortController();
    const waiting = host.callTool("mqtt_read", { topic: "commands/living/response", timeout: 20 }, {
      signal: stop.signal,
      onProgress: () => stop.abort(),
    });
    await assert.rejects(waiting);
    await host.expectResult("mqtt_status");
  });
}

Deno.test("mcpmqtt --demo ends at the end of input, with nothing else on stdout", async () => {
  await using host = await rawHost(options);
  const { serverInfo } = await host.initialize();
  assert.equal(serverInfo.name, "mcpmqtt");
  const { result } = await host.request("tools/call", {
    name: "mqtt_read",
    arguments: { topic: "status/system" },
  });
  assert.equal(result.structuredContent.payload.state, "ok");
  await host.closeInput();
  const { code, elapsedMs } = await host.ended();
  assert.equal(code, 0);
  assert.ok(elapsedMs < 2_000 + BUSY_MS, `it took ${elapsedMs} ms`);
  assert.ok(host.messages.every(({ jsonrpc }) => jsonrpc === "2.0"));
});

Deno.test("mcpmqtt --demo ends at SIGTERM", async () => {
  await using host = await rawHost(options);
  await host.initialize();
  host.signal("SIGTERM");
  const { code, elapsedMs } = await host.ended();
  assert.equal(code, 0);
  assert.ok(elapsedMs < 2_000 + BUSY_MS, `it took ${elapsedMs} ms`);
});
