import assert from "node:assert/strict";
import type { Link } from "../../lib/mqtt/link/link.ts";
import { openLink } from "../../lib/mqtt/link/open_link.ts";
import { Pacer } from "../../lib/mqtt/link/pacer.ts";
import { startAedes } from "../brokers/aedes.ts";
import { FaultProxy } from "../brokers/proxy.ts";
import { until, within } from "../brokers/until.ts";
import { publication, settingsFor, type TestConnectionOptions } from "./connections.ts";
import {
  connack,
  CONNECT,
  disconnect,
  PINGREQ,
  PUBLISH,
  type Script,
  ScriptedBroker,
} from "./scripted_broker.ts";

function open(
  broker: { readonly host: string; readonly port: number },
  options: TestConnectionOptions = {},
): Promise<Link> {
  const { address, clientId, connectTimeoutMs } = settingsFor(broker, options);
  return openLink({
    address,
    clientId,
    connectTimeoutMs,
    protocolVersion: options.version === "3.1.1" ? "3.1.1" : "5",
    maxPacketBytes: 8_388_608,
    onMessage: () => {},
    onTooLarge: () => {},
    pacer: new Pacer(),
    signal: new AbortController().signal,
  });
}

/** Registers a test with a broker that follows a script. */
function scripted(name: string, script: Script, test: (broker: ScriptedBroker) => Promise<void>) {
  Deno.test(name, async () => {
    await using broker = new ScriptedBroker(script);
    await test(broker);
    // mqtt.js closes its store in the next turn of the event loop.
    await new Promise((resolve) => setTimeout(resolve, 0));
  });
}

scripted(
  "Link.ended tells of a DISCONNECT that came together with the CONNACK",
  ({ type }, client) => {
    if (type !== CONNECT) return;
    client.send(...connack("5"), ...disconnect(0x89));
    client.close();
  },
  async (broker) => {
    const link = await open(broker);
    assert.equal((await within(link.ended, 2_000)).reasonCode, 0x89);
    assert.equal(link.isOpen, false);
  },
);

scripted(
  "Link.ended settles when the broker closes right after the CONNACK",
  ({ type }, client) => {
    if (type !== CONNECT) return;
    client.send(...connack("5"));
    client.close();
  },
  async (broker) => {
    const link = await open(broker);
    await within(link.ended, 2_000);
  },
);

/** PUBREL and PUBLISH of QoS 1 and 2 that end where the Packet Identifier should be. */
const WITHOUT_IDENTIFIER = [[0x62, 0], [0x32, 3, 0, 1, 0x61], [0x34, 3, 0, 1, 0x61]];

for (const version of ["5", "3.1.1"] as const) {
  for (const bytes of WITHOUT_IDENTIFIER) {
    scripted(
      `Link ends at ${bytes.join(" ")}, a packet without its Packet Identifier (${version})`,
      ({ type }, client) => {
        if (type === CONNECT) client.send(...connack(version));
        if (type === PINGREQ) client.send(...bytes);
      },
      async (broker) => {
        const link = await open(broker, { version });
        const published = link.publish(publication("a"));
        await assert.rejects(within(published, 2_000), /malformed packet/);
        assert.match((await link.ended).cause, /malformed packet/);
      },
    );
  }
}

/** Server Keep Alive without its value, and twice, §3.2.2.3.14. */
for (const properties of [[0x13], [0x13, 0, 10, 0x13, 0, 10]]) {
  scripted(
    `openLink() survives the Server Keep Alive ${properties.join(" ")}`,
    ({ type }, client) => {
      if (type === CONNECT) client.send(...connack("5", properties));
    },
    async (broker) => {
      const ended = open(broker).then((link) => link.ended);
      await within(ended.catch(() => {}), 2_000);
    },
  );
}

scripted(
  "openLink() survives a CONNACK with garbage behind it",
  ({ type }, client) => {
    if (type === CONNECT) client.send(...connack("5"), 0xF0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF);
  },
  async (broker) => {
    const ended = open(broker).then((link) => link.ended);
    await within(ended.catch(() => {}), 2_000);
  },
);

scripted(
  "openLink() says after connectTimeoutMs that a server never answers",
  () => {},
  async (broker) => {
    await assert.rejects(open(broker, { connectTimeoutMs: 100 }), {
      name: "LinkError",
      kind: "silent",
      message: `the broker at 127.0.0.1:${broker.port} did not answer within 0.1 s`,
    });
    await until(() => broker.connections === 0);
  },
);

scripted(
  "openLink() refuses what is no MQTT",
  (_packet, client) => client.send(...new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n")),
  async (broker) => {
    await assert.rejects(within(open(broker), 2_000), { name: "LinkError" });
  },
);

scripted(
  "a Link ends when the broker sends DISCONNECT and forgets to close",
  ({ type }, client) => {
    if (type === CONNECT) client.send(...connack("5"));
    if (type === PUBLISH) client.send(...disconnect(0x97));
  },
  async (broker) => {
    const link = await open(broker);
    link.publish(publication("a", "x", { qos: 1 })).catch(() => {});
    assert.equal((await within(link.ended, 2_000)).reasonCode, 0x97);
  },
);

Deno.test("Link.end() is done within a second where nothing is read any more", async () => {
  await using broker = await startAedes();
  await using proxy = new FaultProxy(broker);
  const link = await open(proxy, { version: "3.1.1" });
  proxy.stall();
  link.publish(publication("a", new Uint8Array(8_000_000))).catch(() => {});
  await within(link.end(), 1_000);
  await link.ended;
});

Deno.test("Link.end() is done within a second on a half-open connection", async () => {
  await using broker = await startAedes();
  await using proxy = new FaultProxy(broker);
  const link = await open(proxy, { version: "3.1.1" });
  proxy.halfOpen();
  await within(link.end(), 1_000);
  assert.equal(link.isOpen, false);
});

Deno.test("Link.end() called twice at once ends once", async () => {
  await using broker = await startAedes();
  const link = await open(broker, { version: "3.1.1" });
  await Promise.all([link.end(), link.end()]);
  await link.end();
  await until(() => broker.clients().length === 0);
});
