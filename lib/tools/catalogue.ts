/**
 * All tools, in the order in which an agent meets them.
 *
 * @module
 */
import { mqttDevices } from "./mqtt_devices.ts";
import { mqttPublish } from "./mqtt_publish.ts";
import { mqttQuery } from "./mqtt_query.ts";
import { mqttRead } from "./mqtt_read.ts";
import { mqttStatus } from "./mqtt_status.ts";
import { mqttSubscribe } from "./mqtt_subscribe.ts";
import { mqttTopics } from "./mqtt_topics.ts";
import { mqttWatch } from "./mqtt_watch.ts";
import { mqttWatchRead } from "./mqtt_watch_read.ts";
import { mqttWatchStop } from "./mqtt_watch_stop.ts";
import type { Tool } from "./tool.ts";

/** All there are. */
export const TOOLS: readonly Tool[] = [
  mqttRead,
  mqttSubscribe,
  mqttTopics,
  mqttDevices,
  mqttPublish,
  mqttQuery,
  mqttWatch,
  mqttWatchRead,
  mqttWatchStop,
  mqttStatus,
];

/** Those of the tools that are offered; none that writes where the server is read-only. */
export function offeredTools(
  { readOnly }: { readonly readOnly: boolean },
  tools: readonly Tool[] = TOOLS,
): readonly Tool[] {
  return readOnly ? tools.filter(({ effect }) => effect === "observe") : tools;
}

/** The tool of that name, whether it is offered or not. */
export function findTool(name: string, tools: readonly Tool[] = TOOLS): Tool | undefined {
  return tools.find((tool) => tool.name === name);
}
