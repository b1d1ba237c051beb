import assert from "node:assert/strict";
import { HttpCall } from "../../lib/mcp/http_call.ts";

Deno.test("HttpCall.respond() gives no response away that it has put an end to", async () => {
  const client = new AbortController();
  const call = new HttpCall({ timeoutMs: 10_000, client: client.signal });
  const { promise: answer, resolve } = Promise.withResolvers<Response>();
  const responding = call.respond(answer);
  client.abort();
  let isCancelled = false;
  const body = new ReadableStream({ cancel: () => void (isCancelled = true) });
  resolve(new Response(body, { headers: { "content-type": "text/event-stream" } }));
  const response = await responding;
  await answer;
  assert.equal(isCancelled, true);
  assert.deepEqual([response.status, response.bodyUsed], [499, false]);
});
