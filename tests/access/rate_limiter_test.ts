import assert from "node:assert/strict";
import { RateLimiter } from "../../lib/access/rate_limiter.ts";
import { Rates } from "../../lib/access/rates.ts";

/** Takes a place if one is free; in how many milliseconds one is, else. */
function take(limiter: RateLimiter): number {
  const { waitMs } = limiter;
  if (waitMs === 0) limiter.take();
  return waitMs;
}

Deno.test("RateLimiter allows as many as the bound within any minute", () => {
  let now = 1_000;
  const limiter = new RateLimiter({ writes: 3, windowMs: 60_000 }, () => now);
  assert.deepEqual([take(limiter), take(limiter)], [0, 0]);
  now += 20_000;
  assert.equal(take(limiter), 0);
  assert.equal(take(limiter), 40_000);
  now += 39_999;
  assert.equal(take(limiter), 1);
  now += 1;
  assert.deepEqual([take(limiter), take(limiter)], [0, 0]);
  assert.equal(take(limiter), 20_000);
});

Deno.test("RateLimiter counts no write that had to wait", () => {
  let now = 0;
  const limiter = new RateLimiter({ writes: 1, windowMs: 60_000 }, () => now);
  assert.equal(take(limiter), 0);
  for (now = 0; now < 60_000; now += 1_000) assert.equal(take(limiter), 60_000 - now);
  assert.equal(take(limiter), 0);
});

Deno.test("RateLimiter does not go by a clock that may be set", () => {
  const { now } = Date;
  try {
    const limiter = new RateLimiter({ writes: 1, windowMs: 60_000 });
    assert.equal(take(limiter), 0);
    Date.now = () => now() - 3_600_000;
    assert.ok(limiter.waitMs <= 60_000);
    Date.now = () => now() + 3_600_000;
    assert.ok(limiter.waitMs > 0);
  } finally {
    Date.now = now;
  }
});

Deno.test("RateLimiter: a place that is given back is free at once, and given back once", () => {
  const limiter = new RateLimiter({ writes: 1, windowMs: 60_000 }, () => 5);
  const giveBack = limiter.take();
  assert.equal(limiter.waitMs, 60_000);
  giveBack();
  giveBack();
  assert.equal(take(limiter), 0);
  assert.equal(take(limiter), 60_000);
});

Deno.test("RateLimiter: a place given back after its time is none of another, nor is a second one", () => {
  let now = 0;
  const limiter = new RateLimiter({ writes: 2, windowMs: 60_000 }, () => now);
  const old = limiter.take();
  now = 60_000;
  assert.equal(limiter.waitMs, 0);
  const giveBack = limiter.take();
  assert.equal(take(limiter), 0);
  old();
  assert.equal(take(limiter), 60_000);
  giveBack();
  giveBack();
  assert.equal(take(limiter), 0);
  assert.equal(take(limiter), 60_000);
});

Deno.test("Rates of 0 a minute have no bound", () => {
  const rates = new Rates(0);
  for (let i = 0; i < 10_000; i++) rates.take([]);
});
