import assert from "node:assert/strict";
import { fromFileUrl } from "./paths.ts";

/** `deno task fuzz` has the long ones. */
const CASES = 400;
const ROOT = fromFileUrl(new URL("../", import.meta.url));

Deno.test("garbage crashes nothing, hangs nothing, and brings no stack out", async () => {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-q", "-P=test", "scripts/fuzz/main.ts", "--cases", String(CASES)],
    cwd: ROOT,
  }).output();
  const decoder = new TextDecoder();
  assert.equal(code, 0, `${decoder.decode(stdout)}\n${decoder.decode(stderr)}`);
  assert.match(decoder.decode(stdout), /packets: 400 cases\n0 findings/);
});
