/**
 * Runs the conformance set against every broker that can be had here, and writes what came of it to
 * `docs/brokers.md`. With names of brokers it asks those only and writes nothing.
 *
 *     deno run -A scripts/interop/main.ts [NAME …]
 *
 * @module
 */
import { BROKERS } from "./brokers/all.ts";
import { CHECKS } from "./checks/all.ts";
import { type BrokerReport, conformance, type Skipped } from "./conformance.ts";
import { reportOf, withReport } from "./report.ts";

const DOCS = new URL("../../docs/brokers.md", import.meta.url);

async function main(names: readonly string[]): Promise<void> {
  const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
  const unknown = names.find((name) => !BROKERS.some((kind) => same(kind.name, name)));
  if (unknown !== undefined) {
    const known = BROKERS.map(({ name }) => name).join(", ");
    throw new Error(`there is no broker ${unknown}; there are ${known}`);
  }
  const results: (BrokerReport | Skipped)[] = [];
  for (const kind of BROKERS) {
    if (names.length > 0 && !names.some((name) => same(kind.name, name))) continue;
    results.push(await conformance(kind, { checks: CHECKS, tell: console.error }));
  }
  if (names.length > 0) return;
  const text = withReport(await Deno.readTextFile(DOCS), reportOf(results, CHECKS));
  await Deno.writeTextFile(DOCS, text);
  await new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--quiet", "docs/brokers.md"],
    cwd: new URL("../../", import.meta.url),
  }).output();
  console.error("wrote docs/brokers.md");
}

if (import.meta.main) await main(Deno.args);
