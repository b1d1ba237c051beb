import assert from "node:assert/strict";
import fc from "fast-check";
import { type Narrowing, Permissions, type Rule } from "../../lib/topics/permissions.ts";
import {
  canonicalText,
  covers,
  intersect,
  parseTopicFilter,
  type TopicFilter,
} from "../../lib/topics/topic_filter.ts";
import { includes, namesOf, namesOfAny, smallFilter } from "./oracle.ts";
import { anyRules, rule } from "./rules.ts";
import { TIMED_RETRIES } from "../brokers/until.ts";

interface Case {
  readonly requested: readonly TopicFilter[];
  readonly narrowing: Narrowing;
  /** Bits of the names that are asked for. */
  readonly asked: bigint;
  /** Bits of the names that may be read. */
  readonly readable: bigint;
  readonly denials: readonly TopicFilter[];
  readonly grants: readonly TopicFilter[];
}

function forAnyCase(check: (one: Case) => void): void {
  const requests = fc.array(smallFilter, { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(anyRules, requests, (rules, requested) => check(caseOf(rules, requested))),
    { numRuns: 2_000 },
  );
}

function caseOf(rules: readonly Rule[], requested: readonly TopicFilter[]): Case {
  const patterns = (list: "permissions" | "deny"): TopicFilter[] =>
    rules.filter((one) => one[list].includes("read")).map(({ pattern }) => pattern);
  const [grants, denials] = [patterns("permissions"), patterns("deny")];
  return {
    requested,
    narrowing: new Permissions(rules).narrow(requested),
    asked: namesOfAny(requested),
    readable: namesOfAny(grants) & ~namesOfAny(denials),
    grants,
    denials,
  };
}

Deno.test("narrow() gives nothing wider than what a rule grants and is asked for", () => {
  forAnyCase(({ narrowing, requested, grants }) => {
    for (const filter of narrowing.filters) {
      assert.ok(grants.some((one) => includes(namesOf(one), namesOf(filter))), filter.text);
      assert.ok(requested.some((one) => includes(namesOf(one), namesOf(filter))), filter.text);
    }
  });
});

Deno.test("narrow() loses no name that is asked for and may be read", () => {
  forAnyCase(({ narrowing, asked, readable }) => {
    assert.ok(includes(namesOfAny(narrowing.filters), asked & readable));
  });
});

Deno.test("narrow() gives no filter that another covers", () => {
  forAnyCase(({ narrowing: { filters } }) => {
    for (const [i, a] of filters.entries()) {
      for (const [j, b] of filters.entries()) {
        assert.ok(i === j || !includes(namesOf(a), namesOf(b)), `"${a.text}" and "${b.text}"`);
      }
    }
  });
});

Deno.test("narrow() gives no filter that a rule denies whole", () => {
  forAnyCase(({ narrowing, denials }) => {
    for (const filter of narrowing.filters) {
      assert.ok(!denials.some((one) => includes(namesOf(one), namesOf(filter))), filter.text);
    }
  });
});

Deno.test("narrow() says narrowed exactly when a name that is asked for may not be read", () => {
  forAnyCase(({ narrowing, asked, readable }) => {
    assert.equal(narrowing.narrowed, !includes(readable, asked));
  });
});

Deno.test("narrow() gives all intersections but those that another or a denial covers", () => {
  const requests = fc.array(smallFilter, { maxLength: 10, size: "max" });
  fc.assert(
    fc.property(anyRules, anyRules, requests, (some, more, requested) => {
      const rules = [...some, ...more];
      const { grants, denials, narrowing } = caseOf(rules, requested);
      const all = requested.flatMap((one) =>
        grants.flatMap((grant) => intersect(one, grant) ?? [])
      );
      const expected = all.filter((one) =>
        !all.some((other) => covers(other, one) && !covers(one, other)) &&
        !denials.some((denial) => covers(denial, one))
      );
      const texts = narrowing.filters.map(canonicalText);
      assert.deepEqual(new Set(texts), new Set(expected.map(canonicalText)));
      assert.equal(texts.length, new Set(texts).size);
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("narrow() gives the filters in the order of the request, then of the rules", () => {
  forAnyCase(({ narrowing, requested, grants }) => {
    const places = narrowing.filters.map((filter) =>
      requested.flatMap((one) => grants.map((grant) => namesOf(one) & namesOf(grant)))
        .indexOf(namesOf(filter))
    );
    assert.deepEqual(places, places.toSorted((a, b) => a - b));
    assert.ok(!places.includes(-1));
  });
});

const CASES: readonly {
  rules: string[];
  requested: string[];
  filters: string[];
  narrowed: boolean;
}[] = [
  { rules: ["r #"], requested: ["a/#"], filters: ["a/#"], narrowed: false },
  { rules: ["r #"], requested: ["#"], filters: ["#"], narrowed: false },
  { rules: ["r #"], requested: ["$SYS/#"], filters: [], narrowed: true },
  { rules: ["r a/#", "r b"], requested: ["#"], filters: ["a/#", "b"], narrowed: true },
  { rules: ["r a", "r a/+/#"], requested: ["a/#"], filters: ["a", "a/+/#"], narrowed: false },
  { rules: ["r a/b", "r a/#", "r +/b"], requested: ["a/+"], filters: ["a/+"], narrowed: false },
  { rules: ["r +/t"], requested: ["a/#"], filters: ["a/t"], narrowed: true },
  { rules: ["r +/#", "r #"], requested: ["#", "+/#"], filters: ["#"], narrowed: false },
  { rules: ["r #", "r +/#"], requested: ["#", "+/#"], filters: ["#"], narrowed: false },
  { rules: ["r /#"], requested: ["#", "+/+/#"], filters: ["/#"], narrowed: true },
  { rules: ["r /#"], requested: ["+/+/#", "#"], filters: ["/#"], narrowed: true },
  { rules: ["r a", "-r a"], requested: ["a"], filters: [], narrowed: true },
  { rules: ["r a/#", "-r a/b"], requested: ["a/#"], filters: ["a/#"], narrowed: true },
  { rules: ["r a/#", "-r a/b"], requested: ["a/c/#"], filters: ["a/c/#"], narrowed: false },
  { rules: ["r a", "r b", "-r +"], requested: ["#"], filters: [], narrowed: true },
  { rules: ["w a"], requested: ["a"], filters: [], narrowed: true },
  { rules: ["r a", "-w a"], requested: ["a"], filters: ["a"], narrowed: false },
  { rules: ["r #"], requested: ["b", "a", "b"], filters: ["b", "a"], narrowed: false },
  { rules: ["r a", "r b"], requested: ["b", "#"], filters: ["b", "a"], narrowed: true },
  { rules: ["r a", "r b/+"], requested: ["+", "b/c"], filters: ["a", "b/c"], narrowed: true },
  { rules: [], requested: ["#"], filters: [], narrowed: true },
  { rules: ["r a"], requested: [], filters: [], narrowed: false },
];

for (const { rules, requested, filters, narrowed } of CASES) {
  const [of, by, gives] = [requested, rules, filters].map((list) => JSON.stringify(list));
  Deno.test(`narrow() of ${of} by ${by} is ${gives}${narrowed ? ", narrowed" : ""}`, () => {
    const narrowing = new Permissions(rules.map(rule)).narrow(requested.map(parseTopicFilter));
    assert.deepEqual(narrowing.filters.map(({ text }) => text), filters);
    assert.equal(narrowing.narrowed, narrowed);
    assert.ok(Object.isFrozen(narrowing.filters));
  });
}

Deno.test("narrow() says narrowed where an intersection is too long to be subscribed to", () => {
  const requested = [parseTopicFilter(`${"a".repeat(65_533)}/#`)];
  const narrowing = new Permissions(["r +", "r +/+/#"].map(rule)).narrow(requested);
  assert.deepEqual(narrowing.filters.map(({ text }) => text), ["a".repeat(65_533)]);
  assert.equal(narrowing.narrowed, true);
});

Deno.test("narrow() does not say narrowed where a grant covers what is too long", () => {
  const requested = [parseTopicFilter(`+/+/${"b".repeat(32_766)}`)];
  const rules = [`r ${"a".repeat(32_767)}/+/+`, "r +/+/+"].map(rule);
  const narrowing = new Permissions(rules).narrow(requested);
  assert.deepEqual(narrowing, { filters: requested, narrowed: false });
});

Deno.test('narrow() of "#" by 10,000 rules does not take the square of the time', {
  retry: TIMED_RETRIES,
}, () => {
  const patterns = Array.from({ length: 10_000 }, (_, i) => `r site/${i % 100}/${i}/+`);
  const permissions = new Permissions(patterns.map(rule));
  const start = performance.now();
  const { filters } = permissions.narrow([parseTopicFilter("#")]);
  const elapsedMs = performance.now() - start;
  assert.equal(filters.length, 10_000);
  assert.ok(elapsedMs < 2_000, `${elapsedMs} ms`);
});
