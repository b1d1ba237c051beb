import assert from "node:assert/strict";
import { makeAuthority } from "../brokers/certificates.ts";
import { faultsOf, load } from "./memory.ts";

const authority = makeAuthority();
const client = authority.issue({ name: "client" });
const files = {
  "/etc/client.crt": client.cert,
  "/etc/client.key": client.key,
  "/etc/text.pem": "some text",
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
  const [undeciphered, ...others] = await wrong({
    cert,
    key: "encrypted.key",
    key_passphrase: "wrong",
  });
  assert.match(undeciphered ?? "", /^mqtt\.tls\.key: cannot be decrypted: "key_passphrase" is not/);
  assert.deepEqual(others, []);
  assert.deepEqual(await wrong({ cert, key: other.key }), [
    'mqtt.tls.key: is not the key of the certificate in "cert"',
  ]);
  assert.deepEqual(await wrong({ cert: "client.key", key: "client.crt" }), [
    "mqtt.tls.cert: holds a private key, and no certificate",
    "mqtt.tls.key: holds a certificate, and no private key",
  ]);
  assert.deepEqual(await wrong({ ca: "client.key", cert: client.key, key: other.key }), [
    "mqtt.tls.ca: holds a private key, and no certificate",
    "mqtt.tls.cert: holds a private key, and no certificate",
  ]);
  assert.deepEqual(await wrong({ ca: "none.pem", cert: "none.pem", key: "encrypted.key" }), [
    "mqtt.tls.ca: names the file /etc/none.pem, which cannot be read: it does not exist",
    "mqtt.tls.cert: names the file /etc/none.pem, which cannot be read: it does not exist",
    'mqtt.tls.key: is encrypted; give its passphrase as "key_passphrase"',
  ]);
  const garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
  assert.deepEqual(await wrong({ cert: garbage, key: client.key }), [
    "mqtt.tls.cert: holds no certificate",
  ]);
  assert.deepEqual(await wrong({ ca: "text.pem" }), [
    "mqtt.tls.ca: names the file /etc/text.pem, which is not PEM",
  ]);
  assert.deepEqual(await wrong({ cert, key: "client.crt" }), [
    "mqtt.tls.key: holds a certificate, and no private key",
  ]);
  assert.deepEqual(await wrong({ cert, key: client.key.replace(/\n.{20}/, "\n!") }), [
    "mqtt.tls.key: holds no private key that can be read",
  ]);
});

/** How openssl encrypts a key, and whether it can be decrypted. */
const OPENSSL: ReadonlyArray<readonly [string, boolean, readonly string[]]> = [
  ["scrypt", true, ["pkcs8", "-topk8", "-scrypt"]],
  ["AES-128 in the older format", true, ["ec", "-aes128"]],
  ["3DES in the older format", true, ["ec", "-des3"]],
  ["3DES", false, ["pkcs8", "-topk8", "-v2", "des3"]],
  ["AES-256 and SHA-1", false, ["pkcs8", "-topk8", "-v2", "aes256", "-v2prf", "hmacWithSHA1"]],
];

for (const [how, isReadable, args] of OPENSSL) {
  Deno.test({
    name: `loadConfig() ${isReadable ? "decrypts" : "says how to make readable"} a key with ${how}`,
    ignore: !await hasOpenssl(),
    fn: async () => {
      const pass = ["-passin", "pass:open sesame", "-passout", "pass:open sesame"];
      let key = await openssl([...args, ...pass], client.key);
      const mqtt = (key_passphrase: string): object => ({
        mqtt: { transport: "tls", tls: { cert: client.cert, key, key_passphrase } },
      });
      if (!isReadable) {
        const [fault] = await faultsOf(mqtt("open sesame"));
        assert.equal(fault?.path, "mqtt.tls.key");
        const [, command = ""] = /: openssl (.*) -in OLD -out NEW$/.exec(fault?.message ?? "") ??
          [];
        key = await openssl([...command.split(" "), ...pass], key);
      }
      const loaded = await load(mqtt("open sesame"));
      assert.equal(loaded.mqtt.tls.key, client.key);
      assert.deepEqual(loaded.secrets, [client.key, "open sesame"]);
      const [fault] = await faultsOf(mqtt("wrong"));
      assert.match(fault?.message ?? "", /^cannot be decrypted/);
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
