/** A hundred clients of one server over HTTP, and the connections to the broker that they cost. */

import assert from "node:assert/strict";
import type { Client } from "@modelcontextprotocol/client";
import { matches, parseTopicFilter } from "../../lib/topics/topic_filter.ts";
import { eachBroker } from "../brokers/each_broker.ts";
import { callHttp, connected, KEY, serving } from "./served_http.ts";

const SESSIONS = 100;
const TOPICS = 10;
/** With that over which is published. */
const MAX_CONNECTIONS = 4;

/** As many as may be answered at once, or less. */
const AT_ONCE = 33;

interface Watching {
  readonly client: Client;
  readonly watch_id: unknown;
  readonly filter: string;
}

/** What each session watches: the same, or what the filter of the first covers. */
const WATCHED: Readonly<Record<string, (session: number) => string>> = {
  "on one filter": () => "t/#",
  "on filters that one of them covers": (i) =>
    i === 0 ? "t/#" : [`t/${i % TOPICS}/#`, `t/${i % TOPICS}/x`, "t/+/x"][i % 3] ?? "",
};

for (const [name, filterOf] of Object.entries(WATCHED)) {
  eachBroker(`a hundred sessions ${name} use four connections, and get each message once`, async ({
    broker,
    version,
    connect,
  }) => {
    await using device = await connect();
    for (let i = 0; i < TOPICS; i++) {
      await device.publish(`t/${i}/x`, "kept", { retain: true, qos: 1 });
    }
    const { host, port } = broker;
    await using server = await serving({ api_key: KEY }, {
      mqtt: { host, port, protocol_version: version },
      limits: { max_messages: 100 },
    });
    await using stack = new AsyncDisposableStack();
    const begin = async (i: number): Promise<Watching> => {
      const client = stack.use(await connected(server.url, "legacy"));
      const { watch_id } = await callHttp(client, "mqtt_watch", { topic: filterOf(i) });
      return { client, watch_id, filter: filterOf(i) };
    };
    const sessions: Watching[] = [await begin(0)];
    while (sessions.length < SESSIONS) {
      const next = Array.from({ length: AT_ONCE }, (_, i) => begin(sessions.length + i));
      sessions.push(...await Promise.all(next));
    }
    const { client } = sessions.at(-1) ?? await begin(0);
    await callHttp(client, "mqtt_publish", { topic: "t/0/x", payload: "live", qos: 1 });
    // From elsewhere, and the last thing that is published.
    for (let i = 0; i < TOPICS; i++) await device.publish(`t/${i}/x`, "end", { qos: 1 });
    const own = broker.clients().filter((id) => id !== device.clientId);
    assert.ok(own.length <= MAX_CONNECTIONS, `${own}`);
    while (sessions.length > 0) await Promise.all(sessions.splice(0, AT_ONCE).map(assertAll));
  });
}

/** It has got the retained message and what was published of each topic, once. */
async function assertAll({ client, watch_id, filter }: Watching): Promise<void> {
  const expected = Array.from({ length: TOPICS }, (_, n) => `t/${n}/x`)
    .filter((topic) => matches(parseTopicFilter(filter), topic))
    .flatMap((topic) => {
      const live = topic === "t/0/x" ? [`${topic} live`] : [];
      return [`${topic} kept retained`, ...live, `${topic} end`];
    });
  const got: string[] = [];
  while (got.length < expected.length) {
    const { messages } = await callHttp(client, "mqtt_watch_read", { watch_id, timeout: 10 });
    const some = messages as Array<{ topic?: string; payload: string; retain?: true }>;
    assert.ok(some.length > 0, `${filter}: expected ${expected}, got ${got}`);
    for (const { topic = filter, payload, retain } of some) {
      got.push(`${topic} ${payload}${retain ? " retained" : ""}`);
    }
  }
  assert.deepEqual(got.toSorted(), expected.toSorted());
}
