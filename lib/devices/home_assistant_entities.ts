/**
 * The entities of one component of Home Assistant's discovery. The names and defaults of settings are
 * those of its component mqtt, 2026.11.
 *
 * @module
 */
import type { Json } from "../messages/json.ts";
import { entityOf, present, unitLabel } from "./described.ts";
import type { Command, CommandPayload, Entity, Reading } from "./device.ts";
import { isShown, type Settings } from "./home_assistant_names.ts";
import { readingOf } from "./template.ts";

/** A longer template of a command is not told, since one that was cut would be another one. */
const MAX_TEMPLATE = 200;

/** Undefined if it cannot be told. */
type CommandPayloadOf = (settings: Settings) => CommandPayload | undefined;
type UnitOf = string | ((settings: Settings) => string | undefined);

/** A function of a component, with the settings that say where it is told and set: the first counts. */
interface Part {
  /** What its name has after the component's; "" for the main function. */
  readonly name: string;
  readonly reads: readonly string[];
  readonly templates: readonly string[];
  readonly commands: readonly string[];
  readonly commandTemplates: readonly string[];
  /** Absent if nothing is commanded. */
  readonly takes?: CommandPayloadOf | undefined;
  readonly unit?: UnitOf | undefined;
  /** Where the value is if no template says: a JSON Pointer. */
  readonly path?: string;
}

/** Payloads by what they do: the setting that says, and what it is if none does. */
type Actions = Readonly<Record<string, readonly [setting: string, usual?: string]>>;

const onOff = actions({ on: ["payload_on", "ON"], off: ["payload_off", "OFF"] });
const OPEN_CLOSE: Actions = { open: ["payload_open", "OPEN"], close: ["payload_close", "CLOSE"] };
const LOCK_UNLOCK: Actions = {
  lock: ["payload_lock", "LOCK"],
  unlock: ["payload_unlock", "UNLOCK"],
  open: ["payload_open"],
};
const OSCILLATION: Actions = {
  on: ["payload_oscillation_on", "oscillate_on"],
  off: ["payload_oscillation_off", "oscillate_off"],
};
/** By the features that they need; all but one of them. */
const ALARM: Actions = Object.fromEntries(
  "arm_home arm_away arm_night arm_vacation arm_custom_bypass trigger disarm".split(" ")
    .map((name) => [name, [`payload_${name}`, name.toUpperCase()]]),
);
const VACUUM: Actions = {
  start: ["payload_start", "start"],
  pause: ["payload_pause", "pause"],
  stop: ["payload_stop", "stop"],
  return_home: ["payload_return_to_base", "return_to_base"],
  locate: ["payload_locate", "locate"],
  clean_spot: ["payload_clean_spot", "clean_spot"],
};

/** What the main functions of components take; of others nothing is told. */
const MAINS: ReadonlyMap<string, CommandPayloadOf> = new Map<string, CommandPayloadOf>([
  ["alarm_control_panel", supported(ALARM, Object.keys(ALARM))],
  ["button", actions({ press: ["payload_press", "PRESS"] })],
  ["cover", actions({ ...OPEN_CLOSE, stop: ["payload_stop", "STOP"] })],
  ["date", example("2026-11-24")],
  ["datetime", example("2026-11-24T07:30:00+00:00")],
  ["fan", onOff],
  ["humidifier", onOff],
  ["infrared", () => ({ payload: "json" })],
  ["light", basicLight],
  ["lock", actions(LOCK_UNLOCK)],
  ["notify", () => ({})],
  ["number", numbers(["min", 1], ["max", 100], ["step", 1])],
  ["scene", actions({ on: ["payload_on"] })],
  ["select", choice("options")],
  ["siren", siren],
  ["switch", onOff],
  ["text", () => ({})],
  ["time", example("07:30:00")],
  ["update", actions({ install: ["payload_install"] })],
  ["vacuum", supported(VACUUM, ["start", "stop", "return_home", "clean_spot"])],
  ["valve", valve],
]);
/** Where the value of a main function is if no template says. */
const PATHS: ReadonlyMap<string, string> = new Map([
  ["event", "/event_type"],
  ["vacuum", "/state"],
]);

const temperature = numbers(["min_temp"], ["max_temp"], ["temp_step"]);
const target = (of: string): Part => ({
  ...part(of, temperature, temperatureUnit),
  name: `target ${of.replace("_", " ")}`,
});
/** What any component may have beside its main function, by the names of its topics. */
const PARTS: readonly Part[] = [
  ...["power", "activity", "image", "url"]
    .map((of) => ({ ...part(of, of === "power" ? onOff : undefined), name: "" })),
  part("brightness", upTo("brightness_scale")),
  part("color_temp", colorTemperature, colorTemperatureUnit),
  part("effect", choice("effect_list")),
  part("rgb", example("255,128,0")),
  part("rgbw", example("255,128,0,0")),
  part("rgbww", example("255,128,0,0,0")),
  part("hs", example("30,100")),
  part("xy", example("0.5,0.4")),
  part("white", upTo("white_scale")),
  part("current_temperature", undefined, temperatureUnit),
  target("temperature"),
  target("temperature_low"),
  target("temperature_high"),
  part("current_humidity", undefined, "%"),
  part("target_humidity", numbers(["min_humidity"], ["max_humidity"]), "%"),
  part("mode", choice("modes")),
  part("action"),
  part("percentage", numbers(["speed_range_min", 1], ["speed_range_max", 100])),
  ...["preset_mode", "fan_mode", "swing_mode", "swing_horizontal_mode"]
    .map((of) => part(of, choice(`${of}s`))),
  part("oscillation", actions(OSCILLATION)),
  part("direction", () => ({ options: ["forward", "reverse"] })),
  part("position", position),
  part("tilt", numbers(["tilt_min", 0], ["tilt_max", 100])),
  part("latest_version"),
  ...["start_mowing", "pause", "dock", "stop"]
    .map((of) => part(of, () => ({ values: { [of]: of } }))),
];
/** What only one component has. */
const OWN_PARTS: ReadonlyMap<string, readonly Part[]> = new Map([
  ["device_tracker", [{ ...part("json_attributes"), name: "attributes" }]],
  ["vacuum", [{
    ...part("fan_speed", choice("fan_speed_list")),
    reads: ["state_topic"],
    path: "/fan_speed",
  }]],
]);

/** What components have that say nothing else; some of it by the unit of temperature. */
const USUAL: ReadonlyMap<string, Readonly<Record<string, Json>>> = new Map(Object.entries({
  "climate": {
    modes: ["auto", "off", "cool", "heat", "dry", "fan_only"],
    fan_modes: ["auto", "low", "medium", "high"],
    swing_modes: ["on", "off"],
    swing_horizontal_modes: ["on", "off"],
    min_humidity: 30,
    max_humidity: 99,
    temp_step: 1,
  },
  "climate in C": { min_temp: 7, max_temp: 35 },
  "climate in F": { min_temp: 44.6, max_temp: 95 },
  "humidifier": { min_humidity: 0, max_humidity: 100 },
  "water_heater": {
    modes: ["off", "eco", "electric", "gas", "heat_pump", "high_demand", "performance"],
  },
  "water_heater in C": { min_temp: 43.3, max_temp: 60 },
  "water_heater in F": { min_temp: 110, max_temp: 140 },
}));

/** Examples of the values of `color`, by the modes that have one. */
const COLORS: ReadonlyMap<string, Json> = new Map<string, Json>([
  ["rgb", { r: 255, g: 128, b: 0 }],
  ["rgbw", { r: 255, g: 128, b: 0, w: 0 }],
  ["rgbww", { r: 255, g: 128, b: 0, c: 0, w: 0 }],
  ["xy", { x: 0.5, y: 0.4 }],
  ["hs", { h: 30, s: 100 }],
]);

/**
 * The entities of a component: one for each function that has a topic. A component that is not known
 * is read like a sensor.
 *
 * @param name of its main function
 */
export function entitiesOf(component: string, name: string, told: Settings): Entity[] {
  const settings = [component, `${component} in ${told.label("temperature_unit")}`]
    .map((key) => USUAL.get(key))
    .reduce((known, usual) => usual === undefined ? known : known.withUsual(usual), told);
  const category = settings.get("entity_category");
  const isMinor = category === "config" || category === "diagnostic" ||
    settings.get("enabled_by_default") === false;
  // Their template is that of each of their functions which has none.
  const isTogether = component === "climate" || component === "water_heater";
  const common = isTogether ? settings.text("value_template") : undefined;
  return partsOf(component, settings).flatMap((part) => {
    const { takes, unit } = part;
    const read = readOf(part, settings, common);
    const topic = takes && settings.topic(...part.commands);
    if (read === undefined && topic === undefined) return [];
    const write = topic === undefined ? undefined : writeOf(part, settings, topic);
    return [entityOf({
      name: part.name === "" ? name : `${name} ${part.name}`,
      kind: component,
      unit: typeof unit === "function" ? unit(settings) : unit,
      isMinor,
      read,
      writes: write && [write],
    })];
  });
}

function readOf(part: Part, settings: Settings, common: string | undefined): Reading | undefined {
  const topic = settings.topic(...part.reads);
  if (topic === undefined) return undefined;
  const template = settings.text(...part.templates) ?? common;
  if (template === undefined && part.path !== undefined) return { topic, path: part.path };
  return readingOf(topic, template);
}

function writeOf(part: Part, settings: Settings, topic: string): Command | undefined {
  const takes = part.takes?.(settings);
  if (takes === undefined) return undefined;
  const template = settings.text(...part.commandTemplates)?.trim();
  if (template === undefined || /^\{\{\s*(?:value|action)\s*\}\}$/.test(template)) {
    return { topic, payload: "raw", ...takes };
  }
  if (!isShown(template, MAX_TEMPLATE)) return undefined;
  // The same payload of each value.
  if (isConstant(template)) return { topic, payload: "raw", example: template };
  return hasOnePlaceholder(template) ? { topic, ...takes, payload: "raw", template } : undefined;
}

/** Whether a template puts nothing into its text. */
function isConstant(template: string): boolean {
  return !/\{[{%#]/.test(template);
}

/** Whether a template is a text in which one variable is put, which may be made a number. */
function hasOnePlaceholder(template: string): boolean {
  if (/\{[%#]/.test(template) || template.split("{{").length !== 2) return false;
  return /\{\{\s*\w+\s*(?:\|\s*(?:int|float|round)(?:\(\d*\))?\s*)*\}\}/.test(template);
}

function partsOf(component: string, settings: Settings): readonly Part[] {
  const schema = component === "light" ? settings.get("schema") : undefined;
  if (schema === "json") return jsonLight(settings);
  const main = part("", schema === "template" ? templateLight : MAINS.get(component), measured);
  const path = PATHS.get(component);
  return [
    path === undefined ? main : { ...main, path },
    ...PARTS,
    ...OWN_PARTS.get(component) ?? [],
  ];
}

/** @param of what the names of its settings begin with, as in `mode` for `mode_state_topic`, or "" */
function part(of: string, takes?: CommandPayloadOf, unit?: UnitOf): Part {
  const start = of === "" ? "" : `${of}_`;
  const settings = (ends: string) => ends.split(" ").map((end) => start + end);
  return {
    name: of.replaceAll("_", " ").replace(/ temp$/, " temperature"),
    reads: settings("state_topic topic status_topic"),
    templates: settings(
      "state_template value_template state_value_template template status_template",
    ),
    commands: [`${start}command_topic`, `set_${start}topic`],
    commandTemplates: [`${start}command_template`, `set_${start}template`],
    takes,
    unit,
  };
}

function measured(settings: Settings): string | undefined {
  return settings.label("unit_of_measurement");
}

/** What has no payload is left out. */
function actions(all: Actions): CommandPayloadOf {
  return (settings) => {
    const values = Object.entries(all).flatMap(([action, [setting, usual]]) => {
      const payload = settings.payload(setting, usual);
      return payload === undefined ? [] : [[action, payload] as const];
    });
    return values.length === 0 ? undefined : { values: Object.fromEntries(values) };
  };
}

/** Those of them whose features are supported. An alarm can always be disarmed. */
function supported(all: Actions, usual: readonly string[]): CommandPayloadOf {
  return (settings) => {
    const features = [...settings.labels("supported_features", usual), "disarm"];
    const some = Object.entries(all).filter(([name]) => features.includes(name));
    return actions(Object.fromEntries(some))(settings);
  };
}

/** Bounds and a step, each from a setting with a default. */
function numbers(
  ...settingsOf: readonly (readonly [name: string, usual?: number])[]
): CommandPayloadOf {
  return (settings) => {
    const [min, max, step] = settingsOf.map(([name, usual]) => settings.number(name) ?? usual);
    return present({ min, max, step });
  };
}

/** One of the texts that a setting lists. */
function choice(name: string): CommandPayloadOf {
  return (settings) => present({ options: settings.labels(name) });
}

function example(payload: string): CommandPayloadOf {
  return () => ({ example: payload });
}

/** From 0 to a scale of 255, if no setting says another. */
function upTo(name: string): CommandPayloadOf {
  return (settings) => ({ min: 0, max: settings.number(name) ?? 255 });
}

function temperatureUnit(settings: Settings): string | undefined {
  return unitLabel(settings.get("temperature_unit"));
}

function colorTemperature(settings: Settings): CommandPayload | undefined {
  const unit = colorTemperatureUnit(settings) === "K" ? "kelvin" : "mireds";
  return numbers([`min_${unit}`], [`max_${unit}`])(settings);
}

function colorTemperatureUnit(settings: Settings): string {
  return settings.get("color_temp_kelvin") === true ? "K" : "mired";
}

/** From closed to open, which may count downwards. */
function position(settings: Settings): CommandPayload {
  const close = settings.number("position_closed") ?? 0;
  const open = settings.number("position_open") ?? 100;
  return { min: Math.min(close, open), max: Math.max(close, open), values: { open, close } };
}

function valve(settings: Settings): CommandPayload | undefined {
  if (settings.get("reports_position") === true) return position(settings);
  return actions({ ...OPEN_CLOSE, stop: ["payload_stop"] })(settings);
}

/** One that is turned on by its brightness alone has no payload for it. */
function basicLight(settings: Settings): CommandPayload | undefined {
  const isByBrightness = settings.get("on_command_type") === "brightness";
  return (isByBrightness ? actions({ off: ["payload_off", "OFF"] }) : onOff)(settings);
}

/** Templates of several placeholders turn it on, and mostly a constant turns it off. */
function templateLight(settings: Settings): CommandPayload | undefined {
  const all = { on: "command_on_template", off: "command_off_template" };
  const constant = Object.entries(all).filter(([, name]) => isConstant(settings.text(name) ?? ""));
  return actions(Object.fromEntries(constant.map(([action, name]) => [action, [name]])))(settings);
}

/** JSON with the state, unless a template makes the payload. */
function siren(settings: Settings): CommandPayload | undefined {
  const { values = {} } = onOff(settings) ?? {};
  if (settings.has("command_template")) return { values };
  const objects = Object.entries(values).map(([name, state]) => [name, { state }]);
  return { payload: "json", values: Object.fromEntries(objects) };
}

/** The functions of a light that is told in JSON: all are members of one payload. */
function jsonLight(settings: Settings): Part[] {
  const modes = settings.labels("supported_color_modes");
  const max = settings.number("brightness_scale") ?? 255;
  const options = settings.get("effect") === true ? settings.labels("effect_list") : [];
  const isDimmed = settings.get("brightness") === true || modes.some((mode) => mode !== "onoff");
  const temperature = colorTemperature(settings) ?? {};
  const unit = colorTemperatureUnit(settings);
  const usual = temperature.min ?? (unit === "K" ? 2_700 : 370);
  const [color] = modes.flatMap((mode) => COLORS.get(mode) ?? []);
  const has = (name: string, value: Json | undefined, takes: CommandPayload): Part[] => {
    if (value === undefined) return [];
    const json = { ...takes, payload: "json", example: { state: "ON", [name]: value } } as const;
    const own = { reads: ["state_topic"], commands: ["command_topic"], path: `/${name}` };
    return [{ ...part(name, () => json, name === "color_temp" ? unit : undefined), ...own }];
  };
  const values = { on: { state: "ON" }, off: { state: "OFF" } };
  return [
    { ...part("", () => ({ payload: "json", values })), path: "/state" },
    ...has("brightness", isDimmed ? Math.ceil(max / 2) : undefined, { min: 0, max }),
    ...has("color_temp", modes.includes("color_temp") ? usual : undefined, temperature),
    ...has("color", color, {}),
    ...has("effect", options[0], { options }),
  ];
}
