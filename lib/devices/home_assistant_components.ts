/**
 * What the components of Home Assistant's discovery measure and do. The names and defaults of settings
 * are those of its component mqtt, 2026.11.
 *
 * @module
 */
import type { Json } from "../messages/json.ts";
import { present } from "./described.ts";
import type { Offer } from "./device.ts";
import type { Settings } from "./home_assistant_names.ts";

/** Undefined if it cannot be told. */
type OfferOf = (settings: Settings) => Offer | undefined;

/** A function of a component. */
export interface Part {
  /** What the settings of its topics begin with, as in `mode` for `mode_state_topic`, or "". */
  readonly of: string;
  /** What its name has after the component's; "" for the main function. */
  readonly name: string;
  /** Absent if nothing is commanded. */
  readonly offer?: OfferOf | undefined;
  readonly unit?: string | ((settings: Settings) => string | undefined) | undefined;
  /** Where the value is if no template says: a JSON Pointer. */
  readonly path?: string;
  /** The settings of its topics, if they do not begin so. */
  readonly from?: string;
  readonly to?: string;
}

/** Payloads by what they do: the setting that says, and what it is if none does. */
type Actions = Readonly<Record<string, readonly [setting: string, usual?: string]>>;

const onOff = actions({ on: ["payload_on", "ON"], off: ["payload_off", "OFF"] });
const OPEN_CLOSE: Actions = { open: ["payload_open", "OPEN"], close: ["payload_close", "CLOSE"] };
const OSCILLATION: Actions = {
  on: ["payload_oscillation_on", "oscillate_on"],
  off: ["payload_oscillation_off", "oscillate_off"],
};
const LOCK: Actions = {
  lock: ["payload_lock", "LOCK"],
  unlock: ["payload_unlock", "UNLOCK"],
  open: ["payload_open"],
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
const MODES = ["auto", "off", "cool", "heat", "dry", "fan_only"];
const HEATER_MODES = "eco electric gas heat_pump high_demand performance off".split(" ");

const TEMPERATURE = numbers(["min_temp"], ["max_temp"], ["temp_step"]);
const CURRENT_TEMPERATURE = part("current_temperature", undefined, temperatureUnit);
const CURRENT_HUMIDITY = part("current_humidity", undefined, "%");
const PRESET_MODE = part("preset_mode", choice("preset_modes"));
const ACTION = part("action");
const POWER: Part = { of: "power", name: "", offer: onOff };
const target = (of: string): Part => ({
  ...part(of, TEMPERATURE, temperatureUnit),
  name: `target ${of.replace("_", " ")}`,
});
const humidity = (min: number, max: number): Part =>
  part("target_humidity", numbers(["min_humidity", min], ["max_humidity", max]), "%");

const SENSOR: readonly Part[] = [main()];
const COMPONENTS: ReadonlyMap<string, readonly Part[]> = new Map([
  ["alarm_control_panel", [main(supported(ALARM, Object.keys(ALARM)))]],
  ["button", [main(actions({ press: ["payload_press", "PRESS"] }))]],
  ["climate", [
    POWER,
    CURRENT_TEMPERATURE,
    target("temperature"),
    target("temperature_low"),
    target("temperature_high"),
    CURRENT_HUMIDITY,
    humidity(30, 99),
    part("mode", choice("modes", MODES)),
    ACTION,
    PRESET_MODE,
    part("fan_mode", choice("fan_modes", ["auto", "low", "medium", "high"])),
    part("swing_mode", choice("swing_modes", ["on", "off"])),
    part("swing_horizontal_mode", choice("swing_horizontal_modes", ["on", "off"])),
  ]],
  ["cover", [
    main(actions({ ...OPEN_CLOSE, stop: ["payload_stop", "STOP"] })),
    part("position", position),
    part("tilt", numbers(["tilt_min", 0], ["tilt_max", 100])),
  ]],
  ["date", [main(example("2026-11-24"))]],
  ["datetime", [main(example("2026-11-24T07:30:00+00:00"))]],
  ["device_tracker", [main(), { of: "json_attributes", name: "attributes" }]],
  ["event", [{ ...main(), path: "/event_type" }]],
  ["fan", [
    main(onOff),
    part("percentage", numbers(["speed_range_min", 1], ["speed_range_max", 100])),
    PRESET_MODE,
    part("oscillation", actions(OSCILLATION)),
    part("direction", () => ({ options: ["forward", "reverse"] })),
  ]],
  ["humidifier", [
    main(onOff),
    CURRENT_HUMIDITY,
    humidity(0, 100),
    part("mode", choice("modes")),
    ACTION,
  ]],
  ["image", [{ of: "image", name: "" }, { of: "url", name: "" }]],
  ["infrared", [main(() => ({ payload: "json" }))]],
  ["lawn_mower", [
    { of: "activity", name: "" },
    ...["start_mowing", "pause", "dock", "stop"].map((of) =>
      part(of, () => ({ values: { [of]: of } }))
    ),
  ]],
  ["lock", [main(actions(LOCK))]],
  ["notify", [main(() => ({}))]],
  ["number", [main(numbers(["min", 1], ["max", 100], ["step", 1]))]],
  ["scene", [main(actions({ on: ["payload_on"] }))]],
  ["select", [main(choice("options"))]],
  ["siren", [main(siren)]],
  ["switch", [main(onOff)]],
  ["text", [main(() => ({}))]],
  ["time", [main(example("07:30:00"))]],
  ["update", [main(actions({ install: ["payload_install"] })), part("latest_version")]],
  ["vacuum", [
    {
      ...main(supported(VACUUM, ["start", "stop", "return_home", "clean_spot"])),
      path: "/state",
    },
    { ...part("fan_speed", choice("fan_speed_list")), from: "state_topic", path: "/fan_speed" },
  ]],
  ["valve", [main(valve)]],
  ["water_heater", [
    POWER,
    CURRENT_TEMPERATURE,
    target("temperature"),
    part("mode", choice("modes", HEATER_MODES)),
  ]],
]);

/** A light with topics of its own for each function. */
const BASIC_LIGHT: readonly Part[] = [
  main(onOff),
  part("brightness", upTo("brightness_scale")),
  part("color_temp", colorTemperature, colorTemperatureUnit),
  part("effect", choice("effect_list")),
  part("rgb", example("255,128,0")),
  part("rgbw", example("255,128,0,0")),
  part("rgbww", example("255,128,0,0,0")),
  part("hs", example("30,100")),
  part("xy", example("0.5,0.4")),
  part("white", upTo("white_scale")),
];

/** Examples of the values of `color`, by the modes that have one. */
const COLORS: ReadonlyMap<string, Json> = new Map<string, Json>([
  ["rgb", { r: 255, g: 128, b: 0 }],
  ["rgbw", { r: 255, g: 128, b: 0, w: 0 }],
  ["rgbww", { r: 255, g: 128, b: 0, c: 0, w: 0 }],
  ["xy", { x: 0.5, y: 0.4 }],
  ["hs", { h: 30, s: 100 }],
]);

/** The functions of a component; one that is not known is read like a sensor. */
export function partsOf(component: string, settings: Settings): readonly Part[] {
  if (component !== "light") return COMPONENTS.get(component) ?? SENSOR;
  const schema = settings.get("schema");
  if (schema === "json") return jsonLight(settings);
  // The commands of the schema `template` are made by templates of several placeholders.
  return schema === "template" ? SENSOR : BASIC_LIGHT;
}

function main(offer?: OfferOf): Part {
  return { of: "", name: "", offer };
}

function part(of: string, offer?: OfferOf, unit?: Part["unit"]): Part {
  return { of, name: of.replaceAll("_", " ").replace(/ temp$/, " temperature"), offer, unit };
}

/** What has no payload is left out. */
function actions(all: Actions): OfferOf {
  return (settings) => {
    const values = Object.entries(all).flatMap(([action, [setting, usual]]) => {
      const payload = settings.payload(setting, usual);
      return payload === undefined ? [] : [[action, payload] as const];
    });
    return values.length === 0 ? undefined : { values: Object.fromEntries(values) };
  };
}

/** Those of them whose features are supported. An alarm can always be disarmed. */
function supported(all: Actions, usual: readonly string[]): OfferOf {
  return (settings) => {
    const features = [...settings.labels("supported_features", usual), "disarm"];
    return actions(
      Object.fromEntries(Object.entries(all).filter(([name]) => features.includes(name))),
    )(settings);
  };
}

/** Bounds and a step, each from a setting with a default. */
function numbers(...settingsOf: readonly (readonly [name: string, usual?: number])[]): OfferOf {
  return (settings) => {
    const [min, max, step] = settingsOf.map(([name, usual]) => settings.number(name) ?? usual);
    return present({ min, max, step });
  };
}

/** One of the texts that a setting lists. */
function choice(name: string, usual?: readonly string[]): OfferOf {
  return (settings) => present({ options: settings.labels(name, usual) });
}

function example(payload: string): OfferOf {
  return () => ({ example: payload });
}

/** From 0 to a scale of 255, if no setting says another. */
function upTo(name: string): OfferOf {
  return (settings) => ({ min: 0, max: settings.number(name) ?? 255 });
}

function temperatureUnit(settings: Settings): string | undefined {
  const unit = settings.label("temperature_unit");
  return unit === "C" || unit === "F" ? `°${unit}` : unit;
}

function colorTemperature(settings: Settings): Offer | undefined {
  const unit = colorTemperatureUnit(settings) === "K" ? "kelvin" : "mireds";
  return numbers([`min_${unit}`], [`max_${unit}`])(settings);
}

function colorTemperatureUnit(settings: Settings): string {
  return settings.get("color_temp_kelvin") === true ? "K" : "mired";
}

/** From closed to open, which may count downwards. */
function position(settings: Settings): Offer {
  const close = settings.number("position_closed") ?? 0;
  const open = settings.number("position_open") ?? 100;
  return { min: Math.min(close, open), max: Math.max(close, open), values: { open, close } };
}

function valve(settings: Settings): Offer | undefined {
  if (settings.get("reports_position") === true) return position(settings);
  return actions({ ...OPEN_CLOSE, stop: ["payload_stop"] })(settings);
}

/** JSON with the state, unless a template makes the payload. */
function siren(settings: Settings): Offer | undefined {
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
  const has = (name: string, value: Json | undefined, offer: Offer = {}): Part[] =>
    value === undefined ? [] : [{
      ...part(name, () => ({ ...offer, payload: "json", example: { state: "ON", [name]: value } })),
      path: `/${name}`,
      from: "state_topic",
      to: "command_topic",
    }];
  const isDimmed = settings.get("brightness") === true || modes.some((mode) => mode !== "onoff");
  const unit = colorTemperatureUnit(settings);
  const temperature = colorTemperature(settings) ?? {};
  const usual = temperature.min ?? (unit === "K" ? 2_700 : 370);
  const [color] = modes.flatMap((mode) => COLORS.get(mode) ?? []);
  const values = { on: { state: "ON" }, off: { state: "OFF" } };
  return [
    { ...main(() => ({ payload: "json", values })), path: "/state" },
    ...has("brightness", isDimmed ? Math.ceil(max / 2) : undefined, { min: 0, max }),
    ...has("color_temp", modes.includes("color_temp") ? usual : undefined, temperature)
      .map((one) => ({ ...one, unit })),
    ...has("color", color),
    ...has("effect", options[0], { options }),
  ];
}
