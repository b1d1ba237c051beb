/**
 * Devices as Tasmota's own discovery tells of them: `xdrv_12_discovery.ino`, and the pages MQTT and
 * Commands of tasmota.github.io/docs.
 *
 * @module
 */
import type { Json } from "../messages/json.ts";
import {
  elements,
  entityOf,
  exactText,
  isObject,
  jsonOf,
  label,
  macKey,
  MAX_ENTITIES,
  member,
  numberOf,
  pointer,
  topicName,
} from "./described.ts";
import type { CommandPayload, Convention, Description, Entity, Place } from "./device.ts";
import { sensorsOf } from "./tasmota_sensors.ts";

/** The firmware has 32. */
const MAX_RELAYS = 64;
/** Characters of the full topic, before and after its placeholders are filled. */
const MAX_TOPIC_LENGTH = 256;

/** Values of `rl`. */
const [LIGHT, SHUTTER] = [2, 3];
/** What a light has, by `lt_st`. */
const LIGHTS: ReadonlyMap<Json | undefined, readonly string[]> = new Map([
  [1, ["Dimmer"]],
  [2, ["Dimmer", "CT"]],
  [3, ["Dimmer", "Color"]],
  [4, ["Dimmer", "White", "Color"]],
  [5, ["Dimmer", "CT", "White", "Color"]],
]);

const PERCENT: CommandPayload = { min: 0, max: 100, example: "100" };

/** With `SetOption82`. */
const REDUCED_CT: CommandPayload = { min: 200, max: 380, example: "380" };

/** By the name in states: what it is, and what its command takes, of the same name or another. */
interface Setting {
  readonly kind?: string;
  readonly unit?: string;
  readonly command?: string;
  readonly takes: CommandPayload;
}
const SETTINGS: ReadonlyMap<string, Setting> = new Map<string, Setting>([
  ["Dimmer", { unit: "%", takes: PERCENT }],
  ["White", { unit: "%", takes: PERCENT }],
  ["CT", { unit: "mired", takes: { min: 153, max: 500, example: "500" } }],
  ["Color", { kind: "text", command: "Color2", takes: { example: "255,128,0" } }],
  ["FanSpeed", { kind: "fan", takes: { min: 0, max: 3, example: "3" } }],
]);

/** The beginnings of a device's topics. */
interface Topics {
  readonly command: string;
  readonly result: string;
  readonly telemetry: string;
}

/** What a message `config` tells. */
interface Config {
  readonly about: Omit<Description, "entities">;
  readonly topics: Topics;
  readonly entities: readonly Entity[];
}

/** Reads what is below a prefix, which is `tasmota/discovery` unless the firmware was built so. */
export function tasmota(prefix: string): Convention {
  const configs = new Map<string, Config>();
  /** The last readings when it was announced. */
  const readings = new Map<string, Json>();
  return {
    source: "tasmota",
    filters: [`${prefix}/+/config`, `${prefix}/+/sensors`],
    isCumulative: false,
    // deno-lint-ignore require-yield -- each message is short
    *take({ topic, payload }) {
      const [id = "", part] = topic.slice(prefix.length + 1).split("/");
      const value = payload.length > 0 ? jsonOf(payload) : undefined;
      const config = part === "config" ? configOf(value, id) : undefined;
      const told = part === "sensors" ? member(value, "sn") : undefined;
      if (part === "config") configs.delete(id);
      else readings.delete(id);
      if (config !== undefined) configs.set(id, config);
      else if (isObject(told)) readings.set(id, told);
      else if (payload.length > 0) return 1;
      return 0;
    },
    *devices() {
      for (const [id, { about, topics, entities }] of configs) {
        const hasShutters = entities.some(({ kind }) => kind === "cover");
        const sensors = sensorsOf(readings.get(id) ?? {}, topics)
          // What a shutter tells is not told again.
          .filter(({ name }) => !hasShutters || !/^Shutter\d+ /.test(name));
        yield { ...about, entities: [...entities, ...sensors].slice(0, MAX_ENTITIES) };
      }
    },
  };
}

/** Undefined for what is no config, and for one of another device. */
function configOf(value: Json | undefined, id: string): Config | undefined {
  const mac = macKey(id);
  const topics = topicsOf(value);
  if (mac === undefined || macKey(member(value, "mac")) !== mac || topics === undefined) {
    return undefined;
  }
  const relayNames = elements(member(value, "fn"));
  const availability = {
    topic: `${topics.telemetry}LWT`,
    yes: [exactText(member(value, "onln")) ?? "Online"],
    // A device that sleeps between readings is offline most of the time.
    no: member(value, "dslp") === 1 ? [] : [exactText(member(value, "ofln")) ?? "Offline"],
  };
  return {
    about: {
      source: "tasmota",
      id: mac.slice("mac:".length).toUpperCase(),
      keys: [mac],
      name: label(member(value, "dn")) ?? label(relayNames[0]) ?? label(member(value, "hn")),
      model: label(member(value, "md")),
      online: { mode: "all", topics: [availability] },
    },
    topics,
    entities: entitiesOf(value, topics),
  };
}

/** The full topic with its placeholders filled; undefined if a topic would not be one. */
function topicsOf(config: Json | undefined): Topics | undefined {
  const full = exactText(member(config, "ft"), MAX_TOPIC_LENGTH);
  const [command, result, telemetry] = ["cmnd", "stat", "tele"].map((usual, at) => {
    const values: Readonly<Record<string, Json | undefined>> = {
      prefix: exactText(elements(member(config, "tp"))[at]) ?? usual,
      topic: member(config, "t"),
      hostname: member(config, "hn"),
      id: exactText(member(config, "mac"))?.replaceAll(":", "").slice(-6),
    };
    const filled = topicName(
      full?.replace(/%(prefix|topic|hostname|id)%/g, (_, name) => exactText(values[name]) ?? ""),
    );
    if (filled === undefined || filled.length > MAX_TOPIC_LENGTH) return undefined;
    return filled.endsWith("/") ? filled : `${filled}/`;
  });
  return command === undefined || result === undefined || telemetry === undefined
    ? undefined
    : { command, result, telemetry };
}

/** Relays by their kinds, each shutter with two relays, then what a light or a fan has. */
function entitiesOf(config: Json | undefined, topics: Topics): Entity[] {
  const kinds = elements(member(config, "rl")).slice(0, MAX_RELAYS).map((one) =>
    numberOf(one) ?? 0
  );
  const hasFan = member(config, "if") === 1;
  // An iFan counts the relays of its fan, which are not told here.
  const isNumbered = hasFan || kinds.filter((kind) => kind !== 0).length > 1 ||
    hasOption(config, 26);
  const states = elements(member(config, "state")).map((text) => exactText(text));
  const values = { on: states[1] ?? "ON", off: states[0] ?? "OFF", toggle: states[2] ?? "TOGGLE" };
  const entities: Entity[] = [];
  let shutters = 0;
  for (let at = 0; at < kinds.length; at++) {
    const own = label(elements(member(config, "fn"))[at]);
    const kind = kinds[at];
    if (kind === SHUTTER && kinds[at + 1] === SHUTTER) {
      entities.push(...shutter(++shutters, { own, topics }));
      at++;
    } else if (kind !== 0 && kind !== SHUTTER) {
      const key = isNumbered ? `POWER${at + 1}` : "POWER";
      entities.push({
        name: own ?? key,
        kind: kind === LIGHT || (hasFan && at === 0) ? "light" : "switch",
        read: { topic: `${topics.result}${key}` },
        also: reports(key, topics),
        writes: [{ topic: `${topics.command}${key}`, payload: "raw", values }],
      });
    }
  }
  const light = kinds.includes(LIGHT) ? LIGHTS.get(member(config, "lt_st")) ?? [] : [];
  const ct = hasOption(config, 82) ? REDUCED_CT : {};
  const settings = (hasFan ? ["FanSpeed"] : light)
    .flatMap((key) => settingOf(key, topics, key === "CT" ? ct : {}));
  return [...entities, ...settings];
}

function shutter(
  number: number,
  { own, topics }: { readonly own: string | undefined; readonly topics: Topics },
): Entity[] {
  const key = `Shutter${number}`;
  const name = own ?? key;
  const path = pointer(key, "Position");
  const range = { min: 0, max: 100, example: "50" };
  const command = (what: string) =>
    ({ topic: `${topics.command}Shutter${what}${number}`, payload: "raw" }) as const;
  return [{
    name,
    kind: "cover",
    unit: "%",
    read: { topic: `${topics.telemetry}SENSOR`, path },
    also: [{ topic: `${topics.result}RESULT`, path }],
    writes: [{ ...command("Position"), values: { open: "100", close: "0" }, ...range }],
  }, {
    name: `${name} stop`,
    kind: "button",
    writes: [{ ...command("Stop"), values: { press: "" } }],
  }];
}

/** @param changes what the command takes otherwise than usual */
function settingOf(key: string, topics: Topics, changes: CommandPayload): Entity[] {
  const setting = SETTINGS.get(key);
  if (setting === undefined) return [];
  const { kind = "number", unit, command = key, takes } = setting;
  const [read, ...also] = reports(key, topics);
  const topic = `${topics.command}${command}`;
  const write = { topic, payload: "raw", ...takes, ...changes } as const;
  return [entityOf({ name: key, kind, unit, read, also, writes: [write] })];
}

/** Where the device tells of a state: now and then, and as the answer to a command. */
function reports(key: string, { telemetry, result }: Topics): readonly Place[] {
  return [`${telemetry}STATE`, `${result}RESULT`].map((topic) => ({ topic, path: pointer(key) }));
}

/** Whether `SetOption<n>` is on. */
function hasOption(config: Json | undefined, option: number): boolean {
  return member(member(config, "so"), String(option)) === 1;
}
