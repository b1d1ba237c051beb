/**
 * What a property of Homie is as an entity. Homie 4 and 5 have the same values and commands; 5 knows
 * more of data types and formats.
 *
 * @module
 */
import type { Json } from "../messages/json.ts";
import { toNumber } from "../messages/pointer.ts";
import { entityOf, label, labels, present, topicName } from "./described.ts";
import type { CommandPayload, Entity } from "./device.ts";

/** A property of a node, as it is described. */
export interface Property {
  readonly nodeId: string;
  readonly nodeName: Json | undefined;
  readonly id: string;
  readonly name: Json | undefined;
  /** As in `integer`; what is not known is text. */
  readonly datatype: string;
  /** "" if there is none. */
  readonly format: string;
  readonly unit: Json | undefined;
  readonly isSettable: boolean;
  /** If not, its values are events. */
  readonly isRetained: boolean;
}

/** The kinds of what can be set, by data type. */
const KINDS: ReadonlyMap<string, string> = new Map([
  ["boolean", "switch"],
  ["integer", "number"],
  ["float", "number"],
  ["enum", "select"],
]);
/** What commands may be, by data type; only Homie 5 has names for true and false, and for colours. */
const PAYLOADS = new Map<string, (property: Property, isFive: boolean) => CommandPayload>([
  ["boolean", (one, isFive) => ({ values: booleanValues(one, isFive ? one.format : "") })],
  ["integer", rangeOf],
  ["float", rangeOf],
  // One that cannot be shown as it is would be another payload.
  [
    "enum",
    ({ format }) =>
      present({ options: labels(format.split(",").filter((one) => label(one) === one.trim())) }),
  ],
  ["color", ({ format }, isFive) => {
    const [space = ""] = format.split(",");
    const color = COLORS.get(space);
    return present({ example: color !== undefined && isFive ? `${space},${color}` : color });
  }],
  ["datetime", () => ({ example: "2026-01-31T12:00:00Z" })],
  ["duration", () => ({ example: "PT1H30M" })],
  ["json", () => ({ payload: "json" })],
]);
/** Examples of colours, by the first format. */
const COLORS: ReadonlyMap<string, string> = new Map([
  ["rgb", "255,120,0"],
  ["hsv", "30,100,100"],
  ["xyz", "0.25,0.34"],
]);

/** A property by its attributes, as in `datatype`; undefined if none says of what type it is. */
export function propertyOf(
  ids: Pick<Property, "nodeId" | "nodeName" | "id">,
  attribute: (name: string) => Json | undefined,
): Property | undefined {
  const datatype = attribute("datatype");
  const format = attribute("format");
  if (typeof datatype !== "string") return undefined;
  return {
    ...ids,
    name: attribute("name"),
    datatype,
    format: typeof format === "string" ? format : "",
    unit: attribute("unit"),
    isSettable: String(attribute("settable")) === "true",
    isRetained: String(attribute("retained")) !== "false",
  };
}

/**
 * The entities of a device. One is named after its property; if several are named alike, after node
 * and property, and if that is not enough, with their ids.
 *
 * @param device where its topics begin
 * @param isFive whether it follows Homie 5
 */
export function propertyEntities(
  device: string,
  properties: readonly Property[],
  isFive: boolean,
): Entity[] {
  const counts = new Map<string, number>();
  for (const name of properties.flatMap(namesOf)) counts.set(name, (counts.get(name) ?? 0) + 1);
  return properties.flatMap((property) => {
    const { nodeId, id, datatype, unit, isSettable } = property;
    const topic = topicName(`${device}/${nodeId}/${id}`);
    const to = isSettable ? topicName(`${topic}/set`) : undefined;
    if (topic === undefined) return [];
    const [short, long, longest] = namesOf(property);
    const takes = PAYLOADS.get(datatype)?.(property, isFive);
    return [entityOf({
      name: counts.get(short) === 1 ? short : counts.get(long) === 1 ? long : longest,
      kind: kindOf(property),
      read: { topic },
      unit: label(unit),
      writes: to === undefined ? [] : [{ topic: to, payload: "raw", ...takes }],
    })];
  });
}

/** From short to long. */
function namesOf(
  { nodeId, nodeName, id, name }: Property,
): readonly [short: string, long: string, longest: string] {
  const short = label(name) ?? id;
  const long = `${label(nodeName) ?? nodeId} ${short}`;
  return [short, long, `${long} (${nodeId}/${id})`];
}

/** What is told of as it happens and has no state is an event, or a button if it can be caused. */
function kindOf({ datatype, isSettable, isRetained }: Property): string {
  const isBoolean = datatype === "boolean";
  if (isSettable) return isBoolean && !isRetained ? "button" : KINDS.get(datatype) ?? "text";
  return !isRetained ? "event" : isBoolean ? "binary_sensor" : "sensor";
}

/**
 * On and off, or what a button does, and what a format calls them: first false, then true. If that
 * turns on and off around, the format is believed.
 */
function booleanValues({ isRetained }: Property, format: string): Record<string, Json> {
  const values = isRetained ? { on: "true", off: "false" } : { press: "true" };
  const [no, yes, ...others] = format.split(",").map((one) => label(one));
  if (no === undefined || yes === undefined || no === yes || others.length > 0) return values;
  return Object.fromEntries([...Object.entries(values), [yes, "true"], [no, "false"]]);
}

/** `min:max`, and in Homie 5 `min:max:step`; each may be left open. */
function rangeOf({ format }: Property): CommandPayload {
  const parts = format.split(":");
  if (parts.length < 2 || parts.length > 3) return {};
  const [min, max, step] = parts.map(toNumber);
  return present({ min, max, step: step !== undefined && step > 0 ? step : undefined });
}
