/**
 * Devices of Shelly, from Gen2 on. They do not describe themselves: what they have is known by their
 * notifications; shelly-api-docs.shelly.cloud, the pages Mqtt, Notifications and of each component.
 *
 * @module
 */
import { isScalar, type Json } from "../messages/json.ts";
import type { Message } from "../messages/message.ts";
import { valueAt } from "../messages/pointer.ts";
import { elements, exactText, jsonOf, macKey, member, pointer, present } from "./described.ts";
import type { Command, Convention, Description, Entity, Heard, Place } from "./device.ts";
import { textOf } from "../messages/payload.ts";
import { type Field, fieldsOf, PRESSED } from "./shelly_components.ts";

/** So many devices are kept, each with so many components. */
const MAX_DEVICES = 2_000;
const MAX_COMPONENTS = 64;
/** Characters of a topic prefix. */
const MAX_PREFIX_LENGTH = 256;
/** A longer text is no state of a component. */
const MAX_VALUE_LENGTH = 200;

const STATUS = "status/";
const ONLINE = new Set(["true", "false"]);

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
  /** The device of a topic prefix, from now on known; undefined if there is no room for it. */
  function known(base: string): Device | undefined {
    const device = devices.get(base);
    if (device !== undefined) return device;
    if (devices.size === MAX_DEVICES || base.length > MAX_PREFIX_LENGTH) return undefined;
    const made = { id: base.slice(base.lastIndexOf("/") + 1), components: new Map() };
    devices.set(base, made);
    return made;
  }
  return {
    source: "shelly",
    filters: [`${prefix}/online`, `${prefix}/events/rpc`, `${prefix}/status/+`],
    isLive: true,
    // deno-lint-ignore require-yield -- each message is short
    *take(message: Message) {
      const { topic, payload } = message;
      const [, base = "", what = ""] = /^(.+)\/(online|events\/rpc|status\/[^/]*)$/.exec(topic) ??
        [];
      if (payload.length === 0) {
        if (what === "online") devices.delete(base);
        if (what.startsWith(STATUS)) {
          devices.get(base)?.components.delete(what.slice(STATUS.length));
        }
        return 0;
      }
      if (what === "online") {
        return ONLINE.has(textOf(payload.subarray(0, 6)) ?? "") && known(base) !== undefined
          ? 0
          : 1;
      }
      const value = jsonOf(payload);
      if (what === "events/rpc") {
        const source = exactText(member(value, "src"));
        const device = source === undefined ? undefined : known(base);
        if (source === undefined || device === undefined) return 1;
        device.id = source;
        notify(device, { value, message });
        return 0;
      }
      const name = what.slice(STATUS.length);
      if (fieldsOf(name).length === 0) return 0;
      if (value === undefined || isScalar(value)) return 1;
      const device = known(base);
      if (device === undefined) return 1;
      hear(device, name, { value, message, isOwnTopic: true });
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
  { value, message }: { value: Json | undefined; message: Message },
): void {
  const params = member(value, "params");
  if (member(value, "method") === "NotifyEvent") {
    for (const event of elements(member(params, "events"))) {
      const name = exactText(member(event, "component"));
      if (name !== undefined && fieldsOf(name).includes(PRESSED)) {
        hear(device, name, { value: event, message });
      }
    }
  } else if (params !== undefined && params !== null && typeof params === "object") {
    for (const [name, status] of Object.entries(params)) {
      hear(device, name, { value: status, message });
    }
  }
}

/** Keeps the values of a component that are told. */
function hear(
  { components }: Device,
  name: string,
  { value, message, isOwnTopic = false }: {
    value: Json | undefined;
    message: Message;
    isOwnTopic?: boolean;
  },
): void {
  const fields = fieldsOf(name);
  if (fields.length === 0 || value === undefined) return;
  const component = components.get(name) ?? { values: new Map(), hasTopic: false };
  if (components.size === MAX_COMPONENTS && !components.has(name)) return;
  components.set(name, component);
  component.hasTopic ||= isOwnTopic;
  const { receivedAt, retain } = message;
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
    online: {
      mode: "all",
      signs: [{ topic: `${base}/online`, yes: ["true"], no: ["false"] }],
    },
    entities: [...components].flatMap(([name, component]) =>
      fieldsOf(name).flatMap((field) => entityOf(field, { base, name, component }) ?? [])
    ),
  };
}

/** Undefined for what the component has not told, unless it is what the component is there for. */
function entityOf(
  field: Field,
  { base, name, component }: { base: string; name: string; component: Component },
): Entity | undefined {
  const heard = component.values.get(field.path);
  if (heard === undefined && field.label !== "") return undefined;
  const path = field.path.split("/");
  const events = `${base}/events/rpc`;
  const notified: Place = {
    topic: events,
    path: field === PRESSED ? "/params/events/0/event" : pointer("params", name, ...path),
  };
  const own: Place = { topic: `${base}/status/${name}`, path: pointer(...path) };
  const hasOwn = component.hasTopic && field !== PRESSED;
  const writes: Command[] = field.command === undefined
    ? []
    : [{ topic: `${base}/command/${name}`, payload: "raw", ...field.command }];
  return {
    name: field.label === "" ? name : `${name} ${field.label}`,
    kind: field.kind,
    ...present({ unit: field.unit, isMinor: field.isMinor, heard }),
    read: hasOwn ? own : notified,
    ...present({
      also: hasOwn ? [notified] : undefined,
      writes: writes.length > 0 ? writes : undefined,
    }),
  };
}
