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
  numberOf,
  pointer,
  present,
} from "./described.ts";
import type { CommandPayload, Convention, Description, Entity, Heard } from "./device.ts";

/** So many components of a device are kept. */
const MAX_COMPONENTS = 64;
/** A longer text is no state of a component. */
const MAX_VALUE_LENGTH = 200;

/** One value in the status of a component. */
interface Field {
  /** The names that lead to it, with `/` between. */
  readonly path: string;
  /** "" for what the component is there for. */
  readonly label: string;
  readonly kind: string;
  readonly unit?: string;
  readonly isMinor?: true;
  /** Its value is a list of red, green and blue. */
  readonly isColor?: true;
  /** Payloads; with a method the parameters of its calls, beside the component's `id`. */
  readonly takes?: CommandPayload;
  /** It is called by RPC, as there is no topic for commands. */
  readonly method?: string;
}

const field = (path: string, label: string, kind: string): Field => ({ path, label, kind });
const sensor = (path: string, label: string, unit: string): Field => ({
  ...field(path, label, "sensor"),
  unit,
});
const percent = (path: string, label: string, example: Json): Field => ({
  ...field(path, label, "number"),
  unit: "%",
  takes: { min: 0, max: 100, example },
});
const actor = (
  path: string,
  kind: string,
  values: NonNullable<CommandPayload["values"]>,
): Field => ({
  ...field(path, "", kind),
  takes: { values },
});
const METER: readonly Field[] = [
  sensor("apower", "power", "W"),
  sensor("voltage", "voltage", "V"),
  sensor("current", "current", "A"),
  sensor("freq", "frequency", "Hz"),
  sensor("aenergy/total", "energy", "Wh"),
  sensor("ret_aenergy/total", "returned energy", "Wh"),
  { ...sensor("temperature/tC", "temperature", "°C"), isMinor: true },
];
const phase = (prefix: string, name: string): readonly Field[] => [
  sensor(`${prefix}voltage`, `${name}voltage`, "V"),
  sensor(`${prefix}current`, `${name}current`, "A"),
  sensor(`${prefix}act_power`, `${name}power`, "W"),
];

const COLOR: Field = {
  ...field("rgb", "color", "text"),
  isColor: true,
  takes: { example: { on: true, rgb: [255, 128, 0] } },
};
const WHITE: Field = {
  ...field("white", "white", "number"),
  takes: { min: 0, max: 255, example: { on: true, white: 128 } },
};
const COLOR_TEMPERATURE: Field = {
  ...field("ct", "color temperature", "number"),
  unit: "K",
  takes: { example: { on: true, ct: 3000 } },
};
const colored = (method: string, ...parts: readonly Field[]): readonly Field[] => [
  ...[
    actor("output", "light", { on: { on: true }, off: { on: false } }),
    percent("brightness", "brightness", { on: true, brightness: 50 }),
    ...parts,
  ].map((one) => ({ ...one, method })),
  ...METER,
];

/** What components tell, by their names without numbers. */
const COMPONENTS: ReadonlyMap<string, readonly Field[]> = new Map([
  ["switch", [actor("output", "switch", { on: "on", off: "off", toggle: "toggle" }), ...METER]],
  ["light", [
    actor("output", "light", { on: "set,true", off: "set,false", toggle: "toggle" }),
    percent("brightness", "brightness", "set,true,50"),
    ...METER,
  ]],
  ["rgb", colored("RGB.Set", COLOR)],
  ["rgbw", colored("RGBW.Set", COLOR, WHITE)],
  ["cct", colored("CCT.Set", COLOR_TEMPERATURE)],
  ["cover", [
    actor("state", "cover", { open: "open", close: "close", stop: "stop" }),
    percent("current_pos", "position", "pos,50"),
    ...METER,
  ]],
  ["input", [
    field("state", "state", "binary_sensor"),
    sensor("percent", "percent", "%"),
    field("event", "event", "event"),
  ]],
  ["temperature", [sensor("tC", "", "°C")]],
  ["humidity", [sensor("rh", "", "%")]],
  ["illuminance", [sensor("lux", "", "lx")]],
  ["flood", [field("alarm", "", "binary_sensor")]],
  ["smoke", [field("alarm", "", "binary_sensor")]],
  ["devicepower", [
    sensor("battery/percent", "battery", "%"),
    { ...sensor("battery/V", "voltage", "V"), isMinor: true },
  ]],
  ["pm1", METER],
  ["em1", phase("", "")],
  ["em", [
    ...["a", "b", "c"].flatMap((name) => phase(`${name}_`, `${name} `)),
    ...phase("total_", ""),
  ]],
  ["em1data", [sensor("total_act_energy", "energy", "Wh")]],
  ["emdata", [sensor("total_act", "energy", "Wh")]],
  ["voltmeter", [sensor("voltage", "", "V")]],
  ["thermostat", [
    { ...field("current_C", "", "climate"), unit: "°C" },
    sensor("target_C", "target", "°C"),
    field("output", "output", "binary_sensor"),
  ]],
  ["boolean", [field("value", "", "binary_sensor")]],
  ...["number", "text", "enum", "bthomesensor"]
    .map((name): [string, readonly Field[]] => [name, [field("value", "", "sensor")]]),
  ["wifi", [{ ...sensor("rssi", "signal", "dBm"), isMinor: true }]],
]);

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

/** Reads what the device of a topic prefix tells, which is a setting of the device. */
export function shelly(prefix: string): Convention {
  /** Undefined until something has been heard of it. */
  let device: Device | undefined;
  return {
    source: "shelly",
    filters: [`${prefix}/online`, `${prefix}/events/rpc`, `${prefix}/status/+`],
    isCumulative: true,
    // deno-lint-ignore require-yield -- each message is short
    *take(message) {
      const what = message.topic.slice(prefix.length + 1);
      const [, component] = /^status\/(.*)$/s.exec(what) ?? [];
      if (message.payload.length === 0) {
        if (what === "online") device = undefined;
        if (component !== undefined) device?.components.delete(component);
        return 0;
      }
      // What is none of the components that are known is none of its business.
      if (component !== undefined && fieldsOf(component).length === 0) return 0;
      const value = jsonOf(message.payload);
      const source = exactText(member(value, "src"));
      const isUnderstood = what === "online"
        ? typeof value === "boolean"
        : component === undefined
        ? source !== undefined
        : isObject(value);
      if (!isUnderstood) return 1;
      device ??= { id: prefix.slice(prefix.lastIndexOf("/") + 1), components: new Map() };
      const hasTopic = component !== undefined;
      if (!hasTopic && source !== undefined) device.id = source;
      for (const [name, told] of hasTopic ? [[component, value] as const] : notified(value)) {
        hear(device, name, { told, message, hasTopic });
      }
      return 0;
    },
    *devices() {
      if (device !== undefined) yield describe(prefix, device);
    },
  };
}

/** The components in a notification: with what has changed, with all, or with an event. */
function notified(notification: Json | undefined): Array<[name: string, value: Json]> {
  const params = member(notification, "params");
  if (member(notification, "method") !== "NotifyEvent") return membersOf(params);
  return elements(member(params, "events")).flatMap((event) => {
    const name = exactText(member(event, "component"));
    // Only an input's events are values.
    return name?.startsWith("input:") === true ? [[name, event]] : [];
  });
}

/** Keeps the values of a component that are told. */
function hear(
  { components }: Device,
  name: string,
  { told = null, message: { receivedAt, retain }, hasTopic }: {
    readonly told: Json | undefined;
    readonly message: Message;
    readonly hasTopic: boolean;
  },
): void {
  const fields = fieldsOf(name);
  const known = components.get(name);
  if (fields.length === 0 || (known === undefined && components.size === MAX_COMPONENTS)) return;
  const component = known ?? { values: new Map(), hasTopic };
  components.set(name, component);
  component.hasTopic ||= hasTopic;
  for (const { path, isColor = false } of fields) {
    const value = valueAt(told, path.split("/"));
    const fits = isColor
      ? isListOfThree(value)
      : value !== undefined && isScalar(value) && String(value).length <= MAX_VALUE_LENGTH;
    if (value === undefined || !fits) continue;
    component.values.set(path, { value, receivedAt, retain });
  }
}

function isListOfThree(value: Json | undefined): boolean {
  return Array.isArray(value) && value.length === 3 &&
    value.every((one) => numberOf(one) !== undefined);
}

function describe(base: string, { id, components }: Device): Description {
  const [, model, digits] = /^(.+)-([\da-f]{12})$/i.exec(id) ?? [];
  const mac = macKey(digits);
  return {
    source: "shelly",
    id: base,
    keys: [`id:shelly_${base}`, ...(mac === undefined ? [] : [mac])],
    model,
    online: { mode: "all", topics: [{ topic: `${base}/online`, yes: ["true"], no: ["false"] }] },
    entities: [...components].flatMap(([name, component]) => entitiesOf(component, { base, name })),
  };
}

/** What the component has told, and what it is there for. */
function entitiesOf(
  { values, hasTopic }: Component,
  { base, name }: { readonly base: string; readonly name: string },
): Entity[] {
  return fieldsOf(name).flatMap(({ path, label, takes, method, isColor: _, ...about }) => {
    const heard = values.get(path);
    if (heard === undefined && label !== "") return [];
    const tokens = path.split("/");
    const events = `${base}/events/rpc`;
    return [entityOf({
      ...about,
      name: label === "" ? name : `${name} ${label}`,
      heard,
      read: about.kind === "event"
        ? { topic: events, path: pointer("params", "events", 0, ...tokens) }
        : hasTopic
        ? { topic: `${base}/status/${name}`, path: pointer(...tokens) }
        : { topic: events, path: pointer("params", name, ...tokens) },
      writes: takes && [
        method === undefined
          ? { topic: `${base}/command/${name}`, payload: "raw", ...takes }
          : { topic: `${base}/rpc`, payload: "json", ...callsOf(name, method, takes) },
      ],
    })];
  });
}

/** Calls of a method, as on the page RPC Channels; nobody waits for the answer to `src`. */
function callsOf(
  component: string,
  method: string,
  { values, example, ...bounds }: CommandPayload,
): CommandPayload {
  const id = Number(/\d*$/.exec(component)?.[0]);
  const call = (params: Json): Json => ({
    id: 1,
    src: "mcpmqtt",
    method,
    params: Object.fromEntries([["id", id], ...membersOf(params)]),
  });
  return present({
    ...bounds,
    values: values &&
      Object.fromEntries(Object.entries(values).map(([name, params]) => [name, call(params)])),
    example: example === undefined ? undefined : call(example),
  });
}

/** What a component tells, as in `switch:0`; nothing for what is none, or tells nothing of use. */
function fieldsOf(component: string): readonly Field[] {
  const [, name = ""] = /^([a-z\d]+)(?::\d{1,5})?$/.exec(component) ?? [];
  return COMPONENTS.get(name) ?? [];
}
