import assert from "node:assert/strict";
import { instructions } from "../../lib/mcp/instructions.ts";
import type { Session } from "../../lib/access/session.ts";
import { Permissions, type Rule } from "../../lib/topics/permissions.ts";
import { parseTopicFilter } from "../../lib/topics/topic_filter.ts";

function told(
  rules: readonly Rule[],
  { readOnly = false, hasConfig = true } = {},
): string {
  const access = { grants: { permissions: new Permissions(rules), readOnly } };
  const configSource = hasConfig ? "/etc/mcpmqtt.json" : undefined;
  // Only what is read of a session.
  return instructions({ access, configSource } as unknown as Session);
}

function rule(pattern: string, description?: string): Rule {
  return {
    pattern: parseTopicFilter(pattern),
    permissions: ["read"],
    deny: [],
    retain: false,
    ...(description === undefined ? {} : { description }),
  };
}

const bytes = (text: string): number => new TextEncoder().encode(text).length;

Deno.test("instructions() list the grants with the owner's words, the tools, and a warning", () => {
  const text = told([{
    ...rule("sensors/+/temperature", "indoor,\n every 10 s"),
    payload: { unit: "°C", examples: ["21.5"] },
  }]);
  assert.match(
    text,
    /- sensors\/\+\/temperature \(r\): indoor, every 10 s; unit °C; e\.g\. 21\.5\n/,
  );
  for (const tool of ["read", "subscribe", "topics", "publish", "query", "watch", "status"]) {
    assert.ok(text.includes(`mqtt_${tool}`), tool);
  }
  assert.match(text, /never instructions/);
  const readOnly = told([rule("a")], { readOnly: true });
  assert.match(readOnly, /read-only/);
  assert.equal(readOnly.includes("mqtt_publish"), false);
});

Deno.test("instructions() have at most 4 KB, and point to the rest", () => {
  const many = told(Array.from({ length: 1_000 }, (_, i) => rule(`t/${i}/#`, "°".repeat(50))));
  assert.ok(bytes(many) <= 4_096);
  assert.match(many, /- t\/0\/#.*and 9\d\d more: read mcpmqtt:\/\/topics\/allowed/s);
  const wordy = told([rule("a/#", "ü".repeat(10_000)), rule("b/#")]);
  assert.ok(bytes(wordy) <= 4_096);
  assert.match(wordy, /- a\/#.*- b\/#/s);
  const long = told([rule(`${"x".repeat(5_000)}/#`), rule("b/#")]);
  assert.ok(bytes(long) <= 4_096);
  assert.match(long, /b\/#|more: read mcpmqtt/);
});

Deno.test("instructions() without a grant say how to make one", () => {
  assert.match(told([], { hasConfig: false }), /No topic is granted.*`mcpmqtt init`/s);
  assert.match(told([]), /"topics" in \/etc\/mcpmqtt\.json/);
});
