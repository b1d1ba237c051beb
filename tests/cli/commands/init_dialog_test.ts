import assert from "node:assert/strict";
import { runInit } from "../../../lib/cli/commands/init.ts";
import { askForConfig, type Dialog } from "../../../lib/cli/commands/init_dialog.ts";
import { surveyBroker } from "../../../lib/cli/commands/init_terminal.ts";
import { parseArguments } from "../../../lib/cli/options.ts";
import type { Config } from "../../../lib/config/config.ts";
import { loadConfig } from "../../../lib/config/load.ts";
import { startAedes } from "../../brokers/aedes.ts";

interface Script {
  readonly answers: readonly string[];
  readonly seen?: readonly string[] | Error;
}

interface Played extends Dialog {
  readonly said: () => string;
  readonly surveyed: string[];
}

function play({ answers, seen = [] }: Script): Played {
  const left = [...answers];
  const surveyed: string[] = [];
  let said = "";
  return {
    ask(question) {
      said += `${question}\n`;
      const answer = left.shift();
      assert(answer !== undefined, `nothing to answer to: ${question}`);
      return answer;
    },
    say: (text) => void (said += text),
    survey(text) {
      surveyed.push(text);
      return seen instanceof Error ? Promise.reject(seen) : Promise.resolve(seen);
    },
    said: () => said,
    surveyed,
  };
}

function load(text: string, env: Record<string, string> = {}): Promise<Config> {
  const readTextFile = (path: string): Promise<string> =>
    Promise.resolve(path === "/c.json" ? text : "from a file\n");
  return loadConfig({ path: "/c.json", effects: { readTextFile, env: (name) => env[name] } });
}

Deno.test("askForConfig() with empty answers gives a config of the defaults that grants nothing", async () => {
  const dialog = play({ answers: ["", "", "", "", ""] });
  const config = await load(await askForConfig(dialog));
  assert.deepEqual(
    [config.mqtt.host, config.mqtt.port, config.mqtt.transport, config.rules],
    ["localhost", 1883, "tcp", []],
  );
  assert.equal(dialog.surveyed.length, 1);
});

Deno.test("askForConfig() offers what was seen by its first level, and takes typed filters", async () => {
  const dialog = play({
    answers: ["broker.lan", "", "1884", "", "r", "", "rw", "a/#/b", "lamps/+/set", "w", ""],
    seen: ["sensors/a", "sensors/b", "other/x", "lamps/1/set"],
  });
  const config = await load(await askForConfig(dialog));
  assert.deepEqual([config.mqtt.host, config.mqtt.port], ["broker.lan", 1884]);
  assert.deepEqual(
    config.rules.map(({ pattern, permissions }) => [pattern.text, [...permissions]]),
    [["sensors/#", ["read"]], ["lamps/#", ["read", "write"]], ["lamps/+/set", ["write"]]],
  );
  assert.match(dialog.said(), /sensors\/# \(2 topics, such as sensors\/a\)/);
  assert.match(dialog.said(), /"a\/#\/b".*MQTT-4\.7\.1-1/);
});

Deno.test("askForConfig() asks again for a port that is none", async () => {
  const dialog = play({ answers: ["", "", "99999", "x", "2000", "", ""] });
  assert.equal((await load(await askForConfig(dialog))).mqtt.port, 2000);
  assert.match(dialog.said(), /not "99999"/);
});

Deno.test("askForConfig() keeps the password out of the config", async () => {
  const fromEnv = await askForConfig(play({ answers: ["", "y", "", "me", "", ""] }));
  const secure = await load(fromEnv, { MCPMQTT_PASSWORD: "hunter2" });
  assert.deepEqual(
    [secure.mqtt.transport, secure.mqtt.port, secure.mqtt.username, secure.mqtt.password],
    ["tls", 8883, "me", "hunter2"],
  );
  const fromFile = await askForConfig(play({ answers: ["", "", "", "me", "/run/pw", ""] }));
  assert.equal((await load(fromFile)).mqtt.password, "from a file");
});

Deno.test("askForConfig() goes on where the broker cannot be reached, and says why", async () => {
  const dialog = play({ answers: ["", "", "", "", "a/b", "", ""], seen: new Error("no route") });
  const config = await load(await askForConfig(dialog));
  assert.equal(config.rules.length, 1);
  assert.match(dialog.said(), /That did not work: no route/);
});

Deno.test("surveyBroker() finds the topics of a real broker", async () => {
  await using broker = await startAedes();
  await broker.publish("kitchen/temperature", "21", { retain: true });
  const text = JSON.stringify({
    mqtt: { host: broker.host, port: broker.port },
    topics: [{ pattern: "#", permissions: ["read"] }],
  });
  assert.deepEqual(await surveyBroker(text, "/c.json"), ["kitchen/temperature"]);
});

Deno.test("runInit() with a dialog asks nothing where a file is there already", async () => {
  const path = await Deno.makeTempFile();
  const invocation = parseArguments(["init", path]);
  assert(invocation.command === "init");
  let stderr = "";
  const status = await runInit(invocation, {
    stdout: () => {},
    stderr: (text) => stderr += text,
    dialog: play({ answers: [] }),
  });
  assert.equal(status, 1);
  assert.match(stderr, /is there already/);
  await Deno.remove(path);
});
