import assert from "node:assert/strict";
import { ApiKeys, argon2id } from "../../lib/mcp/api_keys.ts";

Deno.test("argon2id() gives what argon2-cffi gives", async () => {
  // argon2.low_level.hash_secret_raw(b"key", bytes(16), 3, 65536, 1, 32, Type.ID)
  const salt = new Uint8Array(16).toBase64();
  const cost = { timeCost: 3, memoryCostKib: 65_536, parallelism: 1, hashBytes: 32, salt };
  assert.equal((await argon2id(new TextEncoder().encode("key"), cost)).toHex(), ARGON2_CFFI);
});

const A = { id: "key a", name: "a", rules: [], readOnly: false };
const ARGON2_CFFI = "9d20c56f3cadd9cfb0a40e2ade46ababb8221eba71dc060cf9dabcf448a78964";

Deno.test("ApiKeys does the work for a right key once, and lets wrong ones wait no longer than sixteen", async () => {
  const salt = new Uint8Array(16).toBase64();
  const cost = { timeCost: 1, memoryCostKib: 8_192, parallelism: 1, hashBytes: 32 };
  const hash = (await argon2id(new TextEncoder().encode("right"), { ...cost, salt })).toBase64();
  const keys = new ApiKeys([{ client: A, key: { kind: "argon2id", salt, hash, ...cost } }]);
  assert.deepEqual(await keys.verify("right"), { kind: "known", client: A });
  const wrong = Array.from({ length: 40 }, (_, i) => keys.verify(`wrong ${i}`));
  // It waits for none of them.
  assert.deepEqual(await keys.verify("right"), { kind: "known", client: A });
  const verdicts = (await Promise.all(wrong)).map(({ kind }) => kind);
  assert.deepEqual(new Set(verdicts), new Set(["wrong", "busy"]));
  assert.equal(verdicts.filter((kind) => kind === "wrong").length, 16);
  assert.deepEqual(await keys.verify(""), { kind: "wrong" });
});

Deno.test("ApiKeys knows every key that was right once, however many there are", async () => {
  const keys = new ApiKeys(
    Array.from({ length: 101 }, (_, i) => ({ client: A, key: { kind: "plain", apiKey: `k${i}` } })),
  );
  for (let i = 0; i <= 100; i++) assert.equal((await keys.verify(`k${i}`)).kind, "known");
  const wrong = Array.from({ length: 40 }, (_, i) => keys.verify(`wrong ${i}`));
  assert.equal((await keys.verify("k100")).kind, "known");
  await Promise.all(wrong);
});
