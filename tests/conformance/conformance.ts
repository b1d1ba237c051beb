/**
 * The official conformance suite against the program, and against its plumbing with the suite's
 * fixtures in it. Run by `deno task conformance`: it downloads the suite, which `deno task test` does
 * not.
 */

import assert from "node:assert/strict";
import { TIMED_RETRIES } from "../brokers/until.ts";
import { KEY, serving } from "../mcp/served_http.ts";
import { type Baseline, differences, FIXTURES, OPTIONAL } from "./baseline.ts";
import { serveFixtures } from "./fixtures_server.ts";
import { relay } from "./relay.ts";
import { offered } from "./required.ts";
import { type Leg, LEGS, missingSuite, type Results, runLeg } from "./suite.ts";

const ignore = !await offered("the conformance suite", missingSuite);

/** Runs a leg against a server, with the key in the URL. */
async function run(leg: Leg, server: URL): Promise<Results> {
  const url = new URL(server);
  url.searchParams.set("api_key", KEY);
  if (!leg.losesQuery) return await runLeg(leg, url);
  await using between = relay(url);
  return await runLeg(leg, between.url);
}

/** The scenarios of all runs. */
const seen = new Set<string>();

function assertAsExpected(results: Results, leg: Leg, baseline: Baseline): void {
  for (const scenario of results.keys()) seen.add(scenario);
  assert.equal(results.size, leg.scenarios);
  assert.deepEqual(differences(results, baseline), []);
}

// Some scenarios give an answer half a second.
const retry = TIMED_RETRIES;

for (const leg of LEGS) {
  const name = [leg.version, ...leg.selection].join(" ");
  Deno.test({
    name: `conformance ${name}: the program misses but what is the suite's own, and optional`,
    ignore,
    retry,
    fn: async () => {
      await using server = await serving({ api_key: KEY });
      assertAsExpected(await run(leg, server.url), leg, { ...FIXTURES, ...OPTIONAL });
    },
  });

  Deno.test({
    name: `conformance ${name}: its plumbing with the suite's fixtures misses but what is optional`,
    ignore,
    retry,
    fn: async () => {
      await using server = await serveFixtures();
      assertAsExpected(await run(leg, server.url), leg, OPTIONAL);
    },
  });
}

Deno.test({
  name: "conformance: the baseline has no scenario that no run has",
  ignore,
  fn: () => {
    const known = Object.keys({ ...FIXTURES, ...OPTIONAL });
    assert.deepEqual(known.filter((scenario) => !seen.has(scenario)), []);
  },
});
