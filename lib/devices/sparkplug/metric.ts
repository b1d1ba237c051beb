/**
 * What a metric of Sparkplug B is as an entity.
 *
 * @module
 */
import type { Json } from "../../messages/json.ts";
import { label, member, numberOf, pointer, present, topicName } from "../described.ts";
import type { Command, Entity, Heard } from "../device.ts";

/** A metric as its birth certificate describes it, with the value that came last. */
export interface Metric {
  readonly name: string;
  /** As in `Int32`. */
  readonly type: string;
  /** The properties of Ignition; the standard has none of that kind. */
  readonly unit: string | undefined;
  readonly min: number | undefined;
  readonly max: number | undefined;
  readonly isReadOnly: boolean;
  heard: Heard | undefined;
}

/** Where the values of a node or device are told, and where they are set: topic names. */
export interface Topics {
  readonly data: string;
  readonly command: string;
}

/** It lets a node send all its births again, 3.0 §6.4.20. */
const REBIRTH: Metric = {
  name: "Node Control/Rebirth",
  type: "Boolean",
  unit: undefined,
  min: undefined,
  max: undefined,
  isReadOnly: false,
  heard: undefined,
};
const BD_SEQ = "bdSeq";
/** A longer name is not taken, in UTF-16 code units. */
const MAX_NAME_LENGTH = 1_000;
/** A longer text is no example. */
const MAX_EXAMPLE_LENGTH = 100;

const NUMBER = /^(U?Int(8|16|32|64)|Float|Double)$/;
const TEXT = /^(String|Text|UUID)$/;
/** What makes a node or device do something. */
const CONTROL = /^(Node|Device) Control\//;
/** What tells of the node itself, by custom or by the standard. */
const MINOR = /^((Node|Device) Control|Properties)\/|^bdSeq$/;

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
    heard: undefined,
  };
}

/** The entity of a metric. */
export function entityOf(metric: Metric, { data, command }: Topics): Entity {
  const { name, type, unit, heard } = metric;
  const kind = kindOf(metric);
  const isMinor = MINOR.test(name) ? { isMinor: true } : {};
  const writes = canWrite(metric) ? commandsOf(metric, kind, command) : [];
  const shown = { name: label(name, MAX_NAME_LENGTH) ?? "", kind };
  // The value of a button never says more than that nobody presses it.
  if (kind === "button") {
    return { ...shown, ...isMinor, ...(writes.length === 0 ? {} : { writes }) };
  }
  const topic = topicName(data);
  const read = topic === undefined ? undefined : { topic, path: pointer("metrics", name) };
  return {
    ...shown,
    ...isMinor,
    ...present<Pick<Entity, "unit" | "read" | "heard" | "writes">>({
      unit: type === "Boolean" ? undefined : unit,
      read,
      heard,
      writes: writes.length === 0 ? undefined : writes,
    }),
  };
}

/** What a node can do of which no birth certificate was heard: send it again. */
export function rebirthOf(command: string): Entity {
  return entityOf(REBIRTH, { data: "", command });
}

function kindOf(metric: Metric): string {
  const { name, type } = metric;
  const isWritten = canWrite(metric);
  if (type === "Boolean") {
    if (!isWritten) return "binary_sensor";
    return CONTROL.test(name) ? "button" : "switch";
  }
  if (!isWritten) return "sensor";
  if (NUMBER.test(type)) return "number";
  return type === "DateTime" ? "datetime" : "text";
}

/**
 * The standard says of no metric that it cannot be written. Those with parts are left out, since a
 * command would have to give all of them.
 */
function canWrite({ name, type, isReadOnly }: Metric): boolean {
  if (isReadOnly || name === BD_SEQ) return false;
  return type === "Boolean" || type === "DateTime" || NUMBER.test(type) || TEXT.test(type);
}

/** None if the topic is no topic name. */
function commandsOf({ name, type, min, max, heard }: Metric, kind: string, to: string): Command[] {
  const topic = topicName(to);
  if (topic === undefined) return [];
  const command = { topic, payload: "json", encoding: "sparkplug" } as const;
  const setTo = (value: Json): Json => ({ metrics: [{ name, type, value }] });
  switch (kind) {
    case "button":
      return [{ ...command, values: { press: setTo(true) } }];
    case "switch":
      return [{ ...command, values: { on: setTo(true), off: setTo(false) } }];
    case "number":
      return [{
        ...command,
        ...present<Pick<Command, "min" | "max">>({ min, max }),
        example: setTo(exampleOf(heard) ?? min ?? 0),
      }];
    default:
      return [{ ...command, example: setTo(exampleOf(heard) ?? (kind === "text" ? "text" : 0)) }];
  }
}

/** What it is now, if that can be written: the form is right, and it changes nothing. */
function exampleOf(heard: Heard | undefined): Json | undefined {
  const value = heard?.value;
  if (typeof value === "string") return value.length > MAX_EXAMPLE_LENGTH ? undefined : value;
  return typeof value === "number" ? value : undefined;
}
