/** The program, which fails somewhere a while after its start: with what is in MCPMQTT_TEST_FAILURE. */

import { run } from "../../lib/cli/run.ts";
import { HostGone } from "../../lib/mcp/stdio.ts";

const FAILURES: Readonly<Record<string, () => unknown>> = {
  throw: () => {
    throw new Error("a fault that nobody catches");
  },
  reject: () => Promise.reject(new Error("a fault that nobody catches")),
  "host gone": () => Promise.reject(new HostGone("the host has closed its end")),
};

setTimeout(() => {
  FAILURES[Deno.env.get("MCPMQTT_TEST_FAILURE") ?? ""]?.();
}, 1_000);
Deno.exit(await run(Deno.args));
