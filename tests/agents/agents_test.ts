import assert from "node:assert/strict";
import { mosquittoAvailable } from "../brokers/mosquitto.ts";
import type { ToolResult } from "../host.ts";
import { Agent } from "./agent.ts";
import { type Measured, measurePreamble, measureTasks } from "./measure.ts";
import { readMeasured } from "./table.ts";
import { HOUSE, PLANT } from "./worlds.ts";

/** How far a number of bytes may be from the documented one: a tenth, and what times and counts vary. */
const GROWTH = 1.1;
const SPREAD_BYTES = 60;

const docs = new URL("../../docs/agents.md", import.meta.url);

for (const world of [HOUSE, PLANT]) {
  const ignore = world === PLANT && !mosquittoAvailable();
  Deno.test({
    name:
      `each task on the ${world.name} is solved in the calls and bytes that docs/agents.md says`,
    ignore,
    async fn(t) {
      const documented = readMeasured(await Deno.readTextFile(docs), world.name);
      const titles = world.tasks.map(({ title }) => title);
      assert.deepEqual(documented.tasks.map(({ title }) => title), titles);
      assert.equal(world.tasks.length, world === HOUSE ? 13 : 20);
      const running = measureTasks(world);
      for (const [i, one] of running.entries()) {
        await t.step(titles[i] ?? "", async () => {
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
    },
  });
}

Deno.test("tools/list and the instructions have the bytes that docs/agents.md says", async () => {
  const { preamble } = readMeasured(await Deno.readTextFile(docs), HOUSE.name);
  const measured = await measurePreamble(HOUSE);
  assertNear(measured.toolsList, preamble.toolsList, "tools/list");
  assertNear(measured.instructions, preamble.instructions, "instructions");
});

function assertNear(measured: number, documented: number, what: string): void {
  const most = documented * GROWTH + SPREAD_BYTES;
  assert.ok(
    measured <= most && measured >= documented / GROWTH - SPREAD_BYTES,
    `${what}: ${measured}, and docs/agents.md says ${documented}; run: deno task agents`,
  );
}

/** On a world that says the contrary in the last result, the proof of a task must fail. */
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
  const code = error?.code === "timeout" ? "forbidden" : "timeout";
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
