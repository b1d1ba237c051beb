/**
 * Devices as Tasmota's own discovery tells of them: `xdrv_12_discovery.ino`, and the pages MQTT and
 * Commands of tasmota.github.io/docs.
 *
 * @module
 */
import type { Json } from "../messages/json.ts";
import type { Message } from "../messages/message.ts";
import {
  elements,
  exactText,
  jsonOf,
  label,
  macKey,
  member,
  numberOf,
  pointer,
  present,
  topicName,
} from "./described.ts";
import type { Command, Convention, Description, Entity, Place, Sign } from "./device.ts";
import { type Sensor, sensorsOf } from "./tasmota_sensors.ts";

/** So many devices are kept, and so many entities of all. */
const MAX_DEVICES = 20_000;
const MAX_ENTITIES = 100_000;
/** The firmware has 32. */
const MAX_RELAYS = 64;
/** Characters of the full topic, before and after its placeholders are filled. */
const MAX_TOPIC_LENGTH = 256;

/** Values of `rl`. */
const [LIGHT, SHUTTER] = [2, 3];
/** Values of `lt_st`: a dimmer, white of two temperatures, RGB, RGB and white, RGB and two whites. */
const [CT, RGB, RGBW, RGBCW] = [2, 3, 4, 5];

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

interface Device {
  readonly config: Config | undefined;
  readonly sensors: readonly Sensor[];
  /** How many entities it has, though they be told only if there is a config. */
  readonly size: number;
  readonly description: Description | undefined;
}

/** Reads what is below a prefix, which is `tasmota/discovery` unless the firmware was built so. */
export function tasmota(prefix: string): Convention {
  const devices = new Map<string, Device>();
  let entities = 0;
  /** Keeps what is told of a device now; returns how many descriptions are not. */
  function keep(mac: string, config: Config | undefined, sensors: readonly Sensor[]): number {
    entities -= devices.get(mac)?.size ?? 0;
    devices.delete(mac);
    if (config === undefined && sensors.length === 0) return 0;
    const size = (config?.entities.length ?? 0) + sensors.length;
    if (devices.size === MAX_DEVICES || entities + size > MAX_ENTITIES) return 1;
    entities += size;
    devices.set(mac, { config, sensors, size, description: describe(config, sensors) });
    return 0;
  }
  return {
    source: "tasmota",
    filters: [`${prefix}/+/config`, `${prefix}/+/sensors`],
    isLive: false,
    // deno-lint-ignore require-yield -- each message is short
    *take({ topic, payload }: Message) {
      const [segment = "", part] = topic.slice(prefix.length + 1).split("/");
      const mac = macKey(segment);
      if (mac === undefined) return payload.length > 0 ? 1 : 0;
      const { config, sensors = [] } = devices.get(mac) ?? {};
      const value = payload.length > 0 ? jsonOf(payload) : undefined;
      if (part === "config") {
        const told = configOf(value, mac);
        const unparsed = told === undefined && payload.length > 0 ? 1 : 0;
        return unparsed + keep(mac, told, sensors);
      }
      const readings = member(value, "sn");
      const isObject = readings !== undefined && readings !== null &&
        typeof readings === "object" && !Array.isArray(readings);
      const unparsed = !isObject && payload.length > 0 ? 1 : 0;
      return unparsed + keep(mac, config, isObject ? sensorsOf(readings) : []);
    },
    *devices() {
      for (const { description } of devices.values()) {
        if (description !== undefined) yield description;
      }
    },
  };
}

function describe(config: Config | undefined, sensors: readonly Sensor[]): Description | undefined {
  if (config === undefined) return undefined;
  const { about, topics, entities } = config;
  const hasShutters = entities.some(({ kind }) => kind === "cover");
  const told = sensors.filter(({ path }) => !hasShutters || !/^Shutter\d+$/.test(String(path[0])));
  const measured = told.map(({ name, kind, unit, isMinor, path }): Entity => ({
    name,
    kind,
    ...present({ unit, isMinor: isMinor ? true as const : undefined }),
    read: { topic: `${topics.telemetry}SENSOR`, path: pointer(...path) },
    also: [{ topic: `${topics.result}STATUS10`, path: pointer("StatusSNS", ...path) }],
  }));
  return { ...about, entities: [...entities, ...measured] };
}

/** Undefined for what is no config, and for one of another device. */
function configOf(value: Json | undefined, mac: string): Config | undefined {
  if (value === undefined || macKey(member(value, "mac")) !== mac) return undefined;
  const topics = topicsOf(value);
  if (topics === undefined) return undefined;
  const names = elements(member(value, "fn"));
  const sleeps = member(value, "dslp") === 1;
  const sign: Sign = {
    topic: `${topics.telemetry}LWT`,
    yes: [exactText(member(value, "onln")) ?? "Online"],
    // A device that sleeps between readings is offline most of the time.
    no: sleeps ? [] : [exactText(member(value, "ofln")) ?? "Offline"],
  };
  const about = {
    source: "tasmota",
    id: mac.slice("mac:".length).toUpperCase(),
    keys: [mac],
    name: label(member(value, "dn")) ?? label(names[0]) ?? label(member(value, "hn")),
    model: label(member(value, "md")),
    online: { mode: "all", signs: [sign] },
  } as const;
  const entities = [
    ...relays(value, topics),
    ...shutters(value, topics),
    ...lights(value, topics),
    ...fan(value, topics),
  ];
  return { about, topics, entities };
}

/** The full topic with its placeholders filled; undefined if a topic would not be one. */
function topicsOf(config: Json): Topics | undefined {
  const full = exactText(member(config, "ft"), MAX_TOPIC_LENGTH);
  const topic = exactText(member(config, "t"));
  const [command, result, telemetry] = ["cmnd", "stat", "tele"].map((usual, at) => {
    const prefix = exactText(elements(member(config, "tp"))[at]) ?? usual;
    const values: Readonly<Record<string, string | undefined>> = {
      "%prefix%": prefix,
      "%topic%": topic,
      "%hostname%": exactText(member(config, "hn")),
      "%id%": exactText(member(config, "mac"))?.replaceAll(":", "").slice(-6),
    };
    const filled = full?.replace(/%(?:prefix|topic|hostname|id)%/g, (name) => values[name] ?? "");
    if (filled === undefined || topicName(filled) === undefined) return undefined;
    if (filled.length > MAX_TOPIC_LENGTH) return undefined;
    return filled.endsWith("/") ? filled : `${filled}/`;
  });
  return command === undefined || result === undefined || telemetry === undefined
    ? undefined
    : { command, result, telemetry };
}

function relays(config: Json, topics: Topics): Entity[] {
  const kinds = relayKinds(config);
  const isNumbered = kinds.filter((kind) => kind !== 0).length > 1 || hasOption(config, 26);
  const texts = elements(member(config, "state")).map((text) => exactText(text));
  const values = { on: texts[1] ?? "ON", off: texts[0] ?? "OFF", toggle: texts[2] ?? "TOGGLE" };
  return kinds.flatMap((kind, at): Entity[] => {
    if (kind === 0 || kind === SHUTTER) return [];
    const key = isNumbered ? `POWER${at + 1}` : "POWER";
    const isFanLight = member(config, "if") === 1 && at === 0;
    return [{
      name: relayName(config, at) ?? key,
      kind: kind === LIGHT || isFanLight || hasOption(config, 30) ? "light" : "switch",
      read: { topic: `${topics.result}${key}` },
      also: reports(key, topics),
      writes: [{ topic: `${topics.command}${key}`, payload: "raw", values }],
    }];
  });
}

/** Each has two relays that follow each other. */
function shutters(config: Json, topics: Topics): Entity[] {
  const kinds = relayKinds(config);
  const entities: Entity[] = [];
  let count = 0;
  for (let at = 0; at + 1 < kinds.length; at++) {
    if (kinds[at] !== SHUTTER || kinds[at + 1] !== SHUTTER) continue;
    const key = `Shutter${++count}`;
    const places = (name: string) => ({
      read: { topic: `${topics.telemetry}SENSOR`, path: pointer(key, name) },
      also: [{ topic: `${topics.result}RESULT`, path: pointer(key, name) }],
    });
    const command = (name: string): Pick<Command, "topic" | "payload"> => ({
      topic: `${topics.command}Shutter${name}${count}`,
      payload: "raw",
    });
    const name = relayName(config, at) ?? key;
    entities.push({
      name,
      kind: "cover",
      unit: "%",
      ...places("Position"),
      writes: [{
        ...command("Position"),
        values: { open: "100", close: "0" },
        min: 0,
        max: 100,
        example: "50",
      }],
    }, {
      name: `${name} stop`,
      kind: "button",
      writes: [{ ...command("Stop"), values: { press: "" } }],
    });
    const [min, max] = elements(elements(member(config, "sht"))[count - 1]).map(numberOf);
    if (min !== undefined && max !== undefined && min < max) {
      const writes = [{ ...command("Tilt"), min, max, example: String(min) }];
      entities.push({ name: `${name} tilt`, kind: "number", ...places("Tilt"), writes });
    }
    at++;
  }
  return entities;
}

function lights(config: Json, topics: Topics): Entity[] {
  const type = numberOf(member(config, "lt_st")) ?? 0;
  const relays = relayKinds(config).flatMap((kind, at) => kind === LIGHT ? [at + 1] : []);
  if (relays.length === 0 || type < 1 || member(config, "if") === 1) return [];
  const set = (key: string, range: Pick<Command, "min" | "max">, unit?: string) =>
    setting(key, topics, { range, unit });
  const percent = (key: string) => set(key, { min: 0, max: 100 }, "%");
  // Each channel a light of its own.
  if (hasOption(config, 68)) return relays.map((n) => percent(`Channel${n}`));
  const isSplit = member(config, "lk") === 0 && type >= RGBW;
  const entities = isSplit ? [percent("Dimmer1"), percent("Dimmer2")] : [percent("Dimmer")];
  if (type === CT || type === RGBCW) {
    const range = hasOption(config, 82) ? { min: 200, max: 380 } : { min: 153, max: 500 };
    entities.push(set("CT", range, "mired"));
  }
  if (type >= RGBW) entities.push(percent("White"));
  if (type >= RGB) {
    const color = {
      topic: `${topics.command}Color2`,
      payload: "raw",
      example: "255,128,0",
    } as const;
    const [read, ...also] = reports("Color", topics);
    entities.push({ name: "Color", kind: "text", ...present({ read, also }), writes: [color] });
    entities.push({ ...set("Scheme", { min: 0, max: 4 }), isMinor: true });
  }
  return entities;
}

/** The fan of an iFan. */
function fan(config: Json, topics: Topics): Entity[] {
  if (member(config, "if") !== 1) return [];
  return [{ ...setting("FanSpeed", topics, { range: { min: 0, max: 3 } }), kind: "fan" }];
}

/** A number that has one name in commands and in states. */
function setting(
  key: string,
  topics: Topics,
  { range, unit }: { range: Pick<Command, "min" | "max">; unit?: string | undefined },
): Entity {
  const [read, ...also] = reports(key, topics);
  const example = String(range.max);
  return {
    name: key,
    kind: "number",
    ...present({ unit, read, also }),
    writes: [{ topic: `${topics.command}${key}`, payload: "raw", ...range, example }],
  };
}

/** Where the device tells of a state: now and then, and as the answer to a command. */
function reports(key: string, { telemetry, result }: Topics): readonly Place[] {
  return [`${telemetry}STATE`, `${result}RESULT`].map((topic) => ({ topic, path: pointer(key) }));
}

function relayKinds(config: Json): number[] {
  return elements(member(config, "rl")).slice(0, MAX_RELAYS).map((kind) => numberOf(kind) ?? 0);
}

function relayName(config: Json, at: number): string | undefined {
  return label(elements(member(config, "fn"))[at]);
}

/** Whether `SetOption<n>` is on. */
function hasOption(config: Json, option: number): boolean {
  return member(member(config, "so"), String(option)) === 1;
}
