import assert from "node:assert/strict";
import { Access } from "../../lib/access/access.ts";
import { ConfirmationNeeded, confirmedAs } from "../../lib/access/confirmation.ts";
import { Rates } from "../../lib/access/rates.ts";
import { Surveys } from "../../lib/access/surveys.ts";
import { McpMqttError } from "../../lib/errors.ts";
import type { Connection } from "../../lib/mqtt/connection.ts";
import { Permissions, type Rule } from "../../lib/topics/permissions.ts";
import { parseTopicFilter } from "../../lib/topics/topic_filter.ts";
import { publication } from "../mqtt/connections.ts";
import { LIMITS, NO_DEVICES } from "./collecting.ts";

const { signal } = new AbortController();

function rule(pattern: string, more: Partial<Rule> = {}): Rule {
  return {
    pattern: parseTopicFilter(pattern),
    permissions: ["write"],
    deny: [],
    retain: false,
    ...more,
  };
}

/** What may be done under these rules, where every publish is sent. */
function access(rules: readonly Rule[], publishPerMinute = 0): Access {
  const connection = {
    publish: (_one: unknown, { onSent }: { onSent?: () => void }) => {
      onSent?.();
      return Promise.resolve({ noSubscribers: false });
    },
  };
  return new Access(connection as unknown as Connection, {
    permissions: new Permissions(rules),
    readOnly: false,
    limits: LIMITS,
    rates: new Rates(publishPerMinute),
    devices: NO_DEVICES,
  });
}

Deno.test("Access.assertWritable() takes what was confirmed for nothing else", () => {
  const granted = access([rule("t/#"), rule("t/valve/#", { confirm: true })]);
  const one = publication("t/valve/1", "open");
  const others = [
    publication("t/valve/1", "shut"),
    publication("t/valve/2", "open"),
    publication("t/valve/1", "open", { qos: 1 }),
  ];
  assert.throws(() => granted.assertWritable(one), ConfirmationNeeded);
  granted.assertWritable(one, confirmedAs(one));
  for (const other of others) {
    assert.throws(() => granted.assertWritable(other, confirmedAs(one)), ConfirmationNeeded);
  }
  granted.assertWritable(publication("t/lamp", "on"));
});

Deno.test("Access.publish() gives places back that another limit has made useless", async () => {
  const rate = { writes: 1, windowMs: 60_000 };
  const granted = access([rule("t/#"), rule("t/a", { rate })], 3);
  const write = (topic: string): Promise<unknown> =>
    granted.publish(publication(topic, "1"), { waitMs: 1, signal });
  await write("t/a");
  for (let i = 0; i < 5; i++) {
    await assert.rejects(write("t/a"), (error) => {
      assert.ok(error instanceof McpMqttError);
      assert.match(error.message, /^1 messages in 60 s are allowed by the rule "t\/a"/);
      return error.code === "rate_limited";
    });
  }
  // Two of three are left.
  await write("t/b");
  await write("t/b");
  await assert.rejects(write("t/b"), { message: /^3 messages a minute are allowed/ });
});

Deno.test("Surveys holds the last four, and for their time", () => {
  const entries = [{ topic: "t", messages: 1, at: "" }];
  const found = { entries, about: { total: 1, narrowed: false } };
  const surveys = new Surveys();
  const ids = Array.from({ length: 5 }, () => surveys.hold(found));
  assert.throws(() => surveys.get(ids[0] ?? "", 0), { code: "invalid_argument" });
  for (const id of ids.slice(1)) {
    assert.throws(() => surveys.get(id, 1), { code: "invalid_argument" });
    assert.equal(surveys.get(id, 0), found);
  }
  const old = new Surveys({ maxAgeMs: -1 });
  const id = old.hold(found);
  assert.throws(() => old.get(id, 0), { code: "invalid_argument" });
});

Deno.test("Surveys holds a bounded number of bytes, and the last one in any case", () => {
  const entry = { topic: "t", messages: 1, at: "", last: "x".repeat(9_000_000) };
  const large = { entries: [entry], about: { total: 1, narrowed: false } };
  const surveys = new Surveys();
  const [first, second] = [surveys.hold(large), surveys.hold(large)];
  assert.throws(() => surveys.get(first, 0), { code: "invalid_argument" });
  assert.equal(surveys.get(second, 0), large);
});
