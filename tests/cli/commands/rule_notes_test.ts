import assert from "node:assert/strict";
import { explain } from "../../../lib/cli/commands/explain.ts";
import { ruleNotes } from "../../../lib/cli/commands/rule_notes.ts";
import type { Config } from "../../../lib/config/config.ts";
import { loadConfig } from "../../../lib/config/load.ts";

async function configOf(topics: readonly object[]): Promise<Config> {
  const text = JSON.stringify({ topics });
  const effects = { readTextFile: () => Promise.resolve(text), env: () => undefined };
  return await loadConfig({ path: "/c.json", effects });
}

const notes = async (...topics: readonly object[]): Promise<string[]> =>
  ruleNotes((await configOf(topics)).rules);
const read = (pattern: string, more: object = {}): object => ({
  pattern,
  permissions: ["read"],
  ...more,
});
const write = (pattern: string, more: object = {}): object => ({
  pattern,
  permissions: ["write"],
  ...more,
});

Deno.test("ruleNotes() tells of rules that others make useless", async () => {
  assert.deepEqual(await notes(read("a/#"), read("a/b"), write("a/b")), [
    'rule 2, "a/b", grants read for nothing: rule 1, "a/#" grants it already',
  ]);
  assert.deepEqual(await notes(read("a"), read("a")), [
    'rule 2, "a", grants read for nothing: rule 1, "a" grants it already',
  ]);
  assert.deepEqual(await notes(write("a/b"), { pattern: "a/+", deny: ["write"] }), [
    'rule 1, "a/b", grants write for nothing: rule 2, "a/+", denies it',
  ]);
  assert.deepEqual(
    await notes({ pattern: "a/b", deny: ["write"] }, { pattern: "a/#", deny: ["write"] }),
    ['rule 1, "a/b", denies write for nothing: rule 2, "a/#" denies it already'],
  );
});

Deno.test("ruleNotes() says nothing of rules that make a difference", async () => {
  const none = [
    [read("a/+"), read("+/b")],
    [write("a/#"), write("a/b", { confirm: true })],
    [write("a/#"), write("a/b", { rate: { messages: 1, seconds: 1 } })],
    [write("a/#"), write("a/b", { retain: true })],
    [write("a/#"), write("a/b", { description: "the b" })],
    [write("a/#"), write("a/b", { payload: { schema: { type: "number" } } })],
    [write("a/#"), { pattern: "a/b", deny: ["write"] }],
  ];
  for (const rules of none) assert.deepEqual(await notes(...rules), [], JSON.stringify(rules));
});

Deno.test("ruleNotes() tells of rules that are wider than they look", async () => {
  assert.deepEqual(await notes(read("#"), write("$SYS/x"), write("+/#")), [
    'rule 1, "#", grants read on every topic but those that begin with $',
    'rule 2, "$SYS/x", grants write below $, where brokers keep their own topics',
    'rule 3, "+/#", grants write on every topic but those that begin with $',
  ]);
});

Deno.test("ruleNotes() compares a bounded number of rules, and says how many it did not", async () => {
  const many = Array.from({ length: 1_001 }, (_, i) => read(`a/${i}`));
  assert.deepEqual(await notes(...many), ["1 more rules were not compared"]);
});

Deno.test("explain() tells what a write needs besides, and which other rules bear on it", async () => {
  const config = await configOf([
    write("a/#"),
    write("a/b", {
      confirm: true,
      rate: { messages: 2, seconds: 1.5 },
      payload: { schema: { type: "number" } },
    }),
    { pattern: "a/c", deny: ["write"] },
  ]);
  assert.deepEqual(explain("a/b", "write", config), [
    'write a/b: allowed by rule 1, "a/#"',
    "  retain: forbidden",
    '  if the person confirms it, and at most 2 in 1.5 s, and the payload meets its schema: rule "a/b"',
    '  also: rule 2, "a/b", grants it',
  ]);
  assert.deepEqual(explain("a/c", "write", config), [
    'write a/c: forbidden; denied by rule 3, "a/c"',
    '  also: rule 1, "a/#", grants it',
  ]);
});
