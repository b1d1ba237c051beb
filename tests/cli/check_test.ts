import assert from "node:assert/strict";
import { runCheck } from "../../lib/cli/commands/check.ts";
import { hostCommand } from "../../lib/cli/host_command.ts";
import { parseArguments } from "../../lib/cli/options.ts";
import { startAedes } from "../brokers/aedes.ts";
import { ScriptedBroker } from "../mqtt/scripted_broker.ts";
import { holdPort } from "../brokers/ports.ts";

interface Said {
  readonly status: number;
  readonly text: string;
  /** The JSON at the end. */
  readonly host: { mcpServers: { mqtt: { command: string; args: string[]; env?: object } } };
}

async function check(config: unknown): Promise<Said & { readonly path: string }> {
  const path = await Deno.makeTempFile({ suffix: ".json" });
  await Deno.writeTextFile(path, JSON.stringify(config));
  const said = await checkWith(["--config", path]);
  await Deno.remove(path);
  return { ...said, path };
}

async function checkWith(args: readonly string[]): Promise<Said> {
  let text = "";
  const status = await runCheck(parseArguments(["check", ...args]), {
    stdout: (said) => text += said,
    stderr: (said) => text += said,
  });
  const [, block = ""] = /\n(\{\n[^]*?\n\})\n/.exec(text) ?? [];
  return { status, text, host: JSON.parse(block) };
}

Deno.test("runCheck() says what is granted, what the broker says, and ends with the host's block", async () => {
  await using broker = await startAedes({ refuseSubscription: (filter) => filter === "secret/#" });
  const { status, text, host, path } = await check({
    mqtt: { host: broker.host, port: broker.port, username: "me", password: "hunter2-hunter2" },
    topics: [
      { pattern: "a/#", permissions: ["read", "write"], retain: true, description: "the a's" },
      { pattern: "secret/#", permissions: ["read"] },
      { pattern: "a/b", deny: ["write"] },
    ],
  });
  assert.equal(status, 1);
  assert.match(text, /topic {4}a\/#: read and write, retain \(the a's\)\n/);
  assert.match(text, /connected in \d+ ms, MQTT 3\.1\.1, no TLS\n/);
  assert.match(text, / read {3}a\/#: accepted\n/);
  // One that refuses something may be believed about the others.
  assert.ok(!text.includes("some brokers accept"));
  assert.match(text, / read {3}secret\/#: the broker refused the subscription/);
  assert.ok(!text.includes("hunter2"));
  assert.deepEqual(host.mcpServers.mqtt.args.slice(-2), ["--config", path]);
});

Deno.test("runCheck() without a broker says why, and has the block all the same", async () => {
  using held = holdPort();
  const mqtt = { host: "127.0.0.1", port: held.port };
  const { status, text, host } = await check({ mqtt });
  assert.equal(status, 1);
  // The address stands there once more, before the colon, and "since" would be now.
  assert.match(text, /^broker {3}mqtt:\/\/127\.0\.0\.1:\d+: nothing accepts connections at 127\./m);
  assert.match(text, /topics {3}none is granted/);
  assert.ok(!JSON.stringify(host).includes("node_modules"));
});

Deno.test("runCheck() gives the host the options that it was given itself", async () => {
  await using broker = await startAedes();
  const url = `mqtt://${broker.host}:${broker.port}`;
  const optionsOf = async (...args: string[]) => {
    let text = "";
    const io = { stdout: (said: string) => void (text += said), stderr: () => {} };
    await runCheck(parseArguments(["check", ...args]), io);
    const [, block = ""] = /\n(\{\n[^]*?\n\})\n/.exec(text) ?? [];
    const { args: all } = JSON.parse(block).mcpServers.mqtt as { args: string[] };
    return { text, options: all.slice(hostCommand().args.length) };
  };
  const given = [
    ...["--url", url, "--read", "a/#", "--read=-b/+", "--write", "c"],
    ...["--log-level", "ERROR", "--logfile", "/tmp/x.log", "--read-only"],
  ];
  const { text, options } = await optionsOf(...given);
  assert.deepEqual(parseArguments(options).options, parseArguments(given).options);
  assert.match(text, /^config {3}none: --url, --read and --write stand for it\n/);
  const secret = await optionsOf("--url", "ws://127.0.0.1:1/mqtt?token=hunter2");
  assert.deepEqual(secret.options, ["--url", "ws://127.0.0.1:1/mqtt?***"]);
  assert.ok(!secret.text.includes("hunter2"));
});

Deno.test("runCheck() says that a broker that accepts everything does not tell of its own rules", async () => {
  await using broker = await startAedes();
  const { status, text } = await check({
    mqtt: { host: broker.host, port: broker.port },
    topics: [
      { pattern: "a/#", permissions: ["read"], description: "with \u202e and \u0007" },
      { pattern: "b/c", permissions: ["read"] },
      { pattern: "b/#", deny: ["read"] },
    ],
  });
  assert.equal(status, 0);
  assert.match(text, / read {3}a\/#: accepted\n/);
  // Once, however many topics there are.
  const note = "note     some brokers accept what their own rules forbid, and then send nothing\n";
  assert.equal(text.split(note).length - 1, 1, text);
  assert.match(text, / read {3}b\/c: denied by the config\n/);
  assert.match(text, /with \\u202e and \\u0007/i);
});

Deno.test("runCheck() prints an env entry for the variables that the config reads", async () => {
  Deno.env.set("MCPMQTT_CHECK_TEST", "hunter2-hunter2");
  const { text, host } = await check({
    mqtt: { host: "127.0.0.1", port: 1, username: "a", password: "${env:MCPMQTT_CHECK_TEST}" },
  });
  Deno.env.delete("MCPMQTT_CHECK_TEST");
  assert.deepEqual(host.mcpServers.mqtt.env, {
    MCPMQTT_CHECK_TEST: "the value of MCPMQTT_CHECK_TEST",
  });
  assert.match(
    text,
    /A host passes no environment on: put the value of MCPMQTT_CHECK_TEST in there/,
  );
  assert.ok(!text.includes("hunter2"));
});

Deno.test("runCheck() with --demo checks the demo", async () => {
  const { status, text, host } = await checkWith(["--demo"]);
  assert.equal(status, 0);
  assert.match(text, / read {3}zigbee\/#: accepted/);
  assert.equal(host.mcpServers.mqtt.args.at(-1), "--demo");
});

Deno.test("runCheck() says after a second that a silent broker is waited for", async () => {
  await using broker = new ScriptedBroker(() => {});
  const { status, text } = await check({
    mqtt: { host: broker.host, port: broker.port, protocol_version: "5", connect_timeout: 1.5 },
  });
  assert.equal(status, 1);
  assert.match(text, /no answer yet; waiting up to 1\.5 s\n.*did not answer within 1\.5 s/);
});

Deno.test({
  name: "runCheck() warns of a plain password in a file that others can read",
  ignore: Deno.build.os === "windows",
  async fn() {
    const folder = await Deno.makeTempDir();
    const path = `${folder}/c.json`;
    const mqtt = { host: "127.0.0.1", port: 1, username: "a", password: "hunter2-hunter2" };
    const said = async (password: string, mode: number): Promise<string> => {
      await Deno.writeTextFile(path, JSON.stringify({ mqtt: { ...mqtt, password } }));
      await Deno.chmod(path, mode);
      return (await checkWith(["--config", path])).text;
    };
    await Deno.writeTextFile(`${folder}/pw`, "hunter2-hunter2");
    const warning = /warning .*others can read this file, and with it mqtt\.password; chmod 600/;
    assert.match(await said("hunter2-hunter2", 0o644), warning);
    assert.doesNotMatch(await said("hunter2-hunter2", 0o600), warning);
    assert.doesNotMatch(await said("${file:pw}", 0o644), warning);
    await Deno.remove(folder, { recursive: true });
  },
});
