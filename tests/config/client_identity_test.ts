import assert from "node:assert/strict";
import { makeAuthority } from "../brokers/certificates.ts";
import { faultsOf, load } from "./memory.ts";

const authority = makeAuthority();
const client = authority.issue({ name: "client" });
const files = {
  "/etc/client.crt": client.cert,
  "/etc/client.key": client.key,
  "/etc/encrypted.key": client.encryptedKey("open sesame"),
};

Deno.test("loadConfig() says what is wrong with the key of the client certificate", async () => {
  const other = authority.issue({ name: "other" });
  const wrong = async (tls: object): Promise<string[]> => {
    const faults = await faultsOf({ mqtt: { transport: "tls", tls } }, { files });
    return faults.map(({ path, message }) => `${path}: ${message}`);
  };
  const cert = "client.crt";
  assert.deepEqual(await wrong({ cert, key: "encrypted.key" }), [
    'mqtt.tls.key: is encrypted; give its passphrase as "key_passphrase"',
  ]);
  assert.deepEqual(await wrong({ cert, key: "encrypted.key", key_passphrase: "wrong" }), [
    'mqtt.tls.key_passphrase: does not unlock "key"',
  ]);
  assert.deepEqual(await wrong({ cert, key: other.key }), [
    'mqtt.tls.key: is not the key of the certificate in "cert"',
  ]);
  assert.deepEqual(await wrong({ cert: "client.key", key: "client.crt" }), [
    "mqtt.tls.cert: holds a private key, and no certificate",
  ]);
  assert.deepEqual(await wrong({ cert, key: "client.crt" }), [
    "mqtt.tls.key: holds a certificate, and no private key",
  ]);
  assert.deepEqual(await wrong({ cert, key: client.key.replace(/\n.{20}/, "\n!") }), [
    "mqtt.tls.key: holds no private key that can be read",
  ]);
});

/** What openssl writes, beside what Deno can write itself. */
const OPENSSL: ReadonlyArray<readonly [string, readonly string[]]> = [
  ["3DES", ["pkcs8", "-topk8", "-v2", "des3"]],
  ["AES-256 and SHA-1", ["pkcs8", "-topk8", "-v2", "aes256", "-v2prf", "hmacWithSHA1"]],
  ["scrypt", ["pkcs8", "-topk8", "-scrypt"]],
  ["AES-128 in the older format", ["ec", "-aes128"]],
  ["3DES in the older format", ["ec", "-des3"]],
];

for (const [how, args] of OPENSSL) {
  Deno.test({
    name: `loadConfig() decrypts a key that openssl has encrypted with ${how}`,
    ignore: !await hasOpenssl(),
    fn: async () => {
      const key = await openssl([...args, "-passout", "pass:open sesame"], client.key);
      const tls = { cert: client.cert, key, key_passphrase: "open sesame" };
      const { mqtt } = await load({ mqtt: { transport: "tls", tls } });
      assert.equal(mqtt.tls.key, client.key);
      const wrong = { ...tls, key_passphrase: "wrong" };
      const [fault] = await faultsOf({ mqtt: { transport: "tls", tls: wrong } });
      assert.equal(fault?.path, "mqtt.tls.key_passphrase");
    },
  });
}

async function hasOpenssl(): Promise<boolean> {
  try {
    return (await new Deno.Command("openssl", { args: ["version"] }).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** What openssl makes of its input. */
async function openssl(args: readonly string[], input: string): Promise<string> {
  const command = new Deno.Command("openssl", {
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  });
  await using process = command.spawn();
  const writer = process.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { success, stdout } = await process.output();
  assert.ok(success, `openssl ${args[0]} failed`);
  return new TextDecoder().decode(stdout);
}
