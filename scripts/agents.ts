/**
 * Runs the agent tasks on their worlds and writes what they cost into `docs/agents.md`.
 *
 *     deno run -P=test scripts/agents.ts
 *
 * @module
 */

import { measurePreamble, measureTasks } from "../tests/agents/measure.ts";
import { withMeasured } from "../tests/agents/table.ts";
import { HOUSE, PLANT } from "../tests/agents/worlds.ts";

const FILE = new URL("../docs/agents.md", import.meta.url);

for (const world of [HOUSE, PLANT]) {
  const measured = await Promise.all(measureTasks(world));
  const preamble = await measurePreamble(world);
  const text = withMeasured(await Deno.readTextFile(FILE), world.name, { measured, preamble });
  await Deno.writeTextFile(FILE, text);
  for (const { task, tools, bytesIn, bytesOut } of measured) {
    console.log(`${task.title}: ${tools.length} calls, ${bytesIn} bytes in, ${bytesOut} out`);
  }
}
const { success } = await new Deno.Command(Deno.execPath(), {
  args: ["fmt", "--quiet", FILE.pathname],
}).output();
if (!success) throw new Error("deno fmt failed");
