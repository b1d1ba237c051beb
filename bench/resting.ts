/**
 * The memory that the server takes while nothing happens.
 *
 * @module
 */
import { startHost } from "../tests/host.ts";
import { startBroker } from "./brokers.ts";
import { memoryOf, startProgram } from "./processes.ts";
import type { BenchOptions, Line, Section } from "./report.ts";
import { inTurns, median } from "./samples.ts";

/** What starting has left behind is mostly gone by then, in milliseconds. */
const SETTLE_MS = 1_500;

/** An idle script, a connected mqtt.js, and the server connected to its host and its broker. */
export async function resting({ quick }: BenchOptions): Promise<Section> {
  await using broker = await startBroker();
  const address = [broker.host, String(broker.port), broker.protocolVersion];
  const settled = async (pid: number): Promise<number> => {
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    return (await memoryOf(pid))?.nowMb ?? NaN;
  };
  const idle = async (name: string, args: readonly string[]): Promise<number> => {
    await using program = startProgram(name, args);
    await program.hear();
    return await settled(program.pid);
  };
  const memory = await inTurns({
    idle: () => idle("idle", []),
    bare: () => idle("bare", address),
    server: async () => {
      await using host = await startHost({
        config: {
          mqtt: { host: broker.host, port: broker.port },
          topics: [{ pattern: "bench/#", permissions: ["read", "write"] }],
          logging: { level: "WARNING" },
        },
      });
      await host.expectResult("mqtt_publish", { topic: "bench/rest", payload: "1", qos: 1 });
      return await settled(host.pid);
    },
  }, quick ? 1 : 3);
  const idleMb = median(memory.idle);
  const line = (name: string, values: readonly number[]): Line => ({
    name,
    ratio: median(values) / idleMb,
    measured: `${Math.round(median(values))} MB`,
  });
  const lines = [
    line("an idle script", memory.idle),
    line("mqtt.js, connected", memory.bare),
    line("the server, connected and initialized", memory.server),
    {
      name: "the server, beside mqtt.js",
      ratio: median(memory.server) / median(memory.bare),
      measured: "",
    },
  ];
  return {
    title: "Resident memory at rest",
    baseline: "a Deno script that waits for its input",
    lines: Number.isNaN(idleMb) ? [] : lines,
    notes: Number.isNaN(idleMb) ? ["measured on Linux only"] : [],
  };
}
