import assert from "node:assert/strict";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Message } from "../../lib/messages/message.ts";
import { Watch } from "../../lib/messages/watch.ts";
import { TIMED_RETRIES } from "../brokers/until.ts";

function watch(maxMessages: number, options?: { maxBytes: number }): Watch {
  return new Watch({ id: "w1", filters: ["t"], narrowed: false }, maxMessages, options);
}

function message(bytes: number, topic = "t"): Message {
  return { topic, payload: new Uint8Array(bytes), qos: 0, retain: false, receivedAt: 0 };
}

function push(one: Watch, count: number, bytes = 1): void {
  for (let i = 0; i < count; i++) one.push(message(bytes));
}

const held = (one: Watch, after?: number): number[] => [...one.held(after)].map(({ seq }) => seq);

Deno.test("Watch numbers messages from 1 and lets the oldest go", () => {
  const one = watch(3);
  assert.deepEqual(held(one), []);
  push(one, 10);
  assert.deepEqual(held(one), [8, 9, 10]);
  assert.deepEqual([one.received, one.dropped, one.heldAfter(0), one.heldAfter(9)], [10, 7, 3, 1]);
  assert.equal(one.heldAfter(10), 0);
});

Deno.test("Watch.endRead() counts what no read got to since the read before, once", () => {
  const one = watch(3);
  push(one, 2);
  assert.equal(one.endRead(2), 0);
  push(one, 5);
  // 3 and 4 are gone; 1 and 2 were read.
  assert.equal(one.endRead(5), 2);
  assert.equal(one.position, 5);
  push(one, 3);
  // 6 and 7 are gone as well.
  assert.equal(one.endRead(0), 2);
  assert.equal(one.endRead(0), 0);
  assert.deepEqual([one.position, one.dropped], [0, 4]);
});

Deno.test("Watch.lookedAt() keeps from dropped what a waiting read has passed over", () => {
  const one = watch(2);
  push(one, 2);
  one.lookedAt(2);
  push(one, 2);
  assert.deepEqual([one.endRead(4), one.dropped], [0, 0]);
});

Deno.test("Watch holds a bounded number of bytes, and always the last message", () => {
  const one = watch(100);
  push(one, 5, 5 * 1024 * 1024);
  assert.deepEqual(held(one), [3, 4, 5]);
  push(one, 1, 20 * 1024 * 1024);
  assert.deepEqual(held(one), [6]);
});

Deno.test("Watch counts topic names, properties and overhead among its bytes", () => {
  const one = watch(1_000, { maxBytes: 1_000_000 });
  for (let i = 0; i < 100; i++) one.push(message(0, "x".repeat(60_000)));
  assert.equal(held(one).length, 8);
  for (let i = 0; i < 100; i++) {
    one.push({ ...message(0), properties: { userProperties: { a: "x".repeat(60_000) } } });
  }
  assert.equal(held(one).length, 8);
  const small = watch(10_000, { maxBytes: 1_000_000 });
  push(small, 10_000);
  assert.equal(held(small).length, 2_481);
});

Deno.test("Watch.held() gives what is held after a number", () => {
  const one = watch(3);
  push(one, 10);
  assert.deepEqual(held(one, 0), [8, 9, 10]);
  assert.deepEqual(held(one, 7), [8, 9, 10]);
  assert.deepEqual(held(one, 8), [9, 10]);
  assert.deepEqual(held(one, 10), []);
  assert.deepEqual(held(one, 99), []);
});

Deno.test("Watch.held() gives neither what arrives meanwhile nor what is let go", () => {
  const one = watch(5);
  push(one, 5);
  const given: number[] = [];
  for (const { seq } of one.held()) {
    given.push(seq);
    if (seq === 2) push(one, 3);
  }
  assert.deepEqual(given, [1, 2, 4, 5]);
  const others: number[] = [];
  for (const { seq } of one.held()) {
    others.push(seq);
    push(one, 10);
  }
  assert.deepEqual(others, [4]);
});

Deno.test("Watch.held() passes over what is gone at once", { retry: TIMED_RETRIES }, () => {
  const one = watch(1);
  const pushing = performance.now();
  push(one, 100_000);
  const reading = performance.now();
  for (let i = 0; i < 1_000; i++) assert.deepEqual(held(one), [100_000]);
  const [pushMs, readMs] = [reading - pushing, performance.now() - reading];
  assert.ok(readMs < 2 * pushMs + 20, `${readMs} ms after ${pushMs} ms`);
});

Deno.test("Watch keeps nothing alive that it let go", async () => {
  setFlagsFromString("--expose-gc");
  const collectGarbage: () => void = runInNewContext("gc");
  const one = watch(1_000, { maxBytes: 3_000_000 });
  const refs = Array.from({ length: 20 }, () => {
    const large = message(1_000_000);
    one.push(large);
    return new WeakRef(large);
  });
  // A WeakRef holds what it refers to until the end of the turn.
  await new Promise((resolve) => setTimeout(resolve));
  collectGarbage();
  const alive = refs.filter((ref) => ref.deref() !== undefined).length;
  assert.deepEqual([alive, held(one).length], [2, 2]);
});

Deno.test("Watch.arrival settles with the next message", async () => {
  const one = watch(2);
  const { arrival } = one;
  push(one, 1);
  await arrival;
  let hasSettled = false;
  const next = one.arrival.then(() => hasSettled = true);
  await Promise.resolve();
  assert.equal(hasSettled, false);
  one.wake();
  await next;
});
