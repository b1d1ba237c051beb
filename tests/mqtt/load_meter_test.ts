import assert from "node:assert/strict";
import { LoadMeter } from "../../lib/mqtt/load_meter.ts";

function meterAt(): { readonly meter: LoadMeter; readonly clock: { ms: number } } {
  const clock = { ms: 0 };
  return { meter: new LoadMeter(() => clock.ms), clock };
}

function addAll(meter: LoadMeter, count: number, bytes = 10): void {
  for (let i = 0; i < count; i++) meter.add(bytes);
}

Deno.test("LoadMeter takes 128 messages within a quarter of a second for a load", () => {
  const { meter, clock } = meterAt();
  assert.equal(meter.isLoaded, false);
  clock.ms = 250;
  addAll(meter, 127);
  assert.equal(meter.isLoaded, false);
  addAll(meter, 1);
  assert.equal(meter.isLoaded, true);
});

Deno.test("LoadMeter forgets a load after half a second without one", () => {
  const { meter, clock } = meterAt();
  addAll(meter, 128);
  clock.ms = 499;
  assert.equal(meter.isLoaded, true);
  clock.ms = 500;
  assert.equal(meter.isLoaded, false);
});

Deno.test("LoadMeter takes no slow stream for a load", () => {
  const { meter, clock } = meterAt();
  for (let i = 0; i < 5_000; i++) {
    clock.ms += 2;
    meter.add(10);
    assert.equal(meter.isLoaded, false);
  }
});

Deno.test("LoadMeter counts the bytes of few big messages", () => {
  const { meter } = meterAt();
  addAll(meter, 3, 64 * 1024);
  assert.equal(meter.isLoaded, false);
  addAll(meter, 1, 64 * 1024);
  assert.equal(meter.isLoaded, true);
});
