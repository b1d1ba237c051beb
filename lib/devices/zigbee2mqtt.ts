/**
 * Devices and groups as the bridge of Zigbee2MQTT tells of them.
 *
 * @module
 */
import type { Json } from "../messages/json.ts";
import type { Message } from "../messages/message.ts";
import { elements, label, member, topicName } from "./described.ts";
import type { Availability, Convention, Description, Sign } from "./device.ts";
import { jsonElements } from "./json_elements.ts";
import { exposedEntities, sharedExposes } from "./zigbee_exposes.ts";

/** So many elements of one message are looked at, and so many entities are kept of them. */
const MAX_ELEMENTS = 20_000;
const MAX_ENTITIES = 100_000;
/** Characters of a friendly name; a longer one would make each topic of the device long. */
const MAX_NAME_LENGTH = 256;
/** Of a group so many members are looked at. */
const MAX_MEMBERS = 100;

/** A group that has no known member can be switched: any may. */
const SWITCHED: Json = [{
  type: "switch",
  features: [{
    type: "binary",
    name: "state",
    label: "State",
    property: "state",
    access: 7,
    value_on: "ON",
    value_off: "OFF",
    value_toggle: "TOGGLE",
  }],
}];

/** What is kept of a device. */
interface Device {
  readonly description: Description;
  /** The exposes that a group with it has. */
  readonly shared: Json | undefined;
}

interface Group {
  readonly id: number;
  readonly name: string;
  readonly topic: string;
  /** IEEE addresses. */
  readonly members: readonly string[];
}

/** What one message lists, by identifier. */
interface Listed<T> {
  readonly items: ReadonlyMap<string, T>;
  readonly unparsed: number;
}

/** Reads the lists of one bridge; `base` is its `mqtt.base_topic`. */
export function zigbee2mqtt(base: string): Convention {
  const [devicesTopic, groupsTopic, stateTopic] = ["devices", "groups", "state"]
    .map((name) => `${base}/bridge/${name}`) as [string, string, string];
  const bridge = new Bridge(base);
  return {
    source: "zigbee2mqtt",
    filters: [devicesTopic, groupsTopic, stateTopic],
    isLive: false,
    *take({ topic, payload }: Message) {
      if (topic === devicesTopic) return yield* bridge.takeDevices(payload);
      if (topic === groupsTopic) return yield* bridge.takeGroups(payload);
      // Its state is a sign, not a description.
      return 0;
    },
    devices: () => bridge.descriptions(),
  };
}

class Bridge {
  readonly #base: string;
  #devices: ReadonlyMap<string, Device> = new Map();
  #groups: ReadonlyMap<string, Group> = new Map();

  constructor(base: string) {
    this.#base = base;
  }

  *takeDevices(payload: Uint8Array): Generator<void, number> {
    let entities = 0;
    const { items, unparsed } = yield* listed(payload, (element) => {
      const device = entities < MAX_ENTITIES ? this.#device(element) : undefined;
      entities += device?.description.entities.length ?? 0;
      return device && [device.description.id, device];
    });
    this.#devices = items;
    return unparsed;
  }

  *takeGroups(payload: Uint8Array): Generator<void, number> {
    const { items, unparsed } = yield* listed(payload, (element) => {
      const group = this.#group(element);
      return group && [String(group.id), group];
    });
    this.#groups = items;
    return unparsed;
  }

  *descriptions(): Iterable<Description> {
    for (const { description } of this.#devices.values()) yield description;
    for (const group of this.#groups.values()) yield this.#describeGroup(group);
  }

  #device(element: Json): Device | undefined {
    const address = addressOf(element);
    const name = member(element, "friendly_name");
    const topic = this.#topic(name);
    if (address === undefined || topic === undefined) return undefined;
    const definition = member(element, "definition");
    const exposes = member(definition, "exposes");
    const isDisabled = member(element, "disabled") === true;
    return {
      description: {
        source: "zigbee2mqtt",
        id: address,
        keys: [`id:zigbee2mqtt_${address}`],
        name: label(name),
        model: together(member(definition, "vendor"), member(definition, "model")) ??
          together(member(element, "manufacturer"), member(element, "model_id")),
        online: isDisabled ? "no" : this.#availability(topic),
        entities: exposedEntities(exposes, topic),
      },
      shared: sharedExposes(exposes),
    };
  }

  #group(element: Json): Group | undefined {
    const id = member(element, "id");
    const name = label(member(element, "friendly_name"));
    const topic = this.#topic(member(element, "friendly_name"));
    if (typeof id !== "number" || !Number.isSafeInteger(id)) return undefined;
    if (name === undefined || topic === undefined) return undefined;
    const members = elements(member(element, "members")).slice(0, MAX_MEMBERS)
      .flatMap((one) => addressOf(one) ?? []);
    return { id, name, topic, members };
  }

  #describeGroup({ id, name, topic, members }: Group): Description {
    const known = members.map((address) => this.#devices.get(address)?.shared)
      .find((shared) => shared !== undefined);
    return {
      source: "zigbee2mqtt",
      id: label(`${this.#base}_group_${id}`) ?? String(id),
      // The identifier in its discovery for Home Assistant, which has to differ between bridges.
      keys: [`id:zigbee2mqtt_${characterCodes(this.#base)}_${id}`],
      name,
      model: "Group",
      online: this.#availability(topic),
      entities: exposedEntities(known ?? SWITCHED, topic),
    };
  }

  /** The topic of the state of what has a friendly name. */
  #topic(name: Json | undefined): string | undefined {
    if (typeof name !== "string" || name.length > MAX_NAME_LENGTH || label(name) === undefined) {
      return undefined;
    }
    return topicName(`${this.#base}/${name}`);
  }

  /** Its own topic exists only if the bridge is set up so, and stays `online` when the bridge dies. */
  #availability(topic: string): Availability {
    const sign = (topic: string): Sign => ({
      topic,
      path: "/state",
      yes: ["online"],
      no: ["offline"],
    });
    const own = topicName(`${topic}/availability`);
    const signs = [sign(`${this.#base}/bridge/state`)];
    return { mode: "all", signs: own === undefined ? signs : [...signs, sign(own)] };
  }
}

/** Reads an array; what cannot be read, or is there a second time, is counted. */
function* listed<T>(
  payload: Uint8Array,
  read: (element: Json) => readonly [id: string, item: T] | undefined,
): Generator<void, Listed<T>> {
  const items = new Map<string, T>();
  let unparsed = 0;
  let count = 0;
  if (payload.length === 0) return { items, unparsed };
  for (const element of jsonElements(payload)) {
    yield;
    if (++count > MAX_ELEMENTS) return { items, unparsed: unparsed + 1 };
    if (element !== undefined && member(element, "type") === "Coordinator") continue;
    const [id, item] = (element === undefined ? undefined : read(element)) ?? [];
    if (id === undefined || item === undefined || items.has(id)) unparsed++;
    else items.set(id, item);
  }
  return { items, unparsed };
}

function addressOf(element: Json): string | undefined {
  const address = member(element, "ieee_address");
  return typeof address === "string" && /^0x[\da-f]{1,16}$/i.test(address) ? address : undefined;
}

function together(...parts: readonly (Json | undefined)[]): string | undefined {
  return label(parts.flatMap((part) => label(part) ?? []).join(" "));
}

function characterCodes(text: string): string {
  return Array.from({ length: text.length }, (_, at) => text.charCodeAt(at)).join("");
}
