/** A server of this project on a broker, with a device on the other side. */

import assert from "node:assert/strict";
import { startAedes } from "../brokers/aedes.ts";
import type { ProtocolVersion, TestBroker } from "../brokers/broker.ts";
import { connectClient, type TestClient } from "../brokers/client.ts";
import { mosquittoAvailable, startMosquitto } from "../brokers/mosquitto.ts";
import { until } from "../brokers/until.ts";
import { type Host, type HostOptions, startHost, type ToolError } from "../host.ts";

/** What a test gets. */
export interface Served {
  readonly broker: TestBroker;
  /** What the server and the device speak. */
  readonly version: ProtocolVersion;
  readonly host: Host;
  readonly device: TestClient;
  /**
   * Resolves when a client holds the topic filter at the broker, and it was asked for so many times;
   * default 1. Who comes to a filter that is held already asks once more.
   */
  subscribed(filter: string, options?: { readonly times?: number }): Promise<void>;
  /** Resolves when no client holds the topic filter any more. */
  unsubscribed(filter: string): Promise<void>;
}

/** The config of the server but for the broker, and how its host connects. */
export interface ServedOptions extends Omit<HostOptions, "config"> {
  readonly topics?: readonly object[];
  readonly limits?: object;
  readonly config?: object;
  readonly mqtt?: object;
  /** How often the test is tried again; default 0. */
  readonly retry?: number;
}

/** All topics under `t/`, to read and write. */
export const ALL_OF_T = [{ pattern: "t/#", permissions: ["read", "write"], retain: true }];

/** Starts a server on a broker; the broker is closed by whoever started it. */
export async function serve(
  broker: TestBroker,
  version: ProtocolVersion,
  options: ServedOptions = {},
): Promise<Served & AsyncDisposable> {
  const { topics = ALL_OF_T, limits, config, mqtt, retry: _, ...hostOptions } = options;
  const { host: name, port } = broker;
  const host = await startHost({
    ...hostOptions,
    config: {
      mqtt: { host: name, port, protocol_version: version, ...mqtt },
      topics,
      ...(limits && { limits }),
      ...config,
    },
  });
  // From then on the SDK holds every result against the tool's output schema.
  await host.client.listTools();
  const device = await connectClient(broker, { version });
  return {
    broker,
    version,
    host: checkedHost(host),
    device,
    async subscribed(filter, { times = 1 } = {}): Promise<void> {
      const asked = (): number => broker.subscribeCounts().get(filter) ?? 0;
      await until(() => broker.subscriptions().includes(filter) && asked() >= times, {
        what: () => `subscription ${times} to ${filter} among ${broker.subscriptions()}`,
      });
      // Who joins a subscription hears what comes after its SUBACK, which is there before this answer.
      if (times > 1) await host.expectResult("mqtt_status");
    },
    async unsubscribed(filter): Promise<void> {
      await until(() => !broker.subscriptions().includes(filter), {
        what: () => `the end of the subscription to ${filter}`,
      });
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await device.close();
      await host.close();
    },
  };
}

function checkedHost(host: Host): Host {
  const callTool = checked(host);
  return {
    ...host,
    callTool,
    async expectResult(name, args, options): Promise<unknown> {
      const { isError, text, structuredContent } = await callTool(name, args, options);
      assert.ok(!isError, `${name} failed: ${text}`);
      return structuredContent;
    },
    async expectError(code, name, args, options): Promise<ToolError> {
      const { error, text } = await callTool(name, args, options);
      assert.equal(error?.code, code, text);
      return error;
    },
  };
}

/** The text of a result is its structured content, and that of an error is its `_meta`. */
function checked({ callTool }: Host): Host["callTool"] {
  return async (...call) => {
    const result = await callTool(...call);
    const { isError, text, structuredContent, error } = result;
    if (!isError) assert.deepEqual(JSON.parse(text), structuredContent);
    else {
      assert.ok(error, text);
      const { code, message, hint, last } = error;
      const lines = [
        `${code}: ${message}`,
        ...(hint === undefined ? [] : [`hint: ${hint}`]),
        ...(last === undefined ? [] : [`last: ${JSON.stringify(last)}`]),
      ];
      assert.deepEqual(text.split("\n"), lines);
    }
    return result;
  };
}

interface Kind {
  readonly start: () => Promise<TestBroker>;
  readonly version: ProtocolVersion;
  readonly ignore: boolean;
}

const AEDES: Kind = { start: startAedes, version: "3.1.1", ignore: false };
const MOSQUITTO: Kind = { start: startMosquitto, version: "5", ignore: !mosquittoAvailable() };

/** What a test does with what it gets. */
type Test = (served: Served) => Promise<void>;

/**
 * Registers a test for aedes, and for mosquitto in both protocol versions: for what goes over the
 * wire, which brokers do each in their own way.
 */
export function eachServed(name: string, options: ServedOptions, test: Test): void {
  register(AEDES, { name: `${name} (aedes, 3.1.1)`, options, test });
  register(MOSQUITTO, { name: `${name} (mosquitto, 5)`, options, test });
  const older: Kind = { ...MOSQUITTO, version: "3.1.1" };
  register(older, { name: `${name} (mosquitto, 3.1.1)`, options, test });
}

/** Registers a test on aedes only, for what does not depend on the broker. */
export function served(name: string, options: ServedOptions, test: Test): void {
  register(AEDES, { name, options, test });
}

/** Registers a test with MQTT 5 only, for what 3.1.1 does not have. */
export function servedWithMqtt5(name: string, options: ServedOptions, test: Test): void {
  register(MOSQUITTO, { name, options, test });
}

function register({ start, version, ignore }: Kind, { name, options, test }: {
  readonly name: string;
  readonly options: ServedOptions;
  readonly test: Test;
}): void {
  Deno.test({
    name,
    ignore,
    retry: options.retry ?? 0,
    fn: async () => {
      await using broker = await start();
      await using served = await serve(broker, version, options);
      await test(served);
    },
  });
}
