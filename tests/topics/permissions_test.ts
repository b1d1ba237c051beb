import assert from "node:assert/strict";
import fc from "fast-check";
import { McpMqttError } from "../../lib/errors.ts";
import { type Action, Permissions, type Rule } from "../../lib/topics/permissions.ts";
import { parseTopicFilter } from "../../lib/topics/topic_filter.ts";
import { parseTopicName } from "../../lib/topics/topic_name.ts";
import { obviouslyMatches, smallName } from "./oracle.ts";
import { anyRules, rule } from "./rules.ts";

function permissionsOf(...rules: readonly string[]): Permissions {
  return new Permissions(rules.map(rule));
}

/** The error of a call, as its text reaches an agent. */
function refusalOf(call: () => unknown): { text: string; error: McpMqttError } {
  try {
    call();
  } catch (error) {
    if (!(error instanceof McpMqttError)) throw error;
    return { text: `${error.code}: ${error.message}\nhint: ${error.hint}`, error };
  }
  throw new Error("It was not refused");
}

function readForbidden(permissions: Permissions, ...filters: readonly string[]): string {
  return refusalOf(() => {
    throw permissions.readForbidden(filters.map(parseTopicFilter));
  }).text;
}

/** The first rule that matches and whose list of actions has the action. */
function firstRule(
  rules: readonly Rule[],
  { name, action, list }: { name: string; action: Action; list: "permissions" | "deny" },
): Rule | undefined {
  return rules.find((one) =>
    one[list].includes(action) && obviouslyMatches(one.pattern.text, name)
  );
}

Deno.test("decide() is what a linear scan decides: denials first, then grants", () => {
  fc.assert(
    fc.property(anyRules, smallName, fc.constantFrom("read", "write"), (rules, name, action) => {
      const denying = firstRule(rules, { name, action, list: "deny" });
      const granting = firstRule(rules, { name, action, list: "permissions" });
      const decision = new Permissions(rules).decide(name, action);
      assert.equal(decision.allowed, denying === undefined && granting !== undefined);
      assert.equal(decision.reason, denying ? "denied" : granting ? "granted" : "not_granted");
      assert.equal(decision.rule, denying ?? granting);
    }),
  );
});

Deno.test("mayRetain() exactly when some rule grants write and retain on the name", () => {
  fc.assert(fc.property(anyRules, smallName, (rules, name) => {
    const expected = rules.some(({ pattern, permissions, retain }) =>
      retain && permissions.includes("write") && obviouslyMatches(pattern.text, name)
    );
    assert.equal(new Permissions(rules).mayRetain(name), expected);
  }));
});

for (const rules of [["rw a/#", "-w a/b"], ["-w a/b", "rw a/#"]]) {
  Deno.test(`decide() by ${JSON.stringify(rules)}: a deny wins whatever the order`, () => {
    const permissions = permissionsOf(...rules);
    assert.equal(permissions.decide("a/b", "write").reason, "denied");
    assert.equal(permissions.decide("a/b", "write").rule?.pattern.text, "a/b");
    assert.equal(permissions.decide("a/b", "read").allowed, true);
    assert.equal(permissions.decide("a/c", "write").allowed, true);
  });
}

Deno.test('decide() of a name that begins with "$" is not granted by "#"', () => {
  assert.equal(permissionsOf("rw #").decide("$SYS/uptime", "read").reason, "not_granted");
});

Deno.test("rules cannot be changed from outside", () => {
  const list = [rule("r a")];
  const permissions = new Permissions(list);
  list.push(rule("r #"));
  assert.equal(permissions.rules.length, 1);
  assert.ok(Object.isFrozen(permissions.rules));
});

Deno.test("assertWrite() and assertRead() let pass what is granted", () => {
  const permissions = permissionsOf("w a", "wR b", "r c");
  permissions.assertWrite(parseTopicName("a"), { retain: false });
  permissions.assertWrite(parseTopicName("b"), { retain: true });
  permissions.assertRead(parseTopicName("c"));
});

Deno.test("assertWrite() names what is granted for write near the name", () => {
  const permissions = permissionsOf("w actuators/lights/+/on", "r actuators/#");
  const { text, error } = refusalOf(() => {
    permissions.assertWrite(parseTopicName("actuators/x"), { retain: false });
  });
  assert.equal(
    text,
    'forbidden: no rule grants write on "actuators/x"\n' +
      'hint: Granted for write near it: "actuators/lights/+/on".',
  );
  assert.equal(error.outcome, "not_sent");
});

Deno.test("assertWrite() names the rule that denies", () => {
  const permissions = permissionsOf("w a/#", "-w a/+/lock");
  const { text, error } = refusalOf(() => {
    permissions.assertWrite(parseTopicName("a/b/lock"), { retain: true });
  });
  assert.equal(
    text,
    'forbidden: the rule "a/+/lock" denies write on "a/b/lock"\n' +
      'hint: Granted for write near it: "a/#".',
  );
  assert.equal(error.outcome, "not_sent");
});

Deno.test("assertWrite() says when retain is not granted", () => {
  const { text, error } = refusalOf(() => {
    permissionsOf("w a", "rR a", "wR b").assertWrite(parseTopicName("a"), { retain: true });
  });
  assert.match(text, /^forbidden: no rule grants retain on "a"\nhint: .*without retain/);
  assert.equal(error.outcome, "not_sent");
});

Deno.test("assertRead() without any rule tells how to make a config", () => {
  const { text, error } = refusalOf(() => permissionsOf().assertRead(parseTopicName("a")));
  assert.match(
    text,
    /^forbidden: no rule grants read on "a"\nhint: No topic is granted.*`mcpmqtt init`/,
  );
  assert.equal(error.outcome, undefined);
});

Deno.test("assertRead() says when no topic is granted for it", () => {
  const { text } = refusalOf(() => permissionsOf("w a", "-r b").assertRead(parseTopicName("a")));
  assert.match(text, /\nhint: No topic is granted for read\.$/);
});

Deno.test("readForbidden() of what no rule grants", () => {
  assert.equal(
    readForbidden(permissionsOf("r sensors/#", "w home/#"), "home/#"),
    'forbidden: no rule grants read on "home/#"\nhint: Granted for read near it: "sensors/#".',
  );
});

Deno.test("readForbidden() names the rule that denies the whole filter", () => {
  const text = readForbidden(permissionsOf("r a/#", "-r a/b/#"), "a/b/+");
  assert.match(text, /^forbidden: the rule "a\/b\/#" denies read on "a\/b\/\+"\n/);
});

Deno.test("readForbidden() of a filter whose granted parts are denied", () => {
  const text = readForbidden(permissionsOf("r a/b", "-r +/b"), "a/+");
  assert.match(text, /^forbidden: rules deny read on all that is granted of "a\/\+"\n/);
});

Deno.test("readForbidden() of many filters names three", () => {
  const text = readForbidden(permissionsOf("r x"), "a", "b", "c", "d", "e");
  assert.match(text, /^forbidden: no rule grants read on "a", "b", "c" and 2 more\n/);
});

Deno.test("nearest() leaves out what is denied whole, and what is not granted for the action", () => {
  const permissions = permissionsOf("r a/b", "r a/c", "w a/d", "-r a/+/#", "r b");
  assert.deepEqual(permissions.nearest("a/b", "read"), ["b"]);
  assert.deepEqual(permissions.nearest("a/b", "write"), ["a/d"]);
});

Deno.test("assertWrite() says what the owner says of what is granted near", () => {
  const permissions = new Permissions([{
    pattern: parseTopicFilter("valves/+/set"),
    permissions: ["write"],
    deny: [],
    retain: false,
    description: "Opening of a valve,\nfrom closed to open; " + "x".repeat(80),
    payload: { unit: "%" },
  }]);
  const { text } = refusalOf(() => {
    permissions.assertWrite(parseTopicName("valves/1"), { retain: false });
  });
  assert.match(
    text,
    /near it: "valves\/\+\/set" \(Opening of a valve, from closed to open; x{19}…\)\.$/,
  );
});
