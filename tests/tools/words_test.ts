import assert from "node:assert/strict";
import { listTools } from "../../lib/mcp/tools.ts";
import { limitsWith } from "./contexts.ts";

/** What a model is told of each tool. `deno test … -- --update` writes it anew: look at the change. */
const WORDS = new URL("./words.json", import.meta.url);
const UPDATE = Deno.args.includes("--update");

Deno.test("what a model is told of each tool is what it was", async (t) => {
  const tools = listTools({ readOnly: false, limits: await limitsWith() });
  const told = Object.fromEntries(
    tools.map(({ name, title, description = "", inputSchema }) => [
      name,
      { title, description: description.split("\n"), inputSchema },
    ]),
  );
  if (UPDATE) await Deno.writeTextFile(WORDS, `${JSON.stringify(told, null, 2)}\n`);
  const before = JSON.parse(await Deno.readTextFile(WORDS));
  assert.deepEqual(Object.keys(told), Object.keys(before));
  for (const name of Object.keys(told)) {
    await t.step(name, () => assert.deepEqual(told[name], before[name]));
  }
});
