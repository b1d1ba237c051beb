/**
 * What the components of Home Assistant's discovery measure and do. The names and defaults of settings
 * are those of its component mqtt, 2026.11.
 *
 * @module
 */
import type { Json } from "../messages/json.ts";
import { present } from "./described.ts";
import type { Command } from "./device.ts";
import type { Settings } from "./home_assistant_names.ts";

/** What a command may be. */
type Offer = Omit<Command, "topic" | "payload" | "template"> & { readonly payload?: "json" };
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

const onOff = actions({ on: ["payload_on", "ON"], off: ["payload_off", "OFF"] });
const targetTemperature = (of: string): Part => ({
  ...part(of, numbers(["min_temp"], ["max_temp"], ["temp_step"]), temperatureUnit),
  name: `target ${of.replace("_", " ")}`,
});
const humidity = (min: number, max: number): Part =>
  part("target_humidity", numbers(["min_humidity", min], ["max_humidity", max]), "%");
const CURRENT_TEMPERATURE = part("current_temperature", undefined, temperatureUnit);
const CURRENT_HUMIDITY = part("current_humidity", undefined, "%");
const PRESET_MODE = part("preset_mode", choice("preset_modes"));
const POWER: Part = { of: "power", name: "", offer: onOff };

const SENSOR: readonly Part[] = [main()];
const COMPONENTS: ReadonlyMap<string, readonly Part[]> = new Map([
  ["alarm_control_panel", [main(alarm)]],
  ["button", [main(actions({ press: ["payload_press", "PRESS"] }))]],
  ["climate", [
    POWER,
    CURRENT_TEMPERATURE,
    targetTemperature("temperature"),
    targetTemperature("temperature_low"),
    targetTemperature("temperature_high"),
    CURRENT_HUMIDITY,
    humidity(30, 99),
    part("mode", choice("modes", ["auto", "off", "cool", "heat", "dry", "fan_only"])),
    part("action"),
    PRESET_MODE,
    part("fan_mode", choice("fan_modes", ["auto", "low", "medium", "high"])),
    part("swing_mode", choice("swing_modes", ["on", "off"])),
    part("swing_horizontal_mode", choice("swing_horizontal_modes", ["on", "off"])),
  ]],
  ["cover", [
    main(actions({
      open: ["payload_open", "OPEN"],
      close: ["payload_close", "CLOSE"],
      stop: ["payload_stop", "STOP"],
    })),
    part("position", position),
    part("tilt", tilt),
  ]],
  ["date", [main(example("2026-11-24"))]],
  ["datetime", [main(example("2026-11-24T07:30:00+00:00"))]],
  ["device_tracker", [main(), { of: "json_attributes", name: "attributes" }]],
  ["event", [{ ...main(), path: "/event_type" }]],
  ["fan", [
    main(onOff),
    part("percentage", numbers(["speed_range_min", 1], ["speed_range_max", 100])),
    PRESET_MODE,
    part(
      "oscillation",
      actions({
        on: ["payload_oscillation_on", "oscillate_on"],
        off: ["payload_oscillation_off", "oscillate_off"],
      }),
    ),
    part("direction", () => ({ options: ["forward", "reverse"] })),
  ]],
  ["humidifier", [
    main(onOff),
    CURRENT_HUMIDITY,
    humidity(0, 100),
    part("mode", choice("modes")),
    part("action"),
  ]],
  ["image", [{ of: "image", name: "" }, { of: "url", name: "" }]],
  ["infrared", [main(() => ({ payload: "json" }))]],
  ["lawn_mower", [
    { of: "activity", name: "" },
    ...["start_mowing", "pause", "dock", "stop"].map((of) =>
      part(of, () => ({ values: { [of]: of } }))
    ),
  ]],
  ["lock", [main(actions({
    lock: ["payload_lock", "LOCK"],
    unlock: ["payload_unlock", "UNLOCK"],
    open: ["payload_open"],
  }))]],
  ["notify", [main(() => ({}))]],
  ["number", [main(numbers(["min", 1], ["max", 100], ["step", 1]))]],
  ["scene", [main(actions({ on: ["payload_on"] }))]],
  ["select", [main(choice("options"))]],
  ["siren", [main(siren)]],
  ["switch", [main(onOff)]],
  ["text", [main(() => ({}))]],
  ["time", [main(example("07:30:00"))]],
  ["update", [main(actions({ install: ["payload_install"] })), part("latest_version")]],
  ["valve", [main(valve)]],
  ["water_heater", [
    POWER,
    CURRENT_TEMPERATURE,
    targetTemperature("temperature"),
    part(
      "mode",
      choice("modes", ["eco", "electric", "gas", "heat_pump", "high_demand", "performance", "off"]),
    ),
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

const VACUUM: readonly Part[] = [{ ...main(vacuum), path: "/state" }];
const FAST_VACUUM: readonly Part[] = [...VACUUM, {
  ...part("fan_speed", choice("fan_speed_list")),
  from: "state_topic",
  path: "/fan_speed",
}];

/** Examples of the values of `color`, by the modes that have one. */
const COLORS: ReadonlyMap<Json, Json> = new Map<Json, Json>([
  ["rgb", { r: 255, g: 128, b: 0 }],
  ["rgbw", { r: 255, g: 128, b: 0, w: 0 }],
  ["rgbww", { r: 255, g: 128, b: 0, c: 0, w: 0 }],
  ["xy", { x: 0.5, y: 0.4 }],
  ["hs", { h: 30, s: 100 }],
]);

/** What an alarm may be told, by the feature that it needs. */
const ALARM_FEATURES = [
  "arm_home",
  "arm_away",
  "arm_night",
  "arm_vacation",
  "arm_custom_bypass",
  "trigger",
];
/** What a vacuum may be told: its feature, and its payload if no setting says another. */
const VACUUM_FEATURES: readonly (readonly [feature: string, payload: string])[] = [
  ["start", "start"],
  ["pause", "pause"],
  ["stop", "stop"],
  ["return_home", "return_to_base"],
  ["locate", "locate"],
  ["clean_spot", "clean_spot"],
];

/** The functions of a component; one that is not known is read like a sensor. */
export function partsOf(component: string, settings: Settings): readonly Part[] {
  if (component === "vacuum") return settings.has("set_fan_speed_topic") ? FAST_VACUUM : VACUUM;
  if (component !== "light") return COMPONENTS.get(component) ?? SENSOR;
  switch (settings.get("schema")) {
    case "json":
      return jsonLight(settings);
    // Its commands are made by templates of several placeholders.
    case "template":
      return SENSOR;
    default:
      return BASIC_LIGHT;
  }
}

function main(offer?: OfferOf): Part {
  return { of: "", name: "", offer };
}

function part(of: string, offer?: OfferOf, unit?: Part["unit"]): Part {
  return { of, name: of.replaceAll("_", " ").replace(/ temp$/, " temperature"), offer, unit };
}

/** Payloads by what they do, each from a setting with a default; without one it is left out. */
function actions(
  settingsOf: Readonly<Record<string, readonly [name: string, fallback?: string]>>,
): OfferOf {
  return (settings) => {
    const values: Record<string, Json> = {};
    for (const [action, [name, fallback]] of Object.entries(settingsOf)) {
      const payload = settings.payload(name, fallback);
      if (payload !== undefined) values[action] = payload;
    }
    return Object.keys(values).length === 0 ? undefined : { values };
  };
}

/** Bounds and a step, each from a setting with a default. */
function numbers(...settingsOf: readonly (readonly [name: string, fallback?: number])[]): OfferOf {
  return (settings) => {
    const [min, max, step] = settingsOf.map(([name, fallback]) =>
      settings.number(name) ?? fallback
    );
    return present({ min, max, step });
  };
}

/** Bounds, of which either may be the smaller one. */
function between(one: number | undefined, other: number | undefined): Offer {
  const isTurned = one !== undefined && other !== undefined && one > other;
  return present(isTurned ? { min: other, max: one } : { min: one, max: other });
}

/** One of the texts that a setting lists. */
function choice(name: string, fallback?: readonly string[]): OfferOf {
  return (settings) => {
    const options = settings.labels(name, fallback);
    return options.length === 0 ? {} : { options };
  };
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

function colorTemperature(settings: Settings): Offer {
  const unit = colorTemperatureUnit(settings) === "K" ? "kelvin" : "mireds";
  return between(settings.number(`min_${unit}`), settings.number(`max_${unit}`));
}

function colorTemperatureUnit(settings: Settings): string {
  return settings.get("color_temp_kelvin") === true ? "K" : "mired";
}

/** From closed to open, which may count downwards. */
function position(settings: Settings): Offer {
  const closed = settings.number("position_closed") ?? 0;
  const open = settings.number("position_open") ?? 100;
  return { ...between(closed, open), values: { open, close: closed } };
}

function tilt(settings: Settings): Offer {
  return {
    ...between(settings.number("tilt_min") ?? 0, settings.number("tilt_max") ?? 100),
    values: present({
      open: settings.number("tilt_opened_value") ?? 100,
      close: settings.number("tilt_closed_value") ?? 0,
      stop: settings.payload("payload_stop_tilt", "STOP"),
    }),
  };
}

function valve(settings: Settings): Offer | undefined {
  if (settings.get("reports_position") !== true) {
    return actions({
      open: ["payload_open", "OPEN"],
      close: ["payload_close", "CLOSE"],
      stop: ["payload_stop"],
    })(settings);
  }
  const { values, ...offer } = position(settings);
  return {
    ...offer,
    values: { ...values, ...present({ stop: settings.payload("payload_stop") }) },
  };
}

function alarm(settings: Settings): Offer | undefined {
  const features = settings.labels("supported_features", ALARM_FEATURES);
  return actions(Object.fromEntries(
    [...ALARM_FEATURES.filter((one) => features.includes(one)), "disarm"].map((
      action,
    ) => [action, [`payload_${action}`, action.toUpperCase()]]),
  ))(settings);
}

function vacuum(settings: Settings): Offer | undefined {
  const features = settings.labels("supported_features", [
    "start",
    "stop",
    "return_home",
    "clean_spot",
  ]);
  return actions(Object.fromEntries(
    VACUUM_FEATURES.filter(([feature]) => features.includes(feature)).map((
      [feature, payload],
    ) => [feature, [`payload_${payload}`, payload]]),
  ))(settings);
}

/** JSON with the state and what else is supported, unless a template makes the payload. */
function siren(settings: Settings): Offer | undefined {
  if (settings.has("command_off_template")) return undefined;
  const payloads = onOff(settings);
  if (payloads === undefined || settings.has("command_template")) return payloads;
  const values = Object.fromEntries(
    Object.entries(payloads.values ?? {}).map(([name, state]) => [name, { state }]),
  );
  const [tone] = settings.labels("available_tones");
  return {
    payload: "json",
    values,
    example: {
      ...values["on"],
      ...tone === undefined ? {} : { tone },
      ...settings.get("support_duration") === false ? {} : { duration: 10 },
      ...settings.get("support_volume_set") === false ? {} : { volume_level: 0.5 },
    },
  };
}

/** The functions of a light that is told in JSON: all are members of one payload. */
function jsonLight(settings: Settings): Part[] {
  const modes = settings.labels("supported_color_modes");
  const scale = settings.number("brightness_scale") ?? 255;
  const options = settings.get("effect") === true ? settings.labels("effect_list") : [];
  const has = (name: string, value: Json, offer: Offer = {}): Part => ({
    ...part(name, () => ({ ...offer, payload: "json", example: { state: "ON", [name]: value } })),
    path: `/${name}`,
    from: "state_topic",
    to: "command_topic",
  });
  const parts: Part[] = [];
  const brightness = Math.ceil(scale / 2);
  const isDimmed = settings.get("brightness") === true || modes.some((mode) => mode !== "onoff");
  if (isDimmed) parts.push(has("brightness", brightness, { min: 0, max: scale }));
  if (modes.includes("color_temp")) {
    const offer = colorTemperature(settings);
    const unit = colorTemperatureUnit(settings);
    const value = offer.min ?? (unit === "K" ? 2_700 : 370);
    parts.push({ ...has("color_temp", value, offer), unit });
  }
  const color = modes.map((mode) => COLORS.get(mode)).find((one) => one !== undefined);
  if (color !== undefined) parts.push(has("color", color));
  const [effect] = options;
  if (effect !== undefined) parts.push(has("effect", effect, { options }));
  return [{
    ...main(() => ({
      payload: "json",
      values: { on: { state: "ON" }, off: { state: "OFF" } },
      ...isDimmed ? { example: { state: "ON", brightness } } : {},
    })),
    path: "/state",
  }, ...parts];
}
