import assert from "node:assert/strict";
import { HOSTILE } from "./hostile.ts";
import { faultsOf, load, loadError } from "./memory.ts";

/** Far more than it takes, and far less than quadratic work would. */
const PATIENCE_MS = 10_000;

for (const [what, text] of Object.entries(HOSTILE)) {
  Deno.test(`loadConfig() ends soon, and says little, of a config of ${what}`, async () => {
    const start = performance.now();
    const { message, faults } = await loadError(text);
    const elapsedMs = performance.now() - start;
    assert.ok(elapsedMs < PATIENCE_MS, `${elapsedMs} ms`);
    assert.ok(faults.length >= 1 && faults.length <= 100, `${faults.length}`);
    assert.ok(message.length < 60_000, `${message.length}`);
  });
}

Deno.test("ConfigError tells 100 faults, and how many more there are", async () => {
  const last = async (text: string): Promise<string | undefined> =>
    (await loadError(text)).message.split("\n")[100];
  const keys = (count: number): string =>
    JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, 1])));
  assert.equal(await last(keys(100)), undefined);
  assert.equal(await last(keys(250)), "and 150 more faults");
  assert.equal(await last("x\n".repeat(100) + "x"), "and 1 more fault");
  assert.equal(await last(`{${'"k":1,'.repeat(201)}}`), "and 100 more faults");
  const both = Array.from({ length: 60 }, (_, at) => `"a${at}":1,"b":1`).concat('"b":1');
  assert.equal(await last(`{${both}}`), "and 20 more faults");
  const references = Array.from({ length: 120 }, (_, at) => `\${env:MCPMQTT_${at}}`);
  assert.equal(await last(JSON.stringify({ topics: references })), "and 20 more faults");
  const denied = Array.from({ length: 130 }, () => ({ pattern: "a" }));
  assert.equal(await last(JSON.stringify({ topics: denied })), "and 30 more faults");
  assert.equal(
    (await loadError(JSON.stringify({ topics: denied.slice(0, 101) }))).faults.length,
    100,
  );
});

Deno.test("loadConfig() takes 100,000 values, and no more", async () => {
  const config = (permissions: number): object => ({
    topics: [{ pattern: "a", permissions: Array(permissions).fill("read") }],
  });
  assert.equal((await load(config(99_995))).rules.length, 1);
  const [fault, ...others] = await faultsOf(config(99_996));
  assert.equal(fault?.message, "holds 100001 values; 100000 are the most");
  assert.deepEqual(others, []);
  const bad = { topics: Array(99_998).fill({}) };
  assert.equal((await faultsOf(bad)).length, 100);
});

Deno.test("loadConfig() follows 256 different references, and no more", async () => {
  const config = (count: number): object => ({
    topics: Array.from({ length: count }, (_, at) => ({
      pattern: `\${env:MCPMQTT_${at % 300}}`,
      permissions: ["read"],
    })),
  });
  const env = Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`MCPMQTT_${at}`, "a"]));
  assert.equal((await load(config(256), { env })).rules.length, 256);
  const faults = await faultsOf(config(257), { env });
  assert.deepEqual(faults.map(({ path, message }) => `${path}: ${message}`), [
    "topics[256].pattern: is one reference too many; 256 are the most",
  ]);
});
