import assert from "node:assert/strict";
import fc from "fast-check";
import { type Family, foldTopics, showTopics } from "../../lib/messages/fold.ts";
import type { SeenTopic } from "../../lib/messages/survey.ts";

function seen(topic: string, some: Partial<SeenTopic> = {}): SeenTopic {
  return {
    topic,
    messages: 1,
    live: 1,
    retained: false,
    at: 0,
    last: { last: "1" },
    shape: undefined,
    kind: "number",
    ...some,
  };
}

const topicsOf = (folded: ReadonlyArray<SeenTopic | Family>): string[] =>
  folded.map(({ topic }) => topic);

Deno.test("foldTopics() makes one of more than fold topics that differ in one level", async () => {
  const counters = Array.from({ length: 20 }, (_, i) => seen(`line/${i + 1}/count`));
  const others = [seen("line/1/state", { kind: "text" }), seen("a")];
  const folded = await foldTopics([...counters, ...others], 16);
  assert.deepEqual(topicsOf(folded), ["a", "line/+/count", "line/1/state"]);
  const family = folded[1];
  assert.ok(family && "names" in family);
  assert.deepEqual(family.names, ["1", "2", "3", "4", "5", "20"]);
  assert.equal(family.members.length, 20);
  assert.deepEqual(topicsOf(await foldTopics(counters, 20)), topicsOf(counters).sort());
  assert.deepEqual(topicsOf(await foldTopics(counters, 0)), topicsOf(counters).sort());
});

Deno.test("foldTopics() keeps topics of another shape apart", async () => {
  const some = Array.from({ length: 5 }, (_, i) => seen(`s/${i}/x`, { kind: "{t: number}" }));
  const odd = seen("s/7/x", { kind: "{t: string}" });
  const folded = await foldTopics([...some, odd], 3);
  assert.deepEqual(topicsOf(folded), ["s/+/x", "s/7/x"]);
});

Deno.test("foldTopics() puts a topic into the largest family that it can be of, and into one", async () => {
  const grid = ["a", "b", "c"].flatMap((row) =>
    Array.from({ length: 5 }, (_, i) => seen(`${row}/${i}`))
  );
  assert.deepEqual(topicsOf(await foldTopics(grid, 2)), ["a/+", "b/+", "c/+"]);
});

Deno.test("showTopics() tells the sums of a family, and the latest of its messages", async () => {
  const members = [
    seen("s/b", { messages: 3, live: 2, retained: true, at: 2_000, last: { last: "late" } }),
    seen("s/a", { messages: 1, live: 0, retained: true, at: 1_000 }),
  ];
  const [family] = await foldTopics(members, 1);
  assert.ok(family);
  assert.deepEqual(showTopics(family, 4), {
    topic: "s/+",
    topics: 2,
    names: ["a", "b"],
    messages: 4,
    rate: 0.5,
    retained: true,
    last: "late",
    at: "1970-01-01T00:00:02.000Z",
  });
  assert.deepEqual(showTopics(seen("x", { live: 0 }), 4), {
    topic: "x",
    messages: 1,
    last: "1",
    at: "1970-01-01T00:00:00.000Z",
  });
});

Deno.test("foldTopics() accounts for each topic once, as a law", async () => {
  const level = fc.constantFrom("a", "b", "c", "", "$x", "ü");
  const topic = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join("/"));
  const some = fc.uniqueArray(topic.filter((text) => text !== ""), { maxLength: 60 });
  await fc.assert(fc.asyncProperty(some, fc.nat(5), fc.nat(2), async (topics, fold, kinds) => {
    const all = topics.map((one, i) => seen(one, { messages: i, kind: `k${i % (kinds + 1)}` }));
    const folded = await foldTopics(all, fold);
    const members = folded.flatMap((one) => "members" in one ? one.members : [one]);
    assert.deepEqual(topicsOf(members).sort(), [...topics].sort());
    assert.deepEqual(topicsOf(folded), topicsOf(folded).sort());
    for (const one of folded) {
      if (!("members" in one)) continue;
      assert.ok(fold > 0 && one.members.length > fold);
      assert.equal(new Set(one.members.map(({ kind }) => kind)).size, 1);
      const at = one.topic.split("/").indexOf("+");
      for (const { topic } of one.members) {
        assert.equal(topic.split("/").with(at, "+").join("/"), one.topic);
      }
    }
    const shown = folded.map((one) => showTopics(one, 1));
    const sum = (numbers: number[]): number => numbers.reduce((a, b) => a + b, 0);
    assert.equal(sum(shown.map(({ messages }) => messages)), sum([...topics.keys()]));
    assert.equal(sum(shown.map(({ topics = 1 }) => topics)), topics.length);
  }));
});
