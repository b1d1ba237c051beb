/**
 * The sensors of Tasmota, by the last readings that its discovery has; as in hatasmota's sensor.py.
 *
 * @module
 */
import type { Json } from "../messages/json.ts";
import { exactText, label, MAX_ENTITIES, member } from "./described.ts";

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

/** One value of `tele/…/SENSOR`. */
export interface Sensor {
  readonly name: string;
  readonly kind: "sensor" | "binary_sensor";
  readonly unit: string | undefined;
  readonly isMinor: boolean;
  /** The reference tokens of its place. */
  readonly path: readonly (string | number)[];
}

/** The sensors that readings have, at most 2,000: one for each value without parts. */
export function sensorsOf(readings: Json): Sensor[] {
  const sensors: Sensor[] = [];
  for (const [path, value] of values(readings, [])) {
    const name = label(path.join(" "));
    if (name === undefined) continue;
    sensors.push({
      name,
      kind: path.length === 1 && /^Switch\d+$/.test(name) ? "binary_sensor" : "sensor",
      unit: typeof value === "number" ? unitOf(path, readings) : undefined,
      isMinor: MINOR.has(String(path.at(-1))),
      path,
    });
    if (sensors.length === MAX_ENTITIES) break;
  }
  return sensors;
}

type Path = readonly (string | number)[];

function* values(value: Json, path: Path): Generator<readonly [Path, Json], void> {
  if (value === null || typeof value !== "object") {
    if (path.length > 0) yield [path, value];
    return;
  }
  if (path.length === MAX_LEVELS) return;
  const parts = Array.isArray(value) ? value.entries() : Object.entries(value);
  for (const [key, part] of parts) {
    if (path.length === 0 && IGNORED.has(String(key))) continue;
    if (typeof key === "string" && exactText(key) === undefined) continue;
    yield* values(part, [...path, key]);
  }
}

/** By the innermost name that has one: phases and extremes stand below the name of what they are. */
function unitOf(path: Path, readings: Json): string | undefined {
  for (const key of path.toReversed()) {
    const name = String(key);
    const told = TOLD_UNITS.get(name);
    if (told === "TempUnit") return temperatureUnit(member(readings, told));
    if (told !== undefined) return label(member(readings, told));
    const unit = UNITS.get(name);
    if (unit !== undefined) return unit;
  }
  return undefined;
}

function temperatureUnit(value: Json | undefined): string | undefined {
  const unit = label(value);
  return unit === "C" || unit === "F" ? `°${unit}` : unit;
}
