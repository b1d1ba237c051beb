import assert from "node:assert/strict";
import { Semaphore } from "../lib/mqtt/writing/semaphore.ts";
import { bounded, pause } from "../lib/wait.ts";

const never = new Promise<never>(() => {});
const notAborted = (): AbortSignal => new AbortController().signal;

Deno.test("bounded() gives what the promise gives", async () => {
  assert.equal(await bounded(Promise.resolve(1), {}), 1);
  assert.equal(await bounded(Promise.resolve(1), { timeoutMs: 1_000, signal: notAborted() }), 1);
});

Deno.test("bounded() rejects with what the promise rejects with", async () => {
  await assert.rejects(bounded(Promise.reject(new Error("no")), { timeoutMs: 1_000 }), /no/);
});

Deno.test("bounded() gives what onTimeout gives, or throws what it throws, when the time is up", async () => {
  assert.equal(await bounded(never, { timeoutMs: 1, onTimeout: () => "late" }), "late");
  const onTimeout = () => {
    throw new RangeError("late");
  };
  await assert.rejects(bounded(never, { timeoutMs: 1, onTimeout }), RangeError);
  await assert.rejects(bounded(never, { timeoutMs: 0 }), { name: "TimeoutError" });
});

Deno.test("bounded() throws the reason of the signal, at once where it is aborted already", async () => {
  const abort = new AbortController();
  const waiting = bounded(never, { signal: abort.signal });
  abort.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
  await assert.rejects(bounded(Promise.resolve(1), { signal: abort.signal }), /enough/);
});

Deno.test("bounded() leaves a late rejection unreported", async () => {
  const { promise, reject } = Promise.withResolvers<void>();
  await assert.rejects(bounded(promise, { timeoutMs: 1 }));
  reject(new Error("late"));
  const aborted = AbortSignal.abort(new Error("enough"));
  await assert.rejects(bounded(Promise.reject(new Error("never seen")), { signal: aborted }));
  await new Promise((resolve) => setTimeout(resolve, 0));
});

Deno.test("pause() says whether the whole time has passed", async () => {
  assert.equal(await pause(1, notAborted()), true);
  assert.equal(await pause(60_000, AbortSignal.abort()), false);
  const abort = new AbortController();
  const waiting = pause(60_000, abort.signal);
  abort.abort();
  assert.equal(await waiting, false);
});

Deno.test("Semaphore.acquire() gives as many places as there are, then in the order of asking", async () => {
  const semaphore = new Semaphore(2);
  const releases = [await semaphore.acquire(notAborted()), await semaphore.acquire(notAborted())];
  const order: number[] = [];
  const waiting = [1, 2, 3].map(async (number) => {
    const release = await semaphore.acquire(notAborted());
    order.push(number);
    release();
  });
  await Promise.resolve();
  assert.deepEqual(order, []);
  releases[0]?.();
  await Promise.all(waiting);
  assert.deepEqual(order, [1, 2, 3]);
  releases[1]?.();
});

Deno.test("a place of a Semaphore is given back once, however often that is asked for", async () => {
  const semaphore = new Semaphore(1);
  const release = await semaphore.acquire(notAborted());
  release();
  release();
  await semaphore.acquire(notAborted());
  const abort = new AbortController();
  const second = semaphore.acquire(abort.signal);
  abort.abort(new Error("no second place"));
  await assert.rejects(second, /no second place/);
});

Deno.test("Semaphore.acquire() that is aborted leaves its place in line", async () => {
  const semaphore = new Semaphore(1);
  const release = await semaphore.acquire(notAborted());
  const abort = new AbortController();
  const leaving = semaphore.acquire(abort.signal);
  const staying = semaphore.acquire(notAborted());
  abort.abort(new Error("enough"));
  await assert.rejects(leaving, /enough/);
  await assert.rejects(semaphore.acquire(abort.signal), /enough/);
  release();
  (await staying)();
});

Deno.test("Semaphore.acquire() that is aborted when it has just got its place keeps it", async () => {
  const semaphore = new Semaphore(1);
  const release = await semaphore.acquire(notAborted());
  const abort = new AbortController();
  const waiting = semaphore.acquire(abort.signal);
  release();
  abort.abort();
  (await waiting)();
  (await semaphore.acquire(notAborted()))();
});
