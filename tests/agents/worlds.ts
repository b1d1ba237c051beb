/** The worlds in which agents have tasks. */

import { startMosquitto } from "../brokers/mosquitto.ts";
import { type Host, startHost } from "../host.ts";
import { PLANT_RULES, startPlant } from "./plant/plant.ts";
import { PLANT_TASKS } from "./plant/tasks.ts";
import type { AgentTask } from "./task.ts";
import { TASKS } from "./tasks.ts";

/** A world: each task has one of its own. */
export interface World {
  /** As its section in the docs is named. */
  readonly name: "house" | "plant";
  readonly tasks: readonly AgentTask[];
  /** Starts it, and a host whose server is on it. */
  start(): Promise<Host>;
}

/** The house of `--demo`, in MQTT 3.1.1. */
export const HOUSE: World = {
  name: "house",
  tasks: TASKS,
  start: () => startHost({ args: ["--demo"] }),
};

/** The bottling plant, in MQTT 5: it needs mosquitto. */
export const PLANT: World = {
  name: "plant",
  tasks: PLANT_TASKS,
  async start(): Promise<Host> {
    await using stack = new AsyncDisposableStack();
    const broker = stack.use(await startMosquitto());
    stack.use(await startPlant(broker));
    const { host, port } = broker;
    const started = stack.use(
      await startHost({ config: { mqtt: { host, port }, topics: PLANT_RULES } }),
    );
    const running = stack.move();
    return { ...started, [Symbol.asyncDispose]: () => running.disposeAsync() };
  },
};
