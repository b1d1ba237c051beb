/** Clients of an HTTP server, each with a connection of its own, as orders say. */
import { TextLineStream } from "../../tests/brokers/text_line_stream.ts";
import { HttpClient } from "../http_client.ts";
import type { HttpLoad, HttpOrder, HttpRequest } from "../http_orders.ts";

/** So many sessions are begun at a time. */
const AT_ONCE = 10;

/** Asks again and again, and says how long each answer took. */
async function load({ port, requests, clients, ms }: HttpLoad): Promise<unknown> {
  const times: number[] = [];
  const faults: string[] = [];
  const all = await Promise.all(Array.from({ length: clients }, () => HttpClient.connect(port)));
  const start = performance.now();
  await Promise.all(all.map(async (client, i) => {
    const request = requests[i % requests.length];
    if (request === undefined) throw new Error("an order without requests");
    const bytes = client.encode(request);
    while (performance.now() - start < ms) {
      const sentAt = performance.now();
      const { status, text } = await client.ask(bytes);
      times.push(performance.now() - sentAt);
      if (status !== 200 || /"isError":true|"error":/.test(text)) {
        faults.push(`${status} ${text.slice(0, 200)}`);
      }
    }
  }));
  const elapsedMs = performance.now() - start;
  for (const client of all) client.close();
  times.sort((a, b) => a - b);
  const at = (q: number): number => times[Math.floor((times.length - 1) * q)] ?? NaN;
  return {
    count: times.length,
    elapsedMs,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    faults: faults.length,
    fault: faults[0],
  };
}

/** Begins sessions of an older generation, and gives their ids. */
async function begin(
  { port, initialize, initialized, count }: {
    readonly port: number;
    readonly initialize: HttpRequest;
    readonly initialized: HttpRequest;
    readonly count: number;
  },
): Promise<string[]> {
  const ids: string[] = [];
  await Promise.all(Array.from({ length: AT_ONCE }, async (_, i) => {
    const client = await HttpClient.connect(port);
    for (let n = i; n < count; n += AT_ONCE) {
      const { status, header, text } = await client.ask(client.encode(initialize));
      const id = header("mcp-session-id");
      if (status !== 200 || id === undefined) throw new Error(`no session: ${status} ${text}`);
      const headers = { ...initialized.headers, "mcp-session-id": id };
      await client.ask(client.encode({ ...initialized, headers }));
      ids.push(id);
    }
    client.close();
  }));
  return ids;
}

/** Opens the stream of each session over which the server tells of what changes, for good. */
async function listen(
  { port, headers, ids }: {
    readonly port: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly ids: readonly string[];
  },
): Promise<unknown> {
  for (const id of ids) {
    const client = await HttpClient.connect(port);
    const request = { method: "GET", headers: { ...headers, "mcp-session-id": id }, body: "" };
    await client.begin(client.encode(request));
  }
  return {};
}

const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream())
  .pipeThrough(new TextLineStream());
for await (const line of lines) {
  const order: HttpOrder = JSON.parse(line);
  const answer = order.order === "load"
    ? await load(order)
    : order.order === "begin"
    ? await begin(order)
    : await listen(order);
  console.log(JSON.stringify(answer));
}
Deno.exit();
