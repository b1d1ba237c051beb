import assert from "node:assert/strict";
import { Backoff } from "../../lib/mqtt/link/backoff.ts";

const delays = (backoff: Backoff, count: number): number[] =>
  Array.from({ length: count }, () => backoff.next());

Deno.test("Backoff.next() doubles from 250 ms to 30 s", () => {
  const backoff = new Backoff(() => 1);
  assert.deepEqual(
    delays(backoff, 9),
    [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000],
  );
  assert.equal(delays(backoff, 2_000).at(-1), 30_000);
});

Deno.test("Backoff.next() takes away up to half, at random", () => {
  const random = [0, 0.5, 0.25];
  const backoff = new Backoff(() => random.shift() ?? 0);
  assert.deepEqual(delays(backoff, 3), [125, 375, 625]);
  const spread = new Set(Array.from({ length: 100 }, () => new Backoff().next()));
  assert.ok(spread.size > 50);
  assert.ok([...spread].every((delay) => delay >= 125 && delay <= 250));
});

Deno.test("Backoff.ended() starts anew after a connection that held, and only then", () => {
  const backoff = new Backoff(() => 1);
  delays(backoff, 5);
  assert.equal(backoff.ended(9_999), true);
  assert.equal(backoff.next(), 8_000);
  assert.equal(backoff.ended(10_000), false);
  assert.equal(backoff.next(), 250);
});
