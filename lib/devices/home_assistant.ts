/**
 * Discovery of Home Assistant, as its component mqtt reads it (2026.11): `<prefix>/<component>/…/config`
 * for one component, `<prefix>/device/…/config` for all of a device.
 *
 * @module
 */
import type { Json } from "../messages/json.ts";
import {
  isObject,
  jsonOf,
  label,
  macKey,
  MAX_ALL_ENTITIES,
  MAX_ENTITIES,
  present,
} from "./described.ts";
import type { Availability, AvailabilityTopic, Convention, Description } from "./device.ts";
import { entitiesOf } from "./home_assistant_entities.ts";
import { listOf, Settings } from "./home_assistant_names.ts";
import { conditionalOf, readingOf } from "./template.ts";

/** So many identifiers and connections of a device count, of so many characters. */
const MAX_KEYS = 20;
const MAX_KEY_LENGTH = 200;
/** With more availability topics nothing is said of whether a device is online. */
const MAX_AVAILABILITY_TOPICS = 10;

/** Components that carry no state. */
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
type Subject = Omit<Description, "online" | "entities">;

/** Reads discovery messages below a prefix. */
export function homeAssistant(prefix: string): Convention {
  const known = new Map<string, readonly Description[]>();
  /** How many entities of all messages are kept: a few bytes may describe one. */
  let total = 0;
  return {
    source: "homeassistant",
    filters: [`${prefix}/+/+/config`, `${prefix}/+/+/+/config`],
    isCumulative: false,
    *take({ topic, payload }) {
      const settings = payload.length === 0 ? undefined : Settings.of(jsonOf(payload));
      const found: Description[] = [];
      let left = settings === undefined && payload.length > 0 ? 1 : 0;
      const before = entityCount(known.get(topic) ?? []);
      const room = Math.min(MAX_ENTITIES, MAX_ALL_ENTITIES - total + before);
      let entities = 0;
      /** Those of a message are mostly alike, and held once. */
      const availabilities = new Map<string, Availability>();
      const name = topic.slice(prefix.length + 1, -"/config".length);
      const subject = subjectOf(settings, topic, name);
      for (const { component, own } of settings === undefined ? [] : componentsIn(settings, name)) {
        yield;
        if (WITHOUT_ENTITIES.includes(component)) continue;
        const description = describe(subject, component, own);
        entities += description?.entities.length ?? 0;
        if (description === undefined || entities > room) {
          left++;
          continue;
        }
        const online = once(description.online, availabilities);
        found.push({ ...description, ...present({ online }) });
      }
      total += entityCount(found) - before;
      if (found.length === 0) known.delete(topic);
      else known.set(topic, found);
      return left;
    },
    *devices() {
      for (const descriptions of known.values()) yield* descriptions;
    },
  };
}

function entityCount(descriptions: readonly Description[]): number {
  return descriptions.reduce((sum, { entities }) => sum + entities.length, 0);
}

/** The same object for what is alike. */
function once(
  online: Description["online"],
  known: Map<string, Availability>,
): Description["online"] {
  if (typeof online !== "object") return online;
  const key = JSON.stringify(online);
  const before = known.get(key);
  if (before === undefined) known.set(key, online);
  return before ?? online;
}

/** A component by its kind, "" if it has none; without settings if they are no object. */
interface Component {
  readonly component: string;
  readonly own: Settings | undefined;
}

/** The components of a message. One that has nothing but its platform has been removed. */
function* componentsIn(settings: Settings, name: string): Generator<Component> {
  // What it described before is told on another topic from now on.
  if (settings.get("migrate_discovery") === true) return;
  const [component = ""] = name.split("/");
  if (component !== "device") {
    if (settings.size > 0) yield { component, own: settings };
    return;
  }
  const components = settings.get("components");
  if (components === undefined) return;
  // An array has none with a name.
  for (const one of isObject(components) ? Object.values(components) : [null]) {
    const own = Settings.of(one);
    const platform = own?.label("platform");
    if (own?.size === 1 && platform !== undefined) continue;
    yield { component: platform ?? "", own: own?.inheriting(settings, SHARED) };
  }
}

/** What a component is; undefined if it could not be understood. */
function describe(
  subject: Subject,
  component: string,
  own: Settings | undefined,
): Description | undefined {
  if (own === undefined || component === "") return undefined;
  const entities = entitiesOf(component, nameOf(component, own, subject), own);
  if (entities.length === 0) return undefined;
  return { ...subject, ...present({ online: availabilityOf(own) }), entities };
}

/**
 * A name of its own; without one that of its class or kind. One that is null or blank is that of the
 * device, for which the entity stands.
 */
function nameOf(component: string, own: Settings, subject: Subject): string {
  if (own.has("name")) return own.label("name") ?? subject.name ?? subject.id;
  const words = (own.label("device_class") ?? component).replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** A component without a device is one of its own, known by its topic. */
function subjectOf(settings: Settings | undefined, topic: string, name: string): Subject {
  const device = Settings.of(settings?.get("device"));
  const ids = listOf(device?.get("identifiers")).slice(0, MAX_KEYS).flatMap(keyText);
  const connections = listOf(device?.get("connections")).slice(0, MAX_KEYS).flatMap((one) => {
    const [type, value] = listOf(one).map((part) => keyText(part)[0]);
    if (type === undefined || value === undefined) return [];
    const mac = type === "mac" ? macKey(value) : undefined;
    return [{ key: mac ?? `connection:${type}:${value}`, value }];
  });
  const keys = [...ids.map((one) => `id:${one}`), ...connections.map(({ key }) => key)];
  return {
    source: "homeassistant",
    id: label(ids[0]) ?? label(connections[0]?.value) ?? label(name) ?? topic,
    keys: keys.length === 0 ? [`topic:${topic}`] : keys,
    ...present({
      name: (device ?? settings)?.label("name"),
      model: device && modelOf(device),
      area: device?.label("suggested_area"),
    }),
  };
}

/** A text that is short enough to be compared; else none. */
function keyText(value: Json): string[] {
  const text = typeof value === "string" || typeof value === "number" ? String(value).trim() : "";
  return text === "" || text.length > MAX_KEY_LENGTH ? [] : [text];
}

function modelOf(device: Settings): string | undefined {
  const maker = device.label("manufacturer") ?? "";
  const model = device.label("model") ?? "";
  const id = device.label("model_id") ?? "";
  const isNamed = model.toLowerCase().startsWith(maker.toLowerCase());
  const name = isNamed ? model : `${maker} ${model}`;
  if (name.includes(id)) return label(name);
  return label(name === "" ? id : `${name} (${id})`);
}

/** The availability of a component; undefined if it has none, or one whose topic is none. */
function availabilityOf(settings: Settings): Availability | undefined {
  const topics = settings.list("availability", MAX_AVAILABILITY_TOPICS)
    ?.map((one) => one && availabilityTopicOf(one, "topic", "value_template"));
  if (topics === undefined) return undefined;
  if (settings.has("availability_topic")) {
    topics.push(availabilityTopicOf(settings, "availability_topic", "availability_template"));
  }
  const whole = topics.filter((one) => one !== undefined);
  if (whole.length === 0 || whole.length < topics.length) return undefined;
  const mode = settings.get("availability_mode");
  return { mode: mode === "all" || mode === "any" ? mode : "latest", topics: whole };
}

/** With a template that is no path it says neither yes nor no. */
function availabilityTopicOf(
  settings: Settings,
  topicName: string,
  templateName: string,
): AvailabilityTopic | undefined {
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
