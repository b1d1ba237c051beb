import assert from "node:assert/strict";
import { McpMqttError } from "../../lib/errors.ts";
import { type Narrowing, Permissions } from "../../lib/topics/permissions.ts";
import { parseTopicFilter } from "../../lib/topics/topic_filter.ts";
import { rule } from "./rules.ts";
import { TIMED_RETRIES } from "../brokers/until.ts";

/** Generous: what this bounds took minutes, or all memory, before it was bounded. */
const MAX_MS = 5_000;

function list(count: number, item: (i: number) => string): string[] {
  return Array.from({ length: count }, (_, i) => item(i));
}

/** Each text of `count` levels that are `a` or `+`. */
function allOfAAndPlus(count: number): string[] {
  return list(2 ** count, (i) => list(count, (at) => (i >> at) % 2 === 0 ? "a" : "+").join("/"));
}

function narrow(rules: readonly string[], requested: readonly string[]): Narrowing {
  return new Permissions(rules.map(rule)).narrow(requested.map(parseTopicFilter));
}

/** What is said if it is refused. */
function refusal(rules: readonly string[], requested: readonly string[]): string {
  try {
    narrow(rules, requested);
  } catch (error) {
    if (!(error instanceof McpMqttError)) throw error;
    return `${error.code}: ${error.message}\nhint: ${error.hint}`;
  }
  throw new Error("It was not refused");
}

Deno.test("narrow() refuses a million intersections, says how many and what to do", () => {
  const start = performance.now();
  const text = refusal(list(10_000, (i) => `r site${i}/#`), list(100, (i) => `+/+/x${i}`));
  const elapsedMs = performance.now() - start;
  assert.equal(
    text,
    "invalid_argument: the 100 filters have 1,000,000 intersections with the rules, and a call can have at most 10,000 filters in force\n" +
      "hint: Take narrower filters, or fewer of them in one call.",
  );
  assert.ok(elapsedMs < MAX_MS, `${elapsedMs} ms`);
});

Deno.test("narrow() takes 10,000 intersections and refuses one more", () => {
  const rules = list(10_001, (i) => `r a/${i}`);
  assert.equal(narrow(rules.slice(1), ["#"]).filters.length, 10_000);
  assert.match(refusal(rules, ["#"]), /: the filter "#" has 10,001 intersections with the rules/);
});

Deno.test("narrow() takes 10,000 intersections that are new filters and refuses more", () => {
  const requested = list(100, (i) => `x${i}/+/#`);
  const rules = list(101, (i) => `r +/y${i}/#`);
  assert.equal(narrow(rules.slice(1), requested).filters.length, 10_000);
  assert.match(refusal(rules, requested), /: the 100 filters have 10,100 intersections/);
});

const CHEAP: readonly { what: string; rules: string[]; requested: string[]; count: number }[] = [
  {
    what: "requests that another covers",
    rules: list(9_000, (i) => `r site${i}/#`),
    requested: [...list(99, (i) => `+/+/x${i}`), "#"],
    count: 9_000,
  },
  {
    what: "rules that another covers",
    rules: [...list(9_000, (i) => `r site${i}/#`), "r #"],
    requested: list(100, (i) => `+/+/x${i}`),
    count: 100,
  },
  {
    what: "rules that are denied whole",
    rules: [...list(9_000, (i) => `r site${i}/#`), "r a/#", ...list(9_000, (i) => `-r site${i}/#`)],
    requested: list(100, (i) => `+/+/x${i}`),
    count: 100,
  },
  {
    what: "requests that are denied whole",
    rules: [...list(9_000, (i) => `r site${i}/#`), "-r +/+/+"],
    requested: [...list(99, (i) => `+/+/x${i}`), "site1/+"],
    count: 1,
  },
  {
    what: "rules that a request covers",
    rules: list(9_000, (i) => `r s/site${i}/#`),
    requested: ["s/#", ...list(99, (i) => `+/+/x${i}/y`)],
    count: 9_000,
  },
];

for (const { what, rules, requested, count } of CHEAP) {
  Deno.test(`narrow() does not count intersections with ${what}`, () => {
    assert.equal(narrow(rules, requested).filters.length, count);
  });
}

const SAME_BEGINNING = list(12, () => "a").join("/");
const HOSTILE: readonly {
  what: string;
  rules: string[];
  requested: string[];
  /** How many filters are the answer; undefined if it is refused. */
  count?: number;
}[] = [
  {
    what: "filters of 32,768 levels in common with every rule",
    rules: list(10_000, (i) => `r site${i}/#`),
    requested: ["+/".repeat(32_767) + "#"],
  },
  {
    what: "a hundred filters of 32,768 levels",
    rules: list(10_000, (i) => `r site${i}/#`),
    requested: list(100, (i) => `x${i}/${"+/".repeat(32_000)}#`),
  },
  {
    what: "a level of 65,000 characters",
    rules: list(10_000, (i) => `r site${i}/#`),
    requested: [`+/${"a".repeat(65_000)}`],
  },
  {
    what: "filters that part from each rule in the last level only",
    rules: list(1_000, (i) => `r +/y${i}/${"+/".repeat(1_000)}b`),
    requested: list(100, (i) => `x${i}/+/${"+/".repeat(1_000)}a`),
  },
  {
    what: "a hundred filters that have nothing in common with 10,000 rules",
    rules: list(10_000, (i) => `r a${i % 10}/b${i % 100}/c${i}/d/y`),
    requested: list(100, (i) => `+/+/+/+/x${i}`),
    count: 0,
  },
  {
    what: "rules that cover each other in every way",
    rules: allOfAAndPlus(13).map((one) => `r ${one}`),
    requested: ["#", `${SAME_BEGINNING}/a/#`],
    count: 1,
  },
  {
    what: "rules that almost cover each other in every way",
    rules: [
      ...allOfAAndPlus(12).map((one) => `r ${one}/y`),
      ...list(5_900, (i) => `r ${SAME_BEGINNING}/x${i}`),
    ],
    requested: ["#"],
    count: 5901,
  },
  {
    what: "denials that almost cover each rule in every way",
    rules: [
      ...allOfAAndPlus(12).map((one) => `-r ${one}/y`),
      ...list(5_900, (i) => `r ${SAME_BEGINNING}/x${i}`),
    ],
    requested: ["#"],
    count: 5900,
  },
];

for (const { what, rules, requested, count } of HOSTILE) {
  const outcome = count === undefined ? "is refused" : `gives ${count} filters`;
  Deno.test(`narrow() with ${what} ${outcome}, soon`, () => {
    const permissions = new Permissions(rules.map(rule));
    const filters = requested.map(parseTopicFilter);
    const start = performance.now();
    if (count === undefined) {
      assert.throws(() => permissions.narrow(filters), {
        code: "invalid_argument",
        message: /too long, or cross too many rules/,
        hint: /narrower filters, or fewer/,
      });
    } else assert.equal(permissions.narrow(filters).filters.length, count);
    const elapsedMs = performance.now() - start;
    assert.ok(elapsedMs < MAX_MS, `${elapsedMs} ms`);
  });
}

Deno.test("narrow() of one filter of 32,768 levels is exact", () => {
  const levels = "+/".repeat(32_700);
  const { filters, narrowed } = narrow(list(5, (i) => `r site${i}/#`), [`${levels}#`]);
  assert.deepEqual(filters.map(({ text }) => text.slice(0, 7)), list(5, (i) => `site${i}/+`));
  assert.ok(filters.every(({ levels }) => levels.length === 32_701));
  assert.equal(narrowed, true);
});

Deno.test("narrow() says narrowed if it would take too long to find out that it is not", () => {
  // Together the two rules for each x cover what is asked for. To see it, each of the 4,096 ways to
  // the level before it has to be looked at.
  const ask = (count: number): Narrowing =>
    narrow([
      ...allOfAAndPlus(12).map((one) => `r ${one}/y`),
      ...list(count, (i) => `r ${SAME_BEGINNING}/x${i}`),
      ...list(count, (i) => `r ${SAME_BEGINNING}/x${i}/+/#`),
    ], list(count, (i) => `${SAME_BEGINNING}/x${i}/#`));
  assert.equal(ask(100).narrowed, false);
  const { filters, narrowed } = ask(1_500);
  assert.equal(filters.length, 3_000);
  assert.equal(narrowed, true);
});

Deno.test("readForbidden() and nearest() with 10,000 rules take little time", {
  retry: TIMED_RETRIES,
}, () => {
  const rules = list(10_000, (i) => `r ${"x".repeat(60)}${i}/+/${"y".repeat(60)}`);
  const permissions = new Permissions(rules.map(rule));
  const filters = list(100, (i) => `+/+/+/${i}/${"z/".repeat(500)}`).map(parseTopicFilter);
  assert.equal(permissions.narrow(filters).filters.length, 0);
  const start = performance.now();
  assert.match(
    permissions.readForbidden(filters).message,
    /^no rule grants read on .* and 97 more$/,
  );
  assert.equal(permissions.nearest("y/".repeat(32_767), "read").length, 3);
  const elapsedMs = performance.now() - start;
  assert.ok(elapsedMs < 2_000, `${elapsedMs} ms`);
});

Deno.test("readForbidden() of filters that are too long to be compared takes little time", {
  retry: TIMED_RETRIES,
}, () => {
  const permissions = new Permissions([rule("r a")]);
  const filters = list(100, (i) => `x${i}/${"+/".repeat(32_000)}#`).map(parseTopicFilter);
  const start = performance.now();
  const { code, hint } = permissions.readForbidden(filters);
  const elapsedMs = performance.now() - start;
  assert.equal(code, "forbidden");
  assert.equal(hint, 'Granted for read near it: "a".');
  assert.ok(elapsedMs < 2_000, `${elapsedMs} ms`);
});
