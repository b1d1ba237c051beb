import assert from "node:assert/strict";
import { Audit, type AuditFile } from "../../lib/mcp/audit.ts";
import { McpMqttError } from "../../lib/errors.ts";
import { startAedes } from "../brokers/aedes.ts";
import { type Host, startHost } from "../host.ts";
import { MemoryLog } from "../mqtt/connections.ts";

type Line = Readonly<Record<string, unknown>>;

const entry = {
  client: "c",
  tool: "mqtt_publish",
  decision: "granted",
  outcome: "sent",
  duration_ms: 1,
} as const;

/** A file in memory, on a disk that may be full. */
class MemoryFile implements AuditFile {
  text = "";
  isFull = false;
  write(bytes: Uint8Array): Promise<number> {
    if (this.isFull) return Promise.reject(new Error("No space left on device (os error 28)"));
    // As a disk does that takes some bytes at a time.
    const some = bytes.subarray(0, 50);
    this.text += new TextDecoder().decode(some);
    return Promise.resolve(some.length);
  }
  close(): void {}
}

async function audited(
  logging: object,
  work: (host: Host) => Promise<void>,
): Promise<{ lines: Line[]; path: string }> {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/sub/audit.jsonl`;
  await using broker = await startAedes();
  await broker.publish("t/a", "21", { retain: true });
  const host = await startHost({
    config: {
      mqtt: { host: broker.host, port: broker.port },
      topics: [
        { pattern: "t/#", permissions: ["read", "write"] },
        { pattern: "t/lock", deny: ["write"] },
        { pattern: "t/secret", deny: ["read"] },
      ],
      logging: { audit: { path, ...logging } },
    },
  });
  await work(host);
  const text = await Deno.readTextFile(path);
  await host[Symbol.asyncDispose]();
  assert.equal(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
  await Deno.remove(folder, { recursive: true });
  return { lines: text.trimEnd().split("\n").map((line) => JSON.parse(line)), path };
}

Deno.test("the record has a line for each call and each use of a resource, before the answer", async () => {
  const { lines } = await audited({}, async (host) => {
    await host.expectResult("mqtt_publish", { topic: "t/a", payload: "on", qos: 1 });
    await host.expectError("forbidden", "mqtt_publish", { topic: "t/lock", payload: "1" });
    await host.expectError("forbidden", "mqtt_read", { topic: "x/y" });
    await host.expectResult("mqtt_subscribe", { topic: ["t/+", "u"], timeout: 0.1 });
    await host.expectError("invalid_argument", "mqtt_publish", { topic: 5 });
    await host.expectResult("mqtt_status", {});
    await host.readResource("mcpmqtt://message/t/a");
    await host.readResource("mcpmqtt://topics/allowed");
  });
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode("on"));
  assert.equal(lines[0]?.["payload_sha256"], new Uint8Array(digest).toHex());
  const shown = lines.map(({ time, duration_ms, payload_sha256, ...line }) => {
    assert.match(String(time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    assert.ok(Number(duration_ms) >= 0);
    if (line["size"] !== undefined) assert.match(String(payload_sha256), /^[0-9a-f]{64}$/);
    return line;
  });
  const client = "mcpmqtt-tests";
  assert.deepEqual(shown, [
    {
      client,
      tool: "mqtt_publish",
      topic: "t/a",
      decision: "granted",
      rule: "t/#",
      size: 2,
      outcome: "acknowledged",
    },
    {
      client,
      tool: "mqtt_publish",
      topic: "t/lock",
      decision: "denied",
      rule: "t/lock",
      size: 1,
      outcome: "not_sent",
      code: "forbidden",
    },
    {
      client,
      tool: "mqtt_read",
      topic: "x/y",
      decision: "not_granted",
      outcome: "failed",
      code: "forbidden",
    },
    {
      client,
      tool: "mqtt_subscribe",
      filters: ["t/+", "u"],
      decision: "narrowed",
      outcome: "done",
    },
    {
      client,
      tool: "mqtt_publish",
      decision: "none",
      outcome: "not_sent",
      code: "invalid_argument",
    },
    { client, tool: "mqtt_status", decision: "none", outcome: "done" },
    {
      client,
      tool: "resources/read",
      uri: "mcpmqtt://message/t/a",
      topic: "t/a",
      decision: "granted",
      rule: "t/#",
      outcome: "done",
    },
    {
      client,
      tool: "resources/read",
      uri: "mcpmqtt://topics/allowed",
      decision: "none",
      outcome: "done",
    },
  ]);
});

Deno.test("the record says of filters, names and calls what was decided and what became of them", async () => {
  const { lines } = await audited({}, async (host) => {
    await host.expectError("forbidden", "mqtt_subscribe", { topic: "x/#" });
    await host.expectError("forbidden", "mqtt_subscribe", { topic: ["x/#", "t/secret"] });
    await host.expectError("invalid_topic", "mqtt_subscribe", { topic: "t/#/a" });
    await host.expectError("invalid_topic", "mqtt_publish", { topic: "t/+", payload: "1" });
    await host.expectResult("mqtt_topics", { duration: 0.1 });
    await assert.rejects(host.callTool("mqtt_nothing", {}), /Unknown tool/);
    await assert.rejects(host.readResource("mcpmqtt://message/x"), /no rule grants/);
    const cancelled = new AbortController();
    const call = host.callTool("mqtt_read", { topic: "t/b", timeout: 60 }, cancelled);
    setTimeout(() => cancelled.abort(), 300);
    await assert.rejects(call);
    // By then the cancelled one has its line.
    await host.expectError("timeout", "mqtt_read", { topic: "t/c", timeout: 0.3 });
  });
  const shown = lines.slice(0, -1)
    .map(({ time: _, client: __, duration_ms: ___, size: ____, payload_sha256: _____, ...line }) =>
      line
    );
  assert.deepEqual(shown, [
    {
      tool: "mqtt_subscribe",
      filters: ["x/#"],
      decision: "not_granted",
      outcome: "failed",
      code: "forbidden",
    },
    {
      tool: "mqtt_subscribe",
      filters: ["x/#", "t/secret"],
      decision: "denied",
      outcome: "failed",
      code: "forbidden",
    },
    {
      tool: "mqtt_subscribe",
      filters: ["t/#/a"],
      decision: "none",
      outcome: "failed",
      code: "invalid_topic",
    },
    {
      tool: "mqtt_publish",
      topic: "t/+",
      decision: "none",
      outcome: "not_sent",
      code: "invalid_topic",
    },
    { tool: "mqtt_topics", filters: ["#"], decision: "narrowed", outcome: "done" },
    { tool: "mqtt_nothing", decision: "none", outcome: "failed", code: "invalid_argument" },
    {
      tool: "resources/read",
      uri: "mcpmqtt://message/x",
      topic: "x",
      decision: "not_granted",
      outcome: "failed",
      code: "forbidden",
    },
    {
      tool: "mqtt_read",
      topic: "t/b",
      decision: "granted",
      rule: "t/#",
      outcome: "cancelled",
    },
  ]);
});

Deno.test("the record has the size of what was sent in Sparkplug B, and no digest of anything else", async () => {
  const { lines } = await audited({ payloads: true }, async (host) => {
    const payload = { metrics: [{ name: "m", type: "Int32", value: 5 }] };
    const sent = { topic: "t/a", payload, encoding: "sparkplug" };
    const { size } = await host.expectResult("mqtt_publish", sent);
    await host.expectResult("mqtt_publish", { topic: "t/a", payload: "x".repeat(size) });
  });
  const [sparkplug, text] = lines;
  assert.equal(sparkplug?.["size"], text?.["size"]);
  assert.equal(sparkplug?.["payload_sha256"], undefined);
  assert.deepEqual(sparkplug?.["payload"], { metrics: [{ name: "m", type: "Int32", value: 5 }] });
});

Deno.test("the record has payloads where they are wanted", async () => {
  const { lines } = await audited({ payloads: true }, async (host) => {
    await host.expectResult("mqtt_publish", { topic: "t/a", payload: { on: true } });
  });
  assert.deepEqual(lines[0]?.["payload"], { on: true });
  assert.equal(lines[0]?.["size"], 11);
});

Deno.test("the record goes on when its file is truncated", async () => {
  const { lines } = await audited({}, async (host) => {
    const path = /"path": "([^"]+)"/.exec(await Deno.readTextFile(host.configPath ?? ""))?.[1] ??
      "";
    await host.expectResult("mqtt_status", {});
    await Deno.truncate(path);
    await host.expectResult("mqtt_publish", { topic: "t/b", payload: "1" });
  });
  assert.deepEqual(lines.map(({ tool }) => tool), ["mqtt_publish"]);
});

Deno.test("Audit.record() writes whole lines in their order", async () => {
  const file = new MemoryFile();
  const audit = new Audit(file, { payloads: false, onFailure: "continue" }, new MemoryLog());
  const topics = ["a", "b".repeat(200), "c\nd\u2028"];
  await Promise.all(topics.map((topic) => audit.record({ ...entry, topic })));
  await audit[Symbol.asyncDispose]();
  const lines = file.text.trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(lines.map(({ topic }) => topic), topics);
});

Deno.test("Audit.record() begins a line of its own after one that stopped midway on a full disk", async () => {
  const file = new MemoryFile();
  const audit = new Audit(file, { payloads: false, onFailure: "continue" }, new MemoryLog());
  const write = file.write.bind(file);
  let left = 2;
  file.write = (bytes) => left-- > 0 ? write(bytes) : Promise.reject(new Error("No space left"));
  await audit.record({ ...entry, topic: "a".repeat(200) });
  left = 1_000;
  await audit.record({ ...entry, topic: "b" });
  await audit.record({ ...entry, topic: "c" });
  const lines = file.text.trimEnd().split("\n");
  assert.equal(lines.length, 3);
  assert.deepEqual(lines.slice(1).map((line) => JSON.parse(line).topic), ["b", "c"]);
});

for (const onFailure of ["continue", "stop_writes"] as const) {
  Deno.test(`Audit is loud about a full disk, with on_failure ${onFailure}`, async () => {
    const file = new MemoryFile();
    const log = new MemoryLog();
    const audit = new Audit(file, { payloads: false, onFailure }, log);
    const stops = (): boolean => {
      try {
        audit.assertWritable();
        return false;
      } catch (error) {
        assert.ok(error instanceof McpMqttError);
        assert.deepEqual([error.code, error.outcome], ["forbidden", "not_sent"]);
        return true;
      }
    };
    await audit.record(entry);
    assert.equal(stops(), false);
    file.isFull = true;
    await audit.record(entry);
    assert.equal(stops(), onFailure === "stop_writes");
    assert.match(log.lines.join("\n"), /was not written: No space left/);
    file.isFull = false;
    await audit.record(entry);
    assert.equal(stops(), false);
    assert.match(log.lines.join("\n"), /is written again/);
    assert.equal(file.text.trimEnd().split("\n").length, 2);
  });
}

Deno.test("Audit.open() fails where there can be no record", async () => {
  const folder = await Deno.makeTempDir();
  const options = { path: folder, payloads: false, onFailure: "continue" as const };
  await assert.rejects(
    Audit.open(options, new MemoryLog()),
    /the record of logging\.audit cannot be opened at /,
  );
  await Deno.remove(folder);
});

const hasJq = await new Deno.Command("jq", { args: ["--version"] }).output()
  .then(({ success }) => success, () => false);

Deno.test({
  name: "the jq recipes of docs/logging.md answer their questions",
  ignore: !hasJq,
  async fn() {
    const docs = await Deno.readTextFile(new URL("../../docs/logging.md", import.meta.url));
    const recipes = [...docs.matchAll(/^jq (-\w )?'(.*)' audit\.jsonl$/gm)];
    const folder = await Deno.makeTempDir();
    const time = "2026-01-02T03:04:05.678Z";
    const lines = [
      { time, ...entry, topic: "a", size: 1, outcome: "acknowledged" },
      { time, ...entry, topic: "b", size: 0, outcome: "unknown" },
      { time, ...entry, tool: "mqtt_read", filters: ["c/#"], outcome: "failed", code: "forbidden" },
    ];
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
    await Deno.writeTextFile(`${folder}/audit.jsonl`, text);
    const answers = await Promise.all(recipes.map(async ([, option = "", filter = ""]) => {
      const { success, stdout, stderr } = await new Deno.Command("jq", {
        args: [...option.trim() === "" ? [] : [option.trim()], filter, "audit.jsonl"],
        cwd: folder,
      }).output();
      assert.ok(success, new TextDecoder().decode(stderr));
      return new TextDecoder().decode(stdout);
    }));
    await Deno.remove(folder, { recursive: true });
    const [written, refused, counted, open] = answers;
    assert.equal(answers.length, 4);
    assert.equal(written, `${time}\ta\tacknowledged\n${time}\tb\tunknown\n`);
    assert.equal(refused, `${time}\tc\tc/#\n`);
    assert.deepEqual(JSON.parse(counted ?? ""), { mqtt_publish: 2, mqtt_read: 1 });
    assert.equal(JSON.parse(open ?? "").topic, "b");
  },
});
