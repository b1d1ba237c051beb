import assert from "node:assert/strict";
import { Turns } from "../../lib/tools/turns.ts";

Deno.test("Turns is over after some milliseconds, and then lets others have theirs", async () => {
  const turns = new Turns();
  assert.equal(turns.isOver, false);
  const start = performance.now();
  while (!turns.isOver) { /* works */ }
  const sliceMs = performance.now() - start;
  assert.ok(sliceMs > 4 && sliceMs < 500, `${sliceMs} ms`);
  let hasTurned = false;
  setTimeout(() => hasTurned = true, 0);
  await turns.others();
  assert.equal(hasTurned, true);
  assert.equal(turns.isOver, false);
});
