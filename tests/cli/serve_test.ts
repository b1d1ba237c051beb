import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { startAedes } from "../brokers/aedes.ts";
import { mosquittoAvailable, startMosquitto } from "../brokers/mosquitto.ts";
import { DEADLINE_MS, TIMED_RETRIES, until, within } from "../brokers/until.ts";
import { launch, MAIN, type RawHost, rawHost, startHost, untilConnected } from "../host.ts";
import { connack, CONNECT, DISCONNECT, ScriptedBroker } from "../mqtt/scripted_broker.ts";
import { fromFileUrl } from "../paths.ts";
import { ALL_OF_T } from "../tools/served.ts";
import { FAILING_ID } from "./failing_entry.ts";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));

/** The program with a failure in it. */
const FAILING_ENTRY = fromFileUrl(new URL("failing_entry.ts", import.meta.url));

const INITIALIZE = `${
  JSON.stringify({
    jsonrpc: "2.0",
    id: 0,
    method: "initialize",
    params: {
      protocolVersion: "2025-11-25",
      capabilities: {},
      clientInfo: { name: "raw", version: "1" },
    },
  })
}\n`;

const CALL = {
  name: "mqtt_subscribe",
  arguments: { topic: "t/a", timeout: 100 },
  _meta: { progressToken: 1 },
};

for (const how of ["the end of input", "SIGTERM", "SIGINT"] as const) {
  Deno.test({
    name: `serve ends at ${how} within 2 s, with a DISCONNECT, in the middle of a call`,
    ignore: !mosquittoAvailable(),
    retry: TIMED_RETRIES,
    fn: async () => {
      await using broker = await startMosquitto();
      await using host = await rawHost({
        config: {
          mqtt: { host: broker.host, port: broker.port, client_id: "under-test" },
          topics: ALL_OF_T,
        },
      });
      await host.initialize();
      const watch = { name: "mqtt_watch", arguments: { topic: "t/+" } };
      await host.request("tools/call", watch);
      await host.send({ id: "call", method: "tools/call", params: CALL });
      await host.find(({ method }) => method === "notifications/progress");
      if (how === "the end of input") await host.closeInput();
      else host.signal(how);
      const { code, elapsedMs } = await host.ended();
      assert.equal(code, 0);
      assert.ok(elapsedMs < 2_000, `${elapsedMs} ms`);
      await until(() => broker.log().includes("Received DISCONNECT from under-test"));
      // Lanes of their own say goodbye as well.
      await until(() => broker.clients().length === 0);
      assert.match(host.stderr(), new RegExp(`ending at ${how}\n`));
    },
  });
}

Deno.test("serve ends with status 0 at a SIGTERM that comes with its first line", async () => {
  await using launched = await launch({ config: { topics: [] } });
  const { command, args, env, cwd } = launched;
  const stdio = { stdin: "piped", stdout: "null", stderr: "piped" } as const;
  const child = new Deno.Command(command, { args, env, cwd, ...stdio }).spawn();
  const decoder = new TextDecoder();
  let said = "";
  for await (const bytes of child.stderr) {
    said += decoder.decode(bytes);
    if (!said.includes("mcpmqtt.config - INFO")) continue;
    child.kill("SIGTERM");
    break;
  }
  assert.equal((await child.status).code, 0);
  await child.stdin.close();
});

Deno.test("serve ends in time where the host reads neither stdout nor stderr", async () => {
  await using launched = await launch({ config: { topics: [] }, args: ["--log-level", "debug"] });
  const { command, args, env, cwd } = launched;
  const child = new Deno.Command(command, {
    args,
    env,
    cwd,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const input = child.stdin.getWriter();
  const line = `{"jsonrpc":"2.0","id":1,"method":"tools/list"}\n`;
  // More than any pipe holds.
  await input.write(new TextEncoder().encode(line.repeat(100)));
  await input.close();
  const { code } = await within(child.status, DEADLINE_MS, "the end of the server");
  assert.equal(code, 0);
  await child.stdout.cancel();
  await child.stderr.cancel();
});

Deno.test("serve goes on where stderr is closed", async () => {
  await using broker = await startAedes();
  await using launched = await launch({
    config: { mqtt: { host: broker.host, port: broker.port }, topics: ALL_OF_T },
  });
  const { command, args, env, cwd } = launched;
  const child = new Deno.Command("sh", {
    args: ["-c", 'exec "$0" "$@" 2>&-', command, ...args],
    env,
    cwd,
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const input = child.stdin.getWriter();
  const params = { name: "mqtt_publish", arguments: { topic: "t/a", payload: "x", qos: 1 } };
  const request = { jsonrpc: "2.0", id: 1, method: "tools/call", params };
  await input.write(new TextEncoder().encode(`${JSON.stringify(request)}\n`));
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  const { result } = JSON.parse(new TextDecoder().decode(value));
  assert.equal(result.structuredContent.outcome, "acknowledged");
  await input.close();
  while (!(await reader.read()).done);
  assert.equal((await child.status).code, 0);
});

Deno.test("serve takes the config as two arguments, as one, and with an equals sign", async () => {
  await using launched = await launch({ config: { topics: ALL_OF_T } });
  const { configPath } = launched;
  const ways = [["--config", `${configPath}`], [`--config ${configPath}`], [
    `--config=${configPath}`,
  ]];
  await Promise.all(ways.map(async (args) => {
    await using host = await rawHost({ args });
    const { instructions } = await host.initialize();
    assert.match(instructions, /t\/# \(rw; may retain\)/);
  }));
});

Deno.test("serve without a config starts, and says how to make one wherever it matters", async () => {
  const home = await Deno.makeTempDir();
  await using broker = await startAedes();
  await using host = await startHost({
    env: { HOME: home, MCPMQTT_HOST: broker.host, MCPMQTT_PORT: String(broker.port) },
  });
  assert.match(host.client.getInstructions() ?? "", /No topic is granted.*`mcpmqtt init`/s);
  const calls = [
    ["mqtt_read", { topic: "a" }],
    ["mqtt_subscribe", { topic: "#" }],
    ["mqtt_topics", {}],
    ["mqtt_watch", { topic: "a" }],
    ["mqtt_publish", { topic: "a", payload: "x" }],
    ["mqtt_query", { request_topic: "a", response_topic: "b", payload: "x" }],
  ] as const;
  for (const [name, args] of calls) {
    const { hint } = await host.expectError("forbidden", name, args);
    assert.match(hint ?? "", /`mcpmqtt init`/, name);
  }
  await assert.rejects(host.readResource("mcpmqtt://message/a"), /`mcpmqtt init`/);
  await untilConnected(host);
  await host.close();
  await Deno.remove(home, { recursive: true });
});

Deno.test("serve shows a secret nowhere", async () => {
  const secrets = ["hunter2-the-user", "hunter2-the-password", "hunter2-from-env"];
  await using broker = await startAedes({
    refuseConnection: (_id, username) => username !== secrets[0],
  });
  const mqtt = {
    host: broker.host,
    port: broker.port,
    username: secrets[0],
    password: secrets[1],
  };
  const said: string[] = [];
  await Promise.all([secrets[0], "${env:MCPMQTT_TEST_SECRET}"].map(async (username) => {
    await using host = await rawHost({
      config: { mqtt: { ...mqtt, username }, topics: ALL_OF_T },
      args: ["--log-level", "DEBUG"],
      env: { MCPMQTT_TEST_SECRET: secrets[2] ?? "" },
    });
    await host.initialize();
    await host.request("tools/list");
    const calls: ReadonlyArray<readonly [string, object]> = [
      ["mqtt_status", {}],
      ["mqtt_read", { topic: "t/a", timeout: 0.1 }],
      ["mqtt_publish", { topic: "x", payload: "x" }],
    ];
    for (const [name, args] of calls) {
      await host.request("tools/call", { name, arguments: args });
    }
    for (
      const uri of ["mcpmqtt://topics/allowed", "mcpmqtt://topics/examples", "mcpmqtt://status"]
    ) {
      await host.request("resources/read", { uri });
    }
    await host.closeInput();
    await host.ended();
    said.push(...host.lines, host.stderr());
  }));
  const text = said.join("\n");
  assert.ok(text.includes("DEBUG") || text.includes("INFO"));
  assert.match(text, /refused the connection/);
  for (const secret of secrets) assert.equal(text.includes(secret), false, secret);
});

Deno.test("serve gives up reading and writing files, and still loads what it needs later", async () => {
  await using broker = await startAedes();
  const logfile = await Deno.makeTempFile();
  await using launched = await launch({
    config: {
      mqtt: { host: broker.host, port: broker.port },
      topics: ALL_OF_T,
      logging: { logfile },
    },
  });
  const probe = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(
    probe,
    `import ${JSON.stringify(import.meta.resolve("./probe.ts"))};
    const { run } = await import(${JSON.stringify(`file://${ROOT}lib/cli/run.ts`)});
    Deno.exit(await run(Deno.args));`,
  );
  await using host = await startHost({
    entry: probe,
    args: ["--config", launched.configPath ?? ""],
  });
  const result = await host.expectResult("mqtt_publish", { topic: "t/a", payload: "x", qos: 1 });
  assert.equal(result.outcome, "acknowledged");
  await until(() => /tried .*\n/.test(host.stderr()), { what: "the end of the permissions" });
  assert.ok(!host.stderr().includes("could still"), host.stderr());
  await host.expectResult("mqtt_read", { topic: "t/b", timeout: 0.1 }).catch(() => {});
  await until(async () =>
    (await Deno.readTextFile(logfile)).includes('mqtt_publish to "t/a" acknowledged')
  );
  await host.close();
  await Deno.remove(probe);
  await Deno.remove(logfile);
});

Deno.test("main.ts has the exit statuses of the contract, and one line for an error", async () => {
  const ended = async (...args: string[]): Promise<readonly [number, string, string]> => {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-P", "--quiet", MAIN, ...args],
      cwd: ROOT,
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    return [code, decoder.decode(stdout), decoder.decode(stderr)];
  };
  const folder = await Deno.makeTempDir();
  const broken = `${folder}/broken.json`;
  await Deno.writeTextFile(broken, '{\n  "mqtt": { "prot": 1 }\n}');
  const [version, help, option, missing, config] = await Promise.all([
    ended("--version"),
    ended("--help"),
    ended("--colour"),
    ended("--config", `${folder}/none.json`),
    ended("--config", broken),
  ]);
  assert.deepEqual([version[0], help[0]], [0, 0]);
  assert.match(version[1], /^mcpmqtt \d+\.\d+\.\d+\n$/);
  assert.match(help[1], /Usage: mcpmqtt/);
  const faults = [[option, /--colour/], [missing, /none\.json/], [
    config,
    /broken\.json:2:13: .*"port"/,
  ]] as const;
  for (const [[code, stdout, stderr], pattern] of faults) {
    assert.equal(code, 2);
    assert.equal(stdout, "");
    assert.match(stderr, pattern);
    assert.equal(stderr.trimEnd().split("\n").length, 1, stderr);
  }
  await Deno.remove(folder, { recursive: true });
});

async function untilConnectedByHand({ request }: RawHost): Promise<void> {
  await until(async () => {
    const { result } = await request("tools/call", { name: "mqtt_status", arguments: {} });
    return result.structuredContent.connected;
  });
}

for (const failure of ["throw", "reject"] as const) {
  Deno.test({
    name: `serve ends with status 1, one line and a DISCONNECT at what nobody catches (${failure})`,
    ignore: !mosquittoAvailable(),
    fn: async () => {
      await using broker = await startMosquitto();
      await using host = await rawHost({
        entry: FAILING_ENTRY,
        env: { MCPMQTT_TEST_FAILURE: failure },
        config: {
          mqtt: { host: broker.host, port: broker.port, client_id: "under-test" },
          topics: ALL_OF_T,
        },
      });
      await host.initialize();
      await untilConnectedByHand(host);
      await host.request("ping", {}, { id: FAILING_ID });
      const { code } = await host.ended();
      assert.equal(code, 1);
      await until(() => broker.log().includes("Received DISCONNECT from under-test"));
      const lines = host.stderr().split("\n").filter((line) => line.includes("nobody catches"));
      assert.equal(lines.length, 1, host.stderr());
      assert.match(lines[0] ?? "", /CRITICAL - ending, because the program failed/);
    },
  });
}

Deno.test("serve goes on where there is nobody left to tell something", async () => {
  await using host = await rawHost({
    entry: FAILING_ENTRY,
    env: { MCPMQTT_TEST_FAILURE: "host gone" },
    config: { mqtt: { port: 1 } },
  });
  await host.initialize();
  await host.request("ping", {}, { id: FAILING_ID });
  // The failure comes after the answer.
  await new Promise((resolve) => setTimeout(resolve, 300));
  const { result } = await host.request("tools/list");
  assert.ok(result.tools.length > 0);
  await host.closeInput();
  assert.equal((await host.ended()).code, 0);
});

Deno.test("serve sends a DISCONNECT at the end even if the host reads nothing", async () => {
  let disconnects = 0;
  await using broker = new ScriptedBroker(({ type }, client) => {
    if (type === CONNECT) client.send(...connack("5"));
    if (type === DISCONNECT) disconnects++;
  });
  const { host, port } = broker;
  const mqtt = { host, port, protocol_version: "5" };
  await using launched = await launch({ config: { mqtt, topics: ALL_OF_T } });
  const { command, ...how } = launched;
  const pipes = { stdin: "piped", stdout: "piped", stderr: "piped" } as const;
  const child = new Deno.Command(command, { ...how, ...pipes, clearEnv: true }).spawn();
  const stderr = new Response(child.stderr).text();
  const input = child.stdin.getWriter();
  const request = `${JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" })}\n`;
  // More than the pipe holds.
  await input.write(new TextEncoder().encode(INITIALIZE + request.repeat(100)));
  await until(() => broker.connections === 2);
  await input.close();
  assert.equal((await child.status).code, 0, await stderr);
  await child.stdout.cancel();
  assert.equal(disconnects, 2);
});

Deno.test("the log has a line for each write at INFO, and each step at DEBUG", async () => {
  await using broker = await startAedes();
  const mqtt = { host: broker.host, port: broker.port };
  for (const level of ["INFO", "DEBUG"]) {
    await using host = await startHost({ config: { mqtt, topics: ALL_OF_T, logging: { level } } });
    await untilConnected(host);
    await host.expectResult("mqtt_publish", { topic: "t/a", payload: "said", qos: 1 });
    await host.expectError("forbidden", "mqtt_publish", { topic: "x", payload: "1" });
    await host.expectResult("mqtt_subscribe", { topic: "t/b", timeout: 0.1 });
    await until(() => host.stderr().includes("mqtt_subscribe done in"));
    const log = host.stderr();
    assert.match(log, /INFO - mqtt_publish to "t\/a" acknowledged in \d+ ms\n/);
    assert.match(log, /INFO - mqtt_publish to "x" failed, not_sent: forbidden: no rule grants/);
    const steps = [
      /DEBUG - mqtt_publish called with \{"topic":"t\/a","payload":"said","qos":1\}\n/,
      /DEBUG - write to "t\/a" is granted by the rule "t\/#"\n/,
      /DEBUG - PUBLISH "t\/a", QoS 1: "said"\n/,
      /DEBUG - read of "t\/b" is granted as "t\/b" by the rule "t\/#"\n/,
      /DEBUG - SUBSCRIBE "t\/b" as mcpmqtt-/,
      /DEBUG - UNSUBSCRIBE "t\/b" as mcpmqtt-/,
    ];
    await until(() => level === "INFO" || host.stderr().includes("UNSUBSCRIBE"));
    for (const step of steps) {
      if (level === "DEBUG") assert.match(host.stderr(), step);
      else assert.doesNotMatch(host.stderr(), step);
    }
  }
});

Deno.test("no canary of a secret place comes out anywhere, through many failures, at DEBUG", async () => {
  const canaries = {
    password: "canary-password-7Qz",
    passphrase: "canary-passphrase-7Qz",
    env: "canary-env-7Qz",
    file: "canary-file-7Qz",
    token: "canary-token-7Qz",
    apiKey: "canary-api-key-7Qz",
    url: "canary-url-7Qz",
  };
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/secret`, canaries.file);
  const key = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({
    type: "pkcs8",
    format: "pem",
    cipher: "aes-256-cbc",
    passphrase: canaries.passphrase,
  });
  await Deno.writeTextFile(`${folder}/key.pem`, key);
  await using broker = await startAedes({ refuseConnection: () => true });
  const { host, port } = broker;
  const topics = ALL_OF_T;
  const audit = `${folder}/audit.jsonl`;
  const logfile = `${folder}/log.txt`;
  const logging = { level: "DEBUG", audit: { path: audit, payloads: true }, logfile };
  const login = { host, port, username: "me", connect_timeout: 0.5 };
  const remote_server = { api_key: canaries.apiKey };
  const configs = [
    {
      mqtt: { ...login, password: canaries.password },
      topics,
      logging,
      remote_server,
    },
    { mqtt: { ...login, password: "${env:MCPMQTT_CANARY}" }, topics, logging },
    { mqtt: { ...login, password: "${file:secret}" }, topics, logging },
    { mqtt: { ...login, transport: "ws", path: `/mqtt?token=${canaries.token}` }, topics, logging },
    {
      mqtt: {
        ...login,
        transport: "tls",
        password: canaries.password,
        tls: { cert: "key.pem", key: "key.pem", key_passphrase: canaries.passphrase },
      },
    },
    { mqtt: { url: `mqtt://me:${canaries.url}@${host}:${port}` }, topics },
    { mqtt: { ...login, pasword: canaries.password, port: "x" }, topics },
  ];
  const said: string[] = [];
  const env = { MCPMQTT_CANARY: canaries.env };
  for (const [i, config] of configs.entries()) {
    const path = `${folder}/c${i}.json`;
    await Deno.writeTextFile(path, JSON.stringify(config));
    // Of a config these two print no more than the others do.
    const further = i === 0 ? [["tools"], ["explain", "t/a"]] : [];
    const commands = [["check"], ["call", "mqtt_status"], ...further];
    const runs = await Promise.all(
      commands.map(([command = "", ...args]) =>
        new Deno.Command(Deno.execPath(), {
          args: ["run", "-q", "-P", MAIN, command, ...args, "-c", path, "--log-level", "DEBUG"],
          cwd: ROOT,
          env,
        }).output()
      ),
    );
    for (const { stdout, stderr } of runs) {
      said.push(...[stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)));
    }
    // The others do not load, and serving says the same of them.
    if (!("logging" in config)) continue;
    await using served = await rawHost({ args: ["--config", path], env });
    await served.initialize();
    const calls = [
      ["mqtt_status", {}],
      ["mqtt_read", { topic: "t/a", timeout: 0.1 }],
      ["mqtt_publish", { topic: "t/a", payload: "x" }],
      ["mqtt_query", { request_topic: "t/a", payload: 1, timeout: 0.1 }],
    ] as const;
    await Promise.all(
      calls.map(([name, args]) => served.request("tools/call", { name, arguments: args })),
    );
    await served.request("resources/read", { uri: "mcpmqtt://status" });
    await served.closeInput();
    await served.ended();
    said.push(...served.lines, served.stderr());
  }
  for (const file of [audit, logfile]) said.push(await Deno.readTextFile(file));
  await Deno.remove(folder, { recursive: true });
  const text = said.join("\n");
  assert.match(text, /DEBUG/);
  assert.match(text, /"tool":"mqtt_publish"/);
  for (const [place, canary] of Object.entries(canaries)) {
    assert.ok(
      !text.includes(canary),
      `${place}: ${text.slice(text.indexOf(canary) - 300).slice(0, 400)}`,
    );
  }
});
