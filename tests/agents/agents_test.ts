import assert from "node:assert/strict";
import type { ToolResult } from "../host.ts";
import { Agent } from "./agent.ts";
import { type Measured, measurePreamble, measureTasks } from "./measure.ts";
import { readMeasured } from "./table.ts";
import { TASKS } from "./tasks.ts";

/** How far a number of bytes may be from the documented one. */
const TOLERANCE = 0.25;

const docs = new URL("../../docs/agents.md", import.meta.url);

Deno.test("each agent task is solved in the calls and bytes that docs/agents.md says", async (t) => {
  const documented = readMeasured(await Deno.readTextFile(docs));
  assert.deepEqual(documented.tasks.map(({ title }) => title), TASKS.map(({ title }) => title));
  assert.equal(TASKS.length, 12);
  const running = measureTasks();
  for (const [i, one] of running.entries()) {
    await t.step(TASKS[i]?.title ?? "", async () => {
      const measured = await one;
      const said = documented.tasks[i];
      assert.ok(said);
      assert.deepEqual(measured.tools, said.tools);
      assert.equal(measured.tools.length, said.calls);
      assertNear(measured.bytesIn, said.bytesIn, "bytes in");
      assertNear(measured.bytesOut, said.bytesOut, "bytes out");
      await assertCanFail(measured);
    });
  }
});

Deno.test("tools/list and the instructions have the bytes that docs/agents.md says", async () => {
  const { preamble } = readMeasured(await Deno.readTextFile(docs));
  const measured = await measurePreamble();
  assertNear(measured.toolsList, preamble.toolsList, "tools/list");
  assertNear(measured.instructions, preamble.instructions, "instructions");
});

function assertNear(measured: number, documented: number, what: string): void {
  assert.ok(
    documented > 0 && Math.abs(measured - documented) <= documented * TOLERANCE,
    `${what}: ${measured}, and docs/agents.md says ${documented}; run: deno task agents`,
  );
}

/** On a house that says the contrary in the last result, the proof of a task must fail. */
async function assertCanFail({ task, results }: Measured): Promise<void> {
  const replies = results.map((result, i) => i < results.length - 1 ? result : contrary(result));
  const agent = new Agent(() => {
    const next = replies.shift();
    return next ? Promise.resolve(next) : Promise.reject(new Error("one call too many"));
  });
  await assert.rejects(task.solve(agent), assert.AssertionError, `${task.title} cannot fail`);
}

function contrary(result: ToolResult): ToolResult {
  if (!result.isError) {
    return { ...result, text: JSON.stringify(opposite(JSON.parse(result.text))) };
  }
  const { error, text } = result;
  const code = "timeout";
  return {
    ...result,
    text: text.replace(/^\w+/, code),
    error: { ...error, code, message: error?.message ?? "" },
  };
}

function opposite(value: unknown): unknown {
  if (typeof value === "boolean") return !value;
  if (typeof value === "number") return value - 1_000;
  if (typeof value === "string" && /^[\d.]+$/.test(value)) return String(Number(value) - 1_000);
  if (Array.isArray(value)) return value.map(opposite);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [
      name,
      name === "topic" ? `${part}/other` : opposite(part),
    ]),
  );
}
