/**
 * The tool `mqtt_status`.
 *
 * @module
 */
import * as z from "zod/v4";
import { showStatus } from "../access/status.ts";
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
  output: z.looseObject({
    connected: z.boolean(),
    broker: z.looseObject({ url: z.string() }),
    reconnects: z.int(),
    watches: z.array(z.looseObject({})),
    limits: z.looseObject({}),
    grants: z.array(z.looseObject({})),
    read_only: z.boolean(),
  }),
  run(_input, { access, watches, signal }) {
    return showStatus(access, watches, signal);
  },
});
