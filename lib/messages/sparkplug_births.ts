/**
 * What the birth certificates of Sparkplug B say of names, aliases and data types.
 *
 * @module
 */
import { digest } from "./digest.ts";
import type { Message } from "./message.ts";
import { type Births, SparkplugPayload } from "./sparkplug.ts";
import { type Raw, readPayload, type Unsigned } from "./sparkplug_wire.ts";

/** The namespace of the standard, 3.0 §4.1. */
const PREFIXES = ["spBv1.0"];
/** Where a broker that is aware of Sparkplug keeps the last birth certificates, §10. */
const CERTIFICATES = "$sparkplug/certificates/";
/** Those of an edge node, and those of one of its devices. */
const NODE_TYPES = new Set(["NBIRTH", "NDATA", "NDEATH", "NCMD"]);
const DEVICE_TYPES = new Set(["DBIRTH", "DDATA", "DDEATH", "DCMD"]);

/** What all that is known may take in memory, about, in bytes. */
const MAX_BYTES = 16 * 1024 * 1024;
const NODE_BYTES = 1_000;
const METRIC_BYTES = 150;

interface Place {
  readonly node: string;
  readonly device: string;
  readonly type: string;
  readonly isCertificate: boolean;
}

/** What is known of one edge node and its devices since its birth. */
class EdgeNode {
  readonly aliases = new Map<
    Unsigned,
    { readonly name: string; readonly type: number | undefined }
  >();
  /** By device and name. */
  readonly types = new Map<string, number>();
  /** Of the birth certificate of the node; empty if only some of its devices are known. */
  digest = "";
  bytes = NODE_BYTES;
}

/** Learns from births, and tells what was learnt to the messages that come. */
export class SparkplugBirths {
  readonly #prefixes: readonly string[];
  readonly #maxBytes: number;
  readonly #nodes = new Map<string, EdgeNode>();
  /** Those that are no more; messages that came in their time may still be looked at. */
  readonly #former = new Set<EdgeNode>();
  #bytes = 0;

  /**
   * @param options.prefixes topic names that those of Sparkplug B begin with; default `spBv1.0`
   * @param options.maxBytes what may be remembered, about; default 16 MiB. What was no more goes
   * first, then the node that was born longest ago.
   */
  constructor(
    { prefixes = PREFIXES, maxBytes = MAX_BYTES }: {
      readonly prefixes?: readonly string[];
      readonly maxBytes?: number;
    } = {},
  ) {
    this.#prefixes = prefixes.map((prefix) => `${prefix}/`);
    this.#maxBytes = maxBytes;
  }

  /** Takes a message that was received; one of Sparkplug B comes back with what is known of it. */
  received(message: Message): Message {
    const place = this.#placeOf(message.topic);
    if (place === undefined || message.payload.length === 0) return message;
    if (place.type.endsWith("BIRTH")) this.#learn(place, message.payload);
    return { ...message, payload: SparkplugPayload.view(message.payload, this.#known(place)) };
  }

  /** What is known of the edge node or device of a topic name. */
  of(topic: string): Births | undefined {
    const place = this.#placeOf(topic);
    return place && this.#known(place);
  }

  #known({ node: name, device }: Place): Births | undefined {
    const node = this.#nodes.get(name);
    return node && {
      named: (alias) => node.aliases.get(alias),
      typeOf: (metric) => node.types.get(`${device}/${metric}`),
    };
  }

  #placeOf(topic: string): Place | undefined {
    const isCertificate = topic.startsWith(CERTIFICATES);
    const name = isCertificate ? topic.slice(CERTIFICATES.length) : topic;
    const prefix = this.#prefixes.find((one) => name.startsWith(one));
    if (prefix === undefined) return undefined;
    const [group, type = "", node, device, ...others] = name.slice(prefix.length).split("/");
    const types = device === undefined ? NODE_TYPES : DEVICE_TYPES;
    if (node === undefined || others.length > 0 || !types.has(type)) return undefined;
    return { node: `${prefix}${group}/${node}`, device: device ?? "", type, isCertificate };
  }

  #learn({ node: name, device, type, isCertificate }: Place, payload: Uint8Array): void {
    const metrics = readPayload(payload, "Birth")?.metrics ?? [];
    const before = this.#nodes.get(name);
    let node = before ?? new EdgeNode();
    if (type === "NBIRTH") {
      const birth = digest(payload);
      // The same one comes again on each overlapping subscription, when its devices are known.
      if (node.digest === birth) return;
      // Certificates come in any order.
      if (node.digest !== "" || !isCertificate) node = new EdgeNode();
      node.digest = birth;
    } else if (metrics.some((metric) => contradicts(node, device, metric))) {
      node = copyOf(node);
    }
    if (node !== before) {
      if (before !== undefined) this.#former.add(before);
      this.#nodes.delete(name);
      this.#nodes.set(name, node);
      this.#bytes += node.bytes;
    }
    for (const metric of metrics) {
      // One node never takes the room of all others.
      if (node.bytes > this.#maxBytes / 4) break;
      const bytes = remember(node, device, metric);
      node.bytes += bytes;
      this.#bytes += bytes;
    }
    this.#makeRoom();
  }

  #makeRoom(): void {
    for (const node of this.#former) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#former.delete(node);
      this.#forget(node);
    }
    for (const [name, node] of this.#nodes) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#nodes.delete(name);
      this.#forget(node);
    }
  }

  #forget(node: EdgeNode): void {
    this.#bytes -= node.bytes;
    node.aliases.clear();
    node.types.clear();
  }
}

/** Whether a metric was another before: what came until now keeps what it was. */
function contradicts(
  { aliases, types }: EdgeNode,
  device: string,
  { name, alias, datatype }: Raw<"Metric">,
): boolean {
  if (name === undefined) return false;
  const type = types.get(`${device}/${name}`);
  const known = alias === undefined ? undefined : aliases.get(alias);
  return known !== undefined && known.name !== name ||
    type !== undefined && datatype !== undefined && type !== datatype;
}

/** @returns how many bytes more it takes. */
function remember(
  { aliases, types }: EdgeNode,
  device: string,
  { name, alias, datatype }: Raw<"Metric">,
): number {
  if (name === undefined) return 0;
  const key = `${device}/${name}`;
  let bytes = 0;
  const known = alias === undefined ? undefined : aliases.get(alias);
  if (alias !== undefined && (known?.name !== name || known.type !== datatype)) {
    aliases.set(alias, { name, type: datatype });
    bytes += METRIC_BYTES + 2 * name.length;
  }
  if (datatype !== undefined && types.get(key) !== datatype) {
    types.set(key, datatype);
    bytes += METRIC_BYTES + 2 * key.length;
  }
  return bytes;
}

function copyOf(node: EdgeNode): EdgeNode {
  const copy = new EdgeNode();
  for (const [alias, named] of node.aliases) copy.aliases.set(alias, named);
  for (const [key, type] of node.types) copy.types.set(key, type);
  copy.digest = node.digest;
  copy.bytes = node.bytes;
  return copy;
}
