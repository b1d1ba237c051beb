/**
 * What a device of Zigbee2MQTT measures and does: its `exposes`, as on the page guide/usage/exposes
 * of zigbee2mqtt.io.
 *
 * @module
 */
import type { Json } from "../messages/json.ts";
import {
  elements,
  entityOf,
  exactText,
  label,
  MAX_ENTITIES,
  MAX_OPTIONS,
  member,
  membersOf,
  numberOf,
  pointer,
  present,
  topicName,
} from "./described.ts";
import type { Command, Entity } from "./device.ts";

/** Composites of real devices have two levels. */
const MAX_LEVELS = 4;
/** A point of CIE 1931, as an example of a colour: zeros are none. */
const WHITE = { x: 0.31, y: 0.33 };

/** Bits of `access`. */
const [IN_STATE, SETTABLE] = [1, 2];

/** Of these the feature that is the thing itself: the first that it has. */
const MAIN_FEATURES: ReadonlyMap<string | undefined, readonly string[]> = new Map([
  ["light", ["state"]],
  ["switch", ["state"]],
  ["lock", ["state"]],
  ["fan", ["state"]],
  ["cover", ["state", "position"]],
  ["climate", ["system_mode", "occupied_heating_setpoint", "current_heating_setpoint"]],
]);
/** Features that a group has in common with its members. */
const SHARED = ["state", "brightness", "color_temp", "color_xy", "color_hs", "position"];

/** The kind of an entity by type, for what can only be read and for what can be set. */
const KINDS: ReadonlyMap<Json | undefined, readonly [string, string]> = new Map([
  ["binary", ["binary_sensor", "switch"]],
  ["numeric", ["sensor", "number"]],
  ["enum", ["sensor", "select"]],
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
export function exposedEntities(exposes: readonly Json[], topic: string): Entity[] {
  const entities = new Map<string, Entity>();
  for (const leaf of leaves(exposes, { path: [], isMinor: false })) {
    const entity = leafEntity(leaf, topic);
    if (entity === undefined) continue;
    const place = pointer(...leaf.path);
    // Some devices name a place twice.
    if (entities.get(place)?.writes === undefined) entities.set(place, entity);
    if (entities.size === MAX_ENTITIES) break;
  }
  return [...entities.values()];
}

/**
 * Of the exposes of a member the one that its group has; undefined if there is none. A group has one
 * `state` where a member may have `state_left` and `state_right`.
 */
export function sharedExpose(exposes: readonly Json[]): Json | undefined {
  const main = exposes.find((one) => MAIN_FEATURES.has(exactText(member(one, "type"))));
  if (main === undefined) return undefined;
  const features = elements(member(main, "features")).flatMap((feature) => {
    const name = exactText(member(feature, "name")) ?? "";
    if (!SHARED.includes(name)) return [];
    const end = `_${exactText(member(feature, "endpoint"))}`;
    const property = exactText(member(feature, "property"))?.replace(end, "") ?? null;
    return [{ ...Object.fromEntries(membersOf(feature)), endpoint: null, property }];
  });
  return { type: member(main, "type") ?? null, features };
}

function* leaves(exposes: readonly Json[], around: Around): Generator<Leaf, void> {
  for (const expose of exposes) {
    const property = exactText(member(expose, "property"));
    const features = member(expose, "features");
    const category = member(expose, "category");
    const isMinor = around.isMinor || category === "config" || category === "diagnostic" ||
      property === "linkquality";
    const path = property === undefined ? around.path : [...around.path, property];
    const name = nameOf(expose, around);
    const type = exactText(member(expose, "type"));
    const mains = MAIN_FEATURES.get(type);
    if (mains !== undefined) {
      const parts = elements(features);
      const names = parts.map((feature) => exactText(member(feature, "name")));
      const main = mains.find((one) => names.includes(one));
      for (const [at, feature] of parts.entries()) {
        yield* leaves([feature], {
          ...around,
          kind: names[at] === main ? type : undefined,
          isMinor,
        });
      }
    } else if (features !== undefined) {
      if (path.length === MAX_LEVELS) continue;
      const whole = around.whole ?? (property === undefined ? undefined : exampleOf(expose));
      yield* leaves(elements(features), { path, name, isMinor, whole });
    } else if (property !== undefined && name !== undefined) {
      yield { ...around, expose, path, name, isMinor };
    }
  }
}

function nameOf(expose: Json, around: Around): string | undefined {
  const [own] = ["label", "name", "property"].flatMap((key) => label(member(expose, key)) ?? []);
  const endpoint = label(member(expose, "endpoint"));
  const parts = [around.name, own, endpoint === undefined ? undefined : `(${endpoint})`];
  return label(parts.filter((part) => part !== undefined).join(" "));
}

function leafEntity(leaf: Leaf, topic: string): Entity | undefined {
  const { expose, path, name, isMinor } = leaf;
  const access = numberOf(member(expose, "access")) ?? 0;
  const isRead = (access & IN_STATE) !== 0;
  const isSettable = (access & SETTABLE) !== 0;
  if (!isRead && !isSettable) return undefined;
  const [readOnly, settable] = KINDS.get(member(expose, "type")) ?? ["sensor", "text"];
  // What does one thing only, as `identify`.
  const isButton = settable === "select" && !isRead && choicesOf(expose).length === 1;
  const kind = leaf.kind ?? (isButton ? "button" : isSettable ? settable : readOnly);
  return entityOf({
    name,
    kind,
    unit: label(member(expose, "unit")),
    isMinor,
    read: isRead ? { topic, path: pointer(...path) } : undefined,
    writes: isSettable ? commandsOf({ ...leaf, kind }, topic) : [],
  });
}

/** By the whole state and by one property, publications to `<topic>/set` and `<topic>/set/<property>`. */
function commandsOf(leaf: Leaf, topic: string): Command[] {
  const { expose, whole, path: [property = ""] } = leaf;
  const value = whole ?? exampleOf(expose);
  const actions = whole === undefined ? actionsOf(leaf) : [];
  const parts = present({
    min: numberOf(member(expose, "value_min")),
    max: numberOf(member(expose, "value_max")),
    step: numberOf(member(expose, "value_step")),
    options: actions.length > 0 ? [] : choicesOf(expose).map(String),
  });
  const made = (make: (value: Json) => Json) =>
    actions.length > 0
      ? { values: Object.fromEntries(actions.map(([name, action]) => [name, make(action)])) }
      : present({ example: value === undefined ? undefined : make(value) });
  const all = topicName(`${topic}/set`);
  const one = property.includes("/") ? undefined : topicName(`${topic}/set/${property}`);
  const commands: Command[] = [];
  if (all !== undefined) {
    const inObject = made((value) => ({ [property]: value }));
    commands.push({ topic: all, payload: "json", ...inObject, ...parts });
  }
  if (one !== undefined && whole === undefined) {
    commands.push({ topic: one, payload: "raw", ...made(rawText), ...parts });
  } else if (one !== undefined) {
    commands.push({ topic: one, payload: "json", ...made((value) => value), ...parts });
  }
  return commands;
}

/** What Zigbee2MQTT reads as this value: it takes what is JSON for that. */
function rawText(value: Json): string {
  const isPlain = typeof value === "string" && !/^\s*(?:[-\d"[{]|true|false|null)/.test(value);
  return isPlain ? value : JSON.stringify(value);
}

/** Values by what they do. */
function actionsOf({ expose, kind }: Leaf): Array<[string, Json]> {
  if (kind === "button") return choicesOf(expose).map((choice) => ["press", choice]);
  if (kind === "cover") {
    return choicesOf(expose).map((choice) => [String(choice).toLowerCase(), choice]);
  }
  if (member(expose, "type") !== "binary") return [];
  const [on, off] = kind === "lock" ? ["lock", "unlock"] as const : ["on", "off"] as const;
  const values = [[on, "value_on"], [off, "value_off"], ["toggle", "value_toggle"]] as const;
  return values.flatMap(([name, key]): Array<[string, Json]> => {
    const value = scalar(member(expose, key));
    return value === undefined ? [] : [[name, value]];
  });
}

/** Texts, or now and then numbers; the only one may be empty. */
function choicesOf(expose: Json): Json[] {
  return elements(member(expose, "values")).slice(0, MAX_OPTIONS)
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
