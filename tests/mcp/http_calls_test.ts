import assert from "node:assert/strict";
import { connectClient, type TestClient } from "../brokers/client.ts";
import { mosquittoAvailable, type MosquittoBroker, startMosquitto } from "../brokers/mosquitto.ts";
import { until } from "../brokers/until.ts";
import {
  beginSession,
  connect,
  JSON_ONLY,
  legacy,
  messagesOf,
  modern,
  post,
  type Raw,
  toolCall,
} from "./raw_http.ts";
import { KEY, type Serving, serving } from "./served_http.ts";

interface World extends AsyncDisposable {
  readonly broker: MosquittoBroker;
  readonly server: Serving;
  readonly url: URL;
  /** Who hears everything. */
  readonly witness: TestClient;
}

/** The program over HTTP on mosquitto. */
async function world(limits: Readonly<Record<string, number>> = {}): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const broker = stack.use(await startMosquitto());
  const witness = stack.use(await connectClient(broker));
  await witness.subscribe("t/#");
  const mqtt = { host: broker.host, port: broker.port, protocol_version: "3.1.1" };
  const server = stack.use(
    await serving({ api_key: KEY, limits }, { mqtt, logging: { level: "DEBUG" } }),
  );
  const owned = stack.move();
  return {
    broker,
    server,
    witness,
    url: server.url,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const test = (name: string, fn: () => Promise<void>): void =>
  Deno.test({ name, fn, ignore: !mosquittoAvailable() });

const publish = (payload: string, qos = 2): object => ({ topic: "t/out", payload, qos });
const NONE = { topic: "t/none", timeout: 60 };

/** Publishes, and gives all that has come before that to `t/out`, oldest first. */
async function sent({ url, witness }: World): Promise<string[]> {
  const response = await post(url, modern("mqtt_publish", publish("last", 1)));
  assert.match(await response.text(), /acknowledged/);
  await witness.collect(1, { pick: ({ text }) => text === "last" });
  return witness.received.filter(({ topic }) => topic === "t/out").map(({ text }) => text)
    .filter((text) => text !== "last");
}

/**
 * Ends two calls while the broker answers nothing, and says what was published after all: at most the
 * one that came first.
 */
async function sentAfter(
  { broker, ...rest }: World,
  end: (first: string, second: string) => Promise<void>,
): Promise<string[]> {
  broker.freeze();
  try {
    // The other one waits in line: one of QoS 2 at a time may be unacknowledged.
    await end("first", "second");
  } finally {
    broker.thaw();
  }
  return await sent({ broker, ...rest });
}

test("HTTP never sends what waits in line when a call is answered with 504", async () => {
  await using all = await world({ request_timeout: 2 });
  const payloads = await sentAfter(all, async (...payloads) => {
    const statuses = await Promise.all(payloads.map(async (payload) => {
      const raw = modern("mqtt_publish", publish(payload), { accept: JSON_ONLY });
      const response = await post(all.url, raw);
      await response.text();
      return response.status;
    }));
    assert.deepEqual(statuses, [504, 504]);
  });
  assert.ok(payloads.length <= 1, `published: ${payloads}`);
  assert.doesNotMatch(all.server.stderr(), /ERROR/);
});

test("HTTP ends a late call with an error for its id once a stream has begun", async () => {
  await using all = await world({ request_timeout: 2 });
  const payloads = await sentAfter(all, async (...payloads) => {
    await Promise.all(payloads.map(async (payload, id) => {
      const response = await post(all.url, modern("mqtt_publish", publish(payload), { id }));
      assert.equal(response.status, 200);
      assert.match(response.headers.get("content-type") ?? "", /^text\/event-stream/);
      const message = "no answer within 2 s";
      const late = { jsonrpc: "2.0", id, error: { code: -32_001, message } };
      assert.deepEqual(messagesOf(await response.text()), [late]);
    }));
  });
  assert.ok(payloads.length <= 1, `published: ${payloads}`);
});

test("HTTP carries nothing out whose last byte comes after the 504", async () => {
  await using all = await world({ request_timeout: 1 });
  const raw = modern("mqtt_publish", publish("late", 0));
  using connection = await connect(all.url, raw);
  await connection.write(raw.body.slice(0, -1));
  assert.match(await connection.read(), /^HTTP\/1\.1 504/);
  // The server may have closed the connection.
  await connection.write(raw.body.slice(-1)).catch(() => {});
  assert.deepEqual(await sent(all), []);
});

test("HTTP gives a quick answer as JSON, and begins a stream for a slow one where it may", async () => {
  await using all = await world();
  const { url, witness } = all;
  const quick = await post(url, modern("mqtt_publish", publish("quick", 1)));
  assert.equal(quick.headers.get("content-type"), "application/json");
  const { result } = await quick.json();
  assert.equal(result.structuredContent.outcome, "acknowledged");
  for (const accept of ["application/json, text/event-stream", JSON_ONLY]) {
    const read = modern("mqtt_read", { topic: "t/slow", timeout: 60 }, { id: 7, accept });
    const pending = post(url, read);
    await until(() => all.broker.subscriptions().includes("t/slow"), { what: "a subscription" });
    if (accept !== JSON_ONLY) await pending;
    else await new Promise((resolve) => setTimeout(resolve, 1_500));
    await witness.publish("t/slow", "21");
    const response = await pending;
    const type = accept === JSON_ONLY ? "application/json" : "text/event-stream";
    assert.equal(response.headers.get("content-type"), type);
    const text = await response.text();
    const messages = accept === JSON_ONLY ? [JSON.parse(text)] : messagesOf(text);
    assert.equal(messages.length, 1);
    assert.equal(messages[0].id, 7);
    assert.equal(messages[0].result.structuredContent.payload, "21");
    await until(() => !all.broker.subscriptions().includes("t/slow"), { what: "its end" });
  }
});

test("HTTP passes progress on, and the answer after it, and bounds such a stream too", async () => {
  await using all = await world({ request_timeout: 3 });
  const meta = { progressToken: "p" };
  const short = await post(all.url, modern("mqtt_read", { ...NONE, timeout: 1.5 }, { meta }));
  const [progress, ...others] = messagesOf(await short.text());
  assert.equal(progress?.["method"], "notifications/progress");
  assert.equal((others.at(-1)?.["result"] as { isError?: boolean }).isError, true);
  const long = await post(all.url, modern("mqtt_read", NONE, { meta }));
  const last = messagesOf(await long.text()).at(-1);
  assert.equal((last?.["error"] as { code?: number }).code, -32_001);
});

/** Who goes does so after its body has come in several packets, which Deno notices last. */
async function goAway(url: URL, raw: Raw, hasBegun: () => boolean): Promise<void> {
  using connection = await connect(url, raw);
  const half = raw.body.length >> 1;
  await connection.write(raw.body.slice(0, half));
  await new Promise((resolve) => setTimeout(resolve, 50));
  await connection.write(raw.body.slice(half));
  await until(hasBegun, { what: "the call" });
}

test("HTTP gives up the call of a client that goes, in each generation", async () => {
  await using all = await world();
  const { broker, url } = all;
  const isHeld = (): boolean => broker.subscriptions().includes("t/none");
  const session = await beginSession(url);
  for (
    const raw of [
      modern("mqtt_subscribe", NONE),
      modern("mqtt_subscribe", NONE, { meta: { progressToken: 1 } }),
      legacy(session, toolCall(1, "mqtt_subscribe", NONE)),
      // A batch, as revision 2025-03-26 has it.
      legacy(session, [toolCall(1, "mqtt_subscribe", NONE), toolCall(2, "mqtt_subscribe", NONE)]),
    ]
  ) {
    await goAway(url, raw, isHeld);
    await until(() => !isHeld(), { deadlineMs: 5_000, what: "the end of the subscription" });
  }
  assert.doesNotMatch(all.server.stderr(), /ERROR|undeliverable/);
});

test("HTTP never sends what waits in line when its client goes", async () => {
  await using all = await world();
  const session = await beginSession(all.url);
  const payloads = await sentAfter(all, async (first, second) => {
    const controller = new AbortController();
    const begun = await post(
      all.url,
      legacy(session, toolCall(1, "mqtt_publish", publish(first))),
      controller.signal,
    );
    const { stderr } = all.server;
    const isCalled = (payload: string) => (): boolean => stderr().includes(`"${payload}"`);
    await until(isCalled(first), { what: stderr });
    await goAway(all.url, modern("mqtt_publish", publish(second)), isCalled(second));
    controller.abort();
    await begun.text().catch(() => {});
    await until(() => stderr().match(/was cancelled/g)?.length === 2, { what: stderr });
  });
  assert.ok(payloads.length <= 1, `published: ${payloads}`);
});

test("HTTP bounds the calls of a session, and answers a late one with an error for its id", async () => {
  await using all = await world({ request_timeout: 2 });
  const session = await beginSession(all.url);
  const payloads = await sentAfter(all, async (...payloads) => {
    await Promise.all(payloads.map(async (payload, id) => {
      const raw = legacy(session, toolCall(id, "mqtt_publish", publish(payload)));
      const [message, ...others] = messagesOf(await (await post(all.url, raw)).text());
      assert.deepEqual(others, []);
      assert.equal(message?.["id"], id);
      assert.deepEqual(message?.["error"], { code: -32_001, message: "no answer within 2 s" });
    }));
  });
  assert.ok(payloads.length <= 1, `published: ${payloads}`);
  // One of a batch may have been answered.
  const batch = [{ jsonrpc: "2.0", id: 5, method: "ping" }, toolCall(6, "mqtt_read", NONE)];
  const stream = await (await post(all.url, legacy(session, batch))).text();
  const answers = messagesOf(stream).map(({ id, error }) => [id, error !== undefined]);
  assert.deepEqual(answers, [[5, false], [6, true]]);
  const isHeld = (): boolean => all.broker.subscriptions().includes("t/none");
  await until(() => !isHeld(), { what: "the end of the subscription" });
});

test("HTTP counts each call of a session until its answer is written", async () => {
  await using all = await world({ max_requests: 3 });
  const { url } = all;
  const session = await beginSession(url);
  const status = async (message: object): Promise<number> => {
    const response = await post(url, legacy(session, message));
    await response.text();
    return response.status;
  };
  const read = (id: number): object => toolCall(id, "mqtt_read", NONE);
  assert.equal(await status([1, 2, 3, 4].map(read)), 400);
  const controller = new AbortController();
  const batch = await post(url, legacy(session, [read(1), read(2)]), controller.signal);
  const one = await post(url, legacy(session, read(3)));
  const ping = (id: number): object => ({ jsonrpc: "2.0", id, method: "ping" });
  assert.equal(await status(ping(4)), 503);
  controller.abort();
  await batch.text().catch(() => {});
  await until(async () => await status(ping(5)) === 200, { what: "two places" });
  assert.equal(await status([ping(6), ping(7)]), 200);
  assert.equal(await status([ping(6), ping(7), ping(8)]), 503);
  // Another with its id would take its answer.
  assert.equal(await status(read(3)), 400);
  assert.equal(await status([ping(9), ping(9)]), 400);
  await one.body?.cancel();
});

test("HTTP ends the stream of a call that its client cancels, without an answer", async () => {
  await using all = await world({ max_requests: 2 });
  const session = await beginSession(all.url);
  const response = await post(all.url, legacy(session, toolCall(0, "mqtt_read", NONE)));
  await until(() => all.broker.subscriptions().includes("t/none"), { what: "the subscription" });
  const cancelled = { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 0 } };
  const taken = await post(all.url, legacy(session, cancelled));
  assert.equal(taken.status, 202);
  await taken.body?.cancel();
  assert.deepEqual(messagesOf(await response.text()), []);
  await until(() => !all.broker.subscriptions().includes("t/none"), { what: "its end" });
  // Of a batch the others go on.
  const batch = [toolCall(0, "mqtt_read", NONE), toolCall(1, "mqtt_read", { topic: "t/b" })];
  const both = await post(all.url, legacy(session, batch));
  await until(() => all.broker.subscriptions().includes("t/b"), { what: "the subscription" });
  await all.witness.publish("t/none", "x", { retain: false });
  await all.witness.publish("t/b", "21");
  const ids = messagesOf(await both.text()).map(({ id }) => id);
  assert.deepEqual(ids.toSorted(), [0, 1]);
  assert.doesNotMatch(all.server.stderr(), /undeliverable/);
});

test("HTTP lets through what makes room, while as many calls are answered as may be", async () => {
  await using all = await world({ max_requests: 1 });
  const session = await beginSession(all.url);
  const waiting = await post(all.url, legacy(session, toolCall(7, "mqtt_read", NONE)));
  const ping = { jsonrpc: "2.0", id: 8, method: "ping" };
  const status = async (message: object): Promise<number> => {
    const response = await post(all.url, legacy(session, message));
    await response.text();
    return response.status;
  };
  assert.equal(await status(ping), 503);
  const cancelled = { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 7 } };
  assert.equal(await status(cancelled), 202);
  await waiting.text();
  assert.equal(await status(ping), 200);
});

test("HTTP bounds no stream of what the server tells by the time of a request", async () => {
  await using all = await world({ request_timeout: 1, max_requests: 1 });
  const session = await beginSession(all.url);
  const headers = { "x-api-key": KEY, accept: "text/event-stream", "mcp-session-id": session };
  const controller = new AbortController();
  const stream = await fetch(all.url, { headers, signal: controller.signal });
  const subscribe = {
    jsonrpc: "2.0",
    id: 1,
    method: "resources/subscribe",
    params: { uri: "mcpmqtt://message/t/a" },
  };
  assert.match(await (await post(all.url, legacy(session, subscribe))).text(), /"result":\{\}/);
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  await all.witness.publish("t/a", "22");
  let heard = "";
  const decoder = new TextDecoder();
  for await (const bytes of stream.body ?? []) {
    heard += decoder.decode(bytes);
    if (heard.includes("notifications/resources/updated")) break;
  }
  assert.match(heard, /resources\/updated/);
  controller.abort();
});

test("HTTP answers a Host that is none with 400, and logs no ERROR of it or of half a body", async () => {
  await using all = await world();
  for (const host of ["a b", "[::1", "localhost:99999"]) {
    const socket = await Deno.connect({ hostname: "127.0.0.1", port: Number(all.url.port) });
    const text = `GET /status HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
    await socket.write(new TextEncoder().encode(text));
    const answer = await new Response(socket.readable).text();
    assert.match(answer, /^HTTP\/1\.1 400/, host);
  }
  {
    const raw = modern("mqtt_status", {});
    using connection = await connect(all.url, raw);
    await connection.write(raw.body.slice(0, 20));
    // The server has begun to read it.
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  assert.deepEqual(await sent(all), []);
  assert.doesNotMatch(all.server.stderr(), /ERROR/);
});
