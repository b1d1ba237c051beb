import assert from "node:assert/strict";
import { makeAuthority } from "../../brokers/certificates.ts";
import { KEY, program } from "../../mcp/served_http.ts";

Deno.test("HTTP that cannot be served says in one line why, and which key of the config to look at", async () => {
  const folder = await Deno.makeTempDir();
  const { cert } = makeAuthority("a test").issue({ name: "127.0.0.1", hosts: ["127.0.0.1"] });
  await Deno.writeTextFile(`${folder}/cert.pem`, cert);
  await Deno.writeTextFile(`${folder}/note.pem`, "no key");
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr as Deno.NetAddr;
  const [pem, note, none] = ["cert", "note", "none"].map((name) => `${folder}/${name}.pem`);
  for (
    const [remote, why] of [
      [undefined, "needs remote_server in the config; mcpmqtt genkey adds it, with a key"],
      [{ port }, `127.0.0.1:${port}: another program listens there; set remote_server.port`],
      [{ host: "192.0.2.1", port }, "has that address; set remote_server.host"],
      [{ uds: `${folder}/none/s.sock` }, "its folder does not exist; set remote_server.uds"],
      [{ port: 1, tls: { cert: none, key: none } }, "tls.cert: cannot be read: it does not exist"],
      [{ port: 1, tls: { cert: pem, key: none } }, "tls.key: cannot be read: it does not exist"],
      [{ port: 1, tls: { cert: pem, key: note } }, "look at remote_server.tls"],
    ] as const
  ) {
    const path = `${folder}/c.json`;
    const config = remote === undefined ? {} : { remote_server: { api_key: KEY, ...remote } };
    await Deno.writeTextFile(path, JSON.stringify(config));
    const { code, stderr } = await program("--transport", "remotehttp", "-c", path).output();
    const said = new TextDecoder().decode(stderr).trimEnd().split("\n").at(-1) ?? "";
    assert.ok(said.startsWith("mcpmqtt: ") && said.includes(why), said);
    assert.equal(code, 2);
  }
  await Deno.remove(folder, { recursive: true });
});
