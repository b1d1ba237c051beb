import assert from "node:assert/strict";
import { replaceSections } from "../../scripts/docs.ts";

Deno.test("scripts/docs.ts --check finds the docs up to date", async () => {
  const script = new URL("../../scripts/docs.ts", import.meta.url);
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "-A", script.href, "--check"],
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
});

Deno.test("replaceSections() replaces what is between the marks and nothing else", async () => {
  const text = "a\n<!-- generated:options -->\nold\n<!-- /generated -->\nz\n";
  const replaced = await replaceSections(text);
  assert.match(
    replaced,
    /^a\n<!-- generated:options -->\n\n\| option [^]*\n\n<!-- \/generated -->\nz\n$/,
  );
  assert.ok(!replaced.includes("old"));
  assert.equal(await replaceSections(replaced), replaced);
});

Deno.test("replaceSections() refuses a section of an unknown name or without an end", async () => {
  await assert.rejects(replaceSections("<!-- generated:nothing -->\n<!-- /generated -->"));
  await assert.rejects(replaceSections("<!-- generated:options -->\n"));
});
