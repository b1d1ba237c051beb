import assert from "node:assert/strict";
import { type LineProcess, startLineProcess } from "./line_process.ts";
import { until } from "./until.ts";

/** Starts a Deno that runs `code`. */
function evaluate(code: string, onLine: (line: string) => void = (): void => {}): LineProcess {
  const env = { HOME: Deno.env.get("HOME") ?? "", NO_COLOR: "1" };
  return startLineProcess({
    command: Deno.execPath(),
    args: ["eval", code],
    env,
    cwd: Deno.cwd(),
  }, onLine);
}

Deno.test("startLineProcess() sends lines, gives lines, and ends with the input", async () => {
  await using process = evaluate(
    "for await (const chunk of Deno.stdin.readable) await Deno.stdout.write(chunk)",
  );
  await process.sendLine("é");
  await until(() => process.lines.length === 1);
  await process.closeInput();
  assert.equal((await process.ended()).code, 0);
  assert.deepEqual(process.lines, ["é"]);
});

Deno.test("assertSound() throws what onLine has thrown", async () => {
  await using process = evaluate("console.log('no JSON'); console.error('log')", JSON.parse);
  await assert.rejects(process.ended(), /no JSON/);
  assert.throws(() => process.assertSound());
  assert.equal(process.stderr(), "log\n");
});

Deno.test("assertSound() throws for bytes that are not UTF-8", async () => {
  await using process = evaluate("await Deno.stdout.write(new Uint8Array([0xff]))");
  await assert.rejects(process.ended(), /not UTF-8/);
});
