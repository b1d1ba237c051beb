/**
 * Runs the agent tasks on the house of the demo and writes what they cost into `docs/agents.md`.
 *
 *     deno run -P=test scripts/agents.ts
 *
 * @module
 */

import { measurePreamble, measureTasks } from "../tests/agents/measure.ts";
import { withMeasured } from "../tests/agents/table.ts";

const FILE = new URL("../docs/agents.md", import.meta.url);

const measured = await Promise.all(measureTasks());
const text = withMeasured(await Deno.readTextFile(FILE), measured, await measurePreamble());
await Deno.writeTextFile(FILE, text);
const { success } = await new Deno.Command(Deno.execPath(), {
  args: ["fmt", "--quiet", FILE.pathname],
}).output();
if (!success) throw new Error("deno fmt failed");
for (const { task, tools, bytesIn, bytesOut } of measured) {
  console.log(`${task.title}: ${tools.length} calls, ${bytesIn} bytes in, ${bytesOut} out`);
}
