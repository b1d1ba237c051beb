import assert from "node:assert/strict";
import { Updates } from "../../lib/access/updates.ts";
import { McpMqttError } from "../../lib/errors.ts";
import { parseTopicName } from "../../lib/topics/topic_name.ts";
import { ManualTimers, settled } from "../manual_timers.ts";
import { MemoryLog } from "../mqtt/connections.ts";
import { message, StubAccess } from "./collecting.ts";

const LAMP = parseTopicName("t/lamp");
const URI = "mcpmqtt://message/t/lamp";
const SPELLED = "mcpmqtt://message/t%2Flamp";
const A = { uri: URI, holder: "a" };
const B = { uri: URI, holder: "b" };

interface Told {
  readonly stub: StubAccess;
  readonly updates: Updates;
  readonly uris: string[];
  readonly log: MemoryLog;
}

function told(stub = new StubAccess()): Told {
  const log = new MemoryLog();
  const updates = new Updates(stub.access, log);
  const uris: string[] = [];
  updates.notify = (uri) => void uris.push(uri);
  return { stub, updates, uris, log };
}

function receive({ stub }: Told, payload = "x"): void {
  stub.at().options.onMessage(message(LAMP, payload));
}

for (const [first, last] of [[A, B], [B, A]] as const) {
  Deno.test(`Updates goes on for holder ${last.holder} when ${first.holder} gives the same URI up`, async () => {
    using timers = new ManualTimers();
    const one = told();
    const { updates, stub, uris } = one;
    await updates.subscribe(LAMP, A);
    await updates.subscribe(LAMP, B);
    await updates.subscribe(LAMP, B);
    await updates.unsubscribe(LAMP, first);
    await updates.unsubscribe(LAMP, first);
    await updates.unsubscribe(LAMP, { uri: SPELLED, holder: last.holder });
    await updates.release(first.holder);
    await updates.release("nobody");
    receive(one);
    assert.deepEqual(uris, [URI]);
    assert.equal(stub.at().isDisposed, false);
    await updates.unsubscribe(LAMP, last);
    assert.equal(stub.at().isDisposed, true);
    assert.equal(stub.collected.length, 1);
    assert.equal(timers.pending, 0);
  });
}

Deno.test("Updates.release() gives up all that a holder has, and nothing of another", async () => {
  using _timers = new ManualTimers();
  const one = told();
  const { updates, uris, stub } = one;
  await updates.subscribe(LAMP, A);
  await updates.subscribe(LAMP, { uri: SPELLED, holder: "a" });
  await updates.subscribe(LAMP, B);
  await updates.subscribe(parseTopicName("t/other"), { uri: "other", holder: "a" });
  await updates.release("b");
  assert.equal(stub.at(0).isDisposed, false);
  await updates.subscribe(LAMP, B);
  await updates.release("a");
  assert.deepEqual(stub.collected.map(({ isDisposed }) => isDisposed), [false, true]);
  stub.at(0).options.onMessage(message(LAMP));
  assert.deepEqual(uris, [URI]);
  await updates.release("b");
  assert.equal(stub.at(0).isDisposed, true);
});

Deno.test("Updates tells at once, then of all that comes within a second together", async () => {
  using timers = new ManualTimers();
  const one = told();
  const { updates, uris } = one;
  await updates.subscribe(LAMP, A);
  timers.pass(0);
  assert.equal(uris.length, 0, "nothing has come");
  receive(one);
  assert.equal(uris.length, 1);
  for (let i = 0; i < 5; i++) receive(one);
  timers.pass(999);
  assert.equal(uris.length, 1);
  timers.pass(1);
  assert.equal(uris.length, 2);
  timers.pass(3_000);
  assert.equal(uris.length, 2, "nothing more has come");
  receive(one);
  assert.equal(uris.length, 3);
  await updates[Symbol.asyncDispose]();
  assert.equal(timers.pending, 0);
});

Deno.test("Updates tells of what came before the subscription was answered, after the answer", async () => {
  using timers = new ManualTimers();
  const one = told();
  const { updates, uris, stub } = one;
  stub.beginsAtOnce = false;
  const subscribing = updates.subscribe(LAMP, A);
  receive(one, "retained");
  assert.deepEqual(uris, []);
  stub.at().begin();
  await subscribing;
  assert.deepEqual(uris, []);
  timers.pass(0);
  assert.deepEqual(uris, [URI]);
  assert.equal(updates.lastMessage(LAMP)?.payload, "retained");
  await updates[Symbol.asyncDispose]();
});

Deno.test("Updates keeps of a large message what is shown, and a small one as it is", async () => {
  using _timers = new ManualTimers();
  const one = told();
  const { updates } = one;
  assert.equal(updates.lastMessage(LAMP), undefined);
  await updates.subscribe(LAMP, A);
  receive(one, "x".repeat(16_385));
  const shown = updates.lastMessage(LAMP);
  assert.ok(JSON.stringify(shown).length <= 1_000);
  assert.equal(updates.lastMessage(LAMP), shown);
  receive(one, "small");
  assert.equal(updates.lastMessage(LAMP)?.payload, "small");
  await updates[Symbol.asyncDispose]();
});

Deno.test("Updates that cannot go on tells every URI once, and begins anew when asked", async () => {
  using timers = new ManualTimers();
  const one = told();
  const { updates, uris, stub, log } = one;
  await updates.subscribe(LAMP, A);
  await updates.subscribe(LAMP, { uri: SPELLED, holder: "a" });
  receive(one);
  receive(one);
  uris.length = 0;
  stub.at().options.onFailed?.(new McpMqttError("broker_refused", "not any more"));
  assert.deepEqual(uris.sort(), [SPELLED, URI].sort());
  assert.match(log.lines.join(), /no updates of "?t\/lamp"? any more: not any more/);
  assert.equal(updates.lastMessage(LAMP), undefined);
  await settled();
  assert.equal(timers.pending, 0);
  assert.equal(uris.length, 2);
  assert.equal(stub.at().isDisposed, true);
  await updates.subscribe(LAMP, A);
  receive(one);
  assert.equal(uris.length, 3);
  await updates[Symbol.asyncDispose]();
});

Deno.test("Updates.subscribe() that is refused is forgotten, and can be tried again", async () => {
  using _timers = new ManualTimers();
  const one = told();
  const { updates, uris, stub } = one;
  stub.beginsAtOnce = false;
  const refused = updates.subscribe(LAMP, A);
  stub.at().refuse(new Error("refused"));
  await assert.rejects(refused, /refused/);
  const again = updates.subscribe(LAMP, A);
  assert.equal(stub.collected.length, 2);
  stub.at().begin();
  await again;
  receive(one);
  assert.deepEqual(uris, [URI]);
  await updates[Symbol.asyncDispose]();
});

Deno.test("Updates that are given up before they are in force leave nothing, and harm no later ones", async () => {
  using timers = new ManualTimers();
  const one = told();
  const { updates, uris, stub } = one;
  stub.beginsAtOnce = false;
  const [late, ended] = [updates.subscribe(LAMP, A), updates.subscribe(LAMP, B)];
  ended.catch(() => {});
  const leaving = Promise.all([updates.unsubscribe(LAMP, A), updates.unsubscribe(LAMP, B)]);
  assert.equal(stub.at(0).options.signal.aborted, true);
  const again = updates.subscribe(LAMP, A);
  receive(one, "new");
  stub.at(1).begin();
  stub.at(0).refuse(new Error("cancelled"));
  await assert.rejects(late, /cancelled/);
  await Promise.all([again, leaving]);
  timers.pass(0);
  assert.deepEqual(uris, [URI]);
  assert.equal(updates.lastMessage(LAMP)?.payload, "new");
  await updates[Symbol.asyncDispose]();
  assert.equal(timers.pending, 0);
});

Deno.test("Updates that are disposed of while one begins leave nothing and tell nothing", async () => {
  using timers = new ManualTimers();
  const one = told();
  const { updates, uris, stub } = one;
  stub.beginsAtOnce = false;
  const subscribing = updates.subscribe(LAMP, A);
  receive(one);
  const disposing = updates[Symbol.asyncDispose]();
  assert.equal(stub.at().options.signal.aborted, true);
  receive(one);
  // It was too late to cancel it.
  stub.at().begin();
  await Promise.all([subscribing, disposing]);
  assert.equal(timers.pending, 0);
  assert.deepEqual(uris, []);
  assert.equal(stub.at().isDisposed, true);
  assert.equal(updates.lastMessage(LAMP), undefined);
});

Deno.test("Updates takes a hundred topics, of which each may be held several times", async () => {
  using _timers = new ManualTimers();
  const { updates, stub } = told();
  for (let i = 0; i < 100; i++) {
    await updates.subscribe(parseTopicName(`t/${i}`), { uri: `${i}`, holder: "a" });
  }
  await assert.rejects(updates.subscribe(LAMP, A), /100 resources are subscribed to/);
  await updates.subscribe(parseTopicName("t/0"), { uri: "0", holder: "b" });
  assert.equal(stub.collected.length, 100);
  await updates.release("a");
  await updates.subscribe(LAMP, A);
  await updates[Symbol.asyncDispose]();
});

Deno.test("Updates.subscribe() to many that are not granted takes no place from one that is", async () => {
  using _timers = new ManualTimers();
  const { updates, stub } = told();
  stub.forbidden = "t/secret/";
  const all = Array.from({ length: 100 }, (_, i) => parseTopicName(`t/secret/${i}`))
    .map((topic) => updates.subscribe(topic, { uri: topic, holder: "a" }));
  await updates.subscribe(LAMP, A);
  const settledAll = await Promise.allSettled(all);
  assert.ok(settledAll.every(({ status }) => status === "rejected"));
  assert.equal(stub.collected.length, 1);
  await updates[Symbol.asyncDispose]();
});
