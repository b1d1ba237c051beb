/**
 * All devices that messages tell of, whatever conventions they follow.
 *
 * @module
 */
import { heldBytes, type Message } from "../messages/message.ts";
import { FilterIndex } from "../topics/filter_index.ts";
import { parseTopicFilter } from "../topics/topic_filter.ts";
import { Turns } from "../turns.ts";
import { folded, MAX_ALL_ENTITIES } from "./described.ts";
import type { Availability, Convention, Description, Entity, Online, Source } from "./device.ts";
import { SOURCES } from "./device.ts";

/** What the messages with all descriptions in force may have, in bytes. */
const MAX_BYTES = 32 * 1024 * 1024;
/** Of so many topics it is remembered how much could not be understood. */
const MAX_FAULTY = 1_000;
/** What the last messages of the topics with values may take, in bytes. */
const MAX_VALUE_BYTES = 16 * 1024 * 1024;
/** A longer payload is no value. */
const MAX_VALUE_LENGTH = 64 * 1024;
/** A description of so many bytes may be a value, too, as a bridge's state is. */
const MAX_SMALL_LENGTH = 256;
/** Of each device the values of so many entities come before those of others. */
const MAX_FIRST = 100;

/** A device, put together of all that is said of it. */
export interface Device {
  /** No other has it. */
  readonly id: string;
  readonly name: string;
  readonly model: string | undefined;
  readonly area: string | undefined;
  readonly sources: readonly Source[];
  /** Of each description that says something of it. */
  readonly online: readonly (Availability | Online)[];
  readonly entities: readonly Entity[];
}

/** What devices are sorted by: their names, in which a number counts as such, and then their ids. */
export function sortKeyOf({ name, id }: Pick<Device, "name" | "id">): string {
  const numbered = folded(name).replaceAll(/\d{1,15}/g, (digits) => digits.padStart(15, "0"));
  return `${numbered}\0${id}`;
}

/** Takes messages, and tells which devices they describe. */
export class Directory {
  /** Topic filters of all that describes devices. */
  readonly filters: readonly string[];
  readonly #conventions: readonly Convention[];
  readonly #maxBytes: number;
  readonly #byFilter = new FilterIndex<Convention>();
  /** The last description of each topic that has not been read. */
  readonly #pending = new Map<string, Message>();
  /** How many bytes the messages with the descriptions in force have, by topic, read or not. */
  readonly #described = new Map<string, number>();
  #describedBytes = 0;
  readonly #values = new Map<string, Message>();
  #valueBytes = 0;
  /** Of what could not be understood, how much on which topic, and on those that are not remembered. */
  readonly #faults = new Map<string, number>();
  #otherFaults = 0;
  #wanted: ReadonlySet<string> = new Set();
  #version = 0;
  #known: { readonly version: number; readonly devices: readonly Device[] } | undefined;
  #reading: Promise<readonly Device[]> = Promise.resolve([]);

  /**
   * @param options.maxBytes what the messages with descriptions may have; default 32 MiB. What would
   * be more is passed over and counted.
   */
  constructor(
    conventions: readonly Convention[],
    { maxBytes = MAX_BYTES }: { readonly maxBytes?: number } = {},
  ) {
    this.#conventions = conventions.toSorted(bySource);
    this.#maxBytes = maxBytes;
    this.filters = conventions.flatMap(({ filters }) => filters);
    for (const convention of conventions) {
      for (const filter of convention.filters) {
        this.#byFilter.add(parseTopicFilter(filter), convention);
      }
    }
  }

  /** How many descriptions could not be understood, or found no room. */
  get unparsed(): number {
    return [...this.#faults.values()].reduce((sum, count) => sum + count, this.#otherFaults);
  }

  /** Whether descriptions come on a topic. */
  describes(topic: string): boolean {
    return this.#byFilter.anyMatch(topic);
  }

  /** Takes a message that was received. */
  receive(message: Message): void {
    const { topic, payload } = message;
    const conventions = this.#byFilter.matching(topic);
    const isSmall = payload.length <= MAX_SMALL_LENGTH;
    if (this.#wanted.has(topic) || (conventions.length > 0 && isSmall)) this.#remember(message);
    if (conventions.length === 0) return;
    const fitting = this.#fitted(message);
    if (conventions.some(({ isCumulative }) => !isCumulative)) this.#pending.set(topic, fitting);
    for (const taking of this.#take(fitting, true)) while (!taking.next().done);
  }

  /** The last message of a topic that has values. */
  last(topic: string): Message | undefined {
    return this.#values.get(topic);
  }

  /** Reads the descriptions that have come, and puts the devices together. */
  async devices(): Promise<readonly Device[]> {
    // One after the other: who comes second needs what the first has taken up.
    const before = this.#reading;
    this.#reading = before.then(() => this.#read());
    return await this.#reading;
  }

  async #read(): Promise<readonly Device[]> {
    const turns = new Turns();
    for (const [topic, message] of this.#pending) {
      this.#pending.delete(topic);
      for (const taking of this.#take(message, false)) {
        while (!taking.next().done) if (turns.isOver) await turns.others();
      }
      if (turns.isOver) await turns.others();
    }
    const version = this.#version;
    if (this.#known?.version !== version) {
      this.#known = { version, devices: await this.#together(turns) };
    }
    return this.#known.devices;
  }

  /** The topic filters of descriptions as a device has, and the topics to read and command it on. */
  needs(device: Device): { describedOn: string[]; reads: string[]; writes: string[] } {
    const described = this.#conventions.filter(({ source }) => device.sources.includes(source));
    const writes = device.entities.flatMap(({ writes: [write] = [] }) => write?.topic ?? []);
    return {
      describedOn: described.flatMap(({ filters }) => filters),
      reads: [...topicsOf([device])],
      writes: [...new Set(writes)],
    };
  }

  /** The topics of values and availability. */
  valueTopics(devices: readonly Device[]): ReadonlySet<string> {
    return this.#wanted = topicsOf(devices);
  }

  /** A message as it is if there is room for it in place of the one before; else as an empty one. */
  #fitted(message: Message): Message {
    const { topic, payload } = message;
    const before = this.#described.get(topic) ?? 0;
    const bytes = payload.length === 0 ? 0 : heldBytes(message);
    const hasRoom = this.#describedBytes - before + bytes <= this.#maxBytes;
    const after = hasRoom ? bytes : 0;
    this.#describedBytes += after - before;
    if (after > 0) this.#described.set(topic, after);
    else this.#described.delete(topic);
    this.#count(topic, hasRoom ? 0 : 1);
    return hasRoom ? message : { ...message, payload: new Uint8Array() };
  }

  /** Gives a message to the conventions that it is for, one after the other. */
  *#take(message: Message, isCumulative: boolean): Generator<Generator<void>> {
    for (const convention of this.#byFilter.matching(message.topic)) {
      if (convention.isCumulative === isCumulative) yield this.#taking(convention, message);
    }
  }

  *#taking(convention: Convention, message: Message): Generator<void> {
    this.#version++;
    const faults = yield* convention.take(message);
    if (faults > 0) this.#count(message.topic, faults);
  }

  /** Counts what could not be understood of a topic. */
  #count(topic: string, faults: number): void {
    this.#faults.delete(topic);
    if (faults === 0) return;
    if (this.#faults.size < MAX_FAULTY) this.#faults.set(topic, faults);
    else this.#otherFaults += faults;
  }

  #remember(message: Message): void {
    const { topic, payload } = message;
    const earlier = this.#values.get(topic);
    if (earlier !== undefined) this.#valueBytes -= heldBytes(earlier);
    this.#values.delete(topic);
    if (payload.length === 0 || payload.length > MAX_VALUE_LENGTH) return;
    this.#values.set(topic, message);
    this.#valueBytes += heldBytes(message);
    for (const [oldest, one] of this.#values) {
      if (this.#valueBytes <= MAX_VALUE_BYTES) return;
      this.#values.delete(oldest);
      this.#valueBytes -= heldBytes(one);
    }
  }

  /** Makes one device of all descriptions that share a key. */
  async #together(turns: Turns): Promise<readonly Device[]> {
    this.#count("", 0);
    const groups = new Map<string, Group>();
    let entities = 0;
    for (const convention of this.#conventions) {
      for (const description of convention.devices()) {
        if (turns.isOver) await turns.others();
        entities += description.entities.length;
        if (entities > MAX_ALL_ENTITIES) this.#count("", entities - MAX_ALL_ENTITIES);
        else join(groups, description);
      }
    }
    const ids = new Set<string>();
    const keyed: Array<{ readonly device: Device; readonly sortKey: string }> = [];
    for (const { descriptions } of new Set([...groups.values()].map(rootOf))) {
      if (turns.isOver) await turns.others();
      const device = deviceOf(descriptions, ids);
      ids.add(device.id);
      keyed.push({ device, sortKey: sortKeyOf(device) });
    }
    keyed.sort((a, b) => a.sortKey < b.sortKey ? -1 : 1);
    return keyed.map(({ device }) => device);
  }
}

/** What is believed first, first. */
function bySource(a: { readonly source: Source }, b: { readonly source: Source }): number {
  return SOURCES.indexOf(a.source) - SOURCES.indexOf(b.source);
}

/**
 * The topics of values and availability: those of availability first, then some of each device, then
 * the others, so that none has all the room.
 */
function topicsOf(devices: readonly Device[]): ReadonlySet<string> {
  const topics = new Set<string>();
  for (const { online } of devices) {
    for (const one of online) {
      if (typeof one === "object") { for (const { topic } of one.topics) topics.add(topic); }
    }
  }
  for (const [from, to] of [[0, MAX_FIRST], [MAX_FIRST, Infinity]]) {
    for (const { entities } of devices) {
      if (entities.length <= (from ?? 0)) continue;
      for (const { read, also } of entities.slice(from, to)) {
        if (read !== undefined) topics.add(read.topic);
        for (const { topic } of also ?? []) topics.add(topic);
      }
    }
  }
  return topics;
}

/** Descriptions of one device; one that went into another points to it. */
interface Group {
  descriptions: Description[];
  into?: Group;
}

/** As the smaller one goes into the larger, the way is short. */
function rootOf(group: Group): Group {
  return group.into === undefined ? group : rootOf(group.into);
}

/** Puts a description to those that it shares a key with; one that has no key stands alone. */
function join(groups: Map<string, Group>, description: Description): void {
  const keys = description.keys.length > 0 ? description.keys : [`\0${groups.size}`];
  let group: Group = { descriptions: [description] };
  for (const key of keys) {
    const known = groups.get(key);
    const other = known === undefined ? group : rootOf(known);
    // What is said for Home Assistant makes no two devices one that say themselves what they are.
    if (other === group || (isOfItself(other) && isOfItself(group))) continue;
    const isLarger = other.descriptions.length >= group.descriptions.length;
    const [large, small] = isLarger ? [other, group] : [group, other];
    for (const one of small.descriptions) large.descriptions.push(one);
    small.into = large;
    small.descriptions = [];
    group = large;
  }
  for (const key of keys) if (rootOf(groups.get(key) ?? group) === group) groups.set(key, group);
}

/** Whether a device's own convention tells of it. */
function isOfItself({ descriptions }: Group): boolean {
  return descriptions.some(({ source }) => source !== "homeassistant");
}

function deviceOf(unordered: readonly Description[], ids: ReadonlySet<string>): Device {
  const descriptions = unordered.toSorted(bySource);
  const first = <Key extends "name" | "model" | "area">(key: Key): string | undefined =>
    descriptions.find((one) => one[key] !== undefined)?.[key];
  const [{ id, source } = { id: "", source: "" }] = descriptions;
  const entities: Entity[] = [];
  /** Of the conventions before, by their places and by the names of those without one. */
  let better = new Map<string, number>();
  for (const [at, description] of descriptions.entries()) {
    if (description.source !== descriptions[at - 1]?.source) {
      better = new Map(entities.map((entity, i) => [sameness(entity), i]));
    }
    for (const entity of description.entities) {
      const index = better.get(sameness(entity)) ?? entities.length;
      const known = entities[index];
      // What is told twice is told as the better convention does; only a command may be added.
      if (known === undefined) entities.push(entity);
      else if (known.writes === undefined) entities[index] = { ...entity, name: known.name };
    }
  }
  return {
    id: freeId(id, source, ids),
    name: first("name") ?? id,
    model: first("model"),
    area: first("area"),
    sources: [...new Set(descriptions.map((one) => one.source))],
    online: descriptions.flatMap(({ online }) => online ?? []),
    entities: entities.sort((a, b) => Number(a.isMinor ?? 0) - Number(b.isMinor ?? 0)),
  };
}

/** What two conventions have in common if they tell of one entity. */
function sameness({ name, read }: Entity): string {
  return read === undefined || read.template !== undefined
    ? name.toLowerCase()
    : JSON.stringify([read.topic, read.path]);
}

function freeId(id: string, source: string, taken: ReadonlySet<string>): string {
  if (!taken.has(id)) return id;
  for (let number = 1;; number++) {
    const free = number === 1 ? `${source}:${id}` : `${source}:${id}#${number}`;
    if (!taken.has(free)) return free;
  }
}
