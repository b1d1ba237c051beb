import assert from "node:assert/strict";
import { loadConfig } from "../../lib/config/load.ts";
import { faultsOf, load, loadError, type World } from "./memory.ts";
import { ORIGINAL_README_CONFIG } from "./original.ts";

function example(name: string): Promise<string> {
  return Deno.readTextFile(new URL(`../../examples/${name}`, import.meta.url));
}

const REMOTE_DEFAULTS = {
  keys: [],
  allowedHosts: [],
  allowedOrigins: [],
  tls: undefined,
  oauth: undefined,
  limits: {
    maxBodyBytes: 1_048_576,
    maxRequests: 64,
    maxSessions: 256,
    requestTimeoutMs: 330_000,
    sessionIdleMs: 600_000,
  },
};

Deno.test("loadConfig() of the original's example_config.json", async () => {
  const config = await load(await example("example_config.json"));
  assert.equal(config.rules.length, 8);
  assert.deepEqual(config.rules[0]?.permissions, ["read", "write"]);
  assert.equal(config.logging.logfile, undefined);
  assert.deepEqual(config.warnings, []);
});

Deno.test("loadConfig() of the original's example_with_logging.json", async () => {
  const config = await load(await example("example_with_logging.json"));
  assert.equal(config.rules.length, 3);
  assert.equal(config.logging.logfile, "/var/log/mcpmqtt/server.log");
});

Deno.test("loadConfig() of the config in the original's README warns that no key is set", async () => {
  const config = await load(ORIGINAL_README_CONFIG);
  assert.equal(config.rules.length, 6);
  assert.deepEqual(config.remoteServer, {
    ...REMOTE_DEFAULTS,
    listen: { kind: "uds", path: "/var/run/mcpmqtt.sock" },
    key: undefined,
  });
  assert.deepEqual(config.warnings.map((w) => w.path), [
    "remote_server.api_key_kdf.salt",
    "remote_server.api_key_kdf.hash",
  ]);
  assert.deepEqual(config.secrets, []);
});

Deno.test("loadConfig() takes an empty logfile for none, as the original does", async () => {
  assert.equal((await load({ logging: { logfile: "" } })).logging.logfile, undefined);
});

Deno.test("loadConfig() takes numbers written as text where the original had numbers", async () => {
  const { mqtt, remoteServer } = await load({
    mqtt: { port: "8883", keepalive: " 30 " },
    remote_server: {
      port: "${env:MCPMQTT_HTTP_PORT}",
      api_key_kdf: {
        salt: btoa("x".repeat(16)),
        hash: btoa("x".repeat(32)),
        memory_cost: "65536",
      },
    },
  }, { env: { MCPMQTT_HTTP_PORT: "8080" } });
  assert.deepEqual([mqtt.port, mqtt.keepaliveSeconds], [8883, 30]);
  assert.deepEqual(remoteServer?.listen, { kind: "tcp", host: "127.0.0.1", port: 8080 });
  for (const port of ["", "0x10", "1883.5", "-1", "70000", "1e3"]) {
    const [fault] = await faultsOf({ mqtt: { port } });
    assert.match(fault?.message ?? "", /^must be an integer from 1 to 65535/, port);
  }
});

Deno.test("loadConfig() takes history where it is null, and says that there is none yet", async () => {
  assert.equal("history" in await load({ history: null }), false);
  const [fault] = await faultsOf({ history: { path: "h.db" } });
  assert.match(fault?.message ?? "", /^must be null: there is no history yet/);
});

Deno.test("loadConfig() of an empty object gives the documented defaults", async () => {
  const { mqtt, limits, rules, readOnly, logging, remoteServer } = await load("{}");
  assert.deepEqual(mqtt, {
    host: "localhost",
    port: 1883,
    transport: "tcp",
    path: "/mqtt",
    username: undefined,
    password: undefined,
    keepaliveSeconds: 60,
    protocolVersion: "auto",
    responsePrefix: undefined,
    clientId: undefined,
    connectTimeoutMs: 10_000,
    tls: {
      ca: undefined,
      cert: undefined,
      key: undefined,
      keyPassphrase: undefined,
      serverName: undefined,
      verify: true,
    },
  });
  assert.deepEqual(limits, {
    maxTimeoutMs: 300_000,
    maxMessages: 1000,
    maxResultBytes: 65_536,
    payloadPreviewBytes: 4096,
    maxPublishBytes: 262_144,
    publishPerMinute: 600,
    maxWatches: 16,
    watchBufferMessages: 1000,
    maxMessageBytes: 8_388_608,
    watchBufferBytes: 16_777_216,
  });
  assert.deepEqual(rules, []);
  assert.equal(readOnly, false);
  assert.deepEqual(logging, { level: "INFO", logfile: undefined, audit: undefined });
  assert.equal(remoteServer, undefined);
});

Deno.test("loadConfig() gives a config that cannot be changed", async () => {
  const config = await load({ topics: [{ pattern: "a", permissions: ["read"] }] });
  assert.ok(Object.isFrozen(config) && Object.isFrozen(config.mqtt.tls));
  assert.ok(Object.isFrozen(config.rules) && Object.isFrozen(config.rules[0]?.permissions));
});

Deno.test("loadConfig() of comments, trailing commas and $schema", async () => {
  const config = await load(`// a config
  { "$schema": "config.schema.json", /* the broker */ "mqtt": { "host": "broker.lan", }, }`);
  assert.equal(config.mqtt.host, "broker.lan");
});

Deno.test("loadConfig() keeps what a rule says and leaves out what it does not", async () => {
  const { rules } = await load({
    topics: [
      {
        pattern: "a/+",
        permissions: ["read", "read"],
        deny: ["write", "write"],
        description: "°C",
        retain: true,
        payload: { unit: "°C", examples: ["22.5"] },
      },
      { pattern: "b", deny: ["read"] },
    ],
  });
  const [{ pattern: _a, ...full } = {}, { pattern: _b, ...bare } = {}] = rules.map((r) => ({
    ...r,
  }));
  assert.deepEqual(full, {
    permissions: ["read"],
    deny: ["write"],
    description: "°C",
    retain: true,
    confirm: false,
    payload: { unit: "°C", examples: ["22.5"] },
  });
  assert.deepEqual(bare, { permissions: [], deny: ["read"], retain: false, confirm: false });
});

for (
  const [transport, port] of [["tcp", 1883], ["tls", 8883], ["ws", 80], ["wss", 443]] as const
) {
  Deno.test(`loadConfig() takes port ${port} where the transport is ${transport}`, async () => {
    assert.equal((await load({ mqtt: { transport } })).mqtt.port, port);
    assert.equal((await load({ mqtt: { transport, port: 9 } })).mqtt.port, 9);
  });
}

for (
  const [url, expected] of [
    ["mqtt://h", ["tcp", "h", 1883, "/mqtt"]],
    ["mqtt://h:1/", ["tcp", "h", 1, "/mqtt"]],
    ["mqtts://h", ["tls", "h", 8883, "/mqtt"]],
    ["ws://h:80", ["ws", "h", 80, "/mqtt"]],
    ["ws://h/", ["ws", "h", 80, "/"]],
    ["wss://h/a/b?c=d", ["wss", "h", 443, "/a/b?c=d"]],
    ["mqtt://[::1]:99", ["tcp", "::1", 99, "/mqtt"]],
  ] as const
) {
  Deno.test(`loadConfig() of url ${url}`, async () => {
    const { transport, host, port, path } = (await load({ mqtt: { url } })).mqtt;
    assert.deepEqual([transport, host, port, path], expected);
  });
}

for (
  const url of [
    "h:1883",
    "http://h",
    "mqtt://:1",
    "mqtt://h/x",
    "mqtt://u@h",
    "ws://u:p@h",
    "ws://h#f",
    "mqtt://h:99999",
  ]
) {
  Deno.test(`loadConfig() refuses url ${url} without showing it`, async () => {
    const error = await loadError({ mqtt: { url } });
    assert.equal(error.faults[0]?.path, "mqtt.url");
    assert.ok(!error.message.includes(url));
  });
}

Deno.test("loadConfig() refuses host, port, transport and a second path beside url", async () => {
  const mqtt = { url: "ws://h/p", host: "h", port: 1, transport: "ws", path: "/q" };
  const paths = (await faultsOf({ mqtt })).map((fault) => fault.path);
  assert.deepEqual(paths, ["mqtt.host", "mqtt.port", "mqtt.transport", "mqtt.path"]);
  assert.equal((await load({ mqtt: { url: "ws://h", path: "/q" } })).mqtt.path, "/q");
});

Deno.test("loadConfig() refuses TLS settings where there is no TLS", async () => {
  const [fault] = await faultsOf({ mqtt: { tls: { server_name: "h" } } });
  assert.equal(fault?.path, "mqtt.tls.server_name");
  await load({ mqtt: { tls: { ca: null, verify: true } } });
  await load({ mqtt: { url: "mqtts://h", tls: { server_name: "h" } } });
});

Deno.test("loadConfig() reads PEM files beside the config, at home, and as text", async () => {
  const pem = "-----BEGIN X-----\nabc\n-----END X-----\n";
  const { mqtt, secrets } = await load(
    { mqtt: { transport: "tls", tls: { ca: "ca.pem", cert: "~/c.pem", key: "${file:./k.pem}" } } },
    {
      files: { "/etc/ca.pem": pem, "/home/ada/c.pem": pem + "c", "/etc/k.pem": pem + "k" },
      env: { HOME: "/home/ada" },
    },
  );
  assert.deepEqual([mqtt.tls.ca, mqtt.tls.cert, mqtt.tls.key], [pem, pem + "c", pem + "k"]);
  assert.deepEqual(secrets, [pem + "k"]);
});

Deno.test("loadConfig() names the key and the path of a PEM file that cannot be read", async () => {
  const error = await loadError({ mqtt: { transport: "tls", tls: { ca: "no.pem" } } });
  assert.match(error.message, /mqtt\.tls\.ca: names the file \/etc\/no\.pem, .*does not exist/);
});

Deno.test("loadConfig() warns of verify: false and of a plain api_key", async () => {
  const { warnings, remoteServer, secrets } = await load({
    mqtt: { transport: "tls", tls: { verify: false } },
    remote_server: { api_key: "sesame", port: 8080 },
  });
  assert.deepEqual(warnings.map((w) => w.path), ["mqtt.tls.verify", "remote_server.api_key"]);
  assert.deepEqual(remoteServer, {
    ...REMOTE_DEFAULTS,
    listen: { kind: "tcp", host: "127.0.0.1", port: 8080 },
    key: { kind: "plain", apiKey: "sesame" },
  });
  assert.deepEqual(secrets, ["sesame"]);
});

Deno.test("loadConfig() warns of remote_server without a key, and refuses half of one", async () => {
  const { warnings } = await load({ remote_server: {} });
  assert.deepEqual(warnings.map(({ path }) => path), ["remote_server"]);
  assert.match(warnings[0]?.message ?? "", /no API key.*mcpmqtt genkey/);
  assert.deepEqual(
    (await faultsOf({ remote_server: { api_key_kdf: {} } })).map((f) => f.path),
    ["remote_server.api_key_kdf.salt", "remote_server.api_key_kdf.hash"],
  );
});

Deno.test("loadConfig() takes a placeholder among remote_server.keys for no key, and warns of it", async () => {
  const kdf = { salt: "<base64-salt>", hash: "<base64-hash>" };
  const set = { name: "phone", api_key_kdf: { salt: "c2FsdA==", hash: "aGFzaA==" } };
  const { remoteServer, warnings, secrets } = await load({
    remote_server: { port: 1, keys: [{ name: "dashboard", api_key_kdf: kdf }, set] },
  });
  assert.deepEqual(remoteServer?.keys.map(({ name, key }) => [name, key !== undefined]), [
    ["dashboard", false],
    ["phone", true],
  ]);
  assert.deepEqual(warnings.map(({ path, message }) => `${path}: ${message}`), [
    "remote_server.keys[0].api_key_kdf.salt: is still a placeholder, so that no API key is set; " +
    "mcpmqtt genkey NAME sets it",
    "remote_server.keys[0].api_key_kdf.hash: is still a placeholder, so that no API key is set; " +
    "mcpmqtt genkey NAME sets it",
  ]);
  // What the log is to redact are the hashes of all keys.
  assert.deepEqual(secrets, ["c2FsdA==", "aGFzaA=="]);
});

Deno.test("loadConfig() says of a host in the environment what is wrong, once", async () => {
  const faults = await faultsOf({}, {
    overrides: [{ key: ["mqtt", "host"], value: "mqtt://x", source: "MCPMQTT_HOST" }],
  });
  assert.match(faults[0]?.message ?? "", /^must be a host name [^]* a scheme to "url"$/);
});

Deno.test("loadConfig() lets overrides win over the file, and the last over those before", async () => {
  const config = await load({ mqtt: { host: "file", port: 1 }, logging: { level: "ERROR" } }, {
    overrides: [
      { key: ["mqtt", "host"], value: "env", source: "MCPMQTT_HOST" },
      { key: ["mqtt", "port"], value: "2", source: "MCPMQTT_PORT" },
      { key: ["mqtt", "password"], value: "12345", source: "MCPMQTT_PASSWORD" },
      { key: ["logging", "level"], value: "warning", source: "MCPMQTT_LOG_LEVEL" },
      { key: ["logging", "level"], value: "DEBUG", source: "--log-level" },
      { key: ["read_only"], value: true, source: "--read-only" },
    ],
  });
  const { host, port, password } = config.mqtt;
  assert.deepEqual([host, port, password], ["env", 2, "12345"]);
  assert.equal(config.logging.level, "DEBUG");
  assert.equal(config.readOnly, true);
  assert.deepEqual(config.secrets, ["12345"]);
});

Deno.test("loadConfig() takes mqtt.tls for that of --url", async () => {
  const url = (value: string): World => ({
    overrides: [{ key: ["mqtt", "url"], value, source: "--url" }],
  });
  const tls = { server_name: "broker.lan" };
  const { mqtt } = await load({ mqtt: { tls } }, url("mqtts://127.0.0.1"));
  assert.deepEqual([mqtt.transport, mqtt.tls.serverName], ["tls", "broker.lan"]);
  await load({ mqtt: { transport: "tls", tls } }, url("mqtt://127.0.0.1"));
  await assert.rejects(load({ mqtt: { tls } }, url("mqtt://127.0.0.1")), /needs TLS/);
});

Deno.test("loadConfig() lets MCPMQTT_HOST win over the host of url, and nothing else of it", async () => {
  const { mqtt } = await load({ mqtt: { url: "mqtts://file:99" } }, {
    overrides: [{ key: ["mqtt", "host"], value: "env", source: "MCPMQTT_HOST" }],
  });
  assert.deepEqual([mqtt.transport, mqtt.host, mqtt.port], ["tls", "env", 99]);
});

Deno.test("loadConfig() names the variable of a faulty override, beside the faults of the file", async () => {
  const error = await loadError({ mqtt: { port: 0 } }, {
    overrides: [{ key: ["mqtt", "port"], value: "abc", source: "MCPMQTT_PORT" }],
  });
  assert.equal(
    error.message,
    "/etc/config.json:1:17: mqtt.port: must be an integer from 1 to 65535, not 0\n" +
      'MCPMQTT_PORT: must be an integer from 1 to 65535, not "abc"',
  );
});

Deno.test("loadConfig() resolves a logfile of the file by its folder, one of an option not", async () => {
  const key = ["logging", "logfile"];
  assert.equal((await load({ logging: { logfile: "a.log" } })).logging.logfile, "/etc/a.log");
  const given = async (value: string): Promise<string | undefined> => {
    const overrides = [{ key, value, source: "--logfile" }];
    return (await load("{}", { overrides, env: { HOME: "/home/ada" } })).logging.logfile;
  };
  assert.equal(await given("a.log"), "a.log");
  assert.equal(await given("~/a.log"), "/home/ada/a.log");
});

Deno.test("loadConfig() resolves the Unix socket by the folder of the file", async () => {
  const remote_server = { api_key: "sesame", uds: "run/mcp.sock" };
  const { remoteServer } = await load({ remote_server });
  assert.deepEqual(remoteServer?.listen, { kind: "uds", path: "/etc/run/mcp.sock" });
});

Deno.test("loadConfig() listens on loopback where the host is empty", async () => {
  const remote_server = { api_key: "sesame", host: "", port: 80 };
  const { remoteServer } = await load({ remote_server });
  assert.deepEqual(remoteServer?.listen, { kind: "tcp", host: "127.0.0.1", port: 80 });
});

Deno.test("loadConfig() takes the brackets from an IPv6 address, and rounds times up", async () => {
  const { mqtt } = await load({ mqtt: { host: "[::1]", connect_timeout: 0.0011 } });
  assert.deepEqual([mqtt.host, mqtt.connectTimeoutMs], ["::1", 2]);
});

Deno.test("loadConfig() shows of a faulty override no more than its key does", async () => {
  const overrides = [{ key: ["mqtt", "username"], value: "a\0", source: "MCPMQTT_USERNAME" }];
  const { message } = await loadError("{}", { overrides });
  assert.equal(message, "MCPMQTT_USERNAME: must not hold the character U+0000");
});

Deno.test("loadConfig() without a default file gives the defaults and where the file would be", async () => {
  const config = await loadConfig({
    effects: {
      readTextFile: () => Promise.reject(new Deno.errors.NotFound()),
      env: (name) => name === "HOME" ? "/home/ada" : undefined,
    },
  });
  assert.equal(config.source, undefined);
  assert.equal(config.defaultPath, "/home/ada/.config/mcpmqtt/config.json");
  assert.deepEqual(config.rules, []);
});

Deno.test("loadConfig() of a given file that cannot be read is an error that names its origin", async () => {
  const loading = loadConfig({
    path: "~/none.json",
    pathSource: "MCPMQTT_CONFIG",
    effects: {
      readTextFile: () => Promise.reject(new Deno.errors.NotFound()),
      env: (name) => name === "HOME" ? "/home/ada" : undefined,
    },
  });
  await assert.rejects(loading, {
    name: "ConfigError",
    message:
      /^\/home\/ada\/none\.json: cannot be read \(given by MCPMQTT_CONFIG\): it does not exist/,
  });
});

Deno.test("loadConfig() of a default file that is there and cannot be read is an error", async () => {
  const loading = loadConfig({
    effects: {
      readTextFile: () => Promise.reject(new Deno.errors.PermissionDenied()),
      env: () => "/home/ada",
    },
  });
  await assert.rejects(loading, { name: "ConfigError" });
});
