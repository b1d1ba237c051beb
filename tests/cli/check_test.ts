import assert from "node:assert/strict";
import { runCheck } from "../../lib/cli/commands/check.ts";
import { parseArguments } from "../../lib/cli/options.ts";
import { startAedes } from "../brokers/aedes.ts";
import { holdPort } from "../brokers/ports.ts";

interface Said {
  readonly status: number;
  readonly text: string;
  /** The JSON at the end. */
  readonly host: { mcpServers: { mqtt: { command: string; args: string[] } } };
}

async function check(config: unknown): Promise<Said & { readonly path: string }> {
  const path = await Deno.makeTempFile({ suffix: ".json" });
  await Deno.writeTextFile(path, JSON.stringify(config));
  let text = "";
  const status = await runCheck(parseArguments(["check", "--config", path]), {
    stdout: (said) => text += said,
    stderr: (said) => text += said,
  });
  await Deno.remove(path);
  return { status, text, host: JSON.parse(text.slice(text.indexOf("\n{"))), path };
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
  assert.match(text, / read {3}a\/#: accepted by the broker/);
  assert.match(text, / read {3}secret\/#: the broker refused the subscription/);
  assert.ok(!text.includes("hunter2"));
  assert.deepEqual(host.mcpServers.mqtt.args.slice(-2), ["--config", path]);
});

Deno.test("runCheck() without a broker says why, and has the block all the same", async () => {
  using held = holdPort();
  const mqtt = { host: "127.0.0.1", port: held.port };
  const { status, text, host } = await check({ mqtt });
  assert.equal(status, 1);
  assert.match(text, /nothing accepts connections at 127\.0\.0\.1:\d+/);
  assert.match(text, /topics {3}none is granted/);
  assert.ok(!JSON.stringify(host).includes("node_modules"));
});
