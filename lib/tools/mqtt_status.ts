/**
 * The tool `mqtt_status`.
 *
 * @module
 */
import * as z from "zod/v4";
import { showStatus } from "../mqtt/status.ts";
import { defineTool } from "./define_tool.ts";

/** Tells how the connection stands and what is granted. */
export const mqttStatus = defineTool({
  name: "mqtt_status",
  title: "MQTT connection and grants",
  description:
    "Tells whether the broker is connected, since when and why not, which watches run, and which topics are granted. Take it when a call failed with not_connected or forbidden.",
  effect: "observe",
  isIdempotent: true,
  input: () => z.strictObject({}),
  output: z.object({
    connected: z.boolean(),
    broker: z.object({
      url: z.string(),
      protocol_version: z.string().nullable(),
      client_id: z.string(),
    }),
    connected_since: z.string().optional(),
    disconnected_since: z.string().optional(),
    reconnects: z.int(),
    last_error: z.string().optional(),
    watches: z.array(z.record(z.string(), z.unknown())),
    limits: z.record(z.string(), z.number()),
    grants: z.array(z.record(z.string(), z.unknown())),
    read_only: z.boolean(),
  }),
  run(_input, { broker, watches }) {
    return Promise.resolve(showStatus(broker, watches));
  },
});
