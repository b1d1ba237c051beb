/**
 * Devices and entities as results show them.
 *
 * @module
 */
import { label, present } from "./described.ts";
import type { Command, Entity, Heard, Online, Reading, Source } from "./device.ts";
import type { Json } from "../messages/json.ts";
import { cutJson } from "../messages/payload.ts";

/** Of a value so much is shown in full, in bytes of JSON, and in a line, in characters. */
const MAX_VALUE_BYTES = 1_024;
const MAX_LINE_VALUE = 60;

/** What stands in a line behind the name of an entity whose value is not known. */
export const UNKNOWN = ": unknown";

/** What stands in a line behind a value as it was sent, of which a template makes what has the unit. */
const UNCONVERTED = " (unconverted)";

/** An entity in full. */
export type ShownEntity = {
  name: string;
  kind: string;
  unit?: string;
  value?: Json;
  /** ISO 8601, UTC: when the value arrived; of a retained one that is not when it was made. */
  at?: string;
  retained?: true;
  read?: Reading;
  write?: Command;
};

/** A device of the outward contract. */
export type ShownDevice = {
  id: string;
  name: string;
  model?: string;
  area?: string;
  online: Online;
  sources: readonly Source[];
  entities: (string | ShownEntity)[];
  entities_omitted?: number;
};

/** Shows an entity in full; of its writes the first. */
export function showEntity(
  { name, kind, unit, read, writes: [write] = [] }: Entity,
  heard: Heard | undefined,
): ShownEntity {
  return {
    name,
    kind,
    ...present({ unit }),
    // An empty list is a value, too.
    ...(heard === undefined ? {} : {
      value: cutJson(heard.value, MAX_VALUE_BYTES).value,
      at: new Date(heard.receivedAt).toISOString(),
      ...(heard.retain ? { retained: true as const } : {}),
    }),
    ...present({ read, write }),
  };
}

/** Shows an entity in one line, as in `Temperature: 21.5 °C`; without a value only what it is called. */
export function lineOf(
  { name, unit, read }: Entity,
  value: { readonly heard: Heard | undefined } | undefined,
): string {
  if (value === undefined || read === undefined && value.heard === undefined) return name;
  if (value.heard === undefined) return `${name}${UNKNOWN}`;
  const { value: it } = value.heard;
  const text = typeof it === "string" ? it : JSON.stringify(it);
  const shown = `${name}: ${label(text, MAX_LINE_VALUE) ?? '""'}`;
  return `${shown}${unit === undefined ? "" : ` ${unit}`}${read?.converted ? UNCONVERTED : ""}`;
}
