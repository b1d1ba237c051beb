/**
 * What is known of the edge nodes of Sparkplug B and of their devices.
 *
 * @module
 */
import type { Json } from "../../messages/json.ts";
import type { Message } from "../../messages/message.ts";
import { valuesByName } from "../../messages/sparkplug.ts";
import { elements, member } from "../described.ts";
import type { Online } from "../device.ts";
import { type Metric, metricOf } from "./metric.ts";

/** So many metrics of a node and its devices are told. */
const MAX_METRICS = 5_000;
/** So many devices of a node are told. */
const MAX_DEVICES = 1_000;
/** A longer value is not kept, in UTF-16 code units of its JSON. */
const MAX_VALUE_LENGTH = 2_000;
const PART_BYTES = 1_000;
const METRIC_BYTES = 500;
/** So many metrics are looked at in one go. */
const STRIDE = 500;

/** Memory that all share, in bytes. */
export class Room {
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  /** Takes so much; false if there is not so much left. */
  take(bytes: number): boolean {
    if (bytes > this.#left) return false;
    this.#left -= bytes;
    return true;
  }

  /** Gives back what was taken. */
  give(bytes: number): void {
    this.#left += bytes;
  }
}

/** A node without its devices, or a device. */
class Part {
  /** Where the birth certificate is from; undefined if none has been heard. */
  born: "kept" | "live" | undefined;
  online: Online = "unknown";
  readonly room: Room;
  #metrics = new Map<string, Metric>();
  /** When the birth certificate was made, as it says. */
  #stamp: string | undefined;
  #bytes = 0;

  constructor(room: Room) {
    this.room = room;
  }

  /** By their names. */
  get metrics(): ReadonlyMap<string, Metric> {
    return this.#metrics;
  }

  /**
   * Takes a birth certificate in place of an earlier one. One that a broker kept tells nothing new if
   * a live one was heard, nor if it is the one that is known.
   *
   * @returns how many metrics are not told; undefined if the certificate is passed over
   */
  *bear(shown: Json, { message, isKept, maxMetrics }: {
    readonly message: Message;
    readonly isKept: boolean;
    readonly maxMetrics: number;
  }): Generator<void, number | undefined> {
    const stamp = textOf(member(shown, "timestamp"));
    const isKnown = this.born === "kept" && stamp !== undefined && stamp === this.#stamp;
    if (isKept && (this.born === "live" || isKnown)) return undefined;
    this.free();
    const metrics = new Map<string, Metric>();
    let left = 0;
    for (const [i, one] of elements(member(shown, "metrics")).entries()) {
      if (i % STRIDE === STRIDE - 1) yield;
      const metric = metricOf(one);
      const isNew = metric !== undefined && !metrics.has(metric.name);
      const isOver = isNew &&
        (metrics.size >= maxMetrics || !this.#take(METRIC_BYTES + 4 * metric.name.length));
      if (metric === undefined || isOver) left++;
      else metrics.set(metric.name, metric);
    }
    this.#metrics = metrics;
    this.#stamp = stamp;
    this.born = isKept ? "kept" : "live";
    yield* this.hear(shown, message);
    return left;
  }

  /** Takes the values of metrics that the birth certificate has told of. */
  *hear(shown: Json, message: Message): Generator<void, void> {
    for (const [i, [name, value]] of valuesOf(shown).entries()) {
      if (i % STRIDE === STRIDE - 1) yield;
      const metric = this.#metrics.get(name);
      if (metric !== undefined) this.#hear(metric, value, message);
    }
  }

  /** Gives back all its memory. */
  free(): void {
    this.room.give(this.#bytes);
    this.#bytes = 0;
  }

  #hear(metric: Metric, value: Json, { receivedAt, retain }: Message): void {
    if (metric.heard !== undefined) this.#take(-2 * lengthOf(metric.heard.value));
    // Better no value than one that is no more.
    metric.heard = undefined;
    const length = lengthOf(value);
    if (length > MAX_VALUE_LENGTH || !this.#take(2 * length)) return;
    metric.heard = { value, receivedAt, retain };
  }

  #take(bytes: number): boolean {
    if (!this.room.take(bytes)) return false;
    this.#bytes += bytes;
    return true;
  }
}

/** An edge node. */
export class EdgeNode extends Part {
  readonly group: string;
  readonly name: string;
  readonly #devices = new Map<string, Part>();
  /** Of the last birth certificate. */
  #bdSeq: string | undefined;
  /** That of the birth before, if no death has come since. */
  #owedBdSeq: string | undefined;

  /** A node; undefined if there is no room for it. */
  static make(group: string, name: string, room: Room): EdgeNode | undefined {
    return room.take(partBytes(group + name)) ? new EdgeNode(group, name, room) : undefined;
  }

  private constructor(group: string, name: string, room: Room) {
    super(room);
    this.group = group;
    this.name = name;
  }

  get devices(): ReadonlyMap<string, Part> {
    return this.#devices;
  }

  /** How many metrics more it may have. */
  get metricsLeft(): number {
    const parts: Part[] = [this, ...this.#devices.values()];
    return MAX_METRICS - parts.reduce((sum, { metrics }) => sum + metrics.size, 0);
  }

  /** The node itself, or a device, which it may have from now on; undefined if there is no room. */
  part(device: string | undefined): Part | undefined {
    if (device === undefined) return this;
    const known = this.#devices.get(device);
    if (known !== undefined) return known;
    if (this.#devices.size >= MAX_DEVICES || !this.room.take(partBytes(device))) return undefined;
    const part = new Part(this.room);
    this.#devices.set(device, part);
    return part;
  }

  /** With its birth a node takes back what it said of its devices; those that it has follow. */
  beginSession(shown: Json): void {
    const bdSeq = bdSeqOf(shown);
    this.#owedBdSeq = this.online === "yes" && bdSeq !== this.#bdSeq ? this.#bdSeq : undefined;
    this.#bdSeq = bdSeq;
    for (const device of this.#devices.values()) {
      if (device.online === "yes") device.online = "unknown";
    }
  }

  /**
   * The node is dead, and all its devices with it.
   *
   * By the standard a death counts only if its `bdSeq` is that of the birth, since the will of an
   * earlier connection may come late. But tahu writes one less in the death than in the birth, and
   * such a node would never be dead. So each death counts but one that is still to come of the birth
   * before. If it was not meant, the next message of the node says so.
   */
  die(shown: Json | undefined): void {
    const bdSeq = shown === undefined ? undefined : bdSeqOf(shown);
    const isOwed = bdSeq !== undefined && bdSeq !== this.#bdSeq && bdSeq === this.#owedBdSeq;
    this.#owedBdSeq = undefined;
    if (isOwed) return;
    for (const part of [this, ...this.#devices.values()]) part.online = "no";
  }

  /** Forgets a device. */
  remove(device: string): void {
    const part = this.#devices.get(device);
    if (part === undefined) return;
    part.free();
    this.#devices.delete(device);
    this.room.give(partBytes(device));
  }

  /** Gives back all memory of the node and its devices. */
  dispose(): void {
    for (const device of [...this.#devices.keys()]) this.remove(device);
    this.free();
    this.room.give(partBytes(this.group + this.name));
  }
}

/** The values by the names of their metrics, without those that are historical. */
function valuesOf(shown: Json): Array<[string, Json]> {
  return Object.entries(member(valuesByName(shown), "metrics") ?? {});
}

function bdSeqOf(shown: Json): string | undefined {
  return textOf(member(member(valuesByName(shown), "metrics"), "bdSeq"));
}

function textOf(value: Json | undefined): string | undefined {
  return typeof value === "number" || typeof value === "string" ? String(value) : undefined;
}

function partBytes(name: string): number {
  return PART_BYTES + 2 * name.length;
}

/** How long the JSON of a value is, about. */
function lengthOf(value: Json): number {
  if (typeof value === "string") return value.length;
  if (value === null || typeof value !== "object") return 8;
  if (Array.isArray(value) && value.length > MAX_VALUE_LENGTH) return value.length;
  return JSON.stringify(value).length;
}
