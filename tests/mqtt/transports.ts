/** Brokers behind TLS and WebSocket, and what has to hold over each transport. */

import assert from "node:assert/strict";
import type { AddressInfo, Socket } from "node:net";
import { createServer } from "node:tls";
import { runCheck } from "../../lib/cli/commands/check.ts";
import { parseArguments } from "../../lib/cli/options.ts";
import { brokerSettings } from "../../lib/cli/setup.ts";
import type { McpMqttError } from "../../lib/errors.ts";
import { Connection } from "../../lib/mqtt/connection.ts";
import type { Identity } from "../brokers/certificates.ts";
import { connectClient } from "../brokers/client.ts";
import { freePort, type MosquittoBroker, startMosquitto } from "../brokers/mosquitto.ts";
import { FaultProxy } from "../brokers/proxy.ts";
import { until, within } from "../brokers/until.ts";
import { load, type World } from "../config/memory.ts";
import { Gathering, MemoryLog, publication, rejection, waiting } from "./connections.ts";

/** The two versions of MQTT. */
export const VERSIONS = ["5", "3.1.1"] as const;

/** `mqtt` of a config. */
export type MqttOptions = Readonly<Record<string, unknown>>;

/** How a broker listens. */
export interface ListenerOptions {
  /** With it the listener speaks TLS. */
  readonly identity?: Pick<Identity, "cert" | "key">;
  /** Certificate of the authority whose clients alone are let in. */
  readonly clientAuthority?: string;
  readonly isWebSocket?: boolean;
  readonly users?: Readonly<Record<string, string>>;
  /** Further lines; the paths of the certificate and the key are those of the listener. */
  readonly lines?: (paths: { readonly cert: string; readonly key: string }) => readonly string[];
}

/** mosquitto, with the port of the listener under test. */
export interface ListeningBroker extends MosquittoBroker {
  /** That of a further listener, which speaks plain MQTT. */
  readonly plainPort?: number;
}

/** Starts mosquitto with a listener on 127.0.0.1 that is as the options say. */
export async function startListener(options: ListenerOptions = {}): Promise<ListeningBroker> {
  const dir = await Deno.makeTempDir({ prefix: "mcpmqtt-certificates-" });
  try {
    const lines = await writeLines(dir, options);
    const { users } = options;
    const start = (config: readonly string[]): Promise<MosquittoBroker> =>
      startMosquitto({ config, ...users === undefined ? {} : { users } });
    if (options.isWebSocket !== true) return await start(lines);
    // mosquitto does not start without a listener that is no WebSocket.
    const port = freePort();
    const broker = await start([`listener ${port} 127.0.0.1`, "protocol websockets", ...lines]);
    return { ...broker, port, url: `ws://127.0.0.1:${port}`, plainPort: broker.port };
  } finally {
    // mosquitto has read them.
    await Deno.remove(dir, { recursive: true });
  }
}

/** A server of TLS that notes what it is sent, and answers nothing. */
export interface TlsWitness extends AsyncDisposable {
  readonly port: number;
  /** What has been sent since the start, decrypted. */
  received(): string;
}

/** Starts a witness on 127.0.0.1 that shows this certificate, or chain. */
export async function startWitness(
  { cert, key }: Pick<Identity, "cert" | "key">,
): Promise<TlsWitness> {
  const sockets = new Set<Socket>();
  let received = "";
  const server = createServer({ cert, key }, (socket) => {
    socket.on("data", (bytes) => received += bytes.toString("latin1"));
    socket.on("error", () => {});
  });
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
  });
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    received: () => received,
    async [Symbol.asyncDispose](): Promise<void> {
      await until(() => sockets.size === 0, { what: "the end of the connections" });
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The lines of the listener; what they name is in `dir`. */
async function writeLines(dir: string, options: ListenerOptions): Promise<string[]> {
  const { identity, clientAuthority } = options;
  const paths = { cert: `${dir}/cert.pem`, key: `${dir}/key.pem`, ca: `${dir}/ca.pem` };
  const lines: string[] = [];
  if (identity !== undefined) {
    await Deno.writeTextFile(paths.cert, identity.cert);
    await Deno.writeTextFile(paths.key, identity.key, { mode: 0o600 });
    lines.push(`certfile ${paths.cert}`, `keyfile ${paths.key}`);
  }
  if (clientAuthority !== undefined) {
    await Deno.writeTextFile(paths.ca, clientAuthority);
    lines.push(`cafile ${paths.ca}`, "require_certificate true");
  }
  return [...lines, ...options.lines?.(paths) ?? []];
}

/** A connection of a config that holds `mqtt`, begun and not yet there. */
export async function begin(mqtt: MqttOptions, world: World = {}): Promise<Connection> {
  const config = await load({ mqtt: { connect_timeout: 3, ...mqtt } }, world);
  const connection = new Connection(brokerSettings(config), new MemoryLog());
  connection.start();
  return connection;
}

/** A connection of a config that holds `mqtt`, accepted by the broker. */
export async function connect(mqtt: MqttOptions, world: World = {}): Promise<Connection> {
  const connection = await begin(mqtt, world);
  try {
    await connection.ready(waiting());
    return connection;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** The error of a config that leads to no connection: that of the status, which calls tell too. */
export async function connectFailure(mqtt: MqttOptions, world: World = {}): Promise<string> {
  await using connection = await begin(mqtt, world);
  await until(() => connection.status.lastError, { what: "a failure" });
  const { lastError = "" } = connection.status;
  const error: McpMqttError = await rejection(connection.publish(publication("a"), waiting(1)));
  assert.equal(error.code, "not_connected");
  assert.ok(error.message.endsWith(`: ${lastError}`), error.message);
  return lastError;
}

/**
 * What `mcpmqtt check` prints of a config that leads to no connection. The files are in the folder of
 * the config, by their last names.
 */
export async function checkFailure(mqtt: MqttOptions, { files = {} }: World = {}): Promise<string> {
  const dir = await Deno.makeTempDir({ prefix: "mcpmqtt-check-" });
  try {
    for (const [path, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${dir}/${path.split("/").at(-1)}`, text);
    }
    const config = `${dir}/config.json`;
    await Deno.writeTextFile(config, JSON.stringify({ mqtt: { connect_timeout: 3, ...mqtt } }));
    let said = "";
    const say = (text: string): void => void (said += text);
    const invocation = parseArguments(["check", "--config", config]);
    assert.equal(await runCheck(invocation, { stdout: say, stderr: say }), 1);
    return said;
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** A publish and a collection go through. */
export async function assertWorks(connection: Connection): Promise<void> {
  await using gathering = await Gathering.open(connection, "a/+");
  await connection.publish(publication("a/b", "hello", { qos: 1 }), waiting());
  await gathering.atLeast(1);
  assert.deepEqual(gathering.texts, ["a/b hello"]);
}

/** A transport under test. */
export interface TransportCase {
  readonly name: string;
  readonly listen: () => Promise<ListeningBroker>;
  /** `mqtt` of the config, but for `port`. */
  readonly mqtt: MqttOptions;
}

/** Registers the tests of what has to hold over every transport, in both versions. */
export function testTransport({ name, listen, mqtt }: TransportCase): void {
  for (const version of VERSIONS) {
    const options = { host: "127.0.0.1", ...mqtt, protocol_version: version };
    const law = (what: string, test: (broker: ListeningBroker) => Promise<void>): void =>
      Deno.test(`${name} with MQTT ${version} ${what}`, async () => {
        await using broker = await listen();
        await test(broker);
      });

    law("carries a payload of 1 MB whole, and bursts of 500 in order", async (broker) => {
      await using connection = await connect({ ...options, port: broker.port });
      await using _nudging = await keepBusy(broker);
      await using gathering = await Gathering.open(connection, "a/#");
      const payload = patternedBytes(1 << 20);
      await connection.publish(publication("a/big", payload, { qos: 1 }), waiting());
      await gathering.atLeast(1);
      assert.deepEqual(gathering.messages[0]?.payload, payload);
      for (const qos of [0, 1] as const) {
        const texts = Array.from({ length: 500 }, (_, i) => `a/${qos} ${i}`);
        const before = gathering.texts.length;
        await Promise.all(
          texts.map((_, i) =>
            connection.publish(publication(`a/${qos}`, String(i), { qos }), waiting())
          ),
        );
        await gathering.atLeast(before + 500);
        assert.deepEqual(gathering.texts.slice(before), texts);
      }
    });

    law("ends with a DISCONNECT before the close", async (broker) => {
      const connection = await connect({ ...options, port: broker.port, client_id: "leaving" });
      await connection.close();
      await until(() => broker.clients().length === 0, { what: "the end of the connection" });
      assert.match(broker.log(), /Received DISCONNECT from leaving\n/);
      assert.doesNotMatch(broker.log(), /leaving closed its connection/);
    });

    law("says of a QoS 0 publish that it is sent only when it has left", async (broker) => {
      await using proxy = new FaultProxy(broker);
      await using direct = await connect({ ...options, port: broker.port });
      await using connection = await connect({ ...options, port: proxy.port });
      proxy.stall();
      let isSent = false;
      const sent = connection.publish(publication("a", patternedBytes(16 << 20)), waiting())
        .then(() => isSent = true);
      // Meanwhile a whole conversation with the broker takes place.
      await assertWorks(direct);
      assert.equal(isSent, false);
      proxy.resume();
      await within(sent, 10_000, "the publish after the stall");
    });
  }
}

/**
 * mosquitto 2.0 reads 4 KB of a WebSocket in each round of its loop, and one round takes 100 ms unless
 * somebody else has something to say.
 */
async function keepBusy({ host, plainPort }: ListeningBroker): Promise<AsyncDisposable> {
  if (plainPort === undefined) return new AsyncDisposableStack();
  const client = await connectClient({ host, port: plainPort });
  let isOver = false;
  const talk = (async (): Promise<void> => {
    while (!isOver) await client.publish("nudge", "", { qos: 1 });
  })();
  return {
    async [Symbol.asyncDispose](): Promise<void> {
      isOver = true;
      await talk;
      await client[Symbol.asyncDispose]();
    },
  };
}

function patternedBytes(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => i * 31 ^ i >> 8);
}
