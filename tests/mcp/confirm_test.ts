import assert from "node:assert/strict";
import type { ServerContext } from "@modelcontextprotocol/server";
import { ConfirmationNeeded, confirmedAs } from "../../lib/access/confirmation.ts";
import { Confirmations } from "../../lib/mcp/confirm.ts";
import { parseTopicFilter } from "../../lib/topics/topic_filter.ts";
import { startAedes } from "../brokers/aedes.ts";
import { connectClient, type TestClient } from "../brokers/client.ts";
import { until } from "../brokers/until.ts";
import { type Host, startHost } from "../host.ts";
import { publication } from "../mqtt/connections.ts";

type Action = "accept" | "decline" | "cancel";
/** What a person is asked, and answers. */
type Person = (question: string) => Action | Promise<Action>;

interface Asked {
  readonly host: Host;
  readonly device: TestClient;
  readonly questions: string[];
}

async function asking(
  person: Person | undefined,
  protocol: "auto" | "legacy",
  work: (asked: Asked) => Promise<void>,
): Promise<void> {
  await using broker = await startAedes();
  await using device = await connectClient(broker);
  await device.subscribe("t/#", { qos: 1 });
  const questions: string[] = [];
  await using host = await startHost({
    protocol,
    capabilities: person === undefined ? {} : { elicitation: {} },
    prepare: (client) => {
      if (person === undefined) return;
      client.setRequestHandler("elicitation/create", async ({ params }) => {
        questions.push(params.message);
        return { action: await person(params.message), content: {} };
      });
    },
    config: {
      mqtt: { host: broker.host, port: broker.port },
      topics: [
        { pattern: "t/#", permissions: ["read", "write"] },
        { pattern: "t/valve/#", permissions: ["write"], confirm: true },
        { pattern: "t/valve/2", permissions: ["write"], rate: { messages: 1, seconds: 3600 } },
      ],
    },
  });
  await work({ host, device, questions });
}

Deno.test("a write of Sparkplug B is confirmed as it is shown, whatever time it is given", async () => {
  const answer = async (): Promise<Action> => {
    const asked = Date.now();
    await until(() => Date.now() > asked + 1, { what: () => "another time" });
    return "accept";
  };
  for (const protocol of ["auto", "legacy"] as const) {
    await asking(answer, protocol, async ({ host, device, questions }) => {
      const metrics = [{ name: "A", value: 5, type: "Int8" }];
      const write = { topic: "t/valve/1", payload: { metrics }, encoding: "sparkplug", qos: 1 };
      await host.expectResult("mqtt_publish", write);
      const [received] = await device.collect(1);
      assert.equal(received?.payload[0], 0x08);
      assert.match(
        questions[0] ?? "",
        /payload \(\d+ bytes, in Sparkplug B\): "\{.*\\"name\\":\\"A\\",\\"value\\":5,/,
      );
    });
  }
});

const OPEN = { topic: "t/valve/1", payload: "open", qos: 1 };

for (const protocol of ["auto", "legacy"] as const) {
  Deno.test(`a write under a rule with confirm is sent after a yes, and is what was shown (${protocol})`, async () => {
    await asking(() => "accept", protocol, async ({ host, device, questions }) => {
      const { outcome } = await host.expectResult("mqtt_publish", { ...OPEN, retain: false });
      assert.equal(outcome, "acknowledged");
      await device.collect(1);
      assert.deepEqual(device.received.map(({ topic, text }) => [topic, text]), [
        ["t/valve/1", "open"],
      ]);
      assert.deepEqual(questions, [
        'An agent wants to publish this to the MQTT broker. Accept to send it.\ntopic: "t/valve/1"\npayload (4 bytes): "open"\nQoS: 1, retain: no',
      ]);
      // Each write is asked for, and others are not.
      await host.expectResult("mqtt_publish", { ...OPEN, payload: "shut" });
      await host.expectResult("mqtt_publish", { topic: "t/other", payload: "1", qos: 1 });
      assert.equal(questions.length, 2);
    });
  });

  Deno.test(`a write that the person declines is not sent (${protocol})`, async () => {
    const answers: Action[] = ["decline", "cancel"];
    await asking(() => answers.shift() ?? "accept", protocol, async ({ host, device }) => {
      for (let i = 0; i < 2; i++) {
        const error = await host.expectError("declined", "mqtt_publish", OPEN);
        assert.deepEqual([error.message, error.outcome], [
          "the person said no; nothing was sent",
          "not_sent",
        ]);
      }
      await host.expectResult("mqtt_publish", { topic: "t/end", payload: "1", qos: 1 });
      await device.collect(1);
      assert.deepEqual(device.received.map(({ topic }) => topic), ["t/end"]);
    });
  });

  Deno.test(`a host that cannot ask gets declined, with a hint (${protocol})`, async () => {
    await asking(undefined, protocol, async ({ host }) => {
      const { message, hint, outcome } = await host.expectError("declined", "mqtt_publish", OPEN);
      assert.match(message, /the rule "t\/valve\/#" wants the person to confirm.*cannot ask/);
      assert.match(hint ?? "", /MCP elicitation/);
      assert.equal(outcome, "not_sent");
    });
  });

  Deno.test(`mqtt_query asks before it subscribes to anything (${protocol})`, async () => {
    await asking(() => "decline", protocol, async ({ host, device, questions }) => {
      const query = { request_topic: "t/valve/1", response_topic: "t/answer", payload: "open" };
      await host.expectError("declined", "mqtt_query", query);
      assert.equal(questions.length, 1);
      const { watches } = await host.expectResult("mqtt_status", {});
      assert.deepEqual(watches, []);
      assert.deepEqual(device.received, []);
    });
    await asking(() => "accept", protocol, async ({ host, device }) => {
      await device.respond("t/valve/1", () => ({ topic: "t/answer", payload: "done" }));
      const { responses } = await host.expectResult("mqtt_query", {
        request_topic: "t/valve/1",
        response_topic: "t/answer",
        payload: "open",
      });
      assert.equal(responses[0].payload, "done");
    });
  });

  Deno.test(`what is wrong is refused before the person is asked (${protocol})`, async () => {
    await asking(() => "accept", protocol, async ({ host, questions }) => {
      await host.expectError("invalid_topic", "mqtt_publish", { ...OPEN, topic: "t/valve/#" });
      await host.expectError("forbidden", "mqtt_publish", { ...OPEN, retain: true });
      await host.expectError("invalid_argument", "mqtt_publish", { ...OPEN, qos: 3 });
      assert.deepEqual(questions, []);
    });
  });

  Deno.test(`nobody is asked for what the rate does not let through (${protocol})`, async () => {
    await asking(() => "accept", protocol, async ({ host, questions }) => {
      const write = { ...OPEN, topic: "t/valve/2" };
      await host.expectResult("mqtt_publish", write);
      await host.expectError("rate_limited", "mqtt_publish", write);
      await host.expectError("rate_limited", "mqtt_query", {
        request_topic: write.topic,
        response_topic: "t/answer",
        payload: "1",
      });
      assert.equal(questions.length, 1);
    });
  });

  Deno.test(`texts of the agent cannot forge the question (${protocol})`, async () => {
    await asking(() => "decline", protocol, async ({ host, questions }) => {
      const payload = 'x"\nQoS: 0, retain: no\n\u202etopic: "harmless"\u001b[2K';
      await host.expectError("declined", "mqtt_publish", { ...OPEN, payload });
      const [question = ""] = questions;
      assert.equal(question.split("\n").length, 4);
      assert.ok(!["\u202e", "\u001b"].some((one) => question.includes(one)), question);
      assert.match(question, /payload \(\d+ bytes\): "x\\"\\nQoS: 0, retain: no\\n\\u202etopic/);
    });
  });
}

Deno.test("questions of the older generations come one after the other, and a cancelled call withdraws its own", async () => {
  let open = 0;
  let most = 0;
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
  const person = async (): Promise<Action> => {
    open++;
    most = Math.max(most, open);
    await answered;
    open--;
    return "accept";
  };
  await asking(person, "legacy", async ({ host, device, questions }) => {
    const controller = new AbortController();
    const cancelled = host.callTool("mqtt_publish", OPEN, { signal: controller.signal });
    await until(() => questions.length === 1, { what: () => "the first question" });
    const others = ["2", "3"].map((payload) =>
      host.expectResult("mqtt_publish", { ...OPEN, payload })
    );
    controller.abort();
    await assert.rejects(cancelled);
    await until(() => questions.length === 2, { what: () => "the second question" });
    answer();
    await Promise.all(others);
    assert.equal(questions.length, 3);
    await device.collect(2);
    assert.deepEqual(device.received.map(({ text }) => text).sort(), ["2", "3"]);
    // The host has not been told that the first was withdrawn before the second came.
    assert.ok(most <= 2, `${most} at once`);
  });
});

Deno.test("one question at a time is asked in the older generations", async () => {
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
  const person = async (): Promise<Action> => {
    await answered;
    return "accept";
  };
  await asking(person, "legacy", async ({ host, questions }) => {
    const writes = ["1", "2"].map((payload) =>
      host.expectResult("mqtt_publish", { ...OPEN, payload })
    );
    await until(() => questions.length === 1, { what: "a question" });
    // What was asked beside it would have come before the answer to this.
    await host.expectResult("mqtt_status", {});
    assert.equal(questions.length, 1);
    answer();
    await Promise.all(writes);
    assert.equal(questions.length, 2);
  });
});

/** A request of revision 2026-07-28. */
function context(state?: string, action?: Action): ServerContext {
  const mcpReq = {
    envelope: {},
    requestState: () => state,
    inputResponses: action && { confirm: { action, content: {} } },
  };
  return { mcpReq } as unknown as ServerContext;
}

Deno.test("Confirmations take an answer once, in time, and for what was asked", async () => {
  const one = publication("t/valve/1", "open");
  const needed = new ConfirmationNeeded(one, parseTopicFilter("t/valve/#"));
  const confirmations = new Confirmations();
  const ask = async (some = confirmations): Promise<string> => {
    const asked = await some.ask(needed, context(), { canAsk: true });
    assert.ok("result" in asked);
    return String((asked.result as { requestState?: unknown }).requestState);
  };
  assert.equal(confirmations.answered(context()), undefined);
  const state = await ask();
  assert.equal(confirmations.answered(context(state, "accept")), confirmedAs(one));
  const again = { code: "declined", message: /did not answer in time/ };
  assert.throws(() => confirmations.answered(context(state, "accept")), again);
  assert.throws(() => confirmations.answered(context("guessed", "accept")), again);
  const second = await ask();
  assert.throws(() => confirmations.answered(context(second)), { message: /said no/ });
  assert.throws(() => confirmations.answered(context(second, "accept")), again);
  const late = new Confirmations({ answerMs: -1 });
  const third = await ask(late);
  assert.throws(() => late.answered(context(third, "accept")), again);
  const forgotten = await ask();
  for (let i = 0; i < 100; i++) await ask();
  assert.throws(() => confirmations.answered(context(forgotten, "accept")), again);
});

Deno.test("confirmedAs() differs where what is sent does", () => {
  const one = publication("t/a", "open");
  const others = [
    publication("t/b", "open"),
    publication("t/a", "shut"),
    publication("t/a", "open", { qos: 1 }),
    publication("t/a", "open", { retain: true }),
    publication("t/a", "open", { properties: { contentType: "x" } }),
    publication("t/a", "open", { properties: { userProperties: { a: "b" } } }),
    publication("t/a", "open", { properties: { messageExpiryInterval: 1 } }),
  ];
  const digests = new Set([one, ...others].map(confirmedAs));
  assert.equal(digests.size, others.length + 1);
  const properties = { correlationData: new Uint8Array(1), responseTopic: "x" };
  assert.equal(confirmedAs(publication("t/a", "open", { properties })), confirmedAs(one));
});
