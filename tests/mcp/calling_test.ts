import assert from "node:assert/strict";
import {
  type CallToolRequest,
  ProtocolError,
  type ServerContext,
} from "@modelcontextprotocol/server";
import type { Session } from "../../lib/access/session.ts";
import { Audit } from "../../lib/mcp/audit.ts";
import { Confirmations } from "../../lib/mcp/confirm.ts";
import { callTool, listTools } from "../../lib/mcp/tools.ts";
import type { Publication } from "../../lib/mqtt/link/link.ts";
import { findTool } from "../../lib/tools/catalogue.ts";
import { MemoryLog } from "../mqtt/connections.ts";
import type { Tool } from "../../lib/tools/tool.ts";
import { contextOf, limitsWith } from "../tools/contexts.ts";

const limits = await limitsWith();

/** Calls mqtt_publish with a record that is kept in a file of the test. */
function publish(
  audit: Audit | undefined,
  published: Publication[],
  tools?: readonly Tool[],
): ReturnType<typeof callTool> {
  const { signal } = new AbortController();
  const request = {
    method: "tools/call",
    params: { name: "mqtt_publish", arguments: { topic: "t/a", payload: "1" } },
  } as CallToolRequest;
  const context = { mcpReq: { signal, requestState: () => undefined } } as unknown as ServerContext;
  return callTool(request, context, {
    session: contextOf({ limits, published }) as unknown as Session,
    tools,
    log: new MemoryLog(),
    audit,
    client: "test",
    confirmations: new Confirmations(),
    canAsk: false,
  });
}

const failing = (write: () => Promise<number>, onFailure: "continue" | "stop_writes"): Audit =>
  new Audit({ write, close() {} }, { payloads: false, onFailure }, new MemoryLog());

Deno.test("callTool() publishes nothing while the record cannot be written, if that is wanted", async () => {
  const full = (): Promise<number> => Promise.reject(new Error("No space left on device"));
  for (const onFailure of ["continue", "stop_writes"] as const) {
    const published: Publication[] = [];
    const audit = failing(full, onFailure);
    const first = await publish(audit, published);
    const second = await publish(audit, published);
    const stops = onFailure === "stop_writes";
    assert.deepEqual([first.isError, second.isError], [undefined, stops ? true : undefined]);
    assert.equal(published.length, stops ? 1 : 2);
  }
});

Deno.test("callTool() answers when the record has its line, and not before", async () => {
  const { promise: written, resolve } = Promise.withResolvers<number>();
  const audit = failing(() => written, "continue");
  let isAnswered = false;
  const answering = publish(audit, []).then(() => isAnswered = true);
  await new Promise((done) => setTimeout(done, 20));
  assert.equal(isAnswered, false);
  resolve(1_000_000);
  await answering;
});

Deno.test("listTools() and callTool() have the tools that they are given, and no others", async () => {
  const [status, write] = [findTool("mqtt_status"), findTool("mqtt_publish")];
  assert.ok(status && write);
  const names = (readOnly: boolean): string[] =>
    listTools({ readOnly, limits }, [status, write]).map(({ name }) => name);
  assert.deepEqual(names(false), ["mqtt_status", "mqtt_publish"]);
  assert.deepEqual(names(true), ["mqtt_status"]);
  const published: Publication[] = [];
  assert.equal((await publish(undefined, published, [write])).isError, undefined);
  assert.equal(published.length, 1);
  await assert.rejects(publish(undefined, published, [status]), (error) => {
    assert.ok(error instanceof ProtocolError);
    assert.equal(error.message, 'Unknown tool "mqtt_publish"; there are mqtt_status');
    return true;
  });
  assert.equal(published.length, 1);
});
