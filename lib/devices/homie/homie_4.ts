/**
 * Devices of Homie 3 and 4: each attribute has a topic of its own, and they come in any order.
 *
 * @module
 */
import { textOf } from "../../messages/payload.ts";
import { entitiesOf, isId, MAX_LISTED, MAX_PROPERTIES, type Property } from "./property.ts";
import type { Entity } from "../device.ts";

/** The attributes of a device, of a node, and of a property that are used. */
const DEVICE = ["$homie", "$name", "$state", "$nodes"];
const NODE = ["$name", "$properties"];
const PROPERTY = ["$name", "$datatype", "$settable", "$retained", "$unit", "$format"];

/** A longer attribute is not taken, in bytes. */
const MAX_ATTRIBUTE_BYTES = 16 * 1024;
/** What all attributes may take in memory, about, in bytes. */
const MAX_BYTES = 16 * 1024 * 1024;
const ATTRIBUTE_BYTES = 200;

/** What is known of a device that is described. */
export interface Device4 {
  readonly id: string;
  readonly name: string;
  readonly state: string | undefined;
  readonly entities: readonly Entity[];
}

/** Keeps what has come by its topic, and puts devices together when they are asked for. */
export class Homie4 {
  readonly #prefix: string;
  readonly #attributes = new Map<string, string>();
  /** By the ids of devices, whether they follow Homie 4 and not 3. */
  readonly #areFour = new Map<string, boolean>();
  #bytes = 0;

  /** @param root what the topics of all devices begin with */
  constructor(root: string) {
    this.#prefix = `${root}/`;
  }

  /** Topic filters of the attributes. */
  get filters(): string[] {
    return [["+", DEVICE], ["+/+", NODE], ["+/+/+", PROPERTY]].flatMap(([levels, names]) =>
      [...names ?? []].map((name) => `${this.#prefix}${levels}/${name}`)
    );
  }

  /**
   * Takes an attribute, or takes back one if the payload is empty.
   *
   * @returns whether it could be understood; undefined if the topic is none of an attribute
   */
  take(topic: string, payload: Uint8Array): boolean | undefined {
    if (!topic.startsWith(this.#prefix)) return undefined;
    const ids = topic.slice(this.#prefix.length).split("/");
    const name = ids.pop() ?? "";
    const names = [DEVICE, NODE, PROPERTY][ids.length - 1];
    if (names?.includes(name) !== true) return undefined;
    const [id = ""] = ids;
    this.#forget(topic);
    const isVersion = ids.length === 1 && name === "$homie";
    if (isVersion) this.#areFour.delete(id);
    if (payload.length === 0) return true;
    const text = payload.length > MAX_ATTRIBUTE_BYTES ? undefined : textOf(payload);
    if (text === undefined || !ids.every(isId)) return false;
    if (isVersion && !/^[34](\.|$)/.test(text)) return false;
    const isList = name === "$nodes" || name === "$properties";
    const bytes = bytesOf(topic, text);
    if (this.#bytes + bytes > MAX_BYTES) return false;
    this.#attributes.set(topic, text);
    this.#bytes += bytes;
    if (isVersion) this.#areFour.set(id, text.startsWith("4"));
    return !isList || listed(text).length <= MAX_LISTED;
  }

  /** The devices of which `$homie`, `$name` and `$nodes` have come, with the properties that have. */
  *devices(): Generator<Device4, void> {
    for (const [id, isFour] of this.#areFour) {
      const name = this.#of(id, "$name");
      const nodes = this.#of(id, "$nodes");
      if (name === undefined || nodes === undefined) continue;
      const properties = this.#properties(id, nodes, isFour);
      const entities = entitiesOf(`${this.#prefix}${id}`, properties, false);
      yield { id, name, state: this.#of(id, "$state"), entities };
    }
  }

  #properties(device: string, nodes: string, isFour: boolean): Property[] {
    const properties: Property[] = [];
    let left = MAX_PROPERTIES;
    for (const nodeId of listed(nodes).slice(0, MAX_LISTED)) {
      const node = `${device}/${nodeId}`;
      const nodeName = this.#of(node, "$name");
      for (const id of listed(this.#of(node, "$properties") ?? "").slice(0, MAX_LISTED)) {
        if (left-- === 0) return properties;
        const property = `${node}/${id}`;
        // Homie 4 asks for a data type; of 3 it is text if none is told.
        const datatype = this.#of(property, "$datatype") ?? (isFour ? undefined : "string");
        if (datatype === undefined) continue;
        properties.push({
          nodeId,
          nodeName,
          id,
          name: this.#of(property, "$name"),
          datatype,
          format: this.#of(property, "$format"),
          unit: this.#of(property, "$unit"),
          isSettable: this.#of(property, "$settable") === "true",
          isRetained: this.#of(property, "$retained") !== "false",
        });
      }
    }
    return properties;
  }

  #of(path: string, attribute: string): string | undefined {
    return this.#attributes.get(`${this.#prefix}${path}/${attribute}`);
  }

  #forget(topic: string): void {
    const text = this.#attributes.get(topic);
    if (text === undefined) return;
    this.#attributes.delete(topic);
    this.#bytes -= bytesOf(topic, text);
  }
}

/** The ids in a list, each once; the arrays of nodes of Homie 3 (`lights[]`) are none. */
function listed(text: string): string[] {
  return [...new Set(text.split(",").map((id) => id.trim()))].filter(isId);
}

function bytesOf(topic: string, text: string): number {
  return ATTRIBUTE_BYTES + 2 * (topic.length + text.length);
}
