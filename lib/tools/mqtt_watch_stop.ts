/**
 * The tool `mqtt_watch_stop`.
 *
 * @module
 */
import * as z from "zod/v4";
import { defineTool } from "./define_tool.ts";

/** Ends a watch. */
export const mqttWatchStop = defineTool({
  name: "mqtt_watch_stop",
  title: "Stop a watch",
  description:
    'Ends a watch and its subscription; what was not read is gone.\nExample: {"watch_id": "w1"}',
  effect: "observe",
  isIdempotent: false,
  input: () => z.strictObject({ watch_id: z.string() }),
  output: z.object({
    watch_id: z.string(),
    received: z.int(),
    dropped: z.int(),
  }),
  async run({ watch_id }, { watches }) {
    const { received, dropped } = await watches.stop(watch_id);
    return { watch_id, received, dropped };
  },
});
