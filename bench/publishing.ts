/**
 * What a publish at QoS 1 costs, and what of that is MCP.
 *
 * @module
 */
import { startHost } from "../tests/host.ts";
import { startBroker } from "./brokers.ts";
import { startProgram } from "./processes.ts";
import { type BenchOptions, formatMs, type Section } from "./report.ts";
import { inTurns, median } from "./samples.ts";

const TOPIC = "bench/publish";
const PAYLOAD = "x".repeat(200);
/** Publishes one after the other, in one turn. */
const PER_TURN = 50;

/** mqtt.js, `Connection`, and the tools over stdio. */
export async function publishing({ quick }: BenchOptions): Promise<Section> {
  await using broker = await startBroker();
  const address = [broker.host, String(broker.port), broker.protocolVersion];
  await using bare = startProgram("bare", address);
  await using lib = startProgram("lib", address);
  await using host = await startHost({
    config: {
      mqtt: { host: broker.host, port: broker.port },
      topics: [{ pattern: "bench/#", permissions: ["read", "write"] }],
      limits: { publish_per_minute: 0 },
      logging: { level: "WARNING" },
    },
  });
  await Promise.all([bare.hear(), lib.hear()]);
  const publish = async (program: typeof bare): Promise<number> => {
    await program.tell({ order: "publish", topic: TOPIC, payload: PAYLOAD, count: PER_TURN });
    return median(await program.hear());
  };
  const call = async (name: string, args: object): Promise<number> => {
    const times: number[] = [];
    for (let i = 0; i < PER_TURN; i++) {
      const start = performance.now();
      await host.expectResult(name, args);
      times.push(performance.now() - start);
    }
    return median(times);
  };
  const times = await inTurns({
    bare: () => publish(bare),
    lib: () => publish(lib),
    status: () => call("mqtt_status", {}),
    tool: () => call("mqtt_publish", { topic: TOPIC, payload: PAYLOAD, qos: 1 }),
  }, quick ? 5 : 15);
  const bareMs = median(times.bare);
  const line = (name: string, values: readonly number[]): Section["lines"][number] => ({
    name,
    ratio: median(values) / bareMs,
    measured: formatMs(median(values)),
  });
  return {
    title: "Publishing one message of 200 bytes at QoS 1, median latency",
    baseline: `mqtt.js, publish to acknowledgement, on ${broker.name}; lower is faster`,
    lines: [
      line("mqtt.js", times.bare),
      line("Connection.publish()", times.lib),
      line("mqtt_publish over stdio", times.tool),
      line("mqtt_status over stdio: MCP alone", times.status),
    ],
    notes: ["over stdio the time of the host's SDK is part of it"],
  };
}
