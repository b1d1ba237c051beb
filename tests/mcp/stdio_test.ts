import assert from "node:assert/strict";
import type { JSONRPCMessage } from "@modelcontextprotocol/server";
import { HostGone, type StdioOptions, StdioTransport } from "../../lib/mcp/stdio.ts";
import { rawHost } from "../host.ts";
import { until } from "../brokers/until.ts";
import { ManualTimers, settled } from "../manual_timers.ts";

const encoder = new TextEncoder();

/** A transport whose input is written by the test and whose output it holds back. */
function transport(
  write: (bytes: Uint8Array) => Promise<number>,
  options: Partial<StdioOptions> = {},
): {
  readonly transport: StdioTransport;
  readonly input: WritableStreamDefaultWriter<Uint8Array>;
  readonly received: JSONRPCMessage[];
  readonly errors: string[];
  readonly closed: Promise<void>;
} {
  const pipe = new TransformStream<Uint8Array, Uint8Array>();
  const made = new StdioTransport({ input: pipe.readable, output: { write }, ...options });
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

/** A transport whose output is kept, and an answer to send over it. */
function kept(
  options: Partial<StdioOptions> = {},
): ReturnType<typeof transport> & { readonly written: string[] } {
  const written: string[] = [];
  const one = transport((bytes) => {
    written.push(new TextDecoder().decode(bytes));
    return Promise.resolve(bytes.length);
  }, options);
  return { ...one, written };
}

const ANSWER = { jsonrpc: "2.0", id: 1, result: {} } as const;

const answer = (id: number): JSONRPCMessage => ({ jsonrpc: "2.0", id, result: {} });
const ping = (id: number): Uint8Array =>
  encoder.encode(`{"jsonrpc":"2.0","id":${id},"method":"ping"}\n`);

/** One that has been started, and whether it is closed. */
async function started(): Promise<ReturnType<typeof kept> & { readonly isClosed: () => boolean }> {
  const one = kept();
  let isClosed = false;
  one.closed.then(() => isClosed = true);
  await one.transport.start();
  return { ...one, isClosed: () => isClosed };
}

const CANCELLED = encoder.encode(
  '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}\n',
);

Deno.test("StdioTransport.close() lets go of the input, once, and of what would be sent later", async () => {
  let [cancelled, closed] = [0, 0];
  const input = new ReadableStream<Uint8Array>({ cancel: () => void cancelled++ });
  const late = Promise.withResolvers<typeof ANSWER>();
  const isLate = ({ id }: { readonly id?: unknown }): boolean => id === 1;
  const one = kept({
    input,
    replace: (message) => isLate(message as never) ? late.promise : undefined,
  });
  one.transport.onclose = () => void closed++;
  await one.transport.start();
  await one.transport.send(ANSWER);
  await one.transport.close();
  await one.transport.close();
  assert.deepEqual([cancelled, closed], [1, 1]);
  late.resolve(ANSWER);
  await assert.rejects(one.transport.send({ ...ANSWER, id: 2 }), HostGone);
  await one.transport.flush();
  assert.deepEqual(one.written, []);
});

Deno.test("StdioTransport reports what cannot be sent instead of a message", async () => {
  const one = kept({ replace: () => Promise.reject(new Error("no replacement")) });
  await one.transport.start();
  await one.transport.send(ANSWER);
  await until(() => one.errors.length > 0);
  assert.deepEqual(one.errors, ["no replacement"]);
  await one.transport.close();
});

Deno.test("StdioTransport ends at the end of input, as soon as all that was asked is answered", async () => {
  using timers = new ManualTimers();
  const idle = await started();
  await idle.input.write(ping(1));
  await idle.transport.send(answer(1));
  // An empty line is none.
  await idle.input.write(encoder.encode("\n \r\n"));
  await idle.input.close();
  await settled();
  assert.equal(idle.isClosed(), true);
  assert.deepEqual([idle.written.length, idle.errors], [1, []]);

  const asked = await started();
  await asked.input.write(ping(1));
  await asked.transport.send(answer(1));
  await asked.input.write(ping(2));
  await asked.input.write(ping(3));
  await asked.input.close();
  for (const id of [2, 3]) {
    await settled();
    assert.equal(asked.isClosed(), false);
    await asked.transport.send(answer(id));
  }
  await settled();
  assert.equal(asked.isClosed(), true);
  assert.equal(asked.written.length, 3);
  assert.equal(timers.pending, 0);

  // A request that was cancelled gets no answer.
  const cancelled = await started();
  await cancelled.input.write(ping(1));
  await cancelled.input.write(CANCELLED);
  await cancelled.input.close();
  await settled();
  assert.equal(cancelled.isClosed(), true);
});

Deno.test("StdioTransport does not wait longer than 0.3 s for answers after the end of input", async () => {
  using timers = new ManualTimers();
  const one = await started();
  await one.input.write(ping(1));
  await one.input.close();
  await settled();
  timers.pass(299);
  // Of no request: it ends nothing.
  await one.transport.send(answer(2));
  await settled();
  assert.equal(one.isClosed(), false);
  timers.pass(1);
  await settled();
  assert.equal(one.isClosed(), true);

  const other = await started();
  await other.input.write(ping(1));
  await other.input.close();
  await settled();
  await other.transport.close();
  await settled();
  assert.equal(timers.pending, 0);
});

Deno.test("StdioTransport counts what the host has not read, not what it has", async () => {
  const one = transport((bytes) => Promise.resolve(bytes.length));
  await one.transport.start();
  const large = { ...ANSWER, result: { text: "x".repeat(10_000_000) } };
  for (let i = 0; i < 7; i++) await one.transport.send(large);
  assert.deepEqual(one.errors, []);
  await one.transport.close();
});

Deno.test("the server answers every line that is no request with its fault, and goes on", async () => {
  await using host = await rawHost({ config: { topics: [] } });
  const early = await host.request("tools/list");
  assert.equal(early.result.tools.length, 10);
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
