/** Runs the tasks of a world, and finds out what they cost. */

import type { ToolResult } from "../host.ts";
import { Agent, type Cost, utf8Bytes } from "./agent.ts";
import type { AgentTask } from "./task.ts";
import type { World } from "./worlds.ts";

/** A task that was solved. */
export interface Measured extends Cost {
  readonly task: AgentTask;
  readonly results: readonly ToolResult[];
}

/** What a model has in its context before its first call, in UTF-8 bytes. */
export interface Preamble {
  readonly toolsList: number;
  readonly instructions: number;
}

/** Most tasks wait for a device most of the time. */
const AT_ONCE = 4;

/** Begins with all tasks of a world, some at a time; in their order. */
export function measureTasks(world: World): Promise<Measured>[] {
  const running: Promise<unknown>[] = [];
  return world.tasks.map((task, i) => {
    const before = running[i - AT_ONCE] ?? Promise.resolve();
    const measured = before.then(() => measure(world, task));
    running.push(measured.catch(() => {}));
    return measured;
  });
}

async function measure(world: World, task: AgentTask): Promise<Measured> {
  await using host = await world.start();
  await task.prepare?.(host);
  const results: ToolResult[] = [];
  const agent = new Agent(async (name, args) => {
    const result = await host.callTool(name, args);
    results.push(result);
    return result;
  });
  await task.solve(agent);
  await task.prove?.(host);
  return { task, results, ...agent.cost };
}

/** Measures what stands in the context of every chat. */
export async function measurePreamble(world: World): Promise<Preamble> {
  await using host = await world.start();
  const { tools } = await host.client.listTools();
  return {
    toolsList: utf8Bytes(JSON.stringify(tools)),
    instructions: utf8Bytes(host.client.getInstructions() ?? ""),
  };
}
