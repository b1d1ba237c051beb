import assert from "node:assert/strict";
import { run } from "../../lib/cli/run.ts";
import { startAedes } from "../brokers/aedes.ts";
import { mosquittoAvailable, startMosquitto } from "../brokers/mosquitto.ts";
import { holdPort } from "../brokers/ports.ts";
import { MAIN } from "../host.ts";

interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function ran(...args: string[]): Promise<Ran> {
  let stdout = "";
  let stderr = "";
  const status = await run(args, {
    stdout: (text) => void (stdout += text),
    stderr: (text) => void (stderr += text),
  });
  return { status, stdout, stderr };
}

async function withConfig<T>(config: object, use: (path: string) => Promise<T>): Promise<T> {
  const path = await Deno.makeTempFile({ suffix: ".json" });
  try {
    await Deno.writeTextFile(path, JSON.stringify(config));
    return await use(path);
  } finally {
    await Deno.remove(path);
  }
}

const TOPICS = [
  { pattern: "sensors/+/temperature", permissions: ["read"] },
  { pattern: "lights/#", permissions: ["read", "write"] },
  { pattern: "lights/garage", deny: ["write"] },
];

Deno.test("run() ends with 2 and one line for wrong usage", async () => {
  for (
    const args of [["--nothing"], ["serv"], ["explain"], ["--log-level", "loud"], ["check", "x"]]
  ) {
    const { status, stdout, stderr } = await ran(...args);
    assert.deepEqual([status, stdout], [2, ""], args.join(" "));
    assert.match(stderr, /^mcpmqtt: [^\n]+\n$/);
  }
});

Deno.test("run() sets a hint apart from what it follows", async () => {
  const { stderr } = await ran("explain", "a/#/b", "--url", "mqtt://127.0.0.1:1");
  assert.match(stderr, /\[MQTT-4\.7\.1-1\]\. Write it as in "#"/);
});

Deno.test("run() escapes what is not seen in its errors, wherever it comes from", async () => {
  const good = new URL("../../examples/example_config.json", import.meta.url).pathname;
  await withConfig({ "mq\u202ett": 1 }, async (path) => {
    for (
      const args of [
        ["--\u202enothing"],
        ["explain", "a\u202e/#/b", "--config", good],
        ["check", "--config", path],
        ["check", "--config", "/nowhere/\u202econfig.json"],
      ]
    ) {
      const { status, stderr } = await ran(...args);
      assert.equal(status, 2);
      assert.match(stderr, /^[^\n\u202e]*\\u202e[^\n\u202e]*\n$/);
    }
  });
});

Deno.test("run() ends with 2 for a config that cannot be read, and names it", async () => {
  const { status, stderr } = await ran("check", "--config", "/nowhere/config.json");
  assert.equal(status, 2);
  assert.match(stderr, /^[^\n]*\/nowhere\/config\.json[^\n]*\n$/);
});

Deno.test("explain says whether a topic is allowed, and which rule decides", async () => {
  await withConfig({ topics: TOPICS }, async (path) => {
    const explain = async (...args: string[]): Promise<string> => {
      const { status, stdout, stderr } = await ran("explain", ...args, "--config", path);
      assert.deepEqual([status, stderr], [/: allowed/.test(stdout) ? 0 : 1, ""]);
      return stdout;
    };
    assert.match(
      await explain("sensors/attic/temperature", "read"),
      /^read sensors\/attic\/temperature: allowed by rule 1, "sensors\/\+\/temperature"\n$/,
    );
    assert.match(
      await explain("sensors/attic/temperature", "write"),
      /forbidden; no rule grants it/,
    );
    assert.match(await explain("lights/garage", "write"), /forbidden; denied by rule 3/);
    const both = await explain("lights");
    assert.match(both, /read lights: allowed by rule 2.*write lights: allowed by rule 2/s);
    const filter = await explain("sensors/#", "read");
    assert.match(
      filter,
      /narrowed to what is granted; subscribes to\n {2}sensors\/\+\/temperature\n/,
    );
    assert.match(await explain("x/#", "read"), /read x\/#: forbidden/);
    for (const shared of ["$share/g/lights/#", "$share/g/lights"]) {
      const said = await explain(shared, "read");
      assert.match(said, /^read \$share\/.*: forbidden; .* is a shared subscription/);
    }
    assert.match(await explain("lights/#", "write"), /never to a filter/);
  });
});

Deno.test("tools --demo needs no config", async () => {
  const { status, stdout } = await ran("tools", "--demo", "--config", "/nonexistent.json");
  assert.equal(status, 0);
  assert.ok(JSON.parse(stdout).tools.length > 0);
});

Deno.test("explain names the devices that the deciding rule covers", async () => {
  await using broker = await startAedes();
  const announce = (id: string, name: string): Promise<void> =>
    broker.publish(
      `homeassistant/switch/${id}/config`,
      JSON.stringify({
        name: null,
        cmd_t: `${id}/set`,
        stat_t: `${id}/state`,
        dev: { name, ids: [id] },
      }),
      { retain: true },
    );
  await announce("pump", "Pump");
  await announce("lamp", "Hall lamp");
  const config = {
    mqtt: { host: broker.host, port: broker.port },
    topics: [
      { pattern: "homeassistant/#", permissions: ["read"] },
      { pattern: "pump/#", permissions: ["read"] },
      { pattern: "+/set", permissions: ["write"] },
    ],
  };
  await withConfig(config, async (path) => {
    const explain = async (...args: string[]): Promise<string[]> => {
      const { stdout, stderr } = await ran("explain", ...args, "--config", path);
      assert.equal(stderr, "");
      return stdout.split("\n").filter((line) => line.startsWith("  device"));
    };
    assert.deepEqual(await explain("pump/state", "read"), ["  device: Pump (Pump)"]);
    assert.deepEqual(await explain("any/set", "write"), [
      "  device: Hall lamp (Hall lamp)",
      "  device: Pump (Pump)",
    ]);
    assert.deepEqual(await explain("pump/#", "read"), ["  device: Pump (Pump)"]);
    assert.deepEqual(await explain("lamp/state", "read"), []);
  });
});

Deno.test("tools prints what tools/list gives under the config", async () => {
  await withConfig({ topics: TOPICS, limits: { max_timeout: 7 } }, async (path) => {
    const { status, stdout } = await ran("tools", "--config", path, "--read-only");
    assert.equal(status, 0);
    const { tools } = JSON.parse(stdout);
    const names = tools.map(({ name }: { name: string }) => name);
    assert.deepEqual([names.length, names.includes("mqtt_publish")], [8, false]);
    const read = tools.find(({ name }: { name: string }) => name === "mqtt_read");
    assert.equal(read.inputSchema.properties.timeout.maximum, 7);
  });
});

Deno.test({
  name: "check tells what is granted and what the broker says, and hides the password",
  ignore: !mosquittoAvailable(),
  fn: async () => {
    await using broker = await startMosquitto({
      users: { someone: "secret-word" },
      acl: "user someone\ntopic readwrite #\n",
    });
    const mqtt = {
      host: broker.host,
      port: broker.port,
      username: "someone",
      password: "secret-word",
    };
    await withConfig({ mqtt, topics: TOPICS }, async (path) => {
      const { status, stdout } = await ran("check", "--config", path);
      assert.equal(status, 0, stdout);
      assert.match(stdout, /sensors\/\+\/temperature/);
      assert.match(stdout, /MQTT 5/);
      assert.match(stdout, /no TLS/);
      assert.match(stdout, /\d+ ms/);
      assert.equal(stdout.includes("secret-word"), false);
    });
    const wrong = { ...mqtt, password: "another-word" };
    await withConfig({ mqtt: wrong, topics: TOPICS }, async (path) => {
      const { status, stdout, stderr } = await ran("check", "--config", path);
      assert.equal(status, 1);
      assert.match(stdout + stderr, /Not authorized|not authorized/);
      assert.equal((stdout + stderr).includes("another-word"), false);
    });
  },
});

Deno.test("check names what the broker refuses, and a broker that is not there", async () => {
  await using broker = await startAedes({ refuseSubscription: (filter) => filter === "lights/#" });
  const mqtt = { host: broker.host, port: broker.port };
  await withConfig({ mqtt, topics: TOPICS }, async (path) => {
    const { status, stdout } = await ran("check", "--config", path);
    assert.equal(status, 1);
    assert.match(stdout, /MQTT 3\.1\.1/);
    assert.match(stdout, /lights\/#.*refused the subscription/);
  });
  using held = holdPort();
  const nobody = { host: "127.0.0.1", port: held.port, connect_timeout: 0.5 };
  await withConfig({ mqtt: nobody, topics: TOPICS }, async (path) => {
    const { status, stdout, stderr } = await ran("check", "--config", path);
    assert.equal(status, 1);
    assert.match(stdout + stderr, /nothing accepts connections/);
  });
});

Deno.test("main.ts without its permissions says what is missing, and asks nothing", async () => {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", MAIN, "check"],
    stdin: "null",
  }).output();
  assert.equal(code, 2);
  assert.equal(
    new TextDecoder().decode(stderr),
    "mcpmqtt: Deno was started without the program's permissions; add -P: deno run -P main.ts, in the folder of main.ts\n",
  );
});

Deno.test({
  name: "main.ts on a terminal says that it waits for a host, and that Ctrl-C ends it",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const { code, stdout } = await new Deno.Command("python3", {
      args: [
        new URL("./terminal.py", import.meta.url).pathname,
        JSON.stringify(["^C"]),
        ...[Deno.execPath(), "run", "-q", "-P", MAIN, "--url", "mqtt://127.0.0.1:1", "--read", "a"],
      ],
    }).output();
    assert.match(new TextDecoder().decode(stdout), /waits for an MCP host.*Ctrl-C ends it/);
    assert.equal(code, 0);
  },
});
