import assert from "node:assert/strict";
import { withFewConnections } from "../../lib/access/few_connections.ts";
import { parseTopicFilter, type TopicFilter } from "../../lib/topics/topic_filter.ts";
import { startAedes } from "../brokers/aedes.ts";
import { until } from "../brokers/until.ts";
import { startHost } from "../host.ts";

const LEVELS = 10;

/** A topic name of ten levels after the first; each is `n` and its place if it is among `places`. */
function name(places: readonly number[], other: string): string {
  const levels = Array.from({ length: LEVELS }, (_, at) => places.includes(at) ? `n${at}` : other);
  return ["x", ...levels].join("/");
}

/** At most 252 filters that all match one name, and none of which covers another. */
function overlapping(count: number): string[] {
  const filters: string[] = [];
  for (let bits = 0; filters.length < count; bits++) {
    const places = Array.from({ length: LEVELS }, (_, at) => at).filter((at) => bits >> at & 1);
    if (places.length === LEVELS / 2) filters.push(name(places, "+"));
  }
  return filters;
}

const parsed = (texts: readonly string[]): TopicFilter[] => texts.map(parseTopicFilter);

Deno.test("withFewConnections() leaves filters that do not overlap, and few that do, as they are", () => {
  const many = parsed(Array.from({ length: 1_000 }, (_, i) => `a/${i}/#`));
  assert.equal(withFewConnections(many, () => false).filters, many);
  const eight = parsed(overlapping(8));
  assert.equal(withFewConnections(eight, () => false).filters, eight);
});

Deno.test("withFewConnections() takes one wider filter instead, and wants what was asked for", () => {
  const { filters, isWanted } = withFewConnections(parsed(overlapping(9)), () => true);
  assert.equal(filters.length, 1);
  assert.match(filters[0]?.text ?? "", /^x(\/(\+|n\d)){10}$/);
  assert.equal(isWanted?.(name([0, 1, 2, 3, 4], "other")), true);
  assert.equal(isWanted?.(name([0, 1, 2, 3], "other")), false);
});

Deno.test("withFewConnections() refuses what only a filter that is not granted would cover", () => {
  assert.throws(
    () => withFewConnections(parsed(overlapping(9)), () => false),
    { code: "invalid_argument", message: /the 9 topic filters overlap .* more than 8 connections/ },
  );
});

Deno.test("one watch of 100 overlapping filters has one connection, and each message once", async () => {
  await using broker = await startAedes();
  await using host = await startHost({
    config: {
      mqtt: { host: broker.host, port: broker.port },
      topics: [{ pattern: "x/#", permissions: ["read"] }],
    },
  });
  const filters = overlapping(100);
  await host.expectResult("mqtt_watch", { topic: filters });
  assert.equal(broker.clients().length, 1);
  const all = Array.from({ length: LEVELS }, (_, at) => at);
  await broker.publish(name([0, 1, 2], "other"), "not asked for");
  await broker.publish(name(all, ""), "asked for by all");
  await broker.publish(name([0, 1, 2, 3, 4], "other"), "asked for by one");
  const payloads: string[] = [];
  await until(async () => {
    const read = await host.expectResult("mqtt_watch_read", { watch_id: "w1", timeout: 1 });
    payloads.push(...read.messages.map(({ payload }: { payload: string }) => payload));
    return payloads.length >= 2;
  });
  assert.deepEqual(payloads, ["asked for by all", "asked for by one"]);
});
