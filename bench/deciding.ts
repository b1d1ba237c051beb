/**
 * What a decision on a topic costs, by the number of rules.
 *
 * @module
 */
import { ROOT } from "./processes.ts";
import { type BenchOptions, formatMs, type Line, type Section } from "./report.ts";

/** What `deno bench --json` prints, as far as it is needed; times are in nanoseconds. */
interface Report {
  readonly benches: ReadonlyArray<{
    readonly name: string;
    readonly group: string | null;
    readonly results: ReadonlyArray<{ readonly ok?: { readonly avg: number } }>;
  }>;
}

/** Runs `topics_bench.ts`, and compares many rules with the fewest. */
export async function deciding(_options: BenchOptions): Promise<Section> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bench", "--json", "--no-check", "-A", `${ROOT}bench/topics_bench.ts`],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`deno bench failed: ${decoder.decode(stderr)}`);
  const { benches }: Report = JSON.parse(decoder.decode(stdout));
  const baselines = new Map<string | null, number>();
  const lines = benches.map(({ name, group, results }): Line => {
    const ns = results[0]?.ok?.avg ?? NaN;
    const baseline = baselines.get(group) ?? ns;
    baselines.set(group, baseline);
    return { name, ratio: ns / baseline, measured: formatMs(ns / 1e6) };
  });
  return {
    title: "Deciding on a topic, by the number of rules",
    baseline: "the same with the fewest rules; lower is faster",
    lines,
    notes: [
      "decide() is asked for each message; narrow() of # has to name every rule, so it grows with them",
    ],
  };
}
