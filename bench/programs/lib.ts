/** `Connection` of `lib/mqtt`: collects bursts, publishes. */
import { openLog } from "../../lib/log.ts";
import { Connection } from "../../lib/mqtt/connection.ts";
import { parseTopicFilter } from "../../lib/topics/topic_filter.ts";
import { serveProgram } from "./serve_program.ts";

const [host = "", port = "", version = ""] = Deno.args;
await using log = openLog({ level: "WARNING" });
await using connection = new Connection({
  address: {
    host,
    port: Number(port),
    transport: "tcp",
    path: "/mqtt",
    username: undefined,
    password: undefined,
    keepaliveSeconds: 60,
    tls: {
      ca: undefined,
      cert: undefined,
      key: undefined,
      keyPassphrase: undefined,
      serverName: undefined,
      verify: true,
    },
  },
  clientId: `bench-${crypto.randomUUID()}`,
  isClientIdChosen: false,
  mayWrite: true,
  maxMessageBytes: 8_388_608,
  protocolVersion: version === "5" ? "5" : "3.1.1",
  connectTimeoutMs: 10_000,
}, log.logger("bench"));
const waiting = { waitMs: 10_000, signal: new AbortController().signal };
await connection.ready(waiting);
await serveProgram({
  async collect(filter, onMessage): Promise<void> {
    await connection.collect([parseTopicFilter(filter)], {
      ...waiting,
      includeRetained: true,
      resume: true,
      onMessage: ({ payload }) => onMessage(payload),
    });
  },
  async publish(topic, payload): Promise<void> {
    await connection.publish({
      topic,
      payload: new TextEncoder().encode(payload),
      qos: 1,
      retain: false,
      isText: true,
    }, waiting);
  },
});
