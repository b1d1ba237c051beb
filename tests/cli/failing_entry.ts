/**
 * The program, which fails when it has answered the request whose id is {@linkcode FAILING_ID}: with
 * what is in MCPMQTT_TEST_FAILURE.
 */

import { run } from "../../lib/cli/run.ts";
import { HostGone } from "../../lib/mcp/stdio.ts";

/** Of the request after which it fails. */
export const FAILING_ID = "fail now";

const FAILURES: Readonly<Record<string, () => unknown>> = {
  throw: () => {
    throw new Error("a fault that nobody catches");
  },
  reject: () => Promise.reject(new Error("a fault that nobody catches")),
  "host gone": () => Promise.reject(new HostGone("the host has closed its end")),
};

if (import.meta.main) {
  // The program gives up seeing the environment.
  const failure = FAILURES[Deno.env.get("MCPMQTT_TEST_FAILURE") ?? ""];
  const write = Deno.stdout.write.bind(Deno.stdout);
  Deno.stdout.write = (bytes): Promise<number> => {
    if (new TextDecoder().decode(bytes).includes(FAILING_ID)) {
      setTimeout(() => failure?.(), 50);
    }
    return write(bytes);
  };
  Deno.exit(await run(Deno.args));
}
