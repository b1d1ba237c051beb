/**
 * All benchmarks in one run: `deno run -A bench/main.ts [--quick] [name …]`. What it prints are
 * ratios to a baseline of the same run; see docs/performance.md.
 *
 * @module
 */
import { collecting } from "./collecting.ts";
import { deciding } from "./deciding.ts";
import { describing } from "./describing.ts";
import { loading } from "./loading.ts";
import { narrowing } from "./narrowing.ts";
import { publishing } from "./publishing.ts";
import { type BenchOptions, print, type Section } from "./report.ts";
import { resting } from "./resting.ts";
import { serving } from "./serving.ts";
import { sharing } from "./sharing.ts";
import { starting } from "./starting.ts";
import { summarizing } from "./summarizing.ts";

const BENCHMARKS: Readonly<Record<string, (options: BenchOptions) => Promise<Section>>> = {
  starting,
  collecting,
  publishing,
  deciding,
  describing,
  narrowing,
  resting,
  loading,
  serving,
  sharing,
  summarizing,
};

const names = Deno.args.filter((arg) => !arg.startsWith("-"));
const unknown = Deno.args.find((arg) => arg !== "--quick" && !(arg in BENCHMARKS));
if (unknown !== undefined) {
  console.error(
    `unknown argument ${unknown}; there are --quick, ${Object.keys(BENCHMARKS).join(", ")}`,
  );
  Deno.exit(2);
}
const quick = Deno.args.includes("--quick");
console.log(
  `mcpmqtt benchmarks${quick ? ", quick" : ""}: Deno ${Deno.version.deno}, ${Deno.build.target}`,
);
for (const [name, run] of Object.entries(BENCHMARKS)) {
  if (names.length === 0 || names.includes(name)) print(await run({ quick }));
}
