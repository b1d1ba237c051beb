import assert from "node:assert/strict";
import fc from "fast-check";
import { McpMqttError } from "../../lib/errors.ts";
import {
  canonicalText,
  covers,
  intersect,
  matches,
  parseTopicFilter,
  refuseSharedSubscription,
  type TopicFilter,
} from "../../lib/topics/topic_filter.ts";
import { FILTERS, includes, NAMES, namesOf, obviouslyMatches } from "./oracle.ts";

const BROKEN: readonly [text: string, clause: string][] = [
  ["", "MQTT-4.7.3-1"],
  ["a/\0/#", "MQTT-4.7.3-2"],
  ["a/\u0007/#", "MQTT 5.0 §1.5.4"],
  ["a/\u009b", "MQTT 5.0 §1.5.4"],
  ["a/\ufffe", "MQTT 5.0 §1.5.4"],
  ["a/\ud800", "MQTT-1.5.4-1"],
  ["a".repeat(65_534) + "/#", "MQTT-4.7.3-3"],
  ["sport/tennis#", "MQTT-4.7.1-1"],
  ["sport/tennis/#/ranking", "MQTT-4.7.1-1"],
  ["#/", "MQTT-4.7.1-1"],
  ["##", "MQTT-4.7.1-1"],
  ["#+", "MQTT-4.7.1-1"],
  ["sport+", "MQTT-4.7.1-2"],
  ["a/+b/c", "MQTT-4.7.1-2"],
  ["++", "MQTT-4.7.1-2"],
];

for (const [text, clause] of BROKEN) {
  Deno.test(`parseTopicFilter() refuses ${JSON.stringify(text.slice(-20))} [${clause}]`, () => {
    assert.throws(() => parseTopicFilter(text), (error) => {
      assert.ok(error instanceof McpMqttError);
      assert.equal(error.code, "invalid_topic");
      assert.match(error.message, new RegExp(`is not a valid topic filter: .*\\[${clause}\\]$`));
      assert.ok(error.hint);
      return true;
    });
  });
}

for (
  const text of [
    "#",
    "+",
    "/",
    "//",
    "+/+",
    "/#",
    "a/+/#",
    "$share/g/a",
    "$",
    " ",
    "a".repeat(65_535),
  ]
) {
  Deno.test(`parseTopicFilter() takes ${JSON.stringify(text.slice(0, 20))}, frozen`, () => {
    const filter = parseTopicFilter(text);
    assert.equal(filter.text, text);
    assert.deepEqual(filter.levels, text.split("/"));
    assert.ok(Object.isFrozen(filter) && Object.isFrozen(filter.levels));
  });
}

for (const text of ["$share/group/a", "$share/", "$share/#", "$share//a"]) {
  Deno.test(`refuseSharedSubscription() of "${text}" is forbidden`, () => {
    assert.throws(() => refuseSharedSubscription(parseTopicFilter(text)), { code: "forbidden" });
  });
}

for (const text of ["$share", "$shared/a", "a/$share/b", "+/a", "#", "$SHARE/g/a"]) {
  Deno.test(`refuseSharedSubscription() of "${text}" lets it pass`, () => {
    refuseSharedSubscription(parseTopicFilter(text));
  });
}

// The examples of the standard, §4.7.1 and §4.7.2, and what implementations get wrong.
const MATCHES: readonly [filter: string, name: string, expected: boolean][] = [
  ["sport/tennis/player1/#", "sport/tennis/player1", true],
  ["sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true],
  ["sport/#", "sport", true],
  ["sport/#", "sport/", true],
  ["sport/#", "sports", false],
  ["sport/tennis/+", "sport/tennis/player1", true],
  ["sport/tennis/+", "sport/tennis/player1/ranking", false],
  ["sport/+", "sport", false],
  ["sport/+", "sport/", true],
  ["+/+", "/finance", true],
  ["/+", "/finance", true],
  ["+", "/finance", false],
  ["#", "/", true],
  ["/#", "/", true],
  ["/#", "a", false],
  ["#", "$SYS/monitor/Clients", false],
  ["+/monitor/Clients", "$SYS/monitor/Clients", false],
  ["$SYS/#", "$SYS/monitor/Clients", true],
  ["$SYS/monitor/+", "$SYS/monitor/Clients", true],
  ["a/+", "a/$b", true],
  ["a/#", "a/$b", true],
  ["ACCOUNTS", "Accounts", false],
  ["a", "a/", false],
  ["a/", "a", false],
  ["é", "e\u0301", false],
  ["a.c", "abc", false],
  ["a/.*", "a/b", false],
  ["a/+/c", "a/+/c", true],
];

for (const [filter, name, expected] of MATCHES) {
  Deno.test(`matches() of "${filter}" and "${name}" is ${expected}`, () => {
    assert.equal(matches(parseTopicFilter(filter), name), expected);
  });
}

Deno.test("matches() is what the standard says, for all of a small world", () => {
  for (const filter of FILTERS) {
    for (const name of NAMES) {
      if (matches(filter, name) !== obviouslyMatches(filter.text, name)) {
        assert.fail(`matches() of ${filter.text} and ${name}`);
      }
    }
  }
});

const anyLevel = fc.oneof(
  fc.constantFrom("", "a", "$x", ".*", "a.", "[a]", "\\", "(", "^", "$", "é", "e\u0301", "𝄞"),
  fc.string().map((text) => text.replaceAll(/[+#/\p{Cc}\p{Noncharacter_Code_Point}]/gu, "")),
);
const anyName = fc.array(anyLevel, { minLength: 1, maxLength: 6 })
  .map((levels) => levels.join("/")).filter((name) => name !== "");
/** A name, and a filter made of it or of another: some levels replaced, the end perhaps cut off. */
const filterAndName = fc.tuple(
  anyName,
  anyName,
  fc.boolean(),
  fc.infiniteStream(fc.nat(3)),
  fc.nat(9),
)
  .map(([name, other, isOfName, dice, cut]) => {
    const levels = (isOfName ? name : other).split("/")
      .map((level) => dice.next().value === 0 ? "+" : level);
    const text = (cut < levels.length ? [...levels.slice(0, cut), "#"] : levels).join("/");
    return { filter: parseTopicFilter(text), name };
  });

Deno.test("matches() takes every character but the wildcards literally", () => {
  fc.assert(fc.property(filterAndName, ({ filter, name }) => {
    assert.equal(matches(filter, name), obviouslyMatches(filter.text, name));
  }));
});

Deno.test("matches() of any filter and the empty text, which is no name, is false", () => {
  for (const filter of FILTERS) assert.equal(matches(filter, ""), false, filter.text);
});

const INTERSECTIONS: readonly [a: string, b: string, expected: string | undefined][] = [
  ["a/#", "+", "a"],
  ["a/#", "+/b", "a/b"],
  ["a/+", "+/b", "a/b"],
  ["a/#", "+/+/c/#", "a/+/c/#"],
  ["#", "+/#", "+/#"],
  ["#", "#", "#"],
  ["#", "a", "a"],
  ["#", "$SYS/#", undefined],
  ["+/a", "$x/a", undefined],
  ["+/#", "$x", undefined],
  ["$x/#", "$x/+", "$x/+"],
  ["/#", "+", undefined],
  ["/#", "+/+", "/+"],
  ["/#", "#", "/#"],
  ["a", "b", undefined],
  ["a/+", "a", undefined],
  ["a/#", "a", "a"],
  ["a/+/#", "a", undefined],
];

for (const [a, b, expected] of INTERSECTIONS) {
  const result = expected === undefined ? "undefined" : `"${expected}"`;
  Deno.test(`intersect() of "${a}" and "${b}" is ${result}`, () => {
    const both = [parseTopicFilter(a), parseTopicFilter(b)] as const;
    assert.equal(intersect(...both)?.text, expected);
    assert.equal(intersect(both[1], both[0])?.text, expected);
  });
}

/** Calls for all pairs of filters of the small world. */
function forAllPairs(check: (a: TopicFilter, b: TopicFilter) => boolean): void {
  for (const a of FILTERS) {
    for (const b of FILTERS) {
      if (!check(a, b)) assert.fail(`"${a.text}" and "${b.text}"`);
    }
  }
}

Deno.test("intersect() matches what both match, for all of a small world", () => {
  forAllPairs((a, b) => {
    const both = intersect(a, b);
    return (both === undefined ? 0n : namesOf(both)) === (namesOf(a) & namesOf(b));
  });
});

Deno.test("intersect() gives what parseTopicFilter() takes, frozen", () => {
  forAllPairs((a, b) => {
    const both = intersect(a, b);
    if (both === undefined) return true;
    assert.deepEqual(parseTopicFilter(both.text), both);
    return Object.isFrozen(both) && Object.isFrozen(both.levels);
  });
});

Deno.test("covers() exactly when each name of the other matches, for all of a small world", () => {
  forAllPairs((a, b) => covers(a, b) === includes(namesOf(a), namesOf(b)));
});

Deno.test("canonicalText() is the same exactly for filters that match the same names", () => {
  forAllPairs((a, b) => (canonicalText(a) === canonicalText(b)) === (namesOf(a) === namesOf(b)));
});

Deno.test("intersect() over 65,535 bytes is undefined", () => {
  const a = parseTopicFilter(`${"a".repeat(40_000)}/+`);
  const b = parseTopicFilter(`+/${"b".repeat(40_000)}`);
  assert.equal(intersect(a, b), undefined);
});

Deno.test("intersect() counts bytes, not characters", () => {
  const a = parseTopicFilter(`${"é".repeat(16_383)}/+`);
  const b = parseTopicFilter(`+/${"é".repeat(16_384)}`);
  assert.equal(intersect(a, b)?.text.length, 32_768);
  assert.equal(intersect(a, parseTopicFilter(`${b.text}é`)), undefined);
});

Deno.test("filters of 32,768 and more levels match, intersect and cover", () => {
  const deep = parseTopicFilter("+/".repeat(32_767) + "#");
  const empty = parseTopicFilter("/".repeat(65_535));
  assert.ok(matches(deep, empty.text) && covers(deep, empty));
  assert.equal(intersect(deep, empty), empty);
});
