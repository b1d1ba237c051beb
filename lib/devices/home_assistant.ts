/**
 * Discovery of Home Assistant, as its component mqtt reads it (2026.11): `<prefix>/<component>/…/config`
 * for one component, `<prefix>/device/…/config` for all of a device.
 *
 * @module
 */
import type { Json } from "../messages/json.ts";
import type { Message } from "../messages/message.ts";
import { jsonOf, label, macKey, present } from "./described.ts";
import type { Availability, Convention, Description, Sign } from "./device.ts";
import { entitiesOf } from "./home_assistant_entities.ts";
import { isObject, listOf, Settings } from "./home_assistant_names.ts";
import { conditionalOf, readingOf } from "./template.ts";

/** So many entities of one message are told. */
const MAX_ENTITIES = 2_000;
/** So many components are read before others have their turn. */
const COMPONENTS_AT_A_TIME = 50;
/** So many identifiers and connections of a device count, of so many characters. */
const MAX_KEYS = 20;
const MAX_KEY_LENGTH = 200;
/** With more signs nothing is said of whether a device is online. */
const MAX_SIGNS = 10;

/** Components that measure and do nothing. */
const WITHOUT_ENTITIES: readonly string[] = ["device_automation", "tag"];
/** What a component has from the message of its device, if it has no own. */
const SHARED = [
  "availability",
  "availability_mode",
  "availability_template",
  "availability_topic",
  "payload_available",
  "payload_not_available",
  "command_topic",
  "state_topic",
];

/** What all descriptions of a device have in common. */
type Subject = Pick<Description, "id" | "keys" | "name" | "model" | "area">;

/** A component as it is described. */
interface Component {
  readonly subject: Subject;
  readonly platform: Json | undefined;
  /** Undefined for what is no object. */
  readonly settings: Settings | undefined;
}

/** What a component is, if it could be understood, and whether all of it could. */
interface Described {
  readonly description?: Description;
  readonly isWhole: boolean;
}
const LEFT_OUT: Described = { isWhole: false };

/** Reads discovery messages below a prefix. */
export function homeAssistant(prefix: string): Convention {
  const known = new Map<string, readonly Description[]>();
  return {
    source: "homeassistant",
    filters: [`${prefix}/+/+/config`, `${prefix}/+/+/+/config`],
    isLive: false,
    *take(message: Message) {
      const { found, left } = yield* descriptionsIn(message, prefix);
      if (found.length === 0) known.delete(message.topic);
      else known.set(message.topic, found);
      return left;
    },
    *devices() {
      for (const descriptions of known.values()) yield* descriptions;
    },
  };
}

/** What a message describes, and how much of it could not be understood, or is too much. */
function* descriptionsIn(
  { topic, payload }: Message,
  prefix: string,
): Generator<void, { readonly found: readonly Description[]; readonly left: number }> {
  const found: Description[] = [];
  if (payload.length === 0) return { found, left: 0 };
  const settings = Settings.of(jsonOf(payload));
  if (settings === undefined) return { found, left: 1 };
  // What it described before is told on another topic from now on.
  if (settings.get("migrate_discovery") === true) return { found, left: 0 };
  const name = topic.slice(prefix.length + 1, -"/config".length);
  let [components, entities, left] = [0, 0, 0];
  for (const component of componentsIn(settings, topic, name)) {
    if (++components % COMPONENTS_AT_A_TIME === 0) yield;
    const { description, isWhole } = entities < MAX_ENTITIES ? described(component) : LEFT_OUT;
    const length = description?.entities.length ?? 0;
    const isTooMuch = entities + length > MAX_ENTITIES;
    if (!isWhole || isTooMuch) left++;
    if (description === undefined || isTooMuch) continue;
    entities += length;
    found.push(description);
  }
  return { found, left };
}

/** The components of a message. One that has nothing but its platform has been removed. */
function* componentsIn(settings: Settings, topic: string, name: string): Generator<Component> {
  const subject = subjectOf(settings, topic, name);
  const [platform] = name.split("/");
  if (platform !== "device") {
    if (settings.size > 0) yield { subject, platform, settings };
    return;
  }
  const components = settings.get("components");
  if (components !== undefined) yield* membersOf(components, subject, settings);
  for (const one of listOf(settings.get("child_devices"))) {
    const child = Settings.of(one, "device");
    const childSubject = child && childOf(subject, child);
    yield* membersOf(childSubject && child?.get("components"), childSubject ?? subject, settings);
  }
}

function* membersOf(
  components: Json | undefined,
  subject: Subject,
  root: Settings,
): Generator<Component> {
  // An array has none with a name.
  for (const one of isObject(components) ? Object.values(components) : [null]) {
    const own = Settings.of(one);
    const platform = own?.get("platform");
    if (own?.size === 1 && typeof platform === "string") continue;
    yield { subject, platform, settings: own?.inheriting(root, SHARED) };
  }
}

/** What a component is, and whether all of it could be understood. */
function described({ subject, platform, settings }: Component): Described {
  const kind = label(platform);
  if (settings === undefined || kind === undefined) return LEFT_OUT;
  if (WITHOUT_ENTITIES.includes(kind)) return { isWhole: true };
  const entities = entitiesOf(kind, nameOf(kind, settings, subject), settings);
  if (entities.length === 0) return LEFT_OUT;
  const online = availabilityOf(settings);
  return {
    description: { source: "homeassistant", ...subject, ...present({ online }), entities },
    isWhole: settings.isUnderstood,
  };
}

/**
 * A name of its own; without one that of its class or kind. One that is null or blank is that of the
 * device, for which the entity stands.
 */
function nameOf(kind: string, settings: Settings, subject: Subject): string {
  if (settings.has("name")) return settings.label("name") ?? subject.name ?? subject.id;
  const words = (settings.label("device_class") ?? kind).replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** A component without a device is one of its own, known by its topic. */
function subjectOf(settings: Settings, topic: string, name: string): Subject {
  const device = Settings.of(settings.get("device"), "device");
  const id = label(name) ?? topic;
  if (device === undefined) {
    return { id, keys: [`topic:${topic}`], ...present({ name: settings.label("name") }) };
  }
  const ids = identifiersOf(device);
  const connections = connectionsOf(device);
  const keys = [...ids.map((one) => `id:${one}`), ...connections.map(([key]) => key)];
  const subject = {
    id: label(ids[0]) ?? label(connections[0]?.[1]) ?? id,
    keys: keys.length === 0 ? [`topic:${topic}`] : keys,
    ...present({
      name: device.label("name"),
      model: modelOf(device),
      area: device.label("suggested_area"),
    }),
  };
  const child = Settings.of(device.get("child_device"), "device");
  return (child && childOf(subject, child)) ?? subject;
}

/** A part of a device that is a device of its own; undefined without an identifier. */
function childOf({ name, area }: Subject, child: Settings): Subject | undefined {
  const ids = identifiersOf(child);
  const id = label(ids[0]);
  if (id === undefined) return undefined;
  return {
    id,
    keys: ids.map((one) => `id:${one}`),
    ...present({ name: child.label("name") ?? name, area }),
  };
}

function identifiersOf(device: Settings): string[] {
  return listOf(device.get("identifiers")).slice(0, MAX_KEYS).flatMap((one) => keyText(one) ?? []);
}

/** The keys of the connections, with what is shown of them. */
function connectionsOf(device: Settings): [key: string, shown: string][] {
  return listOf(device.get("connections")).slice(0, MAX_KEYS).flatMap((one) => {
    const [type, value] = listOf(one).map(keyText);
    if (type === undefined || value === undefined) return [];
    const mac = type === "mac" ? macKey(value) : undefined;
    return [[mac ?? `${type}:${value}`, value]];
  });
}

/** A text that is short enough to be compared. */
function keyText(value: Json): string | undefined {
  if (typeof value !== "string" && typeof value !== "number") return undefined;
  const text = String(value).trim();
  return text === "" || text.length > MAX_KEY_LENGTH ? undefined : text;
}

function modelOf(device: Settings): string | undefined {
  const maker = device.label("manufacturer");
  const model = device.label("model");
  const id = device.label("model_id");
  const isNamed = maker !== undefined && model?.toLowerCase().startsWith(maker.toLowerCase());
  const name = [isNamed ? undefined : maker, model].filter((one) => one !== undefined).join(" ");
  if (id === undefined || name.includes(id)) return name === "" ? undefined : name;
  return name === "" ? id : `${name} (${id})`;
}

/** The signs of a component; undefined if it has none, or one that is no sign. */
function availabilityOf(settings: Settings): Availability | undefined {
  const signs = settings.list("availability", MAX_SIGNS)?.map((one) => {
    const sign = one && signOf(one, "topic", "value_template");
    if (sign === undefined || one?.isUnderstood === false) settings.leaveOut();
    return sign;
  });
  if (signs === undefined) return undefined;
  if (settings.has("availability_topic")) {
    signs.push(signOf(settings, "availability_topic", "availability_template"));
  }
  const mode = settings.get("availability_mode");
  const whole = signs.filter((sign) => sign !== undefined);
  if (whole.length === 0 || whole.length < signs.length) return undefined;
  return { mode: mode === "all" || mode === "any" ? mode : "latest", signs: whole };
}

/** A sign. One whose template is no path says nothing, but that it has to be there. */
function signOf(settings: Settings, topicName: string, templateName: string): Sign | undefined {
  const topic = settings.topic(topicName);
  if (topic === undefined) return undefined;
  const yes = payloadText(settings.payload("payload_available", "online"));
  const no = payloadText(settings.payload("payload_not_available", "offline"));
  const template = settings.text(templateName);
  const conditional = template === undefined ? undefined : conditionalOf(topic, template);
  if (conditional !== undefined) {
    const { place, whenTrue, whenFalse } = conditional;
    const isStraight = yes.includes(whenTrue) && no.includes(whenFalse);
    const isTurned = yes.includes(whenFalse) && no.includes(whenTrue);
    if (isStraight) return { ...place, yes: ["true"], no: ["false"] };
    if (isTurned) return { ...place, yes: ["false"], no: ["true"] };
  }
  const { converted, template: shown, ...place } = readingOf(topic, template);
  const isPlain = converted === undefined && shown === undefined;
  return isPlain ? { ...place, yes, no } : { ...place, yes: [], no: [] };
}

/** A payload as it is compared; none says nothing. */
function payloadText(payload: Json | undefined): string[] {
  return payload === undefined ? [] : [String(payload)];
}
