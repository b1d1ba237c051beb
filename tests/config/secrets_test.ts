import assert from "node:assert/strict";
import fc from "fast-check";
import { ConfigError } from "../../lib/config/config.ts";
import { loadConfig } from "../../lib/config/load.ts";
import { faultsOf, load, loadError } from "./memory.ts";

Deno.test("loadConfig() replaces references anywhere", async () => {
  const { mqtt, rules, secrets } = await load(
    {
      mqtt: {
        host: "${env:MCPMQTT_BROKER}",
        password: "${file:pass}",
        username: "${file:/run/user}",
      },
      topics: [{ pattern: "${env:MCPMQTT_TOPIC}", permissions: ["${env:MCPMQTT_PERMISSION}"] }],
    },
    {
      files: { "/etc/pass": "s3cret\r\n", "/run/user": " ada \n\n" },
      env: { MCPMQTT_BROKER: "broker.lan", MCPMQTT_TOPIC: "a/b", MCPMQTT_PERMISSION: "read" },
    },
  );
  assert.deepEqual([mqtt.host, mqtt.password, mqtt.username], ["broker.lan", "s3cret", " ada \n"]);
  assert.deepEqual(rules[0]?.permissions, ["read"]);
  assert.deepEqual(secrets, ["s3cret"]);
});

Deno.test("loadConfig() reads a file once, however often it is referred to", async () => {
  let reads = 0;
  const topics = ["a", "b"].map((permission) => ({
    pattern: "${file:/pattern}",
    permissions: [permission === "a" ? "read" : "write"],
  }));
  const { rules } = await loadConfig({
    path: "/etc/config.json",
    effects: {
      readTextFile: (path) => {
        if (path === "/pattern") reads++;
        return Promise.resolve(path === "/pattern" ? "a/b" : JSON.stringify({ topics }));
      },
      env: () => undefined,
    },
  });
  assert.deepEqual([rules.map(({ pattern }) => pattern.text), reads], [["a/b", "a/b"], 1]);
});

Deno.test("loadConfig() counts a password in angle brackets among the secrets, and no placeholder", async () => {
  const { secrets } = await load({
    mqtt: { password: "<s3cret>", tls: {} },
    remote_server: { api_key: "sesame", api_key_kdf: { salt: "<base64-salt>", hash: "aGFzaA==" } },
  });
  assert.deepEqual(secrets, ["<s3cret>", "sesame", "aGFzaA=="]);
});

Deno.test("loadConfig() counts the hashes of all keys among the secrets", async () => {
  const keys = [{ name: "a", api_key_kdf: { salt: "c2FsdA==", hash: "aGFzaA==" } }];
  const { secrets } = await load({ remote_server: { keys } });
  assert.deepEqual(secrets, ["c2FsdA==", "aGFzaA=="]);
});

for (
  const [reference, message] of [
    ["${env:MCPMQTT_NONE}", /needs the environment variable MCPMQTT_NONE, which is not set/],
    ["${env:MCPMQTT_EMPTY}", /which is not set or is empty/],
    ["${env:HOME}", /does not begin with "MCPMQTT_"/],
    ["${env:}", /does not begin with "MCPMQTT_"/],
    ["${file:none}", /needs the file \/etc\/none, which cannot be read: it does not exist/],
    ["${file:empty}", /needs the file \/etc\/empty, which is empty/],
    ["x${env:MCPMQTT_A}", /as a whole, with nothing around it/],
    ["${env:MCPMQTT_A}${env:MCPMQTT_A}", /as a whole, with nothing around it/],
  ] as const
) {
  Deno.test(`loadConfig() of the password ${reference}`, async () => {
    const faults = await faultsOf({ mqtt: { password: reference } }, {
      files: { "/etc/empty": "\n" },
      env: { HOME: "/home/ada", MCPMQTT_EMPTY: "", MCPMQTT_A: "a" },
    });
    assert.deepEqual(faults.map((f) => f.path), ["mqtt.password"]);
    assert.match(faults[0]?.message ?? "", message);
  });
}

Deno.test("loadConfig() does not show the value a reference led to", async () => {
  const error = await loadError({ mqtt: { transport: "${env:MCPMQTT_T}" } }, {
    env: { MCPMQTT_T: "hunter2" },
  });
  assert.equal(
    error.message,
    '/etc/config.json:1:22: mqtt.transport: must be "tcp", "tls", "ws" or "wss"',
  );
});

const MARK = "Zq7";
const secret = fc.stringMatching(/^[ -~]{0,12}$/).map((text) => `${MARK}${text}`);
/** The secret in the shapes a slip may give it. */
const slip = secret.chain((text) =>
  fc.constantFrom<unknown>(
    text,
    [text],
    { value: text },
    `${text}\0`,
    `${text}\ud800`,
    text.repeat(6000),
    `\${env:MCPMQTT_SECRET}`,
    `x\${env:MCPMQTT_SECRET} ${text}`,
    `<${text}`,
  )
);
const anything = fc.constantFrom<unknown>(undefined, null, 0, -1, "", [], {}, true, "x");
const file = fc.record({
  mqtt: fc.record({
    password: slip,
    port: anything,
    pasword: fc.option(slip, { nil: undefined }),
    url: fc.oneof(
      secret.map((text) => `mqtt://user:${encodeURIComponent(text)}@host`),
      secret.map((t) => `mqtt//${t}@`),
      anything,
    ),
    tls: fc.record({ key: slip, key_passphrase: slip, cert: anything, verify: anything }),
  }),
  topics: fc.constantFrom<unknown>([], [{}], [{ pattern: "#/a" }], {}),
  remote_server: fc.oneof(
    fc.record({ api_key: slip, port: anything }),
    fc.record({ api_key_kdf: fc.record({ salt: slip, hash: slip, time_cost: anything }) }),
    fc.record({ api_key_kdf: slip }),
  ),
});

Deno.test("loadConfig() shows no secret in any fault or warning", async () => {
  await fc.assert(
    fc.asyncProperty(file, secret, fc.nat(3), fc.nat(), async (config, other, kind, cut) => {
      let text = JSON.stringify(config, null, kind);
      if (kind === 3) text = text.slice(0, cut % text.length) + text.slice(cut % text.length + 1);
      const world = {
        env: { MCPMQTT_SECRET: other },
        overrides: [{ key: ["mqtt", "password"], value: `${other}\0`, source: "MCPMQTT_PASSWORD" }],
      };
      const { message } = await load(text, world).then(
        (loaded) => ({ message: JSON.stringify(loaded.warnings) }),
        (error) => {
          assert.ok(error instanceof ConfigError);
          return error;
        },
      );
      assert.ok(!message.includes(MARK), message);
    }),
    { numRuns: 500 },
  );
});
