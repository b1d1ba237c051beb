/**
 * What the components of Shelly devices tell, by the page of each on shelly-api-docs.shelly.cloud.
 *
 * @module
 */
import type { Offer } from "./device.ts";

/** One value in the status of a component. */
export interface Field {
  /** The names that lead to it, with `/` between. */
  readonly path: string;
  /** "" for what the component is there for. */
  readonly label: string;
  readonly kind: string;
  readonly unit?: string;
  readonly isMinor?: true;
  readonly command?: Offer;
}

const sensor = (path: string, label: string, unit: string): Field => ({
  path,
  label,
  kind: "sensor",
  unit,
});
const binary = (path: string, label = ""): Field => ({ path, label, kind: "binary_sensor" });
const actor = (path: string, kind: string, values: NonNullable<Offer["values"]>): Field => ({
  path,
  label: "",
  kind,
  command: { values },
});
const percent = (path: string, label: string, example: string): Field => ({
  ...sensor(path, label, "%"),
  kind: "number",
  command: { min: 0, max: 100, example },
});

const METER: readonly Field[] = [
  sensor("apower", "power", "W"),
  sensor("voltage", "voltage", "V"),
  sensor("current", "current", "A"),
  sensor("freq", "frequency", "Hz"),
  sensor("aenergy/total", "energy", "Wh"),
  sensor("ret_aenergy/total", "returned energy", "Wh"),
  { ...sensor("temperature/tC", "temperature", "°C"), isMinor: true },
];

const phase = (prefix: string, name: string): readonly Field[] => [
  sensor(`${prefix}voltage`, `${name}voltage`, "V"),
  sensor(`${prefix}current`, `${name}current`, "A"),
  sensor(`${prefix}act_power`, `${name}power`, "W"),
];

/** By the name of the component without its number. */
const COMPONENTS: ReadonlyMap<string, readonly Field[]> = new Map([
  ["switch", [actor("output", "switch", { on: "on", off: "off", toggle: "toggle" }), ...METER]],
  ["light", [
    actor("output", "light", { on: "set,true", off: "set,false", toggle: "toggle" }),
    percent("brightness", "brightness", "set,true,50"),
    ...METER,
  ]],
  ["cover", [
    actor("state", "cover", { open: "open", close: "close", stop: "stop" }),
    percent("current_pos", "position", "pos,50"),
    ...METER,
  ]],
  ["input", [
    binary("state", "state"),
    sensor("percent", "percent", "%"),
    { path: "event", label: "event", kind: "event" },
  ]],
  ["temperature", [sensor("tC", "", "°C")]],
  ["humidity", [sensor("rh", "", "%")]],
  ["illuminance", [sensor("lux", "", "lx")]],
  ["flood", [binary("alarm")]],
  ["smoke", [binary("alarm")]],
  ["devicepower", [
    sensor("battery/percent", "battery", "%"),
    { ...sensor("battery/V", "voltage", "V"), isMinor: true },
  ]],
  ["pm1", METER],
  ["em1", phase("", "")],
  ["em", [
    ...["a", "b", "c"].flatMap((name) => phase(`${name}_`, `${name} `)),
    ...phase("total_", ""),
  ]],
  ["em1data", [sensor("total_act_energy", "energy", "Wh")]],
  ["emdata", [sensor("total_act", "energy", "Wh")]],
  ["wifi", [{ ...sensor("rssi", "signal", "dBm"), isMinor: true }]],
]);

/** What a component tells, as in `switch:0`; nothing for what is none, or tells nothing of use. */
export function fieldsOf(component: string): readonly Field[] {
  const [, name = ""] = /^([a-z\d]+)(?::\d{1,5})?$/.exec(component) ?? [];
  return COMPONENTS.get(name) ?? [];
}
