/**
 * The sensors of Tasmota, by the last readings that its discovery has; as in hatasmota's sensor.py.
 *
 * @module
 */
import { isScalar, type Json } from "../messages/json.ts";
import {
  entityOf,
  exactText,
  label,
  MAX_ENTITIES,
  member,
  pointer,
  unitLabel,
} from "./described.ts";
import type { Entity } from "./device.ts";

/** Known readings have three levels. */
const MAX_LEVELS = 4;

/** What stands beside the sensors, and readers of cards, which have no value that lasts. */
const IGNORED = new Set(["Time", "TempUnit", "PressureUnit", "SpeedUnit", "PN532", "RDM6300"]);
const MINOR = new Set(["Id", "TotalStartTime"]);

/** The unit of a value by its name. */
const UNITS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    "VA": "ApparentPower",
    "%": "Battery Humidity Moisture",
    "ppm": "CarbonDioxide eCO2",
    "K": "CCT",
    "µg/m³": "CF1 CF2.5 CF10 PM1 PM2.5 PM10",
    "A": "Current CurrentNeutral",
    "cm": "Distance",
    "kWh": "Energy ExportActive ImportActive Today Total Yesterday",
    "kvarh": "ExportReactive ImportReactive",
    "Hz": "Frequency",
    "lx": "Illuminance",
    "°": "PhaseAngle",
    "W": "Power",
    "var": "ReactivePower",
    "ppb": "TVOC",
    "V": "Voltage",
    "kg": "Weight",
  }).flatMap(([unit, names]) => names.split(" ").map((name) => [name, unit])),
);
/** Where the message itself tells the unit. */
const TOLD_UNITS: ReadonlyMap<string, string> = new Map([
  ["DewPoint", "TempUnit"],
  ["Pressure", "PressureUnit"],
  ["SeaPressure", "PressureUnit"],
  ["Speed", "SpeedUnit"],
  ["Temperature", "TempUnit"],
]);

type Path = readonly (string | number)[];

/**
 * The sensors that readings have, at most 2,000: one for each value without parts.
 *
 * @param telemetry what the topics begin with on which they are told
 * @param result what those of answers begin with
 */
export function sensorsOf(
  readings: Json,
  { telemetry, result }: { readonly telemetry: string; readonly result: string },
): Entity[] {
  const sensors: Entity[] = [];
  for (const [path, value] of values(readings, [])) {
    const name = label(path.join(" "));
    if (name === undefined) continue;
    sensors.push(entityOf({
      name,
      kind: path.length === 1 && /^Switch\d+$/.test(name) ? "binary_sensor" : "sensor",
      unit: typeof value === "number" || value === null ? unitOf(path, readings) : undefined,
      isMinor: MINOR.has(String(path.at(-1))),
      read: { topic: `${telemetry}SENSOR`, path: pointer(...path) },
      also: [{ topic: `${result}STATUS10`, path: pointer("StatusSNS", ...path) }],
    }));
    if (sensors.length === MAX_ENTITIES) break;
  }
  return sensors;
}

function* values(value: Json, path: Path): Generator<readonly [Path, Json], void> {
  if (isScalar(value)) {
    yield [path, value];
  } else if (path.length < MAX_LEVELS) {
    for (const [key, part] of Array.isArray(value) ? value.entries() : Object.entries(value)) {
      if (path.length === 0 && IGNORED.has(String(key))) continue;
      if (typeof key === "number" || exactText(key) !== undefined) {
        yield* values(part, [...path, key]);
      }
    }
  }
}

/** By the innermost name that has one: phases and extremes stand below the name of what they are. */
function unitOf(path: Path, readings: Json): string | undefined {
  for (const key of path.toReversed()) {
    const told = TOLD_UNITS.get(String(key));
    if (told !== undefined) return unitLabel(member(readings, told));
    const unit = UNITS.get(String(key));
    if (unit !== undefined) return unit;
  }
  return undefined;
}
