import assert from "node:assert/strict";
import { RateLimiter } from "../../lib/access/rate_limiter.ts";

Deno.test("RateLimiter.take() allows as many as the bound within any minute", () => {
  let now = 1_000;
  const limiter = new RateLimiter({ writes: 3, windowMs: 60_000 }, () => now);
  assert.deepEqual([limiter.take().waitMs, limiter.take().waitMs], [0, 0]);
  now += 20_000;
  assert.equal(limiter.take().waitMs, 0);
  assert.equal(limiter.take().waitMs, 40_000);
  now += 39_999;
  assert.equal(limiter.take().waitMs, 1);
  now += 1;
  assert.deepEqual([limiter.take().waitMs, limiter.take().waitMs], [0, 0]);
  assert.equal(limiter.take().waitMs, 20_000);
});

Deno.test("RateLimiter.take() counts no write that it refused", () => {
  let now = 0;
  const limiter = new RateLimiter({ writes: 1, windowMs: 60_000 }, () => now);
  assert.equal(limiter.take().waitMs, 0);
  for (now = 0; now < 60_000; now += 1_000) assert.equal(limiter.take().waitMs, 60_000 - now);
  assert.equal(limiter.take().waitMs, 0);
});

Deno.test("RateLimiter.take() of 0 a minute has no bound", () => {
  const limiter = new RateLimiter({ writes: 0, windowMs: 60_000 }, () => 0);
  for (let i = 0; i < 10_000; i++) assert.equal(limiter.take().waitMs, 0);
});

Deno.test("RateLimiter does not go by a clock that may be set", () => {
  const { now } = Date;
  try {
    const limiter = new RateLimiter({ writes: 1, windowMs: 60_000 });
    assert.equal(limiter.take().waitMs, 0);
    Date.now = () => now() - 3_600_000;
    assert.ok(limiter.take().waitMs <= 60_000);
    Date.now = () => now() + 3_600_000;
    assert.ok(limiter.take().waitMs > 0);
  } finally {
    Date.now = now;
  }
});

Deno.test("RateLimiter: a place that is given back is free at once, and given back once", () => {
  const limiter = new RateLimiter({ writes: 1, windowMs: 60_000 }, () => 5);
  const place = limiter.take();
  assert.equal(limiter.take().waitMs, 60_000);
  limiter.take().giveBack();
  assert.equal(limiter.take().waitMs, 60_000);
  place.giveBack();
  place.giveBack();
  assert.equal(limiter.take().waitMs, 0);
  assert.equal(limiter.take().waitMs, 60_000);
});

Deno.test("RatePlace.giveBack() after its time takes no place from another, nor does a second one", () => {
  let now = 0;
  const limiter = new RateLimiter({ writes: 2, windowMs: 60_000 }, () => now);
  const old = limiter.take();
  now = 60_000;
  const place = limiter.take();
  assert.equal(limiter.take().waitMs, 0);
  old.giveBack();
  assert.equal(limiter.take().waitMs, 60_000);
  place.giveBack();
  place.giveBack();
  assert.equal(limiter.take().waitMs, 0);
  assert.equal(limiter.take().waitMs, 60_000);
});
