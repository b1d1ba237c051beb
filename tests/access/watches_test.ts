import assert from "node:assert/strict";
import { Watches } from "../../lib/access/watches.ts";
import { McpMqttError } from "../../lib/errors.ts";
import type { Waiting } from "../../lib/mqtt/connection.ts";
import { ManualTimers, settled } from "../manual_timers.ts";
import { StubAccess } from "./collecting.ts";

const MINUTE_MS = 60_000;

const options = (
  signal: AbortSignal = new AbortController().signal,
): Waiting & { readonly includeRetained: boolean } => ({
  waitMs: 1_000,
  signal,
  includeRetained: true,
});

function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof McpMqttError);
    assert.equal(error.code, "not_found");
    return error.message;
  }
  throw new Error("It was expected to fail, and did not");
}

Deno.test("Watches counts a watch that is being started, until it runs or has failed", async () => {
  using timers = new ManualTimers();
  const stub = new StubAccess({ maxWatches: 2 });
  stub.beginsAtOnce = false;
  const watches = new Watches(stub.access);
  const first = watches.start(["t/a"], options());
  const second = watches.start(["t/b"], options());
  await assert.rejects(watches.start(["t/c"], options()), /2 watches are running/);
  stub.at(0).refuse(new Error("refused"));
  await assert.rejects(first, /refused/);
  const third = watches.start(["t/c"], options());
  await assert.rejects(watches.start(["t/d"], options()), /2 watches are running/);
  stub.at(1).begin();
  stub.at(2).begin();
  assert.deepEqual([(await second).filters, (await third).filters], [["t/b"], ["t/c"]]);
  await assert.rejects(watches.start(["t/d"], options()), /2 watches are running/);
  assert.equal(stub.collected.length, 3);
  await watches[Symbol.asyncDispose]();
  assert.equal(timers.pending, 0);
});

Deno.test("Watches.start() ends when its call or its client ends", async () => {
  const stub = new StubAccess();
  stub.beginsAtOnce = false;
  const watches = new Watches(stub.access);
  const call = new AbortController();
  const cancelled = watches.start(["t/a"], options(call.signal));
  call.abort(new Error("cancelled"));
  assert.equal(stub.at().options.signal.aborted, true);
  stub.at().refuse(new Error("cancelled"));
  await assert.rejects(cancelled, /cancelled/);
  const left = watches.start(["t/b"], options());
  assert.equal(stub.at().options.signal.aborted, false);
  await watches[Symbol.asyncDispose]();
  assert.equal(stub.at().options.signal.aborted, true);
  stub.at().refuse(new Error("gone"));
  await assert.rejects(left, /gone/);
});

Deno.test("Watches.start() that comes to its end when the client has gone leaves nothing", async () => {
  using timers = new ManualTimers();
  const stub = new StubAccess();
  stub.beginsAtOnce = false;
  const watches = new Watches(stub.access);
  const starting = watches.start(["t/a"], options());
  await watches[Symbol.asyncDispose]();
  stub.at().begin();
  await assert.rejects(starting, /the client is gone/);
  assert.equal(stub.at().isDisposed, true);
  assert.deepEqual(watches.list(), []);
  assert.equal(timers.pending, 0);
});

Deno.test("Watches tells whoever reads a watch, or waits for it, that it cannot go on", async () => {
  using _timers = new ManualTimers();
  const stub = new StubAccess();
  const watches = new Watches(stub.access);
  const watch = await watches.start(["t/a"], options());
  const { arrival } = watch;
  const refused = new McpMqttError("broker_refused", "not any more");
  stub.at().options.onFailed?.(refused);
  await arrival;
  assert.equal(watches.get("w1").failure, refused);
  // Who waits meanwhile learns the first reason, not the last.
  await watches.stop("w1");
  assert.equal(watch.failure, refused);
});

Deno.test("Watches.stop() wakes whoever waits for the watch, and says that it was stopped", async () => {
  using timers = new ManualTimers();
  const stub = new StubAccess();
  const watches = new Watches(stub.access);
  const watch = await watches.start(["t/a"], options());
  const { arrival } = watch;
  await watches.stop("w1");
  await arrival;
  assert.equal(watch.failure?.message, 'there is no watch "w1": it was stopped');
  assert.equal(stub.at().isDisposed, true);
  assert.equal(timers.pending, 0);
  assert.deepEqual(watches.list(), []);
});

Deno.test("Watches.get() begins the time anew after which a watch that nobody reads is ended", async () => {
  using timers = new ManualTimers();
  const stub = new StubAccess();
  const watches = new Watches(stub.access);
  const watch = await watches.start(["t/a"], options());
  timers.pass(29 * MINUTE_MS);
  watch.lastReadAt = 0;
  assert.equal(watches.get("w1"), watch);
  assert.ok(watch.lastReadAt > 0);
  timers.pass(29 * MINUTE_MS);
  assert.deepEqual(watches.list(), [watch]);
  timers.pass(MINUTE_MS);
  await settled();
  assert.deepEqual(watches.list(), []);
  assert.equal(stub.at().isDisposed, true);
  assert.match(messageOf(() => watches.get("w1")), /: it was not read for 30 minutes/);
});

Deno.test("Watches does not end a watch that is being read, however long a read may wait", async () => {
  using timers = new ManualTimers();
  const watches = new Watches(new StubAccess({ maxTimeoutMs: 60 * MINUTE_MS }).access);
  await watches.start(["t/a"], options());
  timers.pass(119 * MINUTE_MS);
  assert.equal(watches.list().length, 1);
  await watches[Symbol.asyncDispose]();
});

Deno.test("Watches remembers of a hundred watches why they are gone", async () => {
  using _timers = new ManualTimers();
  const watches = new Watches(new StubAccess().access);
  for (let i = 0; i < 101; i++) await watches.stop((await watches.start(["t/a"], options())).id);
  assert.equal(messageOf(() => watches.get("w1")), 'there is no watch "w1"');
  assert.equal(messageOf(() => watches.get("w2")), 'there is no watch "w2": it was stopped');
  assert.equal(messageOf(() => watches.get("w101")), 'there is no watch "w101": it was stopped');
  const long = messageOf(() => watches.get("x".repeat(1_000)));
  assert.ok(long.length < 120, "the answer has no more of an id than helps");
});

Deno.test("Watches that are disposed of stop every watch, and say why", async () => {
  using timers = new ManualTimers();
  const stub = new StubAccess();
  const watches = new Watches(stub.access);
  const both = [await watches.start(["t/a"], options()), await watches.start(["t/b"], options())];
  await watches[Symbol.asyncDispose]();
  for (const { failure } of both) assert.match(failure?.message ?? "", /: the client is gone$/);
  assert.deepEqual(stub.collected.map(({ isDisposed }) => isDisposed), [true, true]);
  assert.equal(timers.pending, 0);
});
