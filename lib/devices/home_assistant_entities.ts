/**
 * The entities of one component of Home Assistant's discovery.
 *
 * @module
 */
import { entityOf } from "./described.ts";
import type { Command, Entity, Reading } from "./device.ts";
import { type Part, partsOf } from "./home_assistant_components.ts";
import { isShown, type Settings } from "./home_assistant_names.ts";
import { readingOf } from "./template.ts";

/** A longer template of a command is not told, since one that was cut would be another one. */
const MAX_TEMPLATE = 200;
const STATE_TOPICS = ["state_topic", "topic", "status_topic"];
const TEMPLATES = [
  "state_template",
  "value_template",
  "state_value_template",
  "template",
  "status_template",
];

/**
 * The entities of a component: one for each function that has a topic. A component that is not known
 * is read like a sensor.
 *
 * @param name of its main function
 */
export function entitiesOf(component: string, name: string, settings: Settings): Entity[] {
  const category = settings.get("entity_category");
  const isMinor = category === "config" || category === "diagnostic" ||
    settings.get("enabled_by_default") === false;
  // Their template is that of each of their functions which has none.
  const isTogether = component === "climate" || component === "water_heater";
  const common = isTogether ? settings.text("value_template") : undefined;
  return partsOf(component, settings).flatMap((part) => {
    const read = readOf(part, settings, common);
    const topic = part.offer && settings.topic(...writeTopics(part));
    if (read === undefined && topic === undefined) return [];
    const write = topic === undefined ? undefined : writeOf(part, settings, topic);
    return [entityOf({
      name: part.name === "" ? name : `${name} ${part.name}`,
      kind: component,
      unit: part.of === ""
        ? settings.label("unit_of_measurement")
        : typeof part.unit === "function"
        ? part.unit(settings)
        : part.unit,
      isMinor,
      read,
      writes: write && [write],
    })];
  });
}

function readOf(part: Part, settings: Settings, common: string | undefined): Reading | undefined {
  const names = namesOf(part);
  const topics = part.from === undefined ? STATE_TOPICS.map((name) => names + name) : [part.from];
  const topic = settings.topic(...topics);
  if (topic === undefined) return undefined;
  const template = settings.text(...TEMPLATES.map((name) => names + name)) ?? common;
  if (template === undefined && part.path !== undefined) return { topic, path: part.path };
  return readingOf(topic, template);
}

function writeTopics({ to, of }: Part): string[] {
  if (to !== undefined) return [to];
  const names = namesOf({ of });
  return [`${names}command_topic`, `set_${names}topic`];
}

function writeOf(part: Part, settings: Settings, topic: string): Command | undefined {
  const offer = part.offer?.(settings);
  if (offer === undefined) return undefined;
  const names = namesOf(part);
  const template = settings.text(`${names}command_template`, `set_${names}template`)?.trim();
  if (template === undefined || /^\{\{\s*(?:value|action)\s*\}\}$/.test(template)) {
    return { topic, payload: "raw", ...offer };
  }
  return hasOnePlaceholder(template) ? { topic, ...offer, payload: "raw", template } : undefined;
}

/** Whether a template is a text in which one variable is put, and could be shown whole. */
function hasOnePlaceholder(template: string): boolean {
  if (!isShown(template, MAX_TEMPLATE) || /\{[%#]/.test(template)) return false;
  return /\{\{\s*\w+\s*\}\}/.test(template) && template.split("{{").length === 2;
}

function namesOf({ of }: Pick<Part, "of">): string {
  return of === "" ? "" : `${of}_`;
}
