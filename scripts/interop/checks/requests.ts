/**
 * Requests and their answers, through the program and MCP.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type Host, startHost } from "../../../tests/host.ts";
import type { Received, Reply, TestClient } from "../../../tests/brokers/client.ts";
import type { Check, Context } from "../check.ts";
import type { NoteId } from "../notes.ts";

const SIDE_BY_SIDE = 5;
const QUERY_TIMEOUT_S = 10;

export const REQUESTS: readonly Check[] = [
  {
    name: "Over MCP: publish, read and status",
    async run(context): Promise<void> {
      await using host = await start(context);
      const topic = context.topic();
      const published = await host.expectResult("mqtt_publish", {
        topic,
        payload: { value: 22.5 },
        qos: 1,
        retain: true,
      });
      assert.equal(published.outcome, "acknowledged");
      const { payload, retain } = await host.expectResult("mqtt_read", { topic });
      assert.deepEqual({ payload, retain }, { payload: { value: 22.5 }, retain: true });
      const { broker } = await host.expectResult("mqtt_status");
      assert.equal(broker.protocol_version, context.version);
    },
  },
  {
    name: "Over MCP: a query gets its answer",
    async run(context): Promise<void> {
      await using host = await start(context);
      await using device = await context.device();
      const topic = context.topic();
      await answerAll(device, { topic, atOnce: 1 });
      const { responses } = await host.expectResult("mqtt_query", query(topic, "1", "only"));
      assert.deepEqual(responses.map(({ payload }: { payload: unknown }) => payload), [
        "to only",
      ]);
    },
  },
  {
    name: "Over MCP: a command is seen to be obeyed, with the state that was `before`",
    async run(context): Promise<void> {
      await using host = await start(context);
      await using device = await context.device();
      const topic = context.topic();
      await device.publish(topic, '{"state":"OFF"}', { qos: 1, retain: true });
      await device.respond(`${topic}/set`, () => ({
        topic,
        payload: '{"state":"ON"}',
        options: { qos: 1, retain: true },
      }));
      await using _watching = await watching(host, topic);
      for (const before of ["OFF", "ON"]) {
        const result = await host.expectResult("mqtt_query", {
          request_topic: `${topic}/set`,
          response_topic: topic,
          payload: { state: "ON" },
          where: { path: "/state", op: "eq", value: "ON" },
          timeout: QUERY_TIMEOUT_S,
        });
        assert.deepEqual(result.before, { state: before });
        assert.equal(result.responses.length, 1);
      }
    },
  },
  {
    name: `Over MCP: ${SIDE_BY_SIDE} queries side by side each get their own`,
    async run(context): Promise<NoteId | void> {
      await using host = await start(context);
      await using device = await context.device();
      const topic = context.topic();
      await answerAll(device, { topic, atOnce: SIDE_BY_SIDE });
      const answers = await Promise.all(Array.from({ length: SIDE_BY_SIDE }, async (_, i) => {
        const place = context.version === "5" ? "shared" : String(i);
        const { responses } = await host.expectResult("mqtt_query", query(topic, place, `${i}`));
        return responses.map(({ payload }: { payload: unknown }) => payload);
      }));
      assert.deepEqual(answers, answers.map((_, i) => [`to ${i}`]));
      return context.version === "5" ? undefined : "correlationNotSpoken";
    },
  },
];

/** A watch on a topic, so that others who want it have its filter subscribed to again. */
async function watching(host: Host, topic: string): Promise<AsyncDisposable> {
  const { watch_id } = await host.expectResult("mqtt_watch", { topic });
  return {
    async [Symbol.asyncDispose](): Promise<void> {
      await host.expectResult("mqtt_watch_stop", { watch_id });
    },
  };
}

function start({ broker, version }: Context): Promise<Host> {
  return startHost({
    config: {
      mqtt: { host: broker.host, port: broker.port, protocol_version: version },
      topics: [{ pattern: "#", permissions: ["read", "write"], retain: true }],
    },
  });
}

function query(topic: string, place: string, text: string): object {
  return {
    request_topic: `${topic}/request/${place}`,
    response_topic: `${topic}/response/${place}`,
    payload: text,
    timeout: QUERY_TIMEOUT_S,
  };
}

/** Waits for `atOnce` requests and answers them, the last first. */
async function answerAll(
  device: TestClient,
  { topic, atOnce }: { readonly topic: string; readonly atOnce: number },
): Promise<void> {
  const pending: ((reply: Reply) => void)[] = [];
  const requests: Received[] = [];
  await device.respond(`${topic}/request/+`, (request) => {
    const { promise, resolve } = Promise.withResolvers<Reply>();
    requests.push(request);
    pending.push(resolve);
    if (pending.length === atOnce) {
      for (const [i, answer] of [...pending.entries()].reverse()) {
        const asked = requests[i];
        if (asked !== undefined) answer(replyTo(asked));
      }
    }
    return promise;
  });
}

function replyTo({ topic, text, packet: { properties } }: Received): Reply {
  const { correlationData, responseTopic } = properties ?? {};
  return {
    topic: responseTopic ?? topic.replace("/request/", "/response/"),
    payload: `to ${text}`,
    options: {
      qos: 1,
      ...(correlationData === undefined ? {} : { properties: { correlationData } }),
    },
  };
}
