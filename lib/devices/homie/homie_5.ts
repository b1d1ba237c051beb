/**
 * Devices of Homie 5: each has one description in JSON.
 *
 * @module
 */
import type { Json } from "../../messages/json.ts";
import { textOf } from "../../messages/payload.ts";
import { jsonOf, label, member } from "../described.ts";
import { entitiesOf, isId, MAX_LISTED, MAX_PROPERTIES, type Property } from "./property.ts";
import type { Entity } from "../device.ts";

/** A longer state is none of the convention's, in bytes. */
const MAX_STATE_BYTES = 100;
/** So many devices are told. */
const MAX_DEVICES = 10_000;
/** What all descriptions may take in memory, about, in bytes. */
const MAX_BYTES = 16 * 1024 * 1024;
const DEVICE_BYTES = 1_000;

/** What is known of a device that is described. */
export interface Device5 {
  readonly id: string;
  readonly name: string | undefined;
  /** That of the device, or `lost` if its root is. */
  readonly state: string;
  readonly entities: readonly Entity[];
}

interface Described {
  readonly name: string | undefined;
  readonly root: string | undefined;
  readonly entities: readonly Entity[];
  readonly bytes: number;
}

/** Keeps the state and the description of each device. */
export class Homie5 {
  readonly #prefix: string;
  readonly #states = new Map<string, string>();
  readonly #described = new Map<string, Described>();
  #bytes = 0;

  /** @param root what the topics of all devices begin with, without the version */
  constructor(root: string) {
    this.#prefix = `${root}/5/`;
  }

  /** Topic filters of states and descriptions. */
  get filters(): string[] {
    return ["$state", "$description"].map((name) => `${this.#prefix}+/${name}`);
  }

  /**
   * Takes a state or a description, or takes back one if the payload is empty.
   *
   * @returns whether it could be understood; undefined if the topic is none of these
   */
  take(topic: string, payload: Uint8Array): boolean | undefined {
    if (!topic.startsWith(this.#prefix)) return undefined;
    const [id = "", name, ...others] = topic.slice(this.#prefix.length).split("/");
    if (others.length > 0) return undefined;
    if (name === "$state") return this.#takeState(id, payload);
    return name === "$description" ? this.#takeDescription(id, payload) : undefined;
  }

  #takeState(id: string, payload: Uint8Array): boolean {
    this.#states.delete(id);
    if (payload.length === 0) return true;
    const state = payload.length > MAX_STATE_BYTES ? undefined : textOf(payload);
    if (state === undefined || !isId(id) || this.#states.size >= MAX_DEVICES) return false;
    this.#states.set(id, state);
    return true;
  }

  #takeDescription(id: string, payload: Uint8Array): boolean {
    this.#bytes -= this.#described.get(id)?.bytes ?? 0;
    this.#described.delete(id);
    if (payload.length === 0) return true;
    const description = jsonOf(payload);
    const version = member(description, "homie");
    if (typeof version !== "string" || !/^5(\.|$)/.test(version) || !isId(id)) return false;
    const { properties, isWhole } = propertiesOf(member(description, "nodes"));
    const root = member(description, "root");
    const entities = entitiesOf(`${this.#prefix}${id}`, properties, true);
    // Twice, for the objects around the texts.
    const bytes = DEVICE_BYTES + 2 * JSON.stringify(entities).length;
    if (this.#bytes + bytes > MAX_BYTES) return false;
    this.#bytes += bytes;
    this.#described.set(id, {
      name: label(member(description, "name")),
      root: typeof root === "string" && isId(root) ? root : undefined,
      entities,
      bytes,
    });
    return isWhole && entities.length === properties.length;
  }

  /**
   * The devices that have both a description and a state: clearing the state removes a device, and
   * its description may stay behind.
   */
  *devices(): Generator<Device5, void> {
    for (const [id, { name, root, entities }] of this.#described) {
      const state = this.#states.get(id);
      if (state === undefined) continue;
      const isLost = root !== undefined && this.#states.get(root) === "lost";
      yield { id, name, state: isLost ? "lost" : state, entities };
    }
  }
}

/** The properties of all nodes, and whether they are all there were. */
function propertiesOf(nodes: Json | undefined): { properties: Property[]; isWhole: boolean } {
  const properties: Property[] = [];
  const allNodes = members(nodes);
  let isWhole = allNodes.length <= MAX_LISTED;
  for (const [nodeId, node] of allNodes.slice(0, MAX_LISTED)) {
    const listed = members(member(node, "properties"));
    const room = Math.min(MAX_LISTED, MAX_PROPERTIES - properties.length);
    isWhole &&= listed.length <= room;
    for (const [id, property] of listed.slice(0, room)) {
      const datatype = member(property, "datatype");
      if (typeof datatype !== "string" || !isId(nodeId) || !isId(id)) {
        isWhole = false;
        continue;
      }
      properties.push({
        nodeId,
        nodeName: member(node, "name"),
        id,
        name: member(property, "name"),
        datatype,
        format: member(property, "format"),
        unit: member(property, "unit"),
        isSettable: member(property, "settable") === true,
        isRetained: member(property, "retained") !== false,
      });
    }
  }
  return { properties, isWhole };
}

function members(value: Json | undefined): Array<[string, Json]> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.entries(value)
    : [];
}
