import assert from "node:assert/strict";

/** Runs what `deno task demo` runs. */
async function runDemo(...args: string[]): Promise<{ code: number; stdout: string }> {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-P=demo", "scripts/demo.ts", ...args],
    cwd: `${import.meta.dirname}/../..`,
    stdin: "null",
  }).output();
  return { code, stdout: new TextDecoder().decode(stdout) };
}

Deno.test("the demo proves each step, in plain text where it is no terminal", async () => {
  const start = performance.now();
  const { code, stdout } = await runDemo();
  assert.equal(code, 0, stdout);
  assert.match(stdout, /All 7 steps done/);
  assert.equal(stdout.match(/✓/g)?.length, 7, stdout);
  assert.doesNotMatch(stdout, /✗/);
  assert.ok(!stdout.includes("\x1b"), stdout);
  assert.ok(performance.now() - start < 20_000);
});

Deno.test("the demo fails and says why where the server does not start", async () => {
  const { code, stdout } = await runDemo("--no-such-option");
  assert.equal(code, 1);
  assert.match(stdout, /✗/);
  assert.match(stdout, /Failed: connecting/);
  assert.match(stdout, /--no-such-option/);
});
