import assert from "node:assert/strict";
import type { Rule } from "../../lib/topics/permissions.ts";
import { Permissions } from "../../lib/topics/permissions.ts";
import { parseTopicFilter } from "../../lib/topics/topic_filter.ts";
import { McpMqttError } from "../../lib/errors.ts";
import { Connection } from "../../lib/mqtt/connection.ts";
import { Access } from "../../lib/access/access.ts";
import { Rates } from "../../lib/access/rates.ts";
import type { Message } from "../../lib/messages/message.ts";
import { Updates } from "../../lib/access/updates.ts";
import { Watches } from "../../lib/access/watches.ts";
import { parseTopicName } from "../../lib/topics/topic_name.ts";
import { startAedes } from "../brokers/aedes.ts";
import type { TestBroker } from "../brokers/broker.ts";
import { FaultProxy } from "../brokers/proxy.ts";
import { until } from "../brokers/until.ts";
import { settingsFor } from "../mqtt/connections.ts";
import { settled } from "../manual_timers.ts";
import { LIMITS, NO_DEVICES } from "./collecting.ts";

const quiet = { debug() {}, info() {}, warning() {}, error() {}, critical() {} };

function rule(pattern: string, more: Partial<Rule>): Rule {
  return {
    pattern: parseTopicFilter(pattern),
    permissions: [],
    deny: [],
    retain: false,
    ...more,
  };
}

const RULES = [
  rule("t/#", { permissions: ["read", "write"] }),
  rule("t/secret/#", { deny: ["read", "write"] }),
  rule("t/kept", { permissions: ["write"], retain: true }),
];

interface Opened extends AsyncDisposable {
  readonly connection: Connection;
  readonly granted: Access;
}

function open(broker: { host: string; port: number }, readOnly = false): Opened {
  const settings = settingsFor(broker, { clientId: "granted", version: "3.1.1" });
  const connection = new Connection(settings, quiet);
  const granted = new Access(connection, {
    permissions: new Permissions(RULES),
    readOnly,
    limits: LIMITS,
    rates: new Rates(LIMITS.publishPerMinute),
    devices: NO_DEVICES,
  });
  return { connection, granted, [Symbol.asyncDispose]: () => connection.close() };
}

const { signal } = new AbortController();
const waiting = { waitMs: 5_000, signal };

function publication(
  topic: string,
  more: object = {},
): Parameters<Access["publish"]>[0] {
  const payload = new TextEncoder().encode("x");
  return { topic, payload, qos: 1, retain: false, isText: true, ...more };
}

function failsWith(code: string, outcome?: string): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof McpMqttError);
    assert.deepEqual([error.code, error.outcome], [code, outcome]);
    return true;
  };
}

async function publishCounts(
  broker: TestBroker & { publishCounts(): ReadonlyMap<string, number> },
) {
  await until(() => broker.clients().length > 0);
  return Object.fromEntries(broker.publishCounts());
}

Deno.test("Access.publish() lets nothing out that is not granted", async () => {
  await using broker = await startAedes();
  await using opened = open(broker);
  const { granted } = opened;
  const refused: ReadonlyArray<readonly [object, string, string | undefined]> = [
    [publication("x"), "forbidden", "not_sent"],
    [publication("t/secret/a"), "forbidden", "not_sent"],
    [publication("t/a", { retain: true }), "forbidden", "not_sent"],
    [publication("t/+"), "invalid_topic", undefined],
    [publication("t/a", { payload: new Uint8Array(11) }), "payload_too_large", "not_sent"],
  ];
  for (const [one, code, outcome] of refused) {
    await assert.rejects(granted.publish(one as never, waiting), failsWith(code, outcome));
  }
  await granted.publish(publication("t/kept", { retain: true }), waiting);
  await granted.publish(publication("t/a"), waiting);
  await assert.rejects(
    granted.publish(publication("t/a"), waiting),
    failsWith("rate_limited", "not_sent"),
  );
  assert.deepEqual(await publishCounts(broker), { "t/kept": 1, "t/a": 1 });
});

Deno.test("Access.publish() writes nothing where it is read-only", async () => {
  await using broker = await startAedes();
  await using opened = open(broker, true);
  const { granted, connection } = opened;
  await connection.ready(waiting);
  await assert.rejects(
    granted.publish(publication("t/a"), waiting),
    failsWith("forbidden", "not_sent"),
  );
  assert.deepEqual(await publishCounts(broker), {});
});

Deno.test("Access.collect() asks for no more and delivers no more than is granted", async () => {
  await using broker = await startAedes();
  await using opened = open(broker);
  const { granted } = opened;
  const received: Message[] = [];
  {
    await using collection = await granted.collect(["#"], {
      ...waiting,
      includeRetained: true,
      resume: false,
      onMessage: (message) => received.push(message),
    });
    assert.deepEqual(collection.filters.map(({ text }) => text), ["t/#"]);
    assert.equal(collection.narrowed, true);
    assert.deepEqual(broker.subscriptions(), ["t/#"]);
    await broker.publish("x", "not asked for");
    await broker.publish("t/secret/a", "denied");
    await broker.publish("t", "granted");
    await until(() => received.length > 0);
  }
  assert.deepEqual(received.map(({ topic }) => topic), ["t"]);
  assert.deepEqual([...granted.seen], ["t"]);
  assert.deepEqual(broker.subscriptions(), []);
  for (
    const [topics, code] of [[["x"], "forbidden"], [["t/secret/+"], "forbidden"], [
      ["$share/a/t"],
      "forbidden",
    ], [["t/#/a"], "invalid_topic"]] as const
  ) {
    assert.throws(() => granted.narrow(topics), failsWith(code));
  }
});

Deno.test("Access.collect() does not wait long for a broker that acknowledges nothing", async () => {
  await using broker = await startAedes();
  await using proxy = new FaultProxy(broker);
  await using opened = open(proxy);
  const { granted, connection } = opened;
  await connection.ready(waiting);
  proxy.stall();
  const start = performance.now();
  const collecting = granted.collect(["t/a"], {
    waitMs: 100,
    signal,
    includeRetained: true,
    resume: true,
    onMessage: () => {},
  });
  await assert.rejects(collecting, failsWith("timeout"));
  assert.ok(performance.now() - start < 3_000);
  proxy.resume();
  await until(() => broker.subscriptions().length === 0);
});

/** An `Access` over a connection that does what the test says. */
function over(connection: Partial<Record<keyof Connection, unknown>>): Access {
  return new Access(connection as unknown as Connection, {
    permissions: new Permissions(RULES),
    readOnly: false,
    limits: LIMITS,
    rates: new Rates(LIMITS.publishPerMinute),
    devices: NO_DEVICES,
  });
}

const collectOptions = {
  ...waiting,
  includeRetained: true,
  resume: true,
  onMessage: (): void => {},
};

Deno.test("Access.collect() that is in force when the client has gone is given up", async () => {
  let disposals = 0;
  const collecting = { [Symbol.asyncDispose]: () => Promise.resolve(void disposals++) };
  const access = over({ collect: () => Promise.resolve(collecting) });
  const late = access.collect(["t/a"], collectOptions);
  await access[Symbol.asyncDispose]();
  await assert.rejects(late, /the client is gone/);
  assert.equal(disposals, 1);
});

Deno.test("Access that is disposed of gives up what goes on, and nothing a second time", async () => {
  const disposed: string[] = [];
  const access = over({
    collect: (filters: ReadonlyArray<{ readonly text: string }>) =>
      Promise.resolve({
        [Symbol.asyncDispose]: () => Promise.resolve(void disposed.push(filters[0]?.text ?? "")),
      }),
  });
  const first = await access.collect(["t/a"], collectOptions);
  await access.collect(["t/b"], collectOptions);
  await first[Symbol.asyncDispose]();
  assert.deepEqual(disposed, ["t/a"]);
  await access[Symbol.asyncDispose]();
  assert.deepEqual(disposed, ["t/a", "t/b"]);
});

Deno.test("Access.publish() ends when its client goes", async () => {
  const access = over({
    publish: (_publication: unknown, options: { readonly signal: AbortSignal }) =>
      new Promise((_resolve, reject) =>
        options.signal.addEventListener("abort", () => reject(options.signal.reason))
      ),
  });
  const publishing = access.publish(publication("t/a"), waiting);
  await settled();
  await access[Symbol.asyncDispose]();
  await assert.rejects(publishing, /the client is gone/);
});

Deno.test("Access.assertWritable() takes as much as is allowed, each user property with its name", () => {
  const access = over({});
  const bytes = (count: number): Uint8Array => new Uint8Array(count);
  access.assertWritable(publication("t/a", { payload: bytes(10) }));
  // Twice the name and each value: 6 bytes.
  const properties = { userProperties: { ab: ["c", "d"] } };
  access.assertWritable(publication("t/a", { payload: bytes(4), properties }));
  assert.throws(
    () => access.assertWritable(publication("t/a", { payload: bytes(5), properties })),
    failsWith("payload_too_large", "not_sent"),
  );
});

Deno.test("Access.narrow() says of a shared subscription what is the matter with it", () => {
  assert.throws(() => over({}).narrow(["$share/a/t/a"]), /shared subscription/i);
});

Deno.test("Access.firstAttempt() waits only if nothing is known of the broker", async () => {
  const cases = [
    [{ isConnected: false, lastError: undefined }, 1],
    [{ isConnected: false, lastError: "refused" }, 0],
    [{ isConnected: true, lastError: undefined }, 0],
  ] as const;
  for (const [status, expected] of cases) {
    let attempts = 0;
    const access = over({ status, attempted: () => Promise.resolve(void attempts++) });
    await access.firstAttempt(waiting);
    assert.equal(attempts, expected, JSON.stringify(status));
  }
});

Deno.test("Watches ends a watch that nobody reads, and tells so", async () => {
  await using broker = await startAedes();
  await using opened = open(broker);
  await using watches = new Watches(opened.granted, { idleMs: 300 });
  const options = { ...waiting, includeRetained: true };
  const idle = await watches.start(["t/idle"], options);
  const failed = idle.arrival;
  await until(() => watches.list().length === 0);
  await failed;
  assert.equal(idle.failure?.code, "not_found");
  assert.throws(() => watches.get(idle.id), (error) => {
    assert.ok(error instanceof McpMqttError);
    assert.match(error.message, /there is no watch "w1": it was not read for .* minutes/);
    assert.match(error.hint ?? "", /mqtt_watch/);
    return true;
  });
  await until(() => broker.subscriptions().length === 0);
});

Deno.test("Watches keeps to max_watches, those that are starting included", async () => {
  await using broker = await startAedes();
  await using opened = open(broker);
  await using watches = new Watches(opened.granted);
  const options = { ...waiting, includeRetained: true };
  const started = await Promise.allSettled(
    ["t/a", "t/b", "t/c"].map((topic) => watches.start([topic], options)),
  );
  assert.deepEqual(started.map(({ status }) => status), ["fulfilled", "fulfilled", "rejected"]);
  assert.deepEqual(watches.list().map(({ id }) => id), ["w1", "w2"]);
});

Deno.test("Watches that are disposed of end a start that waits for the broker", async () => {
  await using broker = await startAedes();
  await using proxy = new FaultProxy(broker);
  await using opened = open(proxy);
  await opened.connection.ready(waiting);
  const watches = new Watches(opened.granted);
  proxy.stall();
  const start = performance.now();
  const starting = watches.start(["t/#"], { ...waiting, includeRetained: true });
  const refused = assert.rejects(starting, /the client is gone/);
  await watches[Symbol.asyncDispose]();
  await refused;
  assert.ok(performance.now() - start < 1_500);
  assert.deepEqual(watches.list(), []);
  proxy.resume();
  await until(() => broker.subscriptions().length === 0);
});

Deno.test("Updates go on for one holder of a URI when another gives it up", async () => {
  await using broker = await startAedes();
  await using opened = open(broker);
  await opened.connection.ready(waiting);
  await using updates = new Updates(opened.granted, quiet);
  const topic = parseTopicName("t/a");
  const uri = "mcpmqtt://message/t/a";
  for (const holder of ["one", "two"]) await updates.subscribe(topic, { uri, holder });
  await updates.unsubscribe(topic, { uri, holder: "one" });
  await updates.release("nobody");
  assert.deepEqual(broker.subscriptions(), ["t/a"]);
  const { promise, resolve } = Promise.withResolvers<string>();
  updates.notify = resolve;
  await broker.publish("t/a", "x");
  assert.equal(await promise, uri);
  await updates.release("two");
  await until(() => broker.subscriptions().length === 0);
});
