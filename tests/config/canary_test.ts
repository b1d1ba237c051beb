import assert from "node:assert/strict";
import { ConfigError, formatFault } from "../../lib/config/config.ts";
import { configJsonSchema } from "../../lib/config/json_schema.ts";
import { isRecord, type Path } from "../../lib/config/path.ts";
import { load, type World } from "./memory.ts";

const CANARY = "Zq7canary";
const NUMBER = 73_194_827;

/** The paths of all keys that hold no keys of their own; 0 for a place in a list. */
function leaves(schema: unknown, path: Path = []): Path[] {
  if (!isRecord(schema)) return [];
  const inner = [schema, ...Array.isArray(schema.anyOf) ? schema.anyOf : []].find((one) =>
    isRecord(one) && (one.properties !== undefined || one.items !== undefined)
  );
  if (!isRecord(inner)) return [path];
  if (inner.items !== undefined) return leaves(inner.items, [...path, 0]);
  return Object.entries(inner.properties ?? {}).flatMap(([key, child]) =>
    leaves(child, [...path, key])
  );
}

const LEAVES = leaves(configJsonSchema());

/** Values that some key or other does not take, each with the canary in it. */
const INVALID = [
  CANARY,
  `${CANARY}.pem`,
  `${CANARY}/#/a`,
  `$share/${CANARY}/a`,
  `no/${CANARY}\0`,
  `${CANARY}\ud800`,
  `mqtt?token=${CANARY}`,
  `/mqtt?token=${CANARY} `,
  `mqtt://user:${CANARY}@host`,
  `mqtt://host/${CANARY}`,
  `ws://host/#${CANARY}`,
  `<${CANARY}`,
  `a b:${CANARY}`,
  `\${env:${CANARY}}`,
  `-----BEGIN PRIVATE KEY-----\n${CANARY}\n-----END PRIVATE KEY-----`,
  `-----BEGIN ENCRYPTED PRIVATE KEY-----\n${CANARY}\n-----END ENCRYPTED PRIVATE KEY-----`,
  `-----BEGIN CERTIFICATE-----\n${CANARY}\n-----END CERTIFICATE-----`,
  CANARY.repeat(8000),
];

/** A config of this value at this path, and nothing else. */
function holding(path: Path, value: unknown): unknown {
  return path.reduceRight<unknown>(
    (inner, step) => typeof step === "number" ? [inner] : { [step]: inner },
    value,
  );
}

/** All that is said of a config. */
async function said(config: unknown, world: World): Promise<string> {
  try {
    const { warnings } = await load(config, world);
    return warnings.map(formatFault).join("\n");
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return `${error.message}\n${error.stack}\n${Deno.inspect(error, { strAbbreviateSize: 1e6 })}`;
  }
}

Deno.test("loadConfig() knows at least 50 keys that hold a value", () => {
  assert.ok(LEAVES.length >= 50, `${LEAVES.length}`);
});

for (const path of LEAVES) {
  Deno.test(`loadConfig() shows nothing of what a reference at ${path.join(".")} led to`, async () => {
    let refused = 0;
    for (const value of INVALID) {
      const files = { "/run/canary": value };
      const env = { MCPMQTT_CANARY: value };
      for (const reference of ["${file:/run/canary}", "${env:MCPMQTT_CANARY}"]) {
        const text = await said(holding(path, reference), { files, env });
        assert.ok(!text.includes(CANARY), text);
        if (text !== "") refused++;
      }
    }
    const isAnyText = /^(?:\$schema|.*(?:description|unit|examples|logfile|uds)(?:\.0)?)$/;
    assert.ok(refused > 0 || isAnyText.test(path.join(".")), "no value was refused");
  });
}

const SECRET = LEAVES.filter((path) =>
  /^(?:password|key|key_passphrase|api_key|salt|hash|url|path)$/.test(String(path.at(-1)))
);
// Two of them, logging.audit.path and the path of remote_server.tls.key, are none but called as one.
assert.equal(SECRET.length, 12);
for (const path of SECRET) {
  Deno.test(`loadConfig() shows nothing of a faulty ${path.join(".")}, wherever it stands`, async () => {
    for (const value of INVALID) {
      if (/\.pem$|\$\{/.test(value)) continue;
      for (const written of [value, [value], { [path.at(-1) ?? ""]: value }, NUMBER, [NUMBER]]) {
        const text = await said(holding(path, written), {});
        assert.ok(!text.includes(CANARY) && !text.includes(String(NUMBER)), text);
      }
      const key = path.map(String);
      const source = "MCPMQTT_X";
      const text = await said({}, { overrides: [{ key, value, source }] });
      assert.ok(!text.includes(CANARY), text);
    }
  });
}

Deno.test("loadConfig() shows no password that was put into a host", async () => {
  for (const value of [`mqtt://user:${CANARY}@host`, `user:${CANARY}@host`]) {
    const overrides = [{ key: ["mqtt", "host"], value, source: "MCPMQTT_HOST" }];
    for (const text of [await said({ mqtt: { host: value } }, {}), await said({}, { overrides })]) {
      assert.match(text, /must be a host name/);
      assert.ok(!text.includes(CANARY), text);
    }
  }
});

Deno.test("loadConfig() counts the query of a path among the secrets", async () => {
  for (const mqtt of [{ path: "/mqtt?token=abc" }, { url: "wss://host/mqtt?token=abc" }]) {
    assert.deepEqual((await load({ mqtt })).secrets, ["token=abc"]);
  }
  assert.deepEqual((await load({ mqtt: { path: "/mqtt" } })).secrets, []);
});
