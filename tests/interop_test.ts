import assert from "node:assert/strict";
import { aedes } from "../scripts/interop/brokers/aedes.ts";
import { BROKERS } from "../scripts/interop/brokers/all.ts";
import { mosquitto } from "../scripts/interop/brokers/mosquitto.ts";
import type { BrokerKind } from "../scripts/interop/broker.ts";
import { ask, Context, type Outcome } from "../scripts/interop/check.ts";
import { CHECKS } from "../scripts/interop/checks/all.ts";
import { type NoteId, NOTES } from "../scripts/interop/notes.ts";
import { OBSERVATIONS } from "../scripts/interop/observations.ts";
import { reportOf, withReport } from "../scripts/interop/report.ts";
import { mosquittoAvailable } from "./brokers/mosquitto.ts";
import { fromFileUrl } from "./paths.ts";

/** What is known to be different on the two brokers that the tests have. */
const KNOWN: Readonly<Record<string, readonly NoteId[]>> = {
  aedes: ["closedOnPublish"],
  mosquitto: ["silentSubscribe", "silentPublish"],
};

/** Each starts the program anew, which its own tests do too, or waits for a clock. */
const SLOW = /Over MCP|Over HTTP|expired/;

for (const kind of [mosquitto, aedes]) {
  for (const version of kind.protocols) {
    Deno.test({
      name: `the conformance set holds on ${kind.name} (${version})`,
      ignore: kind === mosquitto && !mosquittoAvailable(),
      fn: () => conforms(kind, version),
    });
  }
}

async function conforms(kind: BrokerKind, version: "5" | "3.1.1"): Promise<void> {
  const { start } = await kind.prepare("");
  await using broker = await start();
  const context = new Context({ broker, version, newest: kind.protocols[0] ?? version });
  for (const check of CHECKS.filter(({ name }) => !SLOW.test(name))) {
    const { answer, note, fault } = await ask(check, context);
    const isKnown = note !== undefined && KNOWN[kind.name]?.includes(note);
    assert(answer !== "no" || isKnown, `${check.name}: ${note ?? fault}`);
  }
}

Deno.test("docs/brokers.md has a row for each check and question, and a footnote for each number", async () => {
  const path = fromFileUrl(new URL("../docs/brokers.md", import.meta.url));
  const text = await Deno.readTextFile(path);
  for (const { name } of [...BROKERS, ...CHECKS]) {
    assert(text.includes(`\n| ${name} `), `there is no row "${name}"; run scripts/interop/main.ts`);
  }
  for (const question of OBSERVATIONS) assert(text.includes(`\n| ${question} `), question);
  const footnotes = [...text.matchAll(/^(\d+)\. /gm)].map(([, number]) => number);
  const used = [...text.matchAll(/<sup>(\d+)<\/sup>/g)].map(([, number]) => number);
  assert.deepEqual([...new Set(used)].sort(byNumber), footnotes);
  const [, checked = ""] = /### What mcpmqtt gives([^]*)### How the brokers/.exec(text) ?? [];
  for (const [row] of checked.matchAll(/^.*\| no +\|.*$/gm)) assert.fail(`no footnote: ${row}`);
});

function byNumber(a = "", b = ""): number {
  return Number(a) - Number(b);
}

Deno.test("reportOf() numbers footnotes in their order, and names a broker that was left out", () => {
  const column = (outcome: Outcome) => ({
    protocol: "5" as const,
    outcomes: new Map([["a | b", outcome]]),
    observations: new Map(),
  });
  const report = reportOf([
    { name: "one", version: "1.0", columns: [column({ answer: "no", note: "fallback" })] },
    { name: "two", version: "2.0", columns: [column({ answer: "no", fault: "a fault" })] },
    { name: "three", reason: "it is not installed" },
  ], [{ name: "a | b" }]);
  assert.match(report, /^\| a \\\| b \| no <sup>1<\/sup> \| no <sup>2<\/sup> \|$/m);
  assert(report.includes(`1. ${NOTES.fallback}\n2. Not explained yet: a fault`));
  assert.match(report, /^\| three \| left out: it is not installed \| {2}\|$/m);
});

Deno.test("withReport() replaces what stands between the marks, and nothing else", () => {
  const text = "before <!-- generated:interop --> old <!-- /generated --> after";
  const once = withReport(text, "new");
  assert.equal(
    once,
    "before <!-- generated:interop -->\n\nnew\n\n<!-- /generated --> after",
  );
  assert.equal(withReport(once, "new"), once);
  assert.throws(() => withReport("no marks", "new"), /missing/);
});
