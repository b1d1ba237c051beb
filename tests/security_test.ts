import assert from "node:assert/strict";
import { fromFileUrl } from "./paths.ts";

const ROOT = fromFileUrl(new URL("../", import.meta.url));

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
