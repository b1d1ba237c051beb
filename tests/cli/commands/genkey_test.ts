import assert from "node:assert/strict";
import { program } from "../../mcp/served_http.ts";

Deno.test("genkey prints the key alone on stdout, and on stderr what becomes of it", async () => {
  const path = await Deno.makeTempFile({ suffix: ".json" });
  await Deno.writeTextFile(path, "{}");
  for (const [args, whose] of [[[], ""], [["phone"], " of phone"]] as const) {
    const { stdout, stderr } = await program("genkey", ...args, "-c", path).output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assert.match(out ?? "", /^[\w-]{43}\n$/);
    assert.equal(
      err,
      `This is the key${whose}. It is shown this once: ${path} has its hash alone. ` +
        "A server that runs takes it after a restart.\n",
    );
  }
  await Deno.remove(path);
});

Deno.test("genkey refuses a name that would be that of two clients, and changes nothing", async () => {
  const path = await Deno.makeTempFile({ suffix: ".json" });
  const kdf = { salt: "AAAA", hash: "AAAA" };
  const main = { name: "main", api_key_kdf: kdf };
  for (
    const [args, remote, refused] of [
      [["main"], { api_key_kdf: kdf }, /"main" is the client of the key without a name/],
      [["main"], { api_key: "k" }, /"main" is the client of the key without a name/],
      [[], { keys: [main] }, /one of remote_server.keys has that name/],
      [[""], {}, /a name of at least one character/],
      [["main"], { keys: [main] }, undefined],
      [["main"], { api_key_kdf: { salt: "<salt>", hash: "<hash>" } }, undefined],
    ] as const
  ) {
    const text = JSON.stringify({ remote_server: { port: 1, ...remote } });
    await Deno.writeTextFile(path, text);
    const { code, stderr } = await program("genkey", ...args, "-c", path).output();
    assert.equal(code, refused === undefined ? 0 : 2, text);
    if (refused === undefined) continue;
    assert.match(new TextDecoder().decode(stderr), refused);
    assert.equal(await Deno.readTextFile(path), text);
  }
  await Deno.remove(path);
});

Deno.test("genkey makes remote_server where there is none, as the file is indented", async () => {
  const path = await Deno.makeTempFile({ suffix: ".json" });
  for (const args of [[], ["dashboard"]]) {
    for (const text of ['{\n\t"topics": []\n}\n', '{\n\t"remote_server": null // HTTP\n}\n']) {
      await Deno.writeTextFile(path, text);
      const { code, stderr } = await program("genkey", ...args, "-c", path).output();
      assert.equal(code, 0, new TextDecoder().decode(stderr));
      const after = await Deno.readTextFile(path);
      const [name] = args;
      assert.match(after, name === undefined ? /\n\t\t"api_key_kdf": \{/ : /\n\t\t"keys": \[/);
      assert.equal(after.includes("// HTTP"), text.includes("// HTTP"));
      const { code: checked } = await program("explain", "t", "-c", path).output();
      // It loads, and grants nothing.
      assert.equal(checked, 1, after);
    }
  }
  await Deno.remove(path);
});
