/**
 * What a property of Homie is as an entity. All versions have the same values and commands; 5 knows
 * more of data types and formats.
 *
 * @module
 */
import type { Json } from "../../messages/json.ts";
import { toNumber } from "../../messages/pointer.ts";
import { label, labels, present, topicName } from "../described.ts";
import type { Command, Entity } from "../device.ts";

/** A property of a node, as it is described. */
export interface Property {
  readonly nodeId: string;
  readonly nodeName: Json | undefined;
  readonly id: string;
  readonly name: Json | undefined;
  /** As in `integer`; what is not known is text. */
  readonly datatype: Json | undefined;
  readonly format: Json | undefined;
  readonly unit: Json | undefined;
  readonly isSettable: boolean;
  /** If not, its values are events. */
  readonly isRetained: boolean;
}

/** So many nodes of a device, and properties of a node, are told. */
export const MAX_LISTED = 500;
/** So many properties of a device are looked at. */
export const MAX_PROPERTIES = 2_000;

/** The convention asks for `a` to `z`, `0` to `9` and `-`; not all keep to small letters. */
const ID = /^[\w-][\w.:-]{0,255}$/;

/** Examples of what needs one, by data type; of a colour by its first format. */
const EXAMPLES: Readonly<Record<string, string>> = {
  datetime: "2026-01-31T12:00:00Z",
  duration: "PT1H30M",
};
const COLORS: Readonly<Record<string, string>> = {
  rgb: "255,120,0",
  hsv: "30,100,100",
  xyz: "0.25,0.34",
};

/** Whether a text may be the id of a device, node or property. */
export function isId(text: string): boolean {
  return ID.test(text);
}

/**
 * The entities of a device. One is named after its property; if several are named alike, after node
 * and property, and if that is not enough, with their ids.
 *
 * @param device where its topics begin
 * @param isFive whether it follows Homie 5
 */
export function entitiesOf(
  device: string,
  properties: readonly Property[],
  isFive: boolean,
): Entity[] {
  const counts = new Map<string, number>();
  for (const name of properties.flatMap(namesOf)) {
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return properties.flatMap((property) => {
    const { nodeId, id, datatype, unit, isSettable } = property;
    const topic = topicName(`${device}/${nodeId}/${id}`);
    if (topic === undefined) return [];
    const [short, long, longest] = namesOf(property);
    const write = isSettable ? commandOf(property, `${topic}/set`, isFive) : undefined;
    return {
      name: counts.get(short) === 1 ? short : counts.get(long) === 1 ? long : longest,
      kind: kindOf(String(datatype), property),
      read: { topic },
      ...present<Pick<Entity, "unit" | "writes">>({
        unit: label(unit),
        writes: write === undefined ? undefined : [write],
      }),
    };
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
function kindOf(datatype: string, { isSettable, isRetained }: Property): string {
  if (!isSettable) {
    if (!isRetained) return "event";
    return datatype === "boolean" ? "binary_sensor" : "sensor";
  }
  switch (datatype) {
    case "boolean":
      return isRetained ? "switch" : "button";
    case "integer":
    case "float":
      return "number";
    case "enum":
      return "select";
    default:
      return "text";
  }
}

function commandOf(
  { datatype, format, isRetained }: Property,
  text: string,
  isFive: boolean,
): Command | undefined {
  const topic = topicName(text);
  if (topic === undefined) return undefined;
  const parts = typeof format === "string" ? format : "";
  switch (datatype) {
    case "boolean":
      return { topic, payload: "raw", values: booleanValues(isFive ? parts : "", isRetained) };
    case "integer":
    case "float":
      return { topic, payload: "raw", ...rangeOf(parts) };
    case "enum": {
      // One that cannot be shown as it is would be another payload.
      const options = labels(parts.split(",").filter((one) => label(one) === one.trim()));
      return { topic, payload: "raw", ...(options.length === 0 ? {} : { options }) };
    }
    case "color": {
      const [space = ""] = parts.split(",");
      const color = Object.hasOwn(COLORS, space) ? COLORS[space] : undefined;
      if (color === undefined) return { topic, payload: "raw" };
      return { topic, payload: "raw", example: isFive ? `${space},${color}` : color };
    }
    case "json":
      return { topic, payload: "json" };
    default: {
      const name = String(datatype);
      const example = Object.hasOwn(EXAMPLES, name) ? EXAMPLES[name] : undefined;
      return { topic, payload: "raw", ...(example === undefined ? {} : { example }) };
    }
  }
}

/**
 * On and off, or what a button does, and what a format of Homie 5 calls them: first false, then true.
 * If that turns on and off around, the format is believed.
 */
function booleanValues(format: string, isRetained: boolean): Record<string, Json> {
  const values = isRetained ? { on: "true", off: "false" } : { press: "true" };
  const [no, yes, ...others] = format.split(",").map((one) => label(one));
  if (no === undefined || yes === undefined || no === yes || others.length > 0) return values;
  return Object.fromEntries([...Object.entries(values), [yes, "true"], [no, "false"]]);
}

/** `min:max`, and in Homie 5 `min:max:step`; each may be left open. */
function rangeOf(format: string): Pick<Command, "min" | "max" | "step"> {
  const parts = format.split(":");
  if (parts.length < 2 || parts.length > 3) return {};
  const [min, max, step] = parts.map(toNumber);
  return present<Pick<Command, "min" | "max" | "step">>({
    min,
    max,
    step: step !== undefined && step > 0 ? step : undefined,
  });
}
