import assert from "node:assert/strict";
import { Pacer } from "../../lib/mqtt/link/pacer.ts";

Deno.test("Pacer.pass() calls at once while no time has passed", () => {
  const pacer = new Pacer();
  let called = false;
  pacer.pass(() => called = true);
  assert(called);
});

Deno.test("Pacer.pass() lets a timer run while messages never cease", async () => {
  const pacer = new Pacer();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let isFired = false;
  setTimeout(() => isFired = true, 0);
  let passed = 0;
  const next = (): void => {
    if (isFired) return resolve();
    if (++passed > 5_000_000) return reject(new Error("the timer did not run"));
    queueMicrotask(() => pacer.pass(next));
  };
  pacer.pass(next);
  await promise;
});

Deno.test("Pacer.pass() forgets none of those that wait", async () => {
  const pacer = new Pacer();
  const links = 11;
  const messages = 20_000;
  const passed = new Array<number>(links).fill(0);
  await Promise.all(passed.map((_, link) =>
    new Promise<void>((resolve) => {
      const next = (): void => {
        passed[link] = (passed[link] ?? 0) + 1;
        if (passed[link] === messages) resolve();
        else queueMicrotask(() => pacer.pass(next));
      };
      pacer.pass(next);
    })
  ));
  assert.deepEqual(passed, new Array<number>(links).fill(messages));
});

Deno.test("Pacer.pass() looks at the clock after each large message", async () => {
  const pacer = new Pacer();
  const busyUntil = performance.now() + 5;
  while (performance.now() < busyUntil);
  let called = false;
  pacer.pass(() => called = true);
  assert(called, "one small message is not worth a look");
  const { promise, resolve } = Promise.withResolvers<void>();
  let isPassed = false;
  pacer.pass(() => {
    isPassed = true;
    resolve();
  }, 100_000);
  assert(!isPassed);
  await promise;
});
