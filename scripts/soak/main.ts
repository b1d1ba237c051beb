/**
 * What `deno task soak` runs: the mixed work of an agent under random faults.
 *
 *     deno run -P=test scripts/soak/main.ts [--operations N] [--seed S]
 *
 * @module
 */
import { parseArgs } from "node:util";
import { mosquittoAvailable } from "../../tests/brokers/mosquitto.ts";
import { soak, type SoakReport } from "./soak.ts";

/** Some minutes. */
const DEFAULT_OPERATIONS = 3_000;
/** What still runs so long after the end is a timer or a connection that was forgotten. */
const DRAINED_WITHIN_MS = 5_000;

const { values } = parseArgs({
  options: { operations: { type: "string" }, seed: { type: "string" } },
});
const operations = Number(values.operations ?? DEFAULT_OPERATIONS);
const seed = Number(values.seed ?? crypto.getRandomValues(new Uint32Array(1))[0]);
console.log(`deno task soak --operations ${operations} --seed ${seed}`);

const report = await soak({
  operations,
  seed,
  versions: mosquittoAvailable() ? ["5", "3.1.1"] : ["3.1.1"],
  onRound: (round) => console.log(round),
});
tell(report);
if (report.violations.length > 0) Deno.exitCode = 1;

const watchdog = setTimeout(() => {
  console.error("Something still runs: a timer or a connection was left behind.");
  Deno.exit(1);
}, DRAINED_WITHIN_MS);
Deno.unrefTimer(watchdog);

function tell({ violations, faults, errors, ...numbers }: SoakReport): void {
  const counts = (of: ReadonlyMap<string, number>): string =>
    [...of].map(([name, count]) => `${name} ${count}`).join(", ") || "none";
  console.log(
    `${numbers.operations} operations, ${numbers.messages} messages, ${numbers.reconnects} reconnects, ${numbers.grownMb} MB grown`,
  );
  console.log(`faults: ${counts(faults)}`);
  console.log(`errors given: ${counts(errors)}`);
  for (const violation of violations) console.error(`✗ ${violation}`);
  console.log(violations.length === 0 ? "Nothing lost, doubled or left behind." : "Failed.");
}
