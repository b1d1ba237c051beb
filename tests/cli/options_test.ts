import assert from "node:assert/strict";
import {
  configRequest,
  helpText,
  type Invocation,
  parseArguments,
  UsageError,
} from "../../lib/cli/options.ts";

const none = { config: undefined, transport: "stdio", demo: false, given: [] };

/** What was asked for, with the options that were given each as one text. */
function parsed(args: readonly string[]): unknown {
  const { options: { given, ...options }, ...invocation } = parseArguments(args);
  const texts = given.map(({ option: { flag }, value }) =>
    value === "" ? flag : `${flag}=${value}`
  );
  return { ...invocation, options: { ...options, given: texts } };
}

Deno.test("parseArguments() of nothing serves with defaults", () => {
  assert.deepEqual(parsed([]), { command: "serve", options: none });
});

for (
  const [args, expected] of [
    [["--config", "/a b.json"], { config: "/a b.json", given: ["config=/a b.json"] }],
    [["--config=/a.json"], { config: "/a.json", given: ["config=/a.json"] }],
    [["--config /usr/local/etc/mcpMQTT.conf"], {
      config: "/usr/local/etc/mcpMQTT.conf",
      given: ["config=/usr/local/etc/mcpMQTT.conf"],
    }],
    [["--config  /with a space.json "], {
      config: "/with a space.json",
      given: ["config=/with a space.json"],
    }],
    [["--config=-odd.json"], { config: "-odd.json", given: ["config=-odd.json"] }],
    [["--config", "a", "--config", "b"], { config: "b", given: ["config=b"] }],
    [["--log-level", "debug"], { given: ["log-level=DEBUG"] }],
    [["--log-level Warning"], { given: ["log-level=WARNING"] }],
    [["--logfile", "x.log"], { given: ["logfile=x.log"] }],
    [["--transport", "stdio"], { given: ["transport=stdio"] }],
    [["--transport STDIO"], { given: ["transport=stdio"] }],
    [["--read-only", "--demo"], { demo: true, given: ["read-only", "demo"] }],
    [["-c", "a.json"], { config: "a.json", given: ["config=a.json"] }],
    [["-ca.json"], { config: "a.json", given: ["config=a.json"] }],
    [["-c=a.json"], { config: "a.json", given: ["config=a.json"] }],
    [["-c /with a space.json"], {
      config: "/with a space.json",
      given: ["config=/with a space.json"],
    }],
    [["--read a/#", "--write=b"], { given: ["read=a/#", "write=b"] }],
    [["--read", "a", "--write=b", "--read", "c"], { given: ["read=a", "write=b", "read=c"] }],
    [["--url", "mqtt://x"], { given: ["url=mqtt://x"] }],
  ] as const
) {
  Deno.test(`parseArguments() of ${JSON.stringify(args)}`, () => {
    assert.deepEqual(parsed(args), { command: "serve", options: { ...none, ...expected } });
  });
}

const commands: readonly [string[], Record<string, unknown>][] = [
  [["serve"], { command: "serve" }],
  [["check"], { command: "check" }],
  [["schema"], { command: "schema" }],
  [["tools"], { command: "tools" }],
  [["init"], { command: "init", path: undefined }],
  [["init", "a.json"], { command: "init", path: "a.json" }],
  [["explain", "a/b"], { command: "explain", topic: "a/b", permission: undefined }],
  [["explain", "a/#", "write"], { command: "explain", topic: "a/#", permission: "write" }],
  [["explain", "--", "--config x"], {
    command: "explain",
    topic: "--config x",
    permission: undefined,
  }],
  [["explain", "--", "-a"], { command: "explain", topic: "-a", permission: undefined }],
  [["explain", ""], { command: "explain", topic: "", permission: undefined }],
  [["--help"], { command: "help" }],
  [["check", "--help"], { command: "help" }],
  [["help", "explain"], { command: "help" }],
  [["--version"], { command: "version" }],
];
for (const [args, expected] of commands) {
  Deno.test(`parseArguments() of ${JSON.stringify(args)}`, () => {
    const { options: _, ...asked }: Invocation = parseArguments(args);
    assert.deepEqual(asked, expected);
  });
}

Deno.test("parseArguments() takes options before and after the command", () => {
  assert.deepEqual(parsed(["--read-only", "explain", "a", "--config", "c", "read"]), {
    command: "explain",
    topic: "a",
    permission: "read",
    options: { ...none, config: "c", given: ["read-only", "config=c"] },
  });
});

for (
  const [args, message] of [
    [["--confg", "x"], 'unknown option "--confg"; did you mean "--config"?'],
    [["--readonly=1"], 'unknown option "--readonly"; did you mean "--read-only"?'],
    [["help", "explian"], 'unknown command "explian"; did you mean "explain"?'],
    [["help", "call", "x"], 'unexpected argument "x"; the usage is mcpmqtt help [COMMAND]'],
    [["--zzzzzz"], 'unknown option "--zzzzzz"; mcpmqtt --help lists them'],
    [["--port", "1883"], 'unknown option "--port"; the broker is given as --url mqtt://HOST:PORT'],
    [
      ["--password", "x"],
      'unknown option "--password"; the variable MCPMQTT_PASSWORD gives it, or the config',
    ],
    [
      ["--topic", "a"],
      'unknown option "--topic"; --read FILTER grants reading, --write FILTER writing',
    ],
    [["-x"], 'unknown option "-x"; mcpmqtt --help lists them'],
    [["--constructor"], 'unknown option "--constructor"; mcpmqtt --help lists them'],
    [["chek"], 'unknown command "chek"; did you mean "check"?'],
    [["frobnicate"], /^unknown command "frobnicate"; the commands are serve, check/],
    [["--config"], "--config needs a value; write --config PATH"],
    [["--config="], "--config needs a value; write --config PATH"],
    [
      ["--config", "--demo"],
      '--config needs a value; for one that begins with "-" write --config=PATH',
    ],
    [["--demo=yes"], "--demo takes no value; write --demo alone"],
    [
      ["--log-level", "loud"],
      '--log-level must be one of DEBUG, INFO, WARNING, ERROR, CRITICAL, not "loud"',
    ],
    [["--transport", "http"], '--transport must be one of stdio, remotehttp, not "http"'],
    [["genkey", "a", "b"], /^unexpected argument "b"; the usage is mcpmqtt genkey \[NAME\]/],
    [["check", "x"], 'unexpected argument "x"; the usage is mcpmqtt check'],
    [["explain"], "explain needs a topic; write mcpmqtt explain TOPIC [read|write]"],
    [["explain", "a", "delete"], 'explain takes read or write, not "delete"'],
    [["explain", "a", "read", "b"], /^unexpected argument "b"/],
  ] as const
) {
  Deno.test(`parseArguments() refuses ${JSON.stringify(args)}`, () => {
    assert.throws(() => parseArguments(args), (error) => {
      assert.ok(error instanceof UsageError);
      if (message instanceof RegExp) assert.match(error.message, message);
      else assert.equal(error.message, message);
      return !error.message.includes("\n");
    });
  });
}

Deno.test("configRequest() orders the environment before the options", () => {
  const env: Record<string, string> = {
    MCPMQTT_CONFIG: "/env.json",
    MCPMQTT_PORT: "99",
    MCPMQTT_USERNAME: "",
    MCPMQTT_LOG_LEVEL: "ERROR",
    PATH: "/bin",
  };
  const { options } = parseArguments(["--log-level", "debug", "--logfile", "a.log", "--read-only"]);
  assert.deepEqual(configRequest(options, (name) => env[name]), {
    path: "/env.json",
    pathSource: "MCPMQTT_CONFIG",
    needsNoFile: false,
    overrides: [
      { key: ["logging", "level"], value: "ERROR", source: "MCPMQTT_LOG_LEVEL" },
      { key: ["mqtt", "port"], value: "99", source: "MCPMQTT_PORT" },
      { key: ["logging", "level"], value: "DEBUG", source: "--log-level" },
      { key: ["logging", "logfile"], value: "a.log", source: "--logfile" },
      { key: ["read_only"], value: true, source: "--read-only" },
    ],
  });
  const request = configRequest(parseArguments(["--config", "x"]).options, (name) => env[name]);
  assert.deepEqual([request.path, request.pathSource], ["x", "--config"]);
});

Deno.test("helpText() lists what works and nothing else", () => {
  const help = helpText();
  for (const word of ["serve", "explain TOPIC [read|write]", "--config PATH", "MCPMQTT_PASSWORD"]) {
    assert.ok(help.includes(word), word);
  }
  assert.ok(!/not yet/i.test(help));
  assert.ok(help.split("\n").every((line) => line.length <= 110));
});

Deno.test("parseArguments() takes --genkey as the command, and the transport in any case", () => {
  for (const args of [["genkey", "a"], ["--genkey", "a"], ["a", "--genkey"]]) {
    const invocation = parseArguments(args);
    assert.ok(invocation.command === "genkey");
    assert.equal(invocation.name, "a");
  }
  assert.equal(parseArguments(["--transport remotehttp"]).options.transport, "remotehttp");
  assert.equal(parseArguments(["--transport=RemoteHTTP"]).options.transport, "remotehttp");
});

Deno.test("parseArguments() says how a config is given, where a path stands alone", () => {
  const cure = (args: string[], message: string): void =>
    assert.throws(() => parseArguments(args), { name: "UsageError", message });
  cure(
    ["check", "my.json"],
    'unexpected argument "my.json"; a config is given as mcpmqtt check --config my.json',
  );
  cure(["./a"], 'unknown command "./a"; a config is given as mcpmqtt --config ./a');
});
