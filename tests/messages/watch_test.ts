import assert from "node:assert/strict";
import { Watch } from "../../lib/messages/watch.ts";

function watch(maxMessages: number): Watch {
  return new Watch({ id: "w1", filters: ["t"], narrowed: false }, maxMessages);
}

function push(one: Watch, count: number, bytes = 1): void {
  for (let i = 0; i < count; i++) {
    const payload = new Uint8Array(bytes);
    one.push({ topic: "t", payload, qos: 0, retain: false, receivedAt: 0 });
  }
}

const held = (one: Watch): number[] => one.held().map(({ seq }) => seq);

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
