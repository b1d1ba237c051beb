/**
 * Feeds garbage to all that reads something: `deno task fuzz [--cases N] [--seed S]`.
 *
 * @module
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { Dice } from "../soak/dice.ts";
import { http, lines, packets } from "./streams.ts";
import { TARGETS } from "./targets.ts";

/** Nothing may take the processor for longer, in milliseconds; other work beside it does not count. */
const MAX_MS = 100;

const { values } = parseArgs({
  options: { cases: { type: "string" }, seed: { type: "string" } },
});
const cases = Number(values.cases ?? 10_000);
const seed = Number(values.seed ?? crypto.getRandomValues(new Uint32Array(1))[0]);
console.log(`deno task fuzz --cases ${cases} --seed ${seed}`);

const findings: string[] = [];
for (const [name, run] of Object.entries(TARGETS)) {
  const dice = new Dice(seed);
  let slow = 0;
  for (let i = 0; i < cases; i++) {
    const start = cpuMs();
    try {
      await run(dice);
    } catch (error) {
      const said = error instanceof Error ? error.stack ?? error.message : String(error);
      findings.push(`${name}, case ${i}: ${said}`);
    }
    if (cpuMs() - start > MAX_MS) slow++;
  }
  // Collecting garbage takes its time once or twice; what is slow by itself is so again and again.
  if (slow > 3) findings.push(`${name}: ${slow} cases took more than ${MAX_MS} ms`);
  console.log(`${name}: ${cases} cases`);
}
for (const [name, run] of Object.entries({ lines, http, packets })) {
  for (const finding of await run(new Dice(seed), cases)) findings.push(`${name}: ${finding}`);
  console.log(`${name}: ${cases} cases`);
}
for (const finding of findings.slice(0, 20)) console.error(finding);
console.log(`${findings.length} findings`);
Deno.exit(findings.length === 0 ? 0 : 1);

/** What this process has taken of the processor, in milliseconds. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
