import assert from "node:assert/strict";
import { type Log, type LogSink, openLog } from "../lib/log.ts";

interface Memory extends LogSink {
  text(): string;
}

function memory(): Memory {
  const parts: Uint8Array[] = [];
  return {
    write(bytes: Uint8Array): Promise<number> {
      // Three bytes at a time: a write may be partial.
      const part = bytes.slice(0, 3);
      parts.push(part);
      return Promise.resolve(part.length);
    },
    text: () => new TextDecoder().decode(new Uint8Array(parts.flatMap((part) => [...part]))),
  };
}

async function written(log: Log, sink: Memory): Promise<string> {
  await log.close();
  return sink.text();
}

Deno.test("Log writes time, name, level and text as the original does", async () => {
  const sink = memory();
  const log = openLog({
    level: "INFO",
    sink,
    now: () => new Date(2026, 0, 2, 3, 4, 5, 678).getTime(),
  });
  log.logger("mcpmqtt.connection").info("connected");
  assert.equal(
    await written(log, sink),
    "2026-01-02 03:04:05,678 - mcpmqtt.connection - INFO - connected\n",
  );
});

Deno.test("Log leaves out what is below its level, and does not make its text", async () => {
  const sink = memory();
  const log = openLog({ level: "ERROR", sink });
  const logger = log.logger("a");
  logger.debug(() => assert.fail("was made"));
  logger.info("no");
  logger.warning("no");
  logger.error("yes");
  logger.critical(() => "yes");
  const text = await written(log, sink);
  assert.deepEqual(text.match(/ERROR - yes|CRITICAL - yes/g), ["ERROR - yes", "CRITICAL - yes"]);
  assert.ok(!text.includes("no\n"));
});

Deno.test("Log keeps an entry on one line", async () => {
  const sink = memory();
  const log = openLog({ level: "INFO", sink });
  log.logger("a").info("x\r\n2026 - b - INFO - forged\t\x1b[31m\u2028\u0085é");
  const text = await written(log, sink);
  assert.equal(text.trimEnd().split("\n").length, 1);
  assert.ok(text.endsWith("x\\r\\n2026 - b - INFO - forged\\t\\u001b[31m\\u2028\\u0085é\n"));
});

Deno.test("Log escapes what turns the text around, what is not seen, and lone surrogates", async () => {
  const ranges = [
    [0x200b, 0x200f],
    [0x2028, 0x202e],
    [0x2060, 0x206f],
    [0xad],
    [0x61c],
    [0x180e],
    [0x3164],
    [0xfeff],
    [0xfe00],
    [0xd800],
  ];
  const unseen = ranges.flatMap(([from = 0, to = from]) =>
    Array.from({ length: to - from + 1 }, (_, at) => String.fromCharCode(from + at))
  );
  const sink = memory();
  const log = openLog({ level: "INFO", sink });
  log.logger("a").info(`küche${unseen.join("-")}🏠❤\ufe0f\u2027\u202f\u{e0041}`);
  const escaped = unseen.map((one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);
  const text = await written(log, sink);
  assert.ok(
    text.endsWith(` küche${escaped.join("-")}🏠❤\ufe0f\u2027\u202f\\udb40\\udc41\n`),
    text,
  );
});

Deno.test("Log takes out secrets, as they are and as they look in a URL and in JSON", async () => {
  const sink = memory();
  const secrets = ['p@ss\n"word', "p@ss", "", "x", ".*"];
  const log = openLog({ level: "INFO", sink, secrets });
  const logger = log.logger("a");
  for (const secret of secrets) {
    logger.info(`[${secret}] ${JSON.stringify(secret)} ${encodeURIComponent(secret)}|`);
  }
  const text = await written(log, sink);
  assert.equal(text.match(/\[\*\*\*\] "?\*\*\*"? /g)?.length, 3);
  assert.ok(!text.includes("p@ss") && !text.includes("p%40ss"));
  assert.ok(text.includes('[x] "x" x|'));
});

Deno.test("Log appends to the file and makes its folder", async () => {
  const folder = await Deno.makeTempDir();
  const logfile = `${folder}/deep/er/a.log`;
  for (const text of ["one", "two"]) {
    const log = openLog({ level: "INFO", sink: memory(), logfile, secrets: ["two"] });
    log.logger("a").info(text);
    await log.close();
  }
  const lines = (await Deno.readTextFile(logfile)).trimEnd().split("\n");
  assert.deepEqual(lines.map((line) => line.replace(/^.* INFO - /, "")), ["one", "***"]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("Log goes on with stderr where the file cannot be opened", async () => {
  const folder = await Deno.makeTempDir();
  const sink = memory();
  const log = openLog({ level: "INFO", sink, logfile: folder });
  log.logger("a").info("on");
  const text = await written(log, sink);
  assert.match(
    text,
    /mcpmqtt\.log - WARNING - cannot open the log file .*; stderr only\n.* INFO - on\n$/,
  );
  await Deno.remove(folder);
});

Deno.test("Log survives a stderr that is closed", async () => {
  const log = openLog({ level: "INFO", sink: { write: () => Promise.reject(new Error("EPIPE")) } });
  log.logger("a").info("x");
  await log.flush();
  await log.close();
  log.logger("a").info("after the end");
});

Deno.test("Log is not held up by a stderr that nobody reads, and tells what it left out", async () => {
  const sink = memory();
  const gate = Promise.withResolvers<void>();
  const log = openLog({
    level: "INFO",
    sink: { write: async (bytes) => (await gate.promise, await sink.write(bytes)) },
  });
  const logger = log.logger("a");
  for (let i = 0; i < 12; i++) logger.info("x".repeat(100_000));
  gate.resolve();
  await log.flush();
  assert.match(await written(log, sink), /WARNING - 2 entries were not written to stderr/);
});
