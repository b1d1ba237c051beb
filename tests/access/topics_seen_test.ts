import assert from "node:assert/strict";
import { TopicsSeen } from "../../lib/access/topics_seen.ts";

Deno.test("TopicsSeen remembers each name once, in order, within bounds of number and size", () => {
  const seen = new TopicsSeen();
  for (const name of ["b", "a", "b"]) seen.add(name);
  assert.deepEqual([...seen], ["b", "a"]);
  for (let i = 0; i < 10_000; i++) seen.add(`t/${i}`);
  assert.equal([...seen].length, 5_000);
  const large = new TopicsSeen();
  for (let i = 0; i < 100; i++) large.add(`${i}/`.padEnd(60_000, "x"));
  assert.equal([...large].length, 8);
  large.add("small");
  assert.equal([...large].length, 9);
});
