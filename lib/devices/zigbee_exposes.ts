/**
 * What a device of Zigbee2MQTT measures and does: its `exposes`, as on the page guide/usage/exposes
 * of zigbee2mqtt.io.
 *
 * @module
 */
import type { Json } from "../messages/json.ts";
import {
  elements,
  exactText,
  label,
  member,
  numberOf,
  pointer,
  present,
  topicName,
} from "./described.ts";
import type { Command, Entity } from "./device.ts";

/** So many entities of one device are told. */
const MAX_ENTITIES = 2_000;
/** Composites of real devices have two levels. */
const MAX_LEVELS = 8;
const MAX_UNIT_LENGTH = 20;
/** So many choices of one property are told. */
const MAX_CHOICES = 50;

/** A point of CIE 1931, as an example of a colour: zeros are none. */
const WHITE = { x: 0.31, y: 0.33 };

/** Bits of `access`. */
const IN_STATE = 1;
const SETTABLE = 2;

/** Of these the feature that is the thing itself: the first that it has. */
const MAIN_FEATURES: ReadonlyMap<Json | undefined, readonly string[]> = new Map([
  ["light", ["state"]],
  ["switch", ["state"]],
  ["lock", ["state"]],
  ["fan", ["state"]],
  ["cover", ["state", "position"]],
  ["climate", ["system_mode", "occupied_heating_setpoint", "current_heating_setpoint"]],
]);
/** Features that a group has in common with its members. */
const SHARED = new Set(["state", "brightness", "color_temp", "color_xy", "color_hs", "position"]);

/** The kind of an entity by type, for what can only be read and for what can be set. */
const KINDS: ReadonlyMap<Json | undefined, readonly [string, string]> = new Map([
  ["binary", ["binary_sensor", "switch"]],
  ["numeric", ["sensor", "number"]],
  ["enum", ["sensor", "select"]],
  ["text", ["sensor", "text"]],
  ["list", ["sensor", "text"]],
]);

/** What surrounds a part of the exposes. */
interface Around {
  readonly path: readonly string[];
  readonly name?: string | undefined;
  /** What the surrounding thing is, if this is its main feature. */
  readonly kind?: string | undefined;
  readonly isMinor: boolean;
  /** A value of the outermost composite: what is in one is set with all of it. */
  readonly whole?: Json | undefined;
}

/** An expose that has no features, and the place of its value in the state. */
interface Leaf extends Around {
  readonly expose: Json;
  readonly name: string;
}

/**
 * Entities by `exposes`, at most 2,000; what has no property, or can neither be read nor set, is left
 * out.
 *
 * @param topic the topic of the state
 */
export function exposedEntities(exposes: Json | undefined, topic: string): Entity[] {
  const entities = new Map<string, Entity>();
  for (const leaf of leaves(exposes, { path: [], isMinor: false })) {
    const entity = entityOf(leaf, topic);
    if (entity === undefined) continue;
    const place = pointer(...leaf.path);
    const known = entities.get(place);
    // Some devices name a place twice.
    if (known === undefined || (known.writes === undefined && entity.writes !== undefined)) {
      entities.set(place, entity);
    }
    if (entities.size === MAX_ENTITIES) break;
  }
  return [...entities.values()];
}

/** Of the exposes of a member those that a group has; undefined if there is none. */
export function sharedExposes(exposes: Json | undefined): Json | undefined {
  const main = elements(exposes).find((one) => MAIN_FEATURES.has(member(one, "type")));
  if (main === undefined) return undefined;
  const features = elements(member(main, "features")).filter((feature) =>
    SHARED.has(exactText(member(feature, "name")) ?? "")
  );
  return [{ type: member(main, "type") ?? null, features: features.map(withoutEndpoint) }];
}

/** A group has one `state` where a member may have `state_left` and `state_right`. */
function withoutEndpoint(feature: Json): Json {
  if (feature === null || typeof feature !== "object" || Array.isArray(feature)) return feature;
  const { endpoint, property, ...others } = feature;
  const suffix = `_${exactText(endpoint)}`;
  const isSuffixed = typeof property === "string" && property.endsWith(suffix);
  return { ...others, property: isSuffixed ? property.slice(0, -suffix.length) : property ?? null };
}

function* leaves(exposes: Json | undefined, around: Around): Generator<Leaf, void> {
  for (const expose of elements(exposes)) {
    const property = exactText(member(expose, "property"));
    const path = property === undefined ? around.path : [...around.path, property];
    const name = nameOf(expose, around);
    const category = member(expose, "category");
    const isMinor = around.isMinor || category === "config" || category === "diagnostic" ||
      property === "linkquality";
    const type = member(expose, "type");
    const features = member(expose, "features");
    const main = mainFeature(type, features);
    if (main !== undefined) {
      for (const feature of elements(features)) {
        const isMain = member(feature, "name") === main && typeof type === "string";
        yield* leaves([feature], { ...around, kind: isMain ? type : undefined, isMinor });
      }
    } else if (features !== undefined) {
      if (path.length === MAX_LEVELS) continue;
      const isWhole = around.whole === undefined && property !== undefined;
      const whole = isWhole ? exampleOf(expose) : around.whole;
      yield* leaves(features, { path, name, isMinor, whole });
    } else if (property !== undefined && name !== undefined) {
      yield { ...around, expose, path, name, isMinor };
    }
  }
}

/** The name of the main feature of a light, a switch and so on; "" if it has none. */
function mainFeature(type: Json | undefined, features: Json | undefined): string | undefined {
  const names = elements(features).map((feature) => member(feature, "name"));
  const mains = MAIN_FEATURES.get(type);
  return mains && (mains.find((main) => names.includes(main)) ?? "");
}

function nameOf(expose: Json, around: Around): string | undefined {
  const own = ["label", "name", "property"].map((key) => label(member(expose, key)))
    .find((text) => text !== undefined);
  const endpoint = label(member(expose, "endpoint"));
  const parts = [around.name, own, endpoint === undefined ? undefined : `(${endpoint})`];
  return label(parts.filter((part) => part !== undefined).join(" "));
}

function entityOf(leaf: Leaf, topic: string): Entity | undefined {
  const { expose, path, name, isMinor } = leaf;
  const access = numberOf(member(expose, "access")) ?? 0;
  const isRead = (access & IN_STATE) !== 0;
  const isSettable = (access & SETTABLE) !== 0;
  if (!isRead && !isSettable) return undefined;
  const choices = choicesOf(expose);
  const [readOnly, settable] = KINDS.get(member(expose, "type")) ?? ["sensor", "text"];
  // What does one thing only, as `identify`.
  const isButton = settable === "select" && !isRead && choices.length === 1;
  const kind = leaf.kind ?? (isButton ? "button" : isSettable ? settable : readOnly);
  const writes = isSettable ? commands({ ...leaf, kind }, { topic, choices }) : [];
  return {
    name,
    kind,
    ...present({
      unit: label(member(expose, "unit"), MAX_UNIT_LENGTH),
      isMinor: isMinor ? true as const : undefined,
      read: isRead ? { topic, path: pointer(...path) } : undefined,
      writes: writes.length > 0 ? writes : undefined,
    }),
  };
}

/** By the whole state and by one property, publications to `<topic>/set` and `<topic>/set/<property>`. */
function commands(
  leaf: Leaf,
  { topic, choices }: { topic: string; choices: readonly Json[] },
): Command[] {
  const [property] = leaf.path;
  const all = topicName(`${topic}/set`);
  if (property === undefined || all === undefined) return [];
  const one = property.includes("/") ? undefined : topicName(`${topic}/set/${property}`);
  const { expose, whole } = leaf;
  const value = whole ?? exampleOf(expose);
  const actions = whole === undefined ? actionsOf(leaf, choices) : [];
  const parts = present({
    min: numberOf(member(expose, "value_min")),
    max: numberOf(member(expose, "value_max")),
    step: numberOf(member(expose, "value_step")),
    options: actions.length === 0 && choices.length > 0 ? choices.map(String) : undefined,
  });
  const form = (make: (value: Json) => Json) =>
    actions.length > 0
      ? { values: Object.fromEntries(actions.map(([name, action]) => [name, make(action)])) }
      : present({ example: value === undefined ? undefined : make(value) });
  const inObject = (value: Json): Json => ({ [property]: value });
  const commands: Command[] = [{ topic: all, payload: "json", ...form(inObject), ...parts }];
  if (one !== undefined && whole === undefined) {
    commands.push({ topic: one, payload: "raw", ...form(rawText), ...parts });
  } else if (one !== undefined) {
    commands.push({ topic: one, payload: "json", ...form((value) => value), ...parts });
  }
  return commands;
}

/** What Zigbee2MQTT reads as this value: it takes what is JSON for that. */
function rawText(value: Json): string {
  const isPlain = typeof value === "string" && !/^\s*(?:[-\d"[{]|true|false|null)/.test(value);
  return isPlain ? value : JSON.stringify(value);
}

/** Values by what they do. */
function actionsOf({ expose, kind }: Leaf, choices: readonly Json[]): Array<[string, Json]> {
  if (kind === "button") return choices.map((choice) => ["press", choice]);
  if (kind === "cover") return choices.map((choice) => [String(choice).toLowerCase(), choice]);
  if (member(expose, "type") !== "binary") return [];
  const [on, off] = kind === "lock" ? ["lock", "unlock"] : ["on", "off"];
  const values = [[on, "value_on"], [off, "value_off"], ["toggle", "value_toggle"]] as const;
  return values.flatMap(([name, key]) => {
    const value = scalar(member(expose, key));
    return name === undefined || value === undefined ? [] : [[name, value] as [string, Json]];
  });
}

/** Texts, or now and then numbers; the only one may be empty. */
function choicesOf(expose: Json): Json[] {
  return elements(member(expose, "values")).slice(0, MAX_CHOICES)
    .flatMap((value) => (value === "" ? value : scalar(value)) ?? []);
}

/** A value that it might have; undefined if none can be told. */
function exampleOf(expose: Json): Json | undefined {
  switch (member(expose, "type")) {
    case "numeric":
      return middle(numberOf(member(expose, "value_min")), numberOf(member(expose, "value_max")));
    case "binary":
      return scalar(member(expose, "value_on"));
    case "enum":
      return choicesOf(expose)[0];
    case "text":
      return "text";
    case "list":
      return [];
    case "composite":
      if (member(expose, "name") === "color_xy") return { ...WHITE };
      return Object.fromEntries(
        elements(member(expose, "features")).flatMap((feature) => {
          const property = exactText(member(feature, "property"));
          const value = exampleOf(feature);
          return property === undefined || value === undefined ? [] : [[property, value] as const];
        }),
      );
    default:
      return undefined;
  }
}

function middle(min = 0, max = min): number {
  const half = min / 2 + max / 2;
  return Number.isInteger(min) ? Math.floor(half) : half;
}

function scalar(value: Json | undefined): Json | undefined {
  return typeof value === "boolean" ? value : numberOf(value) ?? exactText(value);
}
