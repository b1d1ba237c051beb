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

/** A property of the state, as it is exposed. */
interface Property {
  readonly expose: Json;
  readonly property: string;
  readonly name: string;
  /** What the surrounding thing is, if this is its main feature. */
  readonly kind: string | undefined;
  readonly isMinor: boolean;
}

/**
 * Entities by `exposes`, at most 2,000: one for each property, which may have parts. What has no
 * property, or can neither be read nor set, is left out.
 *
 * @param topic the topic of the state
 */
export function exposedEntities(exposes: readonly Json[], topic: string): Entity[] {
  const entities = new Map<string, Entity>();
  for (const property of properties(exposes)) {
    const entity = propertyEntity(property, topic);
    const known = entities.get(property.property);
    // Some devices name a property twice.
    if (entity !== undefined && known?.writes === undefined) {
      entities.set(property.property, entity);
    }
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

function* properties(exposes: readonly Json[]): Generator<Property, void> {
  for (const expose of exposes) {
    const type = exactText(member(expose, "type"));
    const mains = MAIN_FEATURES.get(type);
    const parts = mains === undefined ? [expose] : elements(member(expose, "features"));
    const names = parts.map((part) => exactText(member(part, "name")));
    const main = mains?.find((one) => names.includes(one));
    for (const [at, part] of parts.entries()) {
      const property = exactText(member(part, "property"));
      const name = nameOf(part);
      if (property === undefined || name === undefined) continue;
      const category = member(part, "category") ?? member(expose, "category");
      const isMinor = category === "config" || category === "diagnostic" ||
        property === "linkquality";
      const isMain = main !== undefined && names[at] === main;
      yield { expose: part, property, name, kind: isMain ? type : undefined, isMinor };
    }
  }
}

function nameOf(expose: Json): string | undefined {
  const [own] = ["label", "name", "property"].flatMap((key) => label(member(expose, key)) ?? []);
  const endpoint = label(member(expose, "endpoint"));
  return endpoint === undefined ? own : label(`${own ?? ""} (${endpoint})`);
}

function propertyEntity(one: Property, topic: string): Entity | undefined {
  const { expose, property, name, isMinor } = one;
  const access = numberOf(member(expose, "access")) ?? 0;
  const isRead = (access & IN_STATE) !== 0;
  const isSettable = (access & SETTABLE) !== 0;
  if (!isRead && !isSettable) return undefined;
  const [readOnly, settable] = KINDS.get(member(expose, "type")) ?? ["sensor", "text"];
  // What does one thing only, as `identify`.
  const isButton = settable === "select" && !isRead && choicesOf(expose).length === 1;
  const kind = one.kind ?? (isButton ? "button" : isSettable ? settable : readOnly);
  return entityOf({
    name,
    kind,
    unit: label(member(expose, "unit")),
    isMinor,
    read: isRead ? { topic, path: pointer(property) } : undefined,
    writes: isSettable ? commandsOf({ ...one, kind }, topic) : [],
  });
}

/** By the whole state and by one property, publications to `<topic>/set` and `<topic>/set/<property>`. */
function commandsOf(one: Property, topic: string): Command[] {
  const { expose, property } = one;
  const actions = actionsOf(one);
  const value = exampleOf(expose);
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
  const own = property.includes("/") ? undefined : topicName(`${topic}/set/${property}`);
  const inObject = made((value) => ({ [property]: value }));
  const commands: Command[] = [];
  if (all !== undefined) commands.push({ topic: all, payload: "json", ...inObject, ...parts });
  if (own !== undefined) commands.push({ topic: own, payload: "raw", ...made(rawText), ...parts });
  return commands;
}

/** What Zigbee2MQTT reads as this value: it takes what is JSON for that. */
function rawText(value: Json): string {
  const isPlain = typeof value === "string" && !/^\s*(?:[-\d"[{]|true|false|null)/.test(value);
  return isPlain ? value : JSON.stringify(value);
}

/** Values by what they do. */
function actionsOf({ expose, kind }: Property): Array<[string, Json]> {
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
