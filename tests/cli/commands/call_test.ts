import assert from "node:assert/strict";
import { startAedes } from "../../brokers/aedes.ts";
import { mosquittoAvailable, startMosquitto } from "../../brokers/mosquitto.ts";
import { until } from "../../brokers/until.ts";
import { MAIN } from "../../host.ts";
import { fromFileUrl } from "../../paths.ts";

const ROOT = fromFileUrl(new URL("../../../", import.meta.url));

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The program with an empty HOME, which holds no config. */
async function program(...args: string[]): Promise<Ended> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-P", "-q", `--config=${ROOT}deno.json`, MAIN, ...args],
    env: { HOME: "/nonexistent", NO_COLOR: "1", ...await cache() },
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

async function cache(): Promise<Record<string, string>> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  return { DENO_DIR: JSON.parse(new TextDecoder().decode(stdout)).denoDir };
}

Deno.test("call runs one tool on --url, --read and --write alone, and prints its result", async () => {
  await using broker = await startAedes();
  await broker.publish("sensors/kitchen", "21.5", { retain: true });
  const url = `mqtt://${broker.host}:${broker.port}`;
  const granted = [
    "--url",
    url,
    "--read",
    "sensors/#",
    "--write",
    "lamp/+/set",
    "--read",
    "lamp/#",
  ];
  const read = await program(...granted, "call", "mqtt_read", '{"topic": "sensors/kitchen"}');
  assert.equal(read.code, 0, read.stderr);
  assert.equal(JSON.parse(read.stdout).payload, "21.5");
  const wrote = await program(
    "call",
    "mqtt_publish",
    '{"topic": "lamp/hall/set", "payload": "on", "qos": 1}',
    ...granted,
  );
  assert.equal(JSON.parse(wrote.stdout).outcome, "acknowledged", wrote.stderr);
  const refused = await program(
    ...granted,
    "call",
    "mqtt_publish",
    '{"topic": "x", "payload": "1"}',
  );
  assert.equal(refused.code, 1);
  assert.equal(JSON.parse(refused.stdout).error.code, "forbidden");
  assert.equal(JSON.parse(refused.stdout).error.outcome, "not_sent");
});

/** A config file in a folder of its own, which is removed. */
async function configured(
  config: object,
): Promise<AsyncDisposable & { readonly folder: string; readonly args: readonly string[] }> {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/config.json`, JSON.stringify(config));
  return {
    folder,
    args: ["--config", `${folder}/config.json`],
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

Deno.test("call is recorded and logged as a call of an agent is", async () => {
  await using broker = await startAedes();
  const { host, port } = broker;
  await using config = await configured({
    mqtt: { host, port },
    topics: [{ pattern: "t", permissions: ["write"] }],
    logging: { audit: "audit.jsonl", logfile: "log.txt" },
  });
  const publish = ["call", "mqtt_publish", '{"topic": "t", "payload": "on"}', ...config.args];
  const quiet = await program(...publish);
  assert.deepEqual([quiet.code, quiet.stderr], [0, ""]);
  const loud = await program(...publish, "--log-level", "DEBUG");
  assert.match(loud.stderr, /DEBUG - write to "t" is granted by the rule "t"/);
  assert.equal(JSON.parse(loud.stdout).outcome, "sent");
  const refused = await program("call", "mqtt_read", '{"topic": "x"}', ...config.args);
  assert.equal(refused.code, 1);
  const lines = (await Deno.readTextFile(`${config.folder}/audit.jsonl`)).trimEnd().split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual(lines.map(({ client, tool, outcome }) => [client, tool, outcome]), [
    ["mcpmqtt call", "mqtt_publish", "sent"],
    ["mcpmqtt call", "mqtt_publish", "sent"],
    ["mcpmqtt call", "mqtt_read", "failed"],
  ]);
  const log = await Deno.readTextFile(`${config.folder}/log.txt`);
  assert.equal(log.match(/INFO - mqtt_publish to "t" sent/g)?.length, 2);
});

Deno.test("call of a tool that a read-only server does not offer is forbidden", async () => {
  const { code, stdout } = await program(
    ...["--read-only", "--write", "t", "call", "mqtt_publish", '{"topic": "t", "payload": "1"}'],
  );
  assert.equal(code, 1);
  const { error } = JSON.parse(stdout);
  assert.deepEqual([error.code, error.outcome], ["forbidden", "not_sent"]);
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test({
    name: `call is cancelled by ${signal}, and the broker gets a DISCONNECT`,
    ignore: !mosquittoAvailable(),
    async fn() {
      await using broker = await startMosquitto();
      const child = new Deno.Command(Deno.execPath(), {
        args: ["run", "-P", "-q", `--config=${ROOT}deno.json`, MAIN]
          .concat("--url", `mqtt://${broker.host}:${broker.port}`, "--read", "t/#")
          .concat("call", "mqtt_subscribe", '{"topic": "t/#", "timeout": 60}'),
        env: { HOME: "/nonexistent", NO_COLOR: "1", ...await cache() },
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      await until(() => broker.subscriptions().includes("t/#"), { what: "the subscription" });
      const start = performance.now();
      child.kill(signal);
      const { code, stdout, stderr } = await child.output();
      assert.ok(performance.now() - start < 2_000);
      assert.deepEqual([code, stdout.length], [0, 0]);
      assert.match(new TextDecoder().decode(stderr), /mqtt_subscribe was cancelled by SIG/);
      await until(() => broker.log().includes("Received DISCONNECT"), { what: "the DISCONNECT" });
    },
  });
}

Deno.test("call says what is wrong with a tool's name or its arguments, with status 2", async () => {
  const unknown = await program("--read", "a", "call", "mqtt_reed");
  assert.deepEqual([unknown.code, unknown.stdout], [2, ""]);
  assert.match(unknown.stderr, /unknown tool "mqtt_reed"; there are mqtt_read, /);
  const broken = await program("call", "mqtt_read", "{topic: a}");
  assert.equal(broken.code, 2);
  assert.match(broken.stderr, /must be one JSON object, such as/);
  const wrong = await program("--read", "a+", "call", "mqtt_status");
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /^--read: .*a\+/);
});

Deno.test("call is recorded, and refuses a write as a server would", async () => {
  await using broker = await startAedes();
  const folder = await Deno.makeTempDir();
  const config = `${folder}/c.json`;
  await Deno.writeTextFile(
    config,
    JSON.stringify({
      mqtt: { host: broker.host, port: broker.port },
      topics: [{ pattern: "lamp/+/set", permissions: ["write"] }],
      logging: { audit: "audit.jsonl" },
    }),
  );
  const publish = async (...args: string[]): Promise<Ended> =>
    await program("-c", config, "call", "mqtt_publish", ...args);
  const sent = '{"topic": "lamp/hall/set", "payload": "on", "qos": 1}';
  const ends = [
    await publish(sent),
    await publish('{"topic": "lamp/hall/set"}'),
    await publish(sent, "--read-only"),
  ];
  assert.deepEqual(ends.map(({ code, stderr }) => [code, stderr]), [[0, ""], [1, ""], [1, ""]]);
  const [, incomplete, readOnly] = ends.map(({ stdout }) => JSON.parse(stdout).error);
  assert.deepEqual([incomplete.code, incomplete.outcome], ["invalid_argument", "not_sent"]);
  assert.deepEqual([readOnly.code, readOnly.message], [
    "forbidden",
    "mqtt_publish is not offered: the server is read-only",
  ]);
  const lines = (await Deno.readTextFile(`${folder}/audit.jsonl`)).trimEnd().split("\n");
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)).map(({ client, tool, topic, outcome, code }) => [
      client,
      tool,
      topic,
      outcome,
      code,
    ]),
    [
      ["mcpmqtt call", "mqtt_publish", "lamp/hall/set", "acknowledged", undefined],
      ["mcpmqtt call", "mqtt_publish", "lamp/hall/set", "not_sent", "invalid_argument"],
      ["mcpmqtt call", "mqtt_publish", "lamp/hall/set", "not_sent", "forbidden"],
    ],
  );
  await Deno.remove(folder, { recursive: true });
});

Deno.test("explain fails for what is not allowed, and only then", async () => {
  const allowed = await program("--read", "a/#", "explain", "a/b", "read");
  assert.deepEqual([allowed.code, allowed.stdout], [0, 'read a/b: allowed by rule 1, "a/#"\n']);
  const denied = await program("--read", "a/#", "explain", "a/b", "write");
  assert.equal(denied.code, 1);
  assert.match(denied.stdout, /^write a\/b: forbidden/);
  assert.equal((await program("--read", "a/#", "explain", "a/b")).code, 0);
});

Deno.test("-h, -v, help and version print to stdout, and -c is --config", async () => {
  for (const args of [["-h"], ["help"], ["--help"]]) {
    const { code, stdout } = await program(...args);
    assert.equal(code, 0);
    assert.match(stdout, /^Usage: mcpmqtt .*-c, --config PATH/s);
  }
  for (const args of [["-v"], ["version"]]) {
    const { code, stdout } = await program(...args);
    assert.equal(code, 0);
    assert.match(stdout, /^mcpmqtt \d/);
  }
  const missing = await program("-c", "/nonexistent/c.json", "tools");
  assert.equal(missing.code, 2);
  assert.match(missing.stderr, /\/nonexistent\/c\.json: cannot be read \(given by --config\)/);
});
