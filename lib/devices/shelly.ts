/**
 * Devices of Shelly, from Gen2 on. They do not describe themselves: what they have is known by their
 * notifications; shelly-api-docs.shelly.cloud, the pages Mqtt, Notifications and of each component.
 *
 * @module
 */
import { isScalar, type Json } from "../messages/json.ts";
import type { Message } from "../messages/message.ts";
import { valueAt } from "../messages/pointer.ts";
import {
  elements,
  entityOf,
  exactText,
  isObject,
  jsonOf,
  macKey,
  member,
  membersOf,
  pointer,
} from "./described.ts";
import type { Convention, Description, Entity, Heard } from "./device.ts";
import { fieldsOf } from "./shelly_components.ts";

/** So many components of a device are kept. */
const MAX_COMPONENTS = 64;
/** Characters of a topic prefix. */
const MAX_PREFIX_LENGTH = 256;
/** A longer text is no state of a component. */
const MAX_VALUE_LENGTH = 200;

/** What has been heard of a component. */
interface Component {
  /** By the path of the field. */
  readonly values: Map<string, Heard>;
  /** Whether it has a topic of its own, which is an option of the device. */
  hasTopic: boolean;
}

/** What has been heard of a device. */
interface Device {
  /** `<model>-<mac>`, as the device names itself. */
  id: string;
  readonly components: Map<string, Component>;
}

/**
 * Reads what devices tell below a topic prefix of theirs; it may have wildcards, as it is a setting of
 * each device.
 */
export function shelly(prefix: string): Convention {
  const devices = new Map<string, Device>();
  /** The device of a topic prefix, from now on known; undefined if that cannot be told. */
  function known(base: string): Device | undefined {
    if (exactText(base, MAX_PREFIX_LENGTH) === undefined) return undefined;
    const id = base.slice(base.lastIndexOf("/") + 1);
    const device = devices.get(base) ?? { id, components: new Map() };
    devices.set(base, device);
    return device;
  }
  return {
    source: "shelly",
    filters: [`${prefix}/online`, `${prefix}/events/rpc`, `${prefix}/status/+`],
    isLive: true,
    // deno-lint-ignore require-yield -- each message is short
    *take(message) {
      const [, base = "", what, name] =
        /^(.+)\/(online|events\/rpc|status\/([^/]*))$/.exec(message.topic) ?? [];
      if (message.payload.length === 0) {
        if (what === "online") devices.delete(base);
        if (name !== undefined) devices.get(base)?.components.delete(name);
        return 0;
      }
      // What is none of the components that are known is none of its business.
      if (name !== undefined && fieldsOf(name).length === 0) return 0;
      const value = jsonOf(message.payload);
      const source = exactText(member(value, "src"));
      const isUnderstood = what === "online"
        ? typeof value === "boolean"
        : name === undefined
        ? source !== undefined
        : isObject(value);
      const device = isUnderstood ? known(base) : undefined;
      if (device === undefined) return 1;
      if (name !== undefined) hear(device, name, { value, message, isOwnTopic: true });
      else if (source !== undefined) notify(device, { source, value, message });
      return 0;
    },
    *devices() {
      for (const [base, device] of devices) yield describe(base, device);
    },
  };
}

/** Takes a notification: of what has changed, of all, or of an event. */
function notify(
  device: Device,
  { source, value, message }: { source: string; value: Json | undefined; message: Message },
): void {
  device.id = source;
  const params = member(value, "params");
  const isEvent = member(value, "method") === "NotifyEvent";
  const told = isEvent
    ? elements(member(params, "events")).map((event) =>
      [member(event, "component"), event] as const
    )
    : membersOf(params);
  for (const [component, value] of told) {
    const name = exactText(component) ?? "";
    // Only an input's events are values.
    if (!isEvent || name.startsWith("input:")) hear(device, name, { value, message });
  }
}

/** Keeps the values of a component that are told. */
function hear(
  { components }: Device,
  name: string,
  { value = null, message: { receivedAt, retain }, isOwnTopic = false }: {
    value: Json | undefined;
    message: Message;
    isOwnTopic?: boolean;
  },
): void {
  const fields = fieldsOf(name);
  const component = components.get(name) ?? { values: new Map(), hasTopic: false };
  const isNew = !components.has(name);
  if (fields.length === 0 || (isNew && components.size === MAX_COMPONENTS)) return;
  components.set(name, component);
  component.hasTopic ||= isOwnTopic;
  for (const { path } of fields) {
    const told = valueAt(value, path.split("/"));
    if (told === undefined || !isScalar(told) || String(told).length > MAX_VALUE_LENGTH) continue;
    component.values.set(path, { value: told, receivedAt, retain });
  }
}

function describe(base: string, { id, components }: Device): Description {
  const [, model, digits] = /^(.+)-([\da-f]{12})$/i.exec(id) ?? [];
  const mac = macKey(digits);
  return {
    source: "shelly",
    id: base,
    keys: [`id:shelly_${base}`, ...(mac === undefined ? [] : [mac])],
    model,
    online: { mode: "all", signs: [{ topic: `${base}/online`, yes: ["true"], no: ["false"] }] },
    entities: [...components].flatMap(([name, component]) => entitiesOf(component, { base, name })),
  };
}

/** What the component has told, and what it is there for. */
function entitiesOf(
  { values, hasTopic }: Component,
  { base, name }: { base: string; name: string },
): Entity[] {
  return fieldsOf(name).flatMap(({ path, label, kind, command, ...about }) => {
    const heard = values.get(path);
    if (heard === undefined && label !== "") return [];
    const tokens = path.split("/");
    const events = `${base}/events/rpc`;
    return [entityOf({
      name: label === "" ? name : `${name} ${label}`,
      kind,
      ...about,
      heard,
      read: kind === "event"
        ? { topic: events, path: pointer("params", "events", 0, ...tokens) }
        : hasTopic
        ? { topic: `${base}/status/${name}`, path: pointer(...tokens) }
        : { topic: events, path: pointer("params", name, ...tokens) },
      writes: command && [{ topic: `${base}/command/${name}`, payload: "raw", ...command }],
    })];
  });
}
