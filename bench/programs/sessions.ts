/** `Session` of `lib/access`, many over one `Connection`: each has a watch of everything. */
import process from "node:process";
import { Rates } from "../../lib/access/rates.ts";
import { Session } from "../../lib/access/session.ts";
import { openLog } from "../../lib/log.ts";
import { Connection } from "../../lib/mqtt/connection.ts";
import { Permissions } from "../../lib/topics/permissions.ts";
import { parseTopicFilter } from "../../lib/topics/topic_filter.ts";
import { LIMITS, NO_DEVICES } from "../../tests/access/collecting.ts";
import { settingsFor } from "../../tests/mqtt/connections.ts";
import { TextLineStream } from "../../tests/brokers/text_line_stream.ts";

/** How often it is looked whether all is there, in milliseconds. */
const LOOK_MS = 5;
/** How long nothing may arrive before what is missing counts as lost, in milliseconds. */
const SILENCE_MS = 3_000;

const [host = "", port = "", version = "", count = ""] = Deno.args;
await using log = openLog({ level: "WARNING" });
const connection = new Connection(
  settingsFor({ host, port: Number(port) }, { version: version === "5" ? "5" : "3.1.1" }),
  log.logger("bench"),
);
const rule = { permissions: ["read"], deny: [], retain: false } as const;
const grants = {
  permissions: new Permissions([{ ...rule, pattern: parseTopicFilter("bench/#") }]),
  readOnly: true,
  devices: NO_DEVICES,
  limits: { ...LIMITS, watchBufferMessages: 1_000 },
  rates: new Rates(0),
};
const signal = new AbortController().signal;
const options = { waitMs: 10_000, signal, includeRetained: true };
const sessions = Array.from(
  { length: Number(count) },
  () => new Session({ connection, grants, configSource: undefined, log: log.logger("bench") }),
);
const watches = await Promise.all(
  sessions.map(({ watches }) => watches.start(["bench/burst/#"], options)),
);
console.log("{}");

const least = (): number => Math.min(...watches.map(({ received }) => received));
const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream())
  .pipeThrough(new TextLineStream());
for await (const line of lines) {
  const wanted: number = JSON.parse(line);
  const before = process.cpuUsage();
  let changedAt = performance.now();
  for (let last = -1; least() < wanted && performance.now() - changedAt < SILENCE_MS;) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    if (least() !== last) changedAt = performance.now();
    last = least();
  }
  const { user, system } = process.cpuUsage(before);
  const lost = watches.reduce((sum, { received }) => sum + Math.abs(wanted - received), 0);
  console.log(JSON.stringify({ cpuMs: (user + system) / 1_000, lost }));
}
await Promise.all(sessions.map((one) => one[Symbol.asyncDispose]()));
await connection.close();
