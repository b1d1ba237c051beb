/** A task as people give it to an agent. */

import type { Host } from "../host.ts";
import type { Agent } from "./agent.ts";

/** A task. */
export interface AgentTask {
  /** As it stands in the docs. */
  readonly title: string;
  /** Brings the world into the state in which the task makes sense; not counted. */
  prepare?(host: Host): Promise<void>;
  /** Calls tools and proves the answer; throws where it is wrong. */
  solve(agent: Agent): Promise<void>;
  /** Proves by other means what became of the world; not counted. */
  prove?(host: Host): Promise<void>;
}
