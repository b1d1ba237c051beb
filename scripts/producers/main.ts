/**
 * Runs software of others that describes its devices on MQTT, each at a mosquitto of its own, and
 * writes what it published to `tests/devices/recordings/`. With names it does those only.
 *
 *     deno run -A scripts/producers/main.ts [NAME …]
 *
 * @module
 */
import { type MosquittoBroker, startMosquitto } from "../../tests/brokers/mosquitto.ts";
import { until } from "../../tests/brokers/until.ts";
import type { Recording } from "../../tests/devices/recordings.ts";
import { fromFileUrl } from "../../tests/paths.ts";
import { type BrokerProcess, type Command, run, startProcess } from "../interop/broker.ts";
import { PRODUCERS } from "./all.ts";
import type { Producer } from "./producer.ts";
import { Recorder } from "./recorder.ts";

const PROGRAMS = new URL("programs/", import.meta.url);
const RECORDINGS = new URL("../../tests/devices/recordings/", import.meta.url);
/** Zigbee2MQTT alone takes half a minute on a slow machine. */
const RUN_DEADLINE_MS = 120_000;

async function main(names: readonly string[]): Promise<void> {
  const unknown = names.find((name) => !PRODUCERS.some((producer) => producer.name === name));
  if (unknown !== undefined) {
    const known = PRODUCERS.map(({ name }) => name).join(", ");
    throw new Error(`there is no producer ${unknown}; there are ${known}`);
  }
  for (const producer of PRODUCERS) {
    if (names.length > 0 && !names.includes(producer.name)) continue;
    const recording = await record(producer);
    const text = `${JSON.stringify(recording, null, 2)}\n`;
    await Deno.writeTextFile(new URL(`${producer.name}.json`, RECORDINGS), text);
    const { length } = recording.messages;
    console.error(`${producer.name}: ${length} messages, ${Math.ceil(text.length / 1024)} KiB`);
  }
}

async function record(producer: Producer): Promise<Recording> {
  const dir = await Deno.makeTempDir({ prefix: "mcpmqtt-producer-" });
  try {
    const start = await install(producer, dir);
    // By default it loses what a client sends with QoS 2 beyond 20 messages at a time.
    await using broker = await startMosquitto({
      config: ["max_inflight_messages 0", "max_queued_messages 0"],
    });
    await using recorder = await Recorder.start(broker);
    await using kept = new AsyncDisposableStack();
    for (const { args, end } of producer.runs) {
      const process = kept.use(startProcess(start([broker.host, String(broker.port), ...args])));
      await recorded(process);
      await recorder.quiet();
      if (end === "killed") await process.kill();
      await recorder.quiet();
    }
    const messages = await recorder.messages(producer);
    return { made: madeBy(producer, broker), messages };
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Gives what starts its program, once all is there. */
async function install(
  { packages, program }: Producer,
  dir: string,
): Promise<(args: readonly string[]) => Command> {
  // A file of Python named as its package would hide that.
  const copy = `${dir}/program${program.slice(program.lastIndexOf("."))}`;
  await Deno.copyFile(fromFileUrl(new URL(program, PROGRAMS)), copy);
  if (program.endsWith(".py")) {
    await run({ program: "python3", args: ["-m", "venv", `${dir}/venv`] });
    await run({
      program: `${dir}/venv/bin/pip`,
      args: ["install", "--quiet", ...packages],
    });
    const python = `${dir}/venv/bin/python`;
    return (args) => ({ program: python, args: ["-u", copy, ...args], cwd: dir });
  }
  await Deno.writeTextFile(`${dir}/package.json`, `{ "private": true }`);
  await run({
    program: "npm",
    args: ["install", "--no-audit", "--no-fund", "--ignore-scripts", ...packages],
    cwd: dir,
  });
  return (args) => ({ program: "node", args: [copy, ...args], cwd: dir });
}

/**
 * Waits until the program says that it has published everything.
 *
 * @throws with the end of what it printed where it does not
 */
async function recorded(process: BrokerProcess): Promise<void> {
  try {
    await until(() => /^recorded$/m.test(process.output()), { deadlineMs: RUN_DEADLINE_MS });
  } catch (cause) {
    throw new Error(`the program did not come to its end: ${process.output()}`, { cause });
  }
}

function madeBy({ packages, program, note }: Producer, broker: MosquittoBroker): string {
  const mosquitto = /mosquitto version (\S+)/.exec(broker.log())?.[1] ?? "of unknown version";
  const from = program.endsWith(".py") ? "PyPI" : "npm";
  return `Recorded by \`deno task producers\`, which ran scripts/producers/programs/${program} ` +
    `with ${packages.join(", ")} from ${from} at mosquitto ${mosquitto}. ${note}`;
}

if (import.meta.main) await main(Deno.args);
