/**
 * The tool `mqtt_watch`.
 *
 * @module
 */
import * as z from "zod/v4";
import { defineTool } from "./define_tool.ts";
import { shownFilters } from "./narrowing.ts";
import { excludeSchema, includeRetainedSchema, narrowingShape, topicsSchema } from "./schemas.ts";

/** Begins to collect in the background. */
export const mqttWatch = defineTool({
  name: "mqtt_watch",
  title: "Start watching MQTT topics",
  description:
    "Starts to collect messages in the background and returns at once, when the subscription is in force. Start watching, act, then see with mqtt_watch_read what happened: nothing in between is missed. End it with mqtt_watch_stop.\n" +
    'Example: {"topic": "actuators/lights/+/state", "include_retained": false}',
  effect: "observe",
  isIdempotent: false,
  input: () =>
    z.strictObject({
      topic: topicsSchema,
      exclude: excludeSchema,
      include_retained: includeRetainedSchema,
    }),
  output: z.object({ watch_id: z.string(), ...narrowingShape }),
  async run(input, { watches, access, signal }) {
    const { maxTimeoutMs, maxResultBytes } = access.grants.limits;
    const watch = await watches.start([input.topic].flat(), {
      includeRetained: input.include_retained,
      exclude: [input.exclude ?? []].flat(),
      waitMs: maxTimeoutMs,
      signal,
    });
    return {
      watch_id: watch.id,
      ...shownFilters(watch.filters, maxResultBytes),
      narrowed: watch.narrowed,
    };
  },
});
