import assert from "node:assert/strict";
import type { JSONRPCMessage } from "@modelcontextprotocol/server";
import { StdioTransport } from "../../lib/mcp/stdio.ts";
import { rawHost } from "../host.ts";
import { until } from "../brokers/until.ts";

const encoder = new TextEncoder();

/** A transport whose input is written by the test and whose output it holds back. */
function transport(write: (bytes: Uint8Array) => Promise<number>): {
  readonly transport: StdioTransport;
  readonly input: WritableStreamDefaultWriter<Uint8Array>;
  readonly received: JSONRPCMessage[];
  readonly errors: string[];
  readonly closed: Promise<void>;
} {
  const pipe = new TransformStream<Uint8Array, Uint8Array>();
  const made = new StdioTransport({ input: pipe.readable, output: { write } });
  const received: JSONRPCMessage[] = [];
  const errors: string[] = [];
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  made.onmessage = (message) => received.push(message);
  made.onerror = ({ message }) => errors.push(message);
  made.onclose = resolve;
  return { transport: made, input: pipe.writable.getWriter(), received, errors, closed };
}

Deno.test("StdioTransport writes messages whole and one after another, however slow the reader", async () => {
  const written: string[] = [];
  const one = transport(async (bytes) => {
    const some = bytes.subarray(0, 7);
    written.push(new TextDecoder().decode(some));
    return await Promise.resolve(some.length);
  });
  await one.transport.start();
  const messages = [1, 2, 3].map((id) => ({ jsonrpc: "2.0" as const, id, result: {} }));
  await Promise.all(messages.map((message) => one.transport.send(message)));
  assert.equal(written.join(""), messages.map((m) => `${JSON.stringify(m)}\n`).join(""));
  await one.transport.close();
  await one.closed;
});

Deno.test("StdioTransport ends when the host has gone, or reads no more", async () => {
  const gone = transport(() => Promise.reject(new Deno.errors.BrokenPipe("gone")));
  await gone.transport.start();
  await assert.rejects(gone.transport.send({ jsonrpc: "2.0", id: 1, result: {} }));
  await gone.closed;

  const stuck = Promise.withResolvers<number>();
  const deaf = transport(() => stuck.promise);
  await deaf.transport.start();
  const large = { jsonrpc: "2.0" as const, id: 1, result: { text: "x".repeat(10_000_000) } };
  const sent = Array.from({ length: 7 }, () => deaf.transport.send(large));
  for (const one of sent) one.catch(() => {});
  await deaf.closed;
  assert.match(deaf.errors.join(), /has not read 7\d{7} bytes/);
  stuck.reject(new Error("over"));
  await Promise.allSettled(sent);
});

Deno.test("StdioTransport takes a last line without a line break, and answers before it ends", async () => {
  const written: string[] = [];
  const one = transport((bytes) => {
    written.push(new TextDecoder().decode(bytes));
    return Promise.resolve(bytes.length);
  });
  await one.transport.start();
  await one.input.write(encoder.encode('{"jsonrpc":"2.0","id":1,"method":"ping"}'));
  await one.input.close();
  await until(() => one.received.length === 1);
  await one.transport.send({ jsonrpc: "2.0", id: 1, result: {} });
  await one.closed;
  assert.deepEqual(written, ['{"jsonrpc":"2.0","id":1,"result":{}}\n']);
});

Deno.test("the server answers every line that is no request with its fault, and goes on", async () => {
  await using host = await rawHost({ config: { topics: [] } });
  const early = await host.request("tools/list");
  assert.equal(early.result.tools.length, 9);
  await host.initialize();
  const faults: ReadonlyArray<readonly [string, number, RegExp]> = [
    ["garbage", -32700, /not JSON/],
    ['{"jsonrpc":"2.0","id":1', -32700, /not JSON/],
    ["[]", -32600, /batch is not supported/],
    ['[{"jsonrpc":"2.0","id":900,"method":"ping"}]', -32600, /batch is not supported/],
    ["null", -32600, /not a JSON-RPC 2\.0 message/],
    ["5", -32600, /not a JSON-RPC 2\.0 message/],
    ['{"id":901,"method":"ping"}', -32600, /not a JSON-RPC 2\.0 message/],
    ['{"jsonrpc":"2.0","id":{},"method":"ping"}', -32600, /not a JSON-RPC 2\.0 message/],
    [`"${"x".repeat(10 * 1024 * 1024)}"`, -32700, /longer than 10485760 bytes/],
  ];
  for (const [i, [line, code, pattern]] of faults.entries()) {
    await host.sendLine(line);
    const answers = (): Array<{ id: unknown; error: { code: number; message: string } }> =>
      host.messages.filter((message) => "error" in message) as never;
    await until(() => answers().length > i, { what: `the answer to ${line.slice(0, 50)}` });
    const { id, error } = answers()[i] ?? {};
    assert.equal(error?.code, code, line.slice(0, 50));
    assert.match(error?.message ?? "", pattern);
    assert.equal(id, line.includes("901") ? 901 : null);
  }
  await host.sendLine("\r");
  const unknown = await host.request("no/such");
  assert.equal(unknown.error.code, -32601);
  const tool = await host.request("tools/call", { name: "mqtt_nothing", arguments: {} });
  assert.equal(tool.error.code, -32602);
  assert.match(tool.error.message, /Unknown tool "mqtt_nothing"; there are mqtt_read/);
  await host.notify("notifications/unknown", { a: 1 });
  await host.notify("notifications/cancelled", { requestId: 12345 });
  assert.deepEqual((await host.request("ping")).result, {});
  assert.ok(host.lines.every((line) => JSON.parse(line).jsonrpc === "2.0"));
  // Each fault is in the log once.
  assert.equal(host.stderr().match(/longer than/g)?.length, 1);
});
