import assert from "node:assert/strict";
import { beginSession, legacy, messagesOf, post, toolCall } from "./raw_http.ts";
import { KEY, serving } from "./served_http.ts";

Deno.test("the person is asked in the stream of the call: a client need not have another", async () => {
  const topics = [{ pattern: "t/#", permissions: ["read", "write"], confirm: true }];
  // A question that does not come fails the call.
  const limits = { request_timeout: 5 };
  await using server = await serving({ api_key: KEY, limits }, { topics });
  const { url } = server;
  const session = await beginSession(url, KEY, { capabilities: { elicitation: {} } });
  const call = toolCall(1, "mqtt_publish", { topic: "t/valve", payload: "open" });
  const { body } = await post(url, legacy(session, call));
  let text = "";
  let questions = 0;
  for await (const chunk of body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk;
    const asked = messagesOf(text).filter(({ method }) => method === "elicitation/create");
    if (asked.length === questions) continue;
    questions = asked.length;
    const result = { action: "accept", content: {} };
    const answer = { jsonrpc: "2.0", id: asked.at(-1)?.["id"], result };
    const taken = await post(url, legacy(session, answer));
    assert.equal(taken.status, 202, await taken.text());
  }
  assert.equal(questions, 1);
  const { result } = messagesOf(text).find(({ id, method }) => id === 1 && !method) ?? {};
  assert.ok(result, text);
  assert.equal((result as { isError?: boolean }).isError, undefined, text);
});
