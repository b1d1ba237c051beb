import assert from "node:assert/strict";
import { offeredTools } from "../../lib/tools/catalogue.ts";
import { limitsWith } from "./contexts.ts";

Deno.test("defineTool() makes the schema of a tool once for the same limits", async () => {
  const limits = await limitsWith();
  for (const { name, input } of offeredTools({ readOnly: false })) {
    assert.equal(input(limits), input(limits), name);
  }
});

Deno.test("defineTool() does not mix up the schemas of different limits", async () => {
  const [one, other] = [await limitsWith(), await limitsWith({ maxTimeoutMs: 1_000 })];
  for (const { name, input } of offeredTools({ readOnly: false })) {
    assert.notEqual(input(one), input(other), name);
  }
  const read = offeredTools({ readOnly: true }).find(({ name }) => name === "mqtt_read");
  const args = { topic: "a", timeout: 2 };
  assert.equal(read?.input(one).safeParse(args).success, true);
  assert.equal(read?.input(other).safeParse(args).success, false);
});
