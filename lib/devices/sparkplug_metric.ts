/**
 * What a metric of Sparkplug B is as an entity.
 *
 * @module
 */
import type { Json } from "../messages/json.ts";
import { entityOf, label, member, numberOf, pointer, present } from "./described.ts";
import type { Command, Entity, Heard } from "./device.ts";

/** A metric as its birth certificate describes it, with the value that came last. */
export interface Metric {
  readonly name: string;
  /** As in `Int32`. */
  readonly type: string;
  /** The properties of Ignition; the standard has none of that kind. */
  readonly unit?: string | undefined;
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  readonly isReadOnly?: boolean;
  heard?: Heard | undefined;
}

/** It lets a node send all its births again, 3.0 §6.4.20. */
export const REBIRTH: Metric = { name: "Node Control/Rebirth", type: "Boolean" };

/** A longer name is not taken, in UTF-16 code units. */
const MAX_NAME_LENGTH = 1_000;
/** A longer text is no example. */
const MAX_EXAMPLE_LENGTH = 100;

/** What makes a node or device do something. */
const CONTROL = /^(Node|Device) Control\//;
/** What tells of the node itself, by custom or by the standard. */
const MINOR = /^((Node|Device) Control|Properties)\/|^bdSeq$/;
/**
 * The kinds of what can be written, by data type. Those with parts are left out, since a command would
 * have to give all of them.
 */
const KINDS: ReadonlyMap<string, readonly string[]> = new Map([
  ["number", "Int8 Int16 Int32 Int64 UInt8 UInt16 UInt32 UInt64 Float Double".split(" ")],
  ["text", ["String", "Text", "UUID"]],
  ["datetime", ["DateTime"]],
  ["switch", ["Boolean"]],
]);

/** A metric of a birth certificate as it is shown; undefined if it has no name that can be told. */
export function metricOf(shown: Json): Metric | undefined {
  const name = member(shown, "name");
  const type = member(shown, "type");
  if (typeof name !== "string" || name.length > MAX_NAME_LENGTH) return undefined;
  if (label(name) === undefined) return undefined;
  const properties = member(shown, "properties");
  return {
    name,
    type: typeof type === "string" ? type : "",
    unit: label(member(properties, "engUnit")),
    min: numberOf(member(properties, "engLow")),
    max: numberOf(member(properties, "engHigh")),
    isReadOnly: member(properties, "readOnly") === true,
  };
}

/**
 * The entity of a metric. The standard says of none that it cannot be written.
 *
 * @param data the topic on which its values are told
 * @param command the topic on which it is set
 */
export function metricEntity(metric: Metric, data: string, command: string): Entity {
  const { name, type, unit, heard, isReadOnly = false } = metric;
  const isBoolean = type === "Boolean";
  const [settable] = [...KINDS].find(([, types]) => types.includes(type)) ?? [];
  const written = isReadOnly || name === "bdSeq" ? undefined : settable;
  const isButton = written === "switch" && CONTROL.test(name);
  const kind = isButton ? "button" : written ?? (isBoolean ? "binary_sensor" : "sensor");
  return entityOf({
    name: label(name, MAX_NAME_LENGTH) ?? "",
    kind,
    isMinor: MINOR.test(name),
    unit: isBoolean ? undefined : unit,
    // The value of a button never says more than that nobody presses it.
    read: isButton ? undefined : { topic: data, path: pointer("metrics", name) },
    heard: isButton ? undefined : heard,
    writes: written === undefined ? [] : [{
      topic: command,
      payload: "json",
      encoding: "sparkplug",
      ...offerOf(metric, kind),
    }],
  });
}

/** What a command to a metric may be: each a payload that sets this one. */
function offerOf({ name, type, min, max, heard }: Metric, kind: string): Partial<Command> {
  const setTo = (value: Json): Json => ({ metrics: [{ name, type, value }] });
  const example = exampleOf(heard);
  switch (kind) {
    case "button":
      return { values: { press: setTo(true) } };
    case "switch":
      return { values: { on: setTo(true), off: setTo(false) } };
    case "number":
      return { ...present({ min, max }), example: setTo(example ?? min ?? 0) };
    default:
      return { example: setTo(example ?? (kind === "text" ? "text" : 0)) };
  }
}

/** What it is now, if that can be written: the form is right, and it changes nothing. */
function exampleOf(heard: Heard | undefined): Json | undefined {
  const value = heard?.value;
  if (typeof value === "string") return value.length > MAX_EXAMPLE_LENGTH ? undefined : value;
  return typeof value === "number" ? value : undefined;
}
