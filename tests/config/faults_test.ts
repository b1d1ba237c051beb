import assert from "node:assert/strict";
import fc from "fast-check";
import { loadConfig } from "../../lib/config/load.ts";
import { faultsOf, load, loadError } from "./memory.ts";

Deno.test("loadConfig() tells every fault at once, each with its line and column", async () => {
  const text = `{
  // the broker
  "mqtt": { "pasword": "x", "port": 70000 },
  "topics": [
    { "pattern": "a/b", "permissions": ["raed"] },
    { "permissions": ["read"] },
    { "pattern": "c", "permissions": [] },
  ],
  "logging": { "level": "loud", "level": "INFO" },
\t"limits": { "max_watches": 0 },
}`;
  const found = (await faultsOf(text)).map((f) => `${f.line}:${f.column} ${f.path}`);
  assert.deepEqual(found, [
    "3:13 mqtt.pasword",
    "3:37 mqtt.port",
    "5:41 topics[0].permissions[0]",
    "6:5 topics[1].pattern",
    "7:38 topics[2].permissions",
    "9:33 logging.level",
    "10:29 limits.max_watches",
  ]);
});

Deno.test("loadConfig() tells both places of a key that stands twice, however it is written", async () => {
  const text = `{
  "mqtt": { "host": "a",
    "ho\\u0073t": "b", "host": "c" },
  "topics": [{ "pattern": "a", "deny": ["read"], "deny": ["x"] }], "topics": [{ "x": 1 }]
}`;
  const found = (await faultsOf(text)).map((f) => `${f.line}:${f.column} ${f.path}: ${f.message}`);
  const twice = (place: string): string =>
    `stands twice in one object, first at ${place}; leave one`;
  assert.deepEqual(found, [
    `3:5 mqtt.host: ${twice("2:13")}`,
    `3:23 mqtt.host: ${twice("2:13")}`,
    `4:50 topics[0].deny: ${twice("4:32")}`,
    `4:68 topics: ${twice("4:3")}`,
  ]);
});

Deno.test("ConfigError escapes what is not seen", async () => {
  const { message } = await loadError('{ "mq\u202ett": 1 }');
  assert.match(message, /^[ -~]*mq\\u202ett[ -~]*$/);
});

Deno.test("ConfigError has one line for each fault", async () => {
  const error = await loadError({ mqtt: { pasword: 1, port: "188x" } });
  assert.equal(
    error.message,
    '/etc/config.json:1:10: mqtt.pasword: unknown key "pasword"; did you mean "password"?\n' +
      '/etc/config.json:1:29: mqtt.port: must be an integer from 1 to 65535, not "188x"',
  );
});

for (
  const [text, message] of [
    ['{ "mqtt": { "host": "x" "port": 1 } }', /^\/etc\/config\.json:1:25: a "," is expected/],
    ["", /^\/etc\/config\.json: is empty; move it away, and make one with: mcpmqtt init$/],
    [" \n", /^\/etc\/config\.json: is empty/],
    ["// nothing", /^\/etc\/config\.json:1:11: a value is expected/],
    [
      '{ "mqtt": { "username": "a", "password": "${MYPASS}" } }',
      /mqtt\.password: names a variable in a way that is unknown here; write "\$\{env:MCPMQTT_NAME\}"/,
    ],
    ['{ "mqtt": { "username": "${input:user}" } }', /mqtt\.username: names a variable in a way/],
    [
      '{ "mqtt": { "transport": "tls", "tls": { "ca": "C:\\temp\\new.pem" } } }',
      /^\/etc\/config\.json:1:48: mqtt\.tls\.ca: holds a control character: a backslash is written twice, as in "C:\\\\temp"$/,
    ],
    [
      '{ "logging": { "logfile": "C:\\temp\\b.txt" } }',
      /logging\.logfile: holds a control character/,
    ],
    ['{ "mqtt": { "user": "a" } }', /unknown key "user"; did you mean "username"\?/],
    ['{ "mqtt": { "pass": "a" } }', /unknown key "pass"; did you mean "password"\?/],
    ['{ "mqtt": { "server": "a" } }', /unknown key "server"; did you mean "host"\?/],
    ['{ "topic": [] }', /unknown key "topic"; did you mean "topics"\?/],
    [
      '{ "topics": [{ "topic": "a", "permissions": ["read"] }] }',
      /unknown key "topic"; did you mean "pattern"\?/,
    ],
    ['{ "mqtt": { "port": "65,535" } }', /must be an integer from 1 to 65535, not "65,535"/],
    ['{\n "mqtt": {\n', /^\/etc\/config\.json:3:1: a "}" is expected/],
    ["/*", /^\/etc\/config\.json:1:1: the comment that begins here has no end/],
    ["nonsense", /^\/etc\/config\.json:1:1: not JSON/],
    ["{ 'mqtt': {} }", /^\/etc\/config\.json:1:3: not JSON; text stands in double quotes, not/],
    ["[]", /^\/etc\/config\.json:1:1: must be an object, not a list/],
    ['{ "mqtt": { "host": "" } }', /mqtt\.host: must be a host name or an address, not empty$/],
    ['{ "mqtt": { "password": 1234 } }', /mqtt\.password: must be text in double quotes$/],
    [
      '{ "mqtt": { "username": 1234 } }',
      /mqtt\.username: must be text in double quotes, not 1234$/,
    ],
    [
      '{ "mqtt": { "tls": true } }',
      /must be an object \(TLS itself is "transport": "tls"\), not true/,
    ],
    [
      '{ "topics": [{ "pattern": "a", "permissions": ["write"], "rate": 10 }] }',
      /rate: must be an object such as \{ "messages": 10, "seconds": 60 \}, not a number$/,
    ],
    ['{ "mqtt": { "url": "broker.lan" } }', /mqtt\.url: must begin with mqtt:\/\/, mqtts:\/\/, /],
    ['{ "mqtt": { "url": "user:secret@broker.lan" } }', /wss:\/\/, as in mqtt:\/\/broker\.lan$/],
    ['{ "mqtt": { "url": "tcp://h:1883" } }', /; what is tcp:\/\/ elsewhere is mqtt:\/\/ here$/],
    ['{ "mqtt": { "url": "SSL://h" } }', /; what is ssl:\/\/ elsewhere is mqtts:\/\/ here$/],
    ['{ "mqtt": { "url": "mqtt://h:99999" } }', /mqtt\.url: must have a port from 1 to 65535$/],
    [
      '{ "mqtt": { "url": "mqtt://" } }',
      /mqtt\.url: must have a host, as in mqtt:\/\/broker\.lan$/,
    ],
    [
      '{ "mqtt": { "url": "mqtt://u:p@h" } }',
      /write them to "username" and "password", or set MCPMQTT_USERNAME and MCPMQTT_PASSWORD$/,
    ],
    ["[".repeat(50_000), /nested more than 100 levels deep/],
    ['{ "__proto__": {} }', /unknown key "__proto__"/],
    ['{ "mqtt": { "$schema": "x" } }', /unknown key "\$schema" here/],
    ['{ "host": "x" }', /did you mean "mqtt\.host"\?/],
    ['{ "mqtt": { "$schema": "x" } }', /unknown key "\$schema" here; it belongs at the top$/],
    ['{ "zzzzzz": 1 }', /the keys here are \$schema, mqtt, topics/],
    ['{ "mqtt": null }', /mqtt: must be an object, not null/],
    ['{ "logging": { "level": {} } }', /CRITICAL, not an object$/],
    [`{ "read_only": "${"x".repeat(100)}" }`, /must be true or false, not text$/],
    ['{ "topics": {} }', /topics: must be a list of objects, not an object/],
    [
      '{ "topics": [{ "pattern": "a/#/b", "permissions": ["read"] }] }',
      /topics\[0\]\.pattern: "a\/#\/b" is/,
    ],
    [
      '{ "topics": [{ "pattern": "", "permissions": ["read"] }] }',
      /must be a topic filter, not empty/,
    ],
    [
      '{ "topics": [{ "pattern": "$share/g/a", "permissions": ["read"] }] }',
      /topics\[0\]\.pattern: /,
    ],
    [
      '{ "logging": { "audit": 5 } }',
      /logging\.audit: must be a path, or an object with "path", not 5/,
    ],
    ['{ "logging": { "audit": { "pth": "a" } } }', /unknown key "pth"; did you mean "path"\?/],
    [
      '{ "logging": { "audit": { "path": "a", "on_failure": "halt" } } }',
      /logging\.audit\.on_failure: must be "continue" or "stop_writes", not "halt"/,
    ],
    ['{ "topics": [{ "pattern": "a" }] }', /1:14: topics\[0\]: must have "read" or "write"/],
  ] as const
) {
  Deno.test(`loadConfig() of ${text.slice(0, 50)}`, async () => {
    assert.match((await loadError(text)).message, message);
  });
}

Deno.test("loadConfig() tells faults of other lines beside those of the syntax", async () => {
  const places = async (text: string): Promise<string[]> =>
    (await faultsOf(text)).map((f) => `${f.line}:${f.column}`);
  const text = '{\n "mqtt": { "hots": 1 },\n "logging": { "level": }\n}';
  assert.deepEqual(await places(text), ["2:12", "3:24"]);
  // What is on the line of a slip, or missing because of one, may be as it should.
  assert.deepEqual(await places('{\n "mqtt": { "hots": 1 "port": 2 }\n}'), ["2:22"]);
  assert.deepEqual(await places('{ "topics": [{\n "pattern": a/b,\n "deny": ["read"] }] }'), [
    "2:13",
  ]);
});

Deno.test("loadConfig() takes the keys that are not supported yet where they ask for nothing", async () => {
  await load({
    topics: [{
      pattern: "a",
      permissions: ["write"],
      rate: null,
      confirm: false,
      payload: { schema: null },
    }],
    logging: { audit: null },
  });
});

interface Bound {
  readonly path: readonly string[];
  readonly good: readonly unknown[];
  readonly bad: readonly unknown[];
}

const integers: readonly [string, number, number][] = [
  ["mqtt.port", 1, 65_535],
  ["mqtt.keepalive", 1, 65_535],
  ["limits.max_timeout", 1, 86_400],
  ["limits.max_messages", 1, 100_000],
  ["limits.max_result_bytes", 1, 16_777_216],
  ["limits.payload_preview_bytes", 1, 16_777_216],
  ["limits.max_publish_bytes", 1, 268_435_455],
  ["limits.publish_per_minute", 0, 1_000_000],
  ["limits.max_watches", 1, 1000],
  ["limits.max_message_bytes", 1024, 268_435_455],
  ["limits.watch_buffer_messages", 1, 1_000_000],
  ["limits.watch_buffer_bytes", 65_536, 1_073_741_824],
];
const bounds: readonly Bound[] = [
  ...integers.map(([path, min, max]) => ({
    path: path.split("."),
    good: [min, max],
    bad: [min - 1, max + 1, min + 0.5, `${min}x`, null, true, [min]],
  })),
  {
    path: ["mqtt", "host"],
    good: ["h", "127.0.0.1", "::1", "[::1]", "fe80::1%eth0"],
    bad: ["", "h:1883", "mqtt://h", "a b", "u@h", null, 1],
  },
  {
    path: ["mqtt", "username"],
    good: ["", "u".repeat(65_535), null],
    bad: ["a\0b", "\ud800", "ü".repeat(40_000), 1],
  },
  { path: ["mqtt", "password"], good: ["", "p", null], bad: ["a\0b", "p".repeat(65_536), 1] },
  { path: ["mqtt", "client_id"], good: ["c", null], bad: ["", "c".repeat(65_001), 1] },
  {
    path: ["mqtt", "transport"],
    good: ["tcp", "tls", "ws", "wss"],
    bad: ["TCP", "quic", "", null],
  },
  { path: ["mqtt", "path"], good: ["/", "/mqtt?a=b"], bad: ["", "mqtt", "/a b", "/a#b", null] },
  { path: ["mqtt", "protocol_version"], good: ["auto", "5", "3.1.1"], bad: ["3.1", 5, "", null] },
  { path: ["mqtt", "connect_timeout"], good: [0.5, 3600], bad: [0, -1, 3601, "10", null] },
  { path: ["read_only"], good: [true, false], bad: ["true", 0, null] },
  { path: ["logging", "level"], good: ["debug", "Info", "CRITICAL"], bad: ["trace", "", null, 1] },
  { path: ["logging", "logfile"], good: ["a.log", "", null], bad: [1] },
];
for (const { path, good, bad } of bounds) {
  Deno.test(`loadConfig() holds ${path.join(".")} to its bounds`, async () => {
    const holding = (value: unknown): unknown =>
      path.reduceRight((inner, key) => ({ [key]: inner }), value);
    for (const value of good) await load(holding(value));
    for (const value of bad) {
      const faults = await faultsOf(holding(value));
      assert.deepEqual(faults.map((f) => f.path), [path.join(".")], JSON.stringify(value));
      assert.match(faults[0]?.message ?? "", /^must /);
    }
  });
}

Deno.test("loadConfig() never fails but with a ConfigError, whatever the text", async () => {
  const jsonish = fc.oneof(
    fc.string(),
    fc.json(),
    fc.array(
      fc.constantFrom(
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        '"mqtt"',
        '"topics"',
        '"',
        "1",
        "null",
        "//",
        "/*",
        "\n",
        "\\",
      ),
    )
      .map((parts) => parts.join("")),
  );
  await fc.assert(fc.asyncProperty(jsonish, async (text) => {
    try {
      await load(text);
    } catch (error) {
      assert.equal((error as Error).name, "ConfigError");
      assert.ok(error instanceof Error && error.message !== "");
    }
  }));
});

Deno.test("loadConfig() warns of what may be meant otherwise", async () => {
  const warned = async (text: string): Promise<string[]> => {
    const effects = { readTextFile: () => Promise.resolve(text), env: () => undefined };
    const { warnings } = await loadConfig({ path: "/etc/config.json", effects });
    return warnings.map(({ path, message }) => `${path}: ${message}`);
  };
  const [variable] = await warned('{ "mqtt": { "username": "a", "password": "$MYPASS" } }');
  assert.match(variable ?? "", /^mqtt\.password: is taken as it stands; if a variable is meant/);
  const [percent] = await warned('{ "mqtt": { "username": "%USER%" } }');
  assert.match(percent ?? "", /^mqtt\.username: is taken as it stands/);
  const [alone] = await warned('{ "mqtt": { "password": "a" } }');
  assert.match(alone ?? "", /^mqtt\.password: stands without a "username"/);
  for (const pattern of ["sensors/*", "*", "a/**", "*/b"]) {
    const rule = JSON.stringify({ topics: [{ pattern, permissions: ["read"] }] });
    const [star] = await warned(rule);
    assert.match(
      star ?? "",
      /^topics\[0\]\.pattern: "\*" is no wildcard in MQTT.*\+ stands for one level/,
    );
  }
  assert.deepEqual(
    await warned(
      '{ "mqtt": { "username": "a", "password": "$ecret" }, "topics": [{ "pattern": "a*/b", "permissions": ["read"] }] }',
    ),
    [],
  );
});

Deno.test("loadConfig() tells of a variable that the host has not filled in", async () => {
  const reference = '{ "mqtt": { "username": "a", "password": "${env:MCPMQTT_P}" } }';
  const effects = {
    readTextFile: () => Promise.resolve(reference),
    env: (name: string) => name === "MCPMQTT_P" ? "${input:secret}" : undefined,
  };
  await assert.rejects(loadConfig({ path: "/c.json", effects }), {
    message:
      "/c.json:1:42: mqtt.password: needs the environment variable MCPMQTT_P, which holds a reference that the agent host has not filled in; write the value itself in its env",
  });
  const overrides = [{ key: ["mqtt", "password"], value: "${env:X}", source: "MCPMQTT_PASSWORD" }];
  await assert.rejects(
    loadConfig({ overrides, effects: { ...effects, readTextFile: () => Promise.resolve("{ }") } }),
    { message: /^MCPMQTT_PASSWORD: holds a reference that the agent host has not filled in/ },
  );
});

Deno.test("loadConfig() takes no name of an API key that two clients would have", async () => {
  const kdf = { salt: "AAAA", hash: "AAAA" };
  const named = (...names: string[]): object => ({
    keys: names.map((name) => ({ name, api_key_kdf: kdf })),
  });
  const faults = async (remote: object): Promise<string[]> =>
    (await faultsOf({ remote_server: { port: 1, ...remote } }))
      .map(({ path, message }) => `${path}: ${message}`);
  const cure = "already; take a name that no other key has";
  assert.deepEqual(await faults(named("a", "b", "a", "a")), [
    `remote_server.keys[2].name: "a" is the client of keys[0] ${cure}`,
    `remote_server.keys[3].name: "a" is the client of keys[0] ${cure}`,
  ]);
  for (const main of [{ api_key_kdf: kdf }, { api_key: "secret" }]) {
    assert.deepEqual(await faults({ ...main, ...named("b", "main") }), [
      `remote_server.keys[1].name: "main" is the client of "api_key_kdf" or "api_key" ${cure}`,
    ]);
  }
  // Names are compared as they stand.
  const others = [named("main"), { ...named("Main"), api_key: "k" }, {
    ...named("main"),
    api_key_kdf: { salt: "<base64-salt>", hash: "<base64-hash>" },
  }];
  for (const remote of others) await load({ remote_server: { port: 1, ...remote } });
});
