import assert from "node:assert/strict";
import { fromFileUrl } from "./paths.ts";

const ROOT = fromFileUrl(new URL("../", import.meta.url));

Deno.test("docs/architecture.md names tests that exist", async () => {
  const docs = await Deno.readTextFile(`${ROOT}docs/architecture.md`);
  const paths = [...docs.matchAll(/`(tests\/[^`]+\.ts)`/g)].map(([, path = ""]) => path);
  assert.ok(paths.length > 20);
  for (const path of paths) assert.ok((await Deno.stat(`${ROOT}${path}`)).isFile, path);
});

Deno.test("docs/security.md names tests that exist, one at least in each line", async () => {
  const docs = await Deno.readTextFile(`${ROOT}docs/security.md`);
  const rows = docs.split("\n").filter((line) => /^\| (?!-|who or what)/.test(line));
  assert.ok(rows.length >= 12, `${rows.length} lines`);
  for (const row of rows) {
    const tests = [...row.matchAll(/`(tests\/[^`]+)`/g)].map(([, path = ""]) => path);
    assert.ok(tests.length > 0, row);
    for (const path of tests) {
      const text = await Deno.readTextFile(`${ROOT}${path}`);
      assert.match(text, /Deno\.test|served|eachBroker|title:/, path);
    }
  }
});
