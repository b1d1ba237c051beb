/**
 * Devices and groups as the bridge of Zigbee2MQTT tells of them.
 *
 * @module
 */
import type { Json } from "../messages/json.ts";
import { elements, label, MAX_ALL_ENTITIES, member, topicName } from "./described.ts";
import type { Availability, AvailabilityTopic, Convention, Description } from "./device.ts";
import { jsonElements } from "./json_elements.ts";
import { exposedEntities, sharedExpose } from "./zigbee_exposes.ts";

/** Characters of a friendly name; a longer one would make each topic of the device long. */
const MAX_NAME_LENGTH = 256;
/** After so many elements that cannot be read the others are not looked at. */
const MAX_UNPARSED = 1_000;
/** Of a group so many members are looked at. */
const MAX_MEMBERS = 100;

interface Device {
  readonly id: string;
  readonly description: Description;
  /** The expose that a group with it has. */
  readonly shared: Json | undefined;
}

interface Group extends Pick<Description, "id" | "keys" | "name"> {
  /** Of its state. */
  readonly topic: string;
  /** IEEE addresses. */
  readonly members: readonly string[];
}

/** Reads the lists of one bridge; `base` is its `mqtt.base_topic`. */
export function zigbee2mqtt(base: string): Convention {
  const [devicesTopic, groupsTopic, stateTopic] = [
    `${base}/bridge/devices`,
    `${base}/bridge/groups`,
    `${base}/bridge/state`,
  ];
  let devices: ReadonlyMap<string, Device> = new Map();
  let groups: ReadonlyMap<string, Group> = new Map();
  return {
    source: "zigbee2mqtt",
    filters: [devicesTopic, groupsTopic, stateTopic],
    isCumulative: false,
    *take({ topic, payload }) {
      let unparsed = 0;
      if (topic === devicesTopic) {
        let entities = 0;
        [devices, unparsed] = yield* listed(payload, (one) => {
          const device = entities < MAX_ALL_ENTITIES ? deviceOf(one, base) : undefined;
          entities += device?.description.entities.length ?? 0;
          return device;
        });
      } else if (topic === groupsTopic) {
        [groups, unparsed] = yield* listed(payload, (one) => groupOf(one, base));
      }
      // The bridge's state is availability, not a description.
      return unparsed;
    },
    *devices() {
      for (const { description } of devices.values()) yield description;
      for (const { topic, members, ...about } of groups.values()) {
        const shared = members.flatMap((address) => devices.get(address)?.shared ?? []).slice(0, 1);
        yield {
          source: "zigbee2mqtt",
          ...about,
          model: "Group",
          online: availabilityOf(topic, base),
          entities: exposedEntities(shared, topic),
        };
      }
    },
  };
}

/** Reads an array; what cannot be read, or is there a second time, is counted. */
function* listed<T extends { readonly id: string }>(
  payload: Uint8Array,
  read: (element: Json) => T | undefined,
): Generator<void, [items: ReadonlyMap<string, T>, unparsed: number]> {
  const items = new Map<string, T>();
  let unparsed = 0;
  for (const element of payload.length === 0 ? [] : jsonElements(payload)) {
    yield;
    // What lists more that cannot be read is no list of devices.
    if (unparsed > MAX_UNPARSED) break;
    if (member(element, "type") === "Coordinator") continue;
    const item = element === undefined ? undefined : read(element);
    if (item === undefined || items.has(item.id)) unparsed++;
    else items.set(item.id, item);
  }
  return [items, unparsed];
}

function deviceOf(element: Json, base: string): Device | undefined {
  const id = addressOf(element);
  const topic = stateTopicOf(element, base);
  if (id === undefined || topic === undefined) return undefined;
  const definition = member(element, "definition");
  const exposes = member(definition, "exposes");
  const description: Description = {
    source: "zigbee2mqtt",
    id,
    keys: [`id:zigbee2mqtt_${id}`],
    name: label(member(element, "friendly_name")),
    model: together(member(definition, "vendor"), member(definition, "model")) ??
      together(member(element, "manufacturer"), member(element, "model_id")),
    online: member(element, "disabled") === true ? "no" : availabilityOf(topic, base),
    entities: exposedEntities(elements(exposes), topic),
  };
  return { id, description, shared: sharedExpose(elements(exposes)) };
}

function groupOf(element: Json, base: string): Group | undefined {
  const id = member(element, "id");
  const topic = stateTopicOf(element, base);
  if (!Number.isSafeInteger(id) || topic === undefined) return undefined;
  // As in its discovery for Home Assistant, where it has to differ between bridges.
  const codes = Array.from({ length: base.length }, (_, at) => base.charCodeAt(at)).join("");
  return {
    id: label(`${base}_group_${id}`) ?? String(id),
    keys: [`id:zigbee2mqtt_${codes}_${id}`],
    name: label(member(element, "friendly_name")),
    topic,
    members: elements(member(element, "members")).slice(0, MAX_MEMBERS)
      .flatMap((one) => addressOf(one) ?? []),
  };
}

function addressOf(element: Json): string | undefined {
  const address = member(element, "ieee_address");
  return typeof address === "string" && /^0x[\da-f]{1,16}$/i.test(address) ? address : undefined;
}

/** The topic of the state of what has a friendly name. */
function stateTopicOf(element: Json, base: string): string | undefined {
  const name = member(element, "friendly_name");
  if (typeof name !== "string" || name.length > MAX_NAME_LENGTH) return undefined;
  return label(name) === undefined ? undefined : topicName(`${base}/${name}`);
}

/** Its own topic exists only if the bridge is set up so, and stays `online` when the bridge dies. */
function availabilityOf(topic: string, base: string): Availability {
  const own = topicName(`${topic}/availability`);
  const states = { path: "/state", yes: ["online"], no: ["offline"] };
  const bridge: AvailabilityTopic = { topic: `${base}/bridge/state`, ...states };
  const topics = own === undefined
    ? [bridge]
    : [bridge, { topic: own, ...states, isOptional: true as const }];
  return { mode: "all", topics };
}

function together(...parts: readonly (Json | undefined)[]): string | undefined {
  return label(parts.flatMap((part) => label(part) ?? []).join(" "));
}
