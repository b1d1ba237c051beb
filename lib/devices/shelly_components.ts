/**
 * What the components of Shelly devices tell, by the page of each on shelly-api-docs.shelly.cloud.
 *
 * @module
 */
import type { Command } from "./device.ts";

/** One value in the status of a component. */
export interface Field {
  /** The names that lead to it, with `/` between. */
  readonly path: string;
  /** "" for what the component is there for. */
  readonly label: string;
  readonly kind: string;
  readonly unit?: string;
  readonly isMinor?: true;
  readonly command?: Omit<Command, "topic" | "payload">;
}

const sensor = (path: string, label: string, unit?: string): Field => ({
  path,
  label,
  kind: "sensor",
  ...(unit === undefined ? {} : { unit }),
});

/** An event of an input, which is told once. */
export const PRESSED: Field = { path: "event", label: "event", kind: "event" };

const PERCENT = { min: 0, max: 100 };

const METER: readonly Field[] = [
  sensor("apower", "power", "W"),
  sensor("voltage", "voltage", "V"),
  sensor("current", "current", "A"),
  sensor("freq", "frequency", "Hz"),
  sensor("pf", "power factor"),
  sensor("aenergy/total", "energy", "Wh"),
  sensor("ret_aenergy/total", "returned energy", "Wh"),
  { ...sensor("temperature/tC", "temperature", "°C"), isMinor: true },
];

const phase = (prefix: string, name: string): readonly Field[] => [
  sensor(`${prefix}voltage`, `${name}voltage`, "V"),
  sensor(`${prefix}current`, `${name}current`, "A"),
  sensor(`${prefix}act_power`, `${name}power`, "W"),
  sensor(`${prefix}aprt_power`, `${name}apparent power`, "VA"),
  sensor(`${prefix}pf`, `${name}power factor`),
  sensor(`${prefix}freq`, `${name}frequency`, "Hz"),
];

/** By the name of the component without its number. */
const COMPONENTS: ReadonlyMap<string, readonly Field[]> = new Map([
  ["switch", [{
    path: "output",
    label: "",
    kind: "switch",
    command: { values: { on: "on", off: "off", toggle: "toggle" } },
  }, ...METER]],
  ["light", [{
    path: "output",
    label: "",
    kind: "light",
    command: { values: { on: "set,true", off: "set,false", toggle: "toggle" } },
  }, {
    path: "brightness",
    label: "brightness",
    kind: "number",
    unit: "%",
    command: { ...PERCENT, example: "set,true,50" },
  }, ...METER]],
  ["cover", [{
    path: "state",
    label: "",
    kind: "cover",
    command: { values: { open: "open", close: "close", stop: "stop" } },
  }, {
    path: "current_pos",
    label: "position",
    kind: "number",
    unit: "%",
    command: { ...PERCENT, example: "pos,50" },
  }, ...METER]],
  ["input", [
    { path: "state", label: "state", kind: "binary_sensor" },
    sensor("percent", "percent", "%"),
    PRESSED,
  ]],
  ["temperature", [sensor("tC", "", "°C")]],
  ["humidity", [sensor("rh", "", "%")]],
  ["illuminance", [sensor("lux", "", "lx")]],
  ["voltmeter", [sensor("voltage", "", "V")]],
  ["flood", [{ path: "alarm", label: "", kind: "binary_sensor" }]],
  ["smoke", [{ path: "alarm", label: "", kind: "binary_sensor" }]],
  ["devicepower", [
    sensor("battery/percent", "battery", "%"),
    { ...sensor("battery/V", "voltage", "V"), isMinor: true },
    { path: "external/present", label: "external power", kind: "binary_sensor", isMinor: true },
  ]],
  ["pm1", METER],
  ["em1", phase("", "")],
  ["em", [
    ...["a", "b", "c"].flatMap((name) => phase(`${name}_`, `${name} `)),
    sensor("n_current", "n current", "A"),
    sensor("total_current", "current", "A"),
    sensor("total_act_power", "power", "W"),
    sensor("total_aprt_power", "apparent power", "VA"),
  ]],
  ["em1data", [
    sensor("total_act_energy", "energy", "Wh"),
    sensor("total_act_ret_energy", "returned energy", "Wh"),
  ]],
  ["emdata", [
    sensor("total_act", "energy", "Wh"),
    sensor("total_act_ret", "returned energy", "Wh"),
  ]],
  ["wifi", [{ ...sensor("rssi", "signal", "dBm"), isMinor: true }]],
]);

/** What a component tells, as in `switch:0`; nothing for what is none, or tells nothing of use. */
export function fieldsOf(component: string): readonly Field[] {
  const [, name = ""] = /^([a-z\d]+)(?::\d{1,5})?$/.exec(component) ?? [];
  return COMPONENTS.get(name) ?? [];
}
