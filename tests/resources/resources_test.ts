import assert from "node:assert/strict";
import { startAedes } from "../brokers/aedes.ts";
import { until } from "../brokers/until.ts";
import { startHost } from "../host.ts";
import { served } from "../tools/served.ts";

const HOUSE = [
  {
    pattern: "t/+/temperature",
    permissions: ["read"],
    description: "°C, every 10 s",
    payload: { unit: "°C", examples: ["21.5"] },
  },
  { pattern: "t/lamp/set", permissions: ["write"], payload: { examples: ["on"] } },
  { pattern: "t/hall/temperature", deny: ["read"] },
];

served(
  "the resources tell what is granted, how to use it and how it stands",
  { topics: HOUSE, mqtt: { username: "secret-user", password: "secret-word" } },
  async ({ host, broker }) => {
    const { resources } = await host.client.listResources();
    assert.deepEqual(resources.map(({ uri, mimeType }) => [uri, mimeType]), [
      ["mcpmqtt://topics/allowed", "application/json"],
      ["mcpmqtt://topics/examples", "application/json"],
      ["mcpmqtt://status", "application/json"],
    ]);
    const { resourceTemplates } = await host.client.listResourceTemplates();
    assert.deepEqual(resourceTemplates.map(({ uriTemplate }) => uriTemplate), [
      "mcpmqtt://message/{+topic}",
    ]);
    assert.deepEqual(await host.readResource("mcpmqtt://topics/allowed"), {
      topics: [
        {
          pattern: "t/+/temperature",
          permissions: ["read"],
          description: "°C, every 10 s",
          unit: "°C",
          examples: ["21.5"],
        },
        { pattern: "t/lamp/set", permissions: ["write"], examples: ["on"] },
        { pattern: "t/hall/temperature", permissions: [], deny: ["read"] },
      ],
      mqtt_info: { host: broker.host, port: broker.port, requires_auth: true },
    });
    const { examples, wildcard_info } = await host.readResource("mcpmqtt://topics/examples");
    assert.deepEqual(Object.keys(wildcard_info), ["+", "#", "$"]);
    assert.deepEqual(
      examples.map(({ topics, calls }: { topics: string[]; calls: unknown[] }) => [topics, calls]),
      [
        [["t/example/temperature"], [
          { tool: "mqtt_read", arguments: { topic: "t/example/temperature" } },
          { tool: "mqtt_subscribe", arguments: { topic: "t/+/temperature", timeout: 10 } },
        ]],
        [["t/lamp/set"], [
          { tool: "mqtt_publish", arguments: { topic: "t/lamp/set", payload: "on", qos: 1 } },
        ]],
      ],
    );
    const status = await host.readResource("mcpmqtt://status");
    assert.deepEqual(status, await host.expectResult("mqtt_status"));
    await assert.rejects(host.readResource("mcpmqtt://nothing"), /Unknown resource.*there are mcp/);
  },
);

served(
  "mcpmqtt://message gives the retained message, or the next within 2 s",
  { topics: HOUSE },
  async ({ host, device, subscribed, unsubscribed }) => {
    const uri = "mcpmqtt://message/t/b%C3%BCro/temperature";
    const next = host.readResource(uri);
    await subscribed("t/büro/temperature");
    await device.publish("t/büro/temperature", "21", { retain: true, qos: 1 });
    const { received_at: _1, ...live } = await next;
    assert.deepEqual(live, { topic: "t/büro/temperature", payload: "21" });
    const { received_at: _2, ...kept } = await host.readResource(uri);
    assert.deepEqual(kept, { topic: "t/büro/temperature", payload: "21", retain: true });
    const faults: ReadonlyArray<readonly [string, RegExp]> = [
      ["t/hall/temperature", /forbidden: .*denies read.*\nhint: /s],
      ["x", /forbidden: no rule grants read on "x"\nhint: Granted for read near it/],
      ["t/%2B/temperature", /invalid_topic/],
      ["t/%E0%A4/temperature", /invalid_argument: .*percent-encoding/],
    ];
    for (const [path, pattern] of faults) {
      await assert.rejects(host.readResource(`mcpmqtt://message/${path}`), pattern);
    }
    await unsubscribed("t/büro/temperature");
  },
);

served(
  "mcpmqtt://message without a message is an error that says what would help",
  {},
  async ({ host }) => {
    const start = performance.now();
    await assert.rejects(host.readResource("mcpmqtt://message/t/none"), /timeout: .*within 2 s/);
    const elapsed = performance.now() - start;
    assert.ok(elapsed >= 1_990 && elapsed < 10_000, `${elapsed} ms`);
  },
);

/** Counts the updates of `uri`, and the shortest time between two. */
class UpdateCount {
  count = 0;
  shortestMs = Infinity;
  #last: number | undefined;

  readonly add = ({ params }: { params: { uri: string } }): void => {
    assert.equal(params.uri, "mcpmqtt://message/t/a");
    const now = performance.now();
    if (this.#last !== undefined) this.shortestMs = Math.min(this.shortestMs, now - this.#last);
    this.#last = now;
    this.count++;
  };
}

for (const protocol of ["legacy", "auto"] as const) {
  Deno.test(`mcpmqtt://message tells of what arrives, at most once a second (${protocol})`, async () => {
    await using broker = await startAedes();
    const updates = new UpdateCount();
    await using host = await startHost({
      protocol,
      config: {
        mqtt: { host: broker.host, port: broker.port },
        topics: [{ pattern: "t/#", permissions: ["read"] }],
      },
      prepare: (client) =>
        client.setNotificationHandler("notifications/resources/updated", updates.add),
    });
    const version = protocol === "legacy" ? "2025-11-25" : "2026-07-28";
    assert.equal(host.client.getNegotiatedProtocolVersion(), version);
    const uri = "mcpmqtt://message/t/a";
    const end = protocol === "legacy"
      ? await subscribeLegacy(host.client, uri)
      : await listen(host.client, uri);
    await until(() => broker.subscriptions().includes("t/a"));
    for (let i = 0; i < 40; i++) await broker.publish("t/a", String(i));
    await until(() => updates.count === 2, { what: () => `2 updates of ${updates.count}` });
    // One may have been long on its way.
    assert.ok(updates.shortestMs > 500, `${updates.shortestMs} ms between two`);
    // Known already: no broker is asked.
    assert.equal((await host.readResource(uri)).payload, "39");
    await end();
    await until(() => broker.subscriptions().length === 0);
    assert.equal(updates.count, 2);
  });
}

type Client = Awaited<ReturnType<typeof startHost>>["client"];

async function subscribeLegacy(client: Client, uri: string): Promise<() => Promise<unknown>> {
  await client.subscribeResource({ uri });
  for (const wrong of ["mcpmqtt://message/x", "mcpmqtt://status", "mcpmqtt://nothing"]) {
    await assert.rejects(client.subscribeResource({ uri: wrong }));
  }
  return () => client.unsubscribeResource({ uri });
}

async function listen(client: Client, uri: string): Promise<() => Promise<unknown>> {
  const listening = await client.listen({ resourceSubscriptions: [uri] });
  return () => listening.close();
}

served(
  "completions come from the rules and from topics seen, and only what may be read",
  { topics: HOUSE },
  async ({ host, device, subscribed }) => {
    const ref = { type: "ref/resource", uri: "mcpmqtt://message/{+topic}" } as const;
    const complete = async (value: string): Promise<string[]> => {
      const { completion } = await host.client.complete({
        ref,
        argument: { name: "topic", value },
      });
      return completion.values;
    };
    assert.deepEqual(await complete(""), ["t/"]);
    const reading = host.expectResult("mqtt_read", { topic: "t/+/temperature" });
    await subscribed("t/+/temperature");
    await device.publish("t/hall/temperature", "1", { qos: 1 });
    await device.publish("t/attic/temperature", "2", { qos: 1 });
    assert.equal((await reading).payload, "2");
    assert.deepEqual(await complete("t/a"), ["t/attic/temperature"]);
    const { completion } = await host.client.complete({
      ref: { type: "ref/prompt", name: "diagnose_device" },
      argument: { name: "topic", value: "t/" },
    });
    assert.deepEqual(completion.values, ["t/+/temperature", "t/attic/temperature"]);
  },
);
