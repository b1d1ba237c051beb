import assert from "node:assert/strict";
import { fromFileUrl } from "./paths.ts";

const ROOT = fromFileUrl(new URL("../", import.meta.url));

const PASSING = `
Deno.test("a test that passes", () => {});
Deno.test({ name: "a test that is ignored", ignore: true, fn() {} });
Deno.test("a test that says what is not true", async () => {
  console.log("./tests/b_test.ts => none ... ignored (0ms)");
  await new Promise((resolve) => setTimeout(resolve, 50));
});
`;

const FLAKY = `
let tries = 0;
Deno.test({ name: "passes the second time", retry: 1, fn() { if (tries++ === 0) throw "no"; } });
`;

interface Gate {
  readonly code: number;
  readonly lines: readonly string[];
}

/** How {@linkcode runGate} runs. */
interface GateOptions {
  /** The task that stands before the tests. */
  readonly check?: string;
  /** The task that comes after them. */
  readonly conformance?: string;
  readonly jobs?: number;
}

/** Runs `.ci/run` on a project of these files. */
async function runGate(
  files: Readonly<Record<string, string>>,
  { check = "echo fine", conformance = "echo none", jobs = 2 }: GateOptions = {},
): Promise<Gate> {
  const dir = await Deno.makeTempDir({ prefix: "mcpmqtt-gate-" });
  try {
    const npx = `#!/bin/sh\n[ "$1 $2" = "-y deno@2.9.6" ] && shift 2 && exec "$REAL_DENO" "$@"\n`;
    for (const folder of [".ci", "bin", "tests"]) await Deno.mkdir(`${dir}/${folder}`);
    await Deno.copyFile(`${ROOT}.ci/run`, `${dir}/.ci/run`);
    await Deno.writeTextFile(`${dir}/bin/npx`, npx, { mode: 0o755 });
    await Deno.writeTextFile(`${dir}/bin/mosquitto`, "#!/bin/sh\n", { mode: 0o755 });
    const test = `DENO_JOBS=${jobs} deno test --no-check --parallel`;
    await Deno.writeTextFile(
      `${dir}/deno.json`,
      JSON.stringify({ tasks: { check, test, conformance } }),
    );
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${dir}/tests/${name}`, text);
    }
    const { code, stdout } = await new Deno.Command("bash", {
      args: [`${dir}/.ci/run`],
      env: { PATH: `${dir}/bin:${Deno.env.get("PATH")}`, REAL_DENO: Deno.execPath() },
      stdin: "null",
    }).output();
    return { code, lines: new TextDecoder().decode(stdout).trimEnd().split("\n") };
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** What stands below a headline. */
function below(headline: string, { lines }: Gate): readonly string[] {
  const rest = lines.slice(lines.indexOf(headline) + 1, -1);
  const end = rest.findIndex((line) => line.startsWith("== "));
  return end < 0 ? rest : rest.slice(0, end);
}

const ignore = Deno.build.os === "windows";

for (const jobs of [1, 2]) {
  Deno.test({
    name: `.ci/run counts the tests and names those that were skipped (${jobs} at once)`,
    ignore,
    fn: async () => {
      const gate = await runGate({
        "a_test.ts": PASSING,
        "b_test.ts": FLAKY,
      }, { jobs });
      assert.equal(gate.code, 0, gate.lines.join("\n"));
      assert.equal(gate.lines.at(-1), "3 passed, 0 failed, 1 skipped");
      const skipped = below("== skipped", gate);
      assert.equal(skipped.length, 1, skipped.join("\n"));
      assert.match(skipped[0] ?? "", /a test that is ignored/);
      assert.ok(gate.lines.includes("== passed only when tried again: 1"));
    },
  });
}

Deno.test({
  name: ".ci/run counts the conformance suite too, and fails with it",
  ignore,
  fn: async () => {
    const files = { "a_test.ts": PASSING, "b.ts": PASSING };
    const suite = "deno test --no-check tests/b.ts";
    const [passing, failing] = await Promise.all([
      runGate(files, { conformance: suite }),
      runGate(files, { conformance: `${suite} && exit 1` }),
    ]);
    assert.equal(passing.code, 0, passing.lines.join("\n"));
    assert.equal(passing.lines.at(-1), "4 passed, 0 failed, 2 skipped");
    assert.equal(below("== skipped", passing).length, 2);
    assert.equal(failing.code, 1);
    assert.equal(failing.lines.at(-1), "4 passed, 1 failed, 2 skipped");
  },
});

Deno.test({
  name: ".ci/run fails where a test fails, a file, or what stands before the tests",
  ignore,
  fn: async () => {
    const passing = { "a_test.ts": PASSING };
    const gates = await Promise.all([
      runGate({ ...passing, "b_test.ts": 'Deno.test("fails", () => { throw new Error("no"); });' }),
      runGate({ ...passing, "b_test.ts": 'throw new Error("no");' }),
      runGate(passing, { check: "exit 1" }),
      runGate({}),
    ]);
    assert.deepEqual(gates.map(({ code }) => code), [1, 1, 1, 1]);
    assert.deepEqual(gates.map(({ lines }) => lines.at(-1)), [
      "2 passed, 1 failed, 1 skipped",
      "2 passed, 1 failed, 1 skipped",
      "2 passed, 1 failed, 1 skipped",
      "0 passed, 1 failed, 0 skipped",
    ]);
  },
});
