/**
 * How a discovery message of Home Assistant writes its settings: short names, `~`, and values that
 * may be anything.
 *
 * @module
 */
import type { Json } from "../messages/json.ts";
import { toNumber } from "../messages/pointer.ts";
import { escapeUnseen } from "../text.ts";
import { isObject, label, labels, numberOf, topicName } from "./described.ts";

/** A longer payload is left out, since a payload that was cut would be another one. */
const MAX_PAYLOAD = 500;
/** With a longer `~` nothing is understood: it may stand for itself many times. */
const MAX_BASE = 256;

/** What begins the short name of a topic or template, and the long name that it stands for. */
const FUNCTIONS = pairs(`
  : act:activity bri:brightness clr_temp:color_temp dir:direction dock:dock fan_mode:fan_mode
  fx:effect hs:hs hum:target_humidity mode:mode osc:oscillation pause:pause pct:percentage pow:power
  pr_mode:preset_mode rgb:rgb rgbw:rgbw rgbww:rgbww stop:stop strt_mw:start_mowing
  swing_h_mode:swing_horizontal_mode swing_mode:swing_mode temp:temperature
  temp_hi:temperature_high temp_lo:temperature_low tilt:tilt whit:white xy:xy`);
/** What ends it. All pairs are taken, which covers short names that Home Assistant no longer has. */
const PLACES = pairs(`
  cmd_t:command_topic cmd_tpl:command_template stat_t:state_topic stat_tpl:state_template
  val_tpl:value_template`);

/**
 * The short names of what is read here, within `device` too. Home Assistant has more (`abbreviations.py` of its component
 * mqtt, 2026.11), and had others; what stands for nothing that is read stays as it is.
 */
const SHORT: ReadonlyMap<string, string> = new Map([
  ...FUNCTIONS.flatMap(([short, long]) =>
    PLACES.map(([shortPlace, longPlace]): [string, string] =>
      short === "" ? [shortPlace, longPlace] : [`${short}_${shortPlace}`, `${long}_${longPlace}`]
    )
  ),
  ...pairs(`
    act_t:action_topic act_tpl:action_template avty:availability avty_mode:availability_mode
    avty_t:availability_topic avty_tpl:availability_template bri_scl:brightness_scale cmd_off_tpl:command_off_template cmd_on_tpl:command_on_template
    clr_temp_k:color_temp_kelvin cmps:components curr_hum_t:current_humidity_topic
    curr_hum_tpl:current_humidity_template curr_temp_t:current_temperature_topic
    curr_temp_tpl:current_temperature_template dev:device dev_cla:device_class en:enabled_by_default
    ent_cat:entity_category fanspd_lst:fan_speed_list fx_list:effect_list
    hum_state_tpl:target_humidity_state_template img_t:image_topic json_attr_t:json_attributes_topic
    l_ver_t:latest_version_topic l_ver_tpl:latest_version_template max_hum:max_humidity
    max_k:max_kelvin max_mirs:max_mireds migr_discvry:migrate_discovery min_hum:min_humidity
    min_k:min_kelvin min_mirs:min_mireds on_cmd_type:on_command_type ops:options p:platform
    pause_mw_cmd_tpl:pause_command_template pl_arm_away:payload_arm_away
    pl_arm_custom_b:payload_arm_custom_bypass pl_arm_home:payload_arm_home
    pl_arm_nite:payload_arm_night pl_arm_vacation:payload_arm_vacation pl_avail:payload_available
    pl_cln_sp:payload_clean_spot pl_cls:payload_close pl_disarm:payload_disarm
    pl_inst:payload_install pl_loc:payload_locate pl_lock:payload_lock
    pl_not_avail:payload_not_available pl_off:payload_off pl_on:payload_on pl_open:payload_open
    pl_osc_off:payload_oscillation_off pl_osc_on:payload_oscillation_on pl_paus:payload_pause
    pl_prs:payload_press pl_ret:payload_return_to_base pl_stop:payload_stop pl_strt:payload_start
    pl_trig:payload_trigger pl_unlk:payload_unlock pos:reports_position pos_clsd:position_closed
    pos_open:position_open pos_t:position_topic pos_tpl:position_template pr_modes:preset_modes
    set_fan_spd_t:set_fan_speed_topic set_pos_t:set_position_topic set_pos_tpl:set_position_template
    spd_rng_max:speed_range_max spd_rng_min:speed_range_min stat_val_tpl:state_value_template
    sup_clrm:supported_color_modes sup_feat:supported_features swing_h_modes:swing_horizontal_modes
    t:topic temp_unit:temperature_unit tilt_status_t:tilt_status_topic
    tilt_status_tpl:tilt_status_template unit_of_meas:unit_of_measurement url_t:url_topic
    url_tpl:url_template whit_scl:white_scale
    cns:connections ids:identifiers mdl:model mdl_id:model_id mf:manufacturer sa:suggested_area`),
]);
/** The settings of an object, by their long names. */
export class Settings {
  readonly #members: ReadonlyMap<string, Json>;
  readonly #base: string | undefined;

  private constructor(members: ReadonlyMap<string, Json>, base: string | undefined) {
    this.#members = members;
    this.#base = base;
  }

  /**
   * Those of an object; undefined for anything else. A short name counts if the long one is there too.
   *
   * @param base what `~` stands for, if not what the object says
   */
  static of(value: Json | undefined, base?: string): Settings | undefined {
    if (!isObject(value)) return undefined;
    const members = new Map(Object.entries(value));
    for (const [name, member] of Object.entries(value)) {
      const long = SHORT.get(name);
      if (long !== undefined && members.delete(name)) members.set(long, member);
    }
    const own = base ?? members.get("~");
    if (typeof own === "string" && own.length > MAX_BASE) return undefined;
    return new Settings(members, typeof own === "string" ? own : undefined);
  }

  /** The same, with those of the names given which another has and this has not. */
  inheriting(other: Settings, names: readonly string[]): Settings {
    const members = new Map(this.#members);
    for (const name of names) {
      const inherited = other.get(name);
      if (inherited !== undefined && !members.has(name)) members.set(name, inherited);
    }
    return new Settings(members, this.#base);
  }

  /** The same, with those given that this has not. */
  withUsual(usual: Readonly<Record<string, Json>>): Settings {
    return new Settings(new Map([...Object.entries(usual), ...this.#members]), this.#base);
  }

  /** How many there are. */
  get size(): number {
    return this.#members.size;
  }

  has(name: string): boolean {
    return this.#members.has(name);
  }

  get(name: string): Json | undefined {
    return this.#members.get(name);
  }

  /**
   * The objects of a list, in which `~` stands for the same; one that is alone is a list of one.
   * Undefined if it is longer.
   */
  list(name: string, maxLength: number): (Settings | undefined)[] | undefined {
    const list = listOf(this.get(name));
    return list.length > maxLength ? undefined : list.map((one) => Settings.of(one, this.#base));
  }

  /** The first of several that is a topic name, with `~` at its beginning or end resolved. */
  topic(...names: readonly string[]): string | undefined {
    for (const name of names) {
      const value = this.get(name);
      const topic = value === undefined ? undefined : topicName(this.#resolved(value));
      if (topic !== undefined) return topic;
    }
    return undefined;
  }

  #resolved(value: Json): Json {
    const base = this.#base;
    if (typeof value !== "string" || base === undefined) return value;
    return value.startsWith("~") ? base + value.slice(1) : value.replace(/~$/, () => base);
  }

  /** The first of several that is a text, as it is, and not blank. */
  text(...names: readonly string[]): string | undefined {
    const [text] = names.flatMap((name) => {
      const value = this.get(name);
      return typeof value === "string" && value.trim() !== "" ? [value] : [];
    });
    return text;
  }

  /** As `label()` of described.ts. */
  label(name: string): string | undefined {
    return label(this.get(name));
  }

  /** As `labels()` of described.ts; what is alone is a list of one. */
  labels(name: string, usual: readonly string[] = []): readonly string[] {
    return this.has(name) ? labels(listOf(this.get(name))) : usual;
  }

  /** A number, or a text that reads as one. */
  number(name: string): number | undefined {
    return numberOf(toNumber(this.get(name) ?? null));
  }

  /**
   * A payload: a text that can be shown as it is, a number or boolean. `null` says that there is none.
   */
  payload(name: string, usual?: string): Json | undefined {
    const value = this.has(name) ? this.get(name) : usual;
    if (value === undefined || value === null) return undefined;
    if (typeof value === "number" || typeof value === "boolean") return value;
    return typeof value === "string" && isShown(value, MAX_PAYLOAD) ? value : undefined;
  }
}

/** A list as it is; what is alone is a list of one. */
export function listOf(value: Json | undefined): Json[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

/** Whether a text is seen whole, and no longer than so many characters. */
export function isShown(text: string, maxLength: number): boolean {
  return text.length <= maxLength && escapeUnseen(text) === text;
}

function pairs(text: string): [string, string][] {
  return text.trim().split(/\s+/).map((pair) => {
    const [short = "", long = ""] = pair.split(":");
    return [short, long];
  });
}
