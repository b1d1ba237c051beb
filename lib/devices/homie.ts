/**
 * Homie 4 and 5: https://homieiot.github.io. In 4 each attribute has a topic of its own, and they come
 * in any order; in 5 each device has one description in JSON.
 *
 * @module
 */
import type { Json } from "../messages/json.ts";
import { textOf } from "../messages/payload.ts";
import { jsonOf, label, macKey, MAX_ENTITIES, member, membersOf } from "./described.ts";
import type { Convention, Description, Entity, Online } from "./device.ts";
import { type Property, propertyEntities, propertyOf } from "./homie_property.ts";

/** Its devices are shown by their ids alone. */
const DEFAULT_ROOT = "homie";
/** A longer attribute is not taken, in bytes. */
const MAX_ATTRIBUTE_BYTES = 16 * 1024;
/** The convention asks for `a` to `z`, `0` to `9` and `-`; not all keep to small letters. */
const ID = /^[\w-][\w.:-]{0,255}$/;

/** The attributes of Homie 4 that are used. */
const ATTRIBUTES = [
  ...["$homie", "$name", "$state", "$nodes"].map((name) => `+/${name}`),
  ...["$name", "$properties"].map((name) => `+/+/${name}`),
  ...["$name", "$datatype", "$settable", "$retained", "$unit", "$format"]
    .map((name) => `+/+/+/${name}`),
];

/** What the states say; one who sleeps cannot be asked. */
const ONLINE: ReadonlyMap<string | undefined, Online> = new Map([
  ["init", "yes"],
  ["ready", "yes"],
  ["alert", "yes"],
  ["disconnected", "no"],
  ["lost", "no"],
]);

/** What a description of Homie 5 says. */
interface Described {
  readonly name: string | undefined;
  readonly root: Json | undefined;
  readonly entities: readonly Entity[];
}

/**
 * Reads what devices of both versions say.
 *
 * @param root what their topics begin with, as in `homie`; those of Homie 5 go on with `5`
 */
export function homie(root: string): Convention {
  /** The attributes of Homie 4 and the states of Homie 5, by their topics. */
  const attributes = new Map<string, string>();
  /** The ids of the devices that follow Homie 4. */
  const four = new Set<string>();
  const five = new Map<string, Described>();
  const attribute = (...path: readonly string[]) => attributes.get(`${root}/${path.join("/")}`);
  return {
    source: "homie",
    filters: [...ATTRIBUTES, "5/+/$state", "5/+/$description"].map((one) => `${root}/${one}`),
    isCumulative: false,
    // deno-lint-ignore require-yield -- each message is short
    *take({ topic, payload }) {
      const ids = topic.slice(root.length + 1).split("/");
      const name = ids.pop();
      const [id = ""] = name === "$description" ? ids.slice(1) : ids;
      const isVersion = name === "$homie";
      attributes.delete(topic);
      if (isVersion) four.delete(id);
      if (name === "$description") five.delete(id);
      if (payload.length === 0) return 0;
      if (!ids.every((one) => ID.test(one))) return 1;
      if (name === "$description") {
        const { described, isWhole } = descriptionOf(jsonOf(payload), `${root}/5/${id}`);
        if (described !== undefined) five.set(id, described);
        return isWhole ? 0 : 1;
      }
      const text = payload.length > MAX_ATTRIBUTE_BYTES ? undefined : textOf(payload);
      if (text === undefined || (isVersion && !/^4(\.|$)/.test(text))) return 1;
      if (isVersion) four.add(id);
      else attributes.set(topic, text);
      return 0;
    },
    *devices() {
      for (const id of four) {
        const name = attribute(id, "$name");
        const nodes = attribute(id, "$nodes");
        // Only with these it is described.
        if (name === undefined || nodes === undefined) continue;
        const properties = propertiesOf(id, nodes, attribute);
        const entities = propertyEntities(`${root}/${id}`, properties, false);
        yield describe(root, { id, name: label(name), state: attribute(id, "$state"), entities });
      }
      for (const [id, { name, root: top, entities }] of five) {
        const state = attribute("5", id, "$state");
        // Clearing the state removes a device, and its description may stay behind.
        if (state === undefined) continue;
        const isLost = typeof top === "string" && attribute("5", top, "$state") === "lost";
        yield describe(root, { id, name, state: isLost ? "lost" : state, entities });
      }
    },
  };
}

function describe(root: string, { id, name, state, entities }: {
  readonly id: string;
  readonly name: string | undefined;
  readonly state: string | undefined;
  readonly entities: readonly Entity[];
}): Description {
  const path = `${root}/${id}`;
  const mac = macKey(id);
  return {
    source: "homie",
    id: root === DEFAULT_ROOT ? id : path,
    // Those of two versions with one id are one device that tells of itself twice.
    keys: [`homie:${path}`, ...(mac === undefined ? [] : [mac])],
    name,
    online: ONLINE.get(state) ?? "unknown",
    entities,
  };
}

/** The properties of a device of Homie 4 of which the data type has come; at most 2,000 are looked at. */
function propertiesOf(
  device: string,
  nodes: string,
  attribute: (...path: readonly string[]) => string | undefined,
): Property[] {
  const properties: Property[] = [];
  let left = MAX_ENTITIES;
  for (const nodeId of listed(nodes)) {
    const nodeName = attribute(device, nodeId, "$name");
    for (const id of listed(attribute(device, nodeId, "$properties") ?? "")) {
      if (left-- === 0) return properties;
      const property = propertyOf(
        { nodeId, nodeName, id },
        (name) => attribute(device, nodeId, id, `$${name}`),
      );
      if (property !== undefined) properties.push(property);
    }
  }
  return properties;
}

/** The ids in a list, each once. */
function listed(text: string): string[] {
  return [...new Set(text.split(",").map((id) => id.trim()))].filter((id) => ID.test(id));
}

/**
 * What a description of Homie 5 says, of the first 2,000 properties, and whether all could be
 * understood.
 *
 * @param device where its topics begin
 */
function descriptionOf(
  description: Json | undefined,
  device: string,
): { readonly described?: Described; readonly isWhole: boolean } {
  if (!/^5(\.|$)/.test(label(member(description, "homie")) ?? "")) return { isWhole: false };
  const listed = membersOf(member(description, "nodes")).flatMap(([nodeId, node]) =>
    membersOf(member(node, "properties")).map(([id, one]) =>
      ID.test(nodeId) && ID.test(id)
        ? propertyOf({ nodeId, nodeName: member(node, "name"), id }, (name) => member(one, name))
        : undefined
    )
  );
  const properties = listed.filter((one) => one !== undefined);
  const told = properties.slice(0, MAX_ENTITIES);
  const entities = propertyEntities(device, told, true);
  return {
    described: {
      name: label(member(description, "name")),
      root: member(description, "root"),
      entities,
    },
    isWhole: entities.length === listed.length,
  };
}
