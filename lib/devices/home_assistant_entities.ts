/**
 * The entities of one component of Home Assistant's discovery.
 *
 * @module
 */
import { present } from "./described.ts";
import type { Command, Entity, Reading } from "./device.ts";
import { type Part, partsOf } from "./home_assistant_components.ts";
import { isShown, type Settings } from "./home_assistant_names.ts";
import { readingOf } from "./template.ts";

/** A longer template of a command is not told, since one that was cut would be another one. */
const MAX_TEMPLATE = 200;
/** Components whose `value_template` is that of each of their functions which has none. */
const WITH_COMMON_TEMPLATE: readonly string[] = ["climate", "water_heater"];

/**
 * The entities of a component: one for each function that has a topic. A component that is not known
 * is read like a sensor.
 *
 * @param name of its main function
 */
export function entitiesOf(component: string, name: string, settings: Settings): Entity[] {
  const common = WITH_COMMON_TEMPLATE.includes(component)
    ? settings.text("value_template")
    : undefined;
  const category = settings.get("entity_category");
  const isMinor = category === "config" || category === "diagnostic" ||
    settings.get("enabled_by_default") === false;
  return partsOf(component, settings).flatMap((part): Entity[] => {
    const read = readOf(part, settings, common);
    const topic = writeTopicOf(part, settings);
    if (read === undefined && topic === undefined) return [];
    const write = topic === undefined ? undefined : writeOf(part, settings, topic);
    return [{
      name: part.name === "" ? name : `${name} ${part.name}`,
      kind: component,
      ...present<Pick<Entity, "unit" | "isMinor" | "read" | "writes">>({
        unit: unitOf(part, settings),
        isMinor: isMinor || undefined,
        read,
        writes: write && [write],
      }),
    }];
  });
}

function unitOf({ of, unit }: Part, settings: Settings): string | undefined {
  if (of === "") return settings.label("unit_of_measurement");
  return typeof unit === "function" ? unit(settings) : unit;
}

function readOf(part: Part, settings: Settings, common: string | undefined): Reading | undefined {
  const names = namesOf(part);
  const topic = part.from === undefined
    ? firstOf(["state_topic", "topic", "status_topic"], (name) => settings.topic(names + name))
    : settings.topic(part.from);
  if (topic === undefined) return undefined;
  const template = firstOf(
    ["state_template", "value_template", "state_value_template", "template", "status_template"],
    (name) => settings.text(names + name),
  ) ?? common;
  if (template === undefined && part.path !== undefined) return { topic, path: part.path };
  return readingOf(topic, template);
}

function writeTopicOf(part: Part, settings: Settings): string | undefined {
  if (part.offer === undefined) return undefined;
  if (part.to !== undefined) return settings.topic(part.to);
  const names = namesOf(part);
  return settings.topic(`${names}command_topic`) ?? settings.topic(`set_${names}topic`);
}

function writeOf(part: Part, settings: Settings, topic: string): Command | undefined {
  const offer = part.offer?.(settings);
  if (offer === undefined) return undefined;
  const { payload = "raw", ...rest } = offer;
  const names = namesOf(part);
  const template =
    (settings.text(`${names}command_template`) ?? settings.text(`set_${names}template`))?.trim();
  if (template === undefined || /^\{\{\s*(?:value|action)\s*\}\}$/.test(template)) {
    return { topic, payload, ...rest };
  }
  return hasOnePlaceholder(template) ? { topic, payload: "raw", ...rest, template } : undefined;
}

/** Whether a template is a text in which one variable is put, and could be shown whole. */
function hasOnePlaceholder(template: string): boolean {
  if (!isShown(template, MAX_TEMPLATE) || /\{[%#]/.test(template)) return false;
  return /\{\{\s*\w+\s*\}\}/.test(template) && template.split("{{").length === 2;
}

function namesOf({ of }: Part): string {
  return of === "" ? "" : `${of}_`;
}

function firstOf<T>(names: readonly string[], get: (name: string) => T | undefined): T | undefined {
  for (const name of names) {
    const found = get(name);
    if (found !== undefined) return found;
  }
  return undefined;
}
