/**
 * Sparkplug B 3.0: edge nodes and their devices tell in birth certificates what they have, then only
 * what changes; nothing of it is retained.
 *
 * @module
 */
import type { Json } from "../messages/json.ts";
import type { Message } from "../messages/message.ts";
import { sparkplugOf } from "../messages/payload.ts";
import { valuesByName } from "../messages/sparkplug.ts";
import { elements, exactText, label, member, membersOf, topicName } from "./described.ts";
import type { Convention, Description, Online } from "./device.ts";
import { type Metric, metricEntity, metricOf, REBIRTH } from "./sparkplug_metric.ts";

/** So many metrics of a node or device are told. */
const MAX_METRICS = 5_000;
/** A longer value is not kept, in UTF-16 code units of its JSON. */
const MAX_VALUE_LENGTH = 2_000;
/** Longer names of groups, nodes and devices are not told, in UTF-16 code units. */
const MAX_NAME_LENGTH = 200;
/** Its nodes are shown without it. */
const DEFAULT_PREFIX = "spBv1.0";
/** Where a broker that is aware of Sparkplug keeps the last birth certificates, 3.0 §10. */
const CERTIFICATES = "$sparkplug/certificates/";
const TOPIC = /^([^/]+)\/(?:N(BIRTH|DATA|DEATH)\/([^/]+)|D(BIRTH|DATA|DEATH)\/([^/]+)\/([^/]+))$/;

/** What a topic name says, 3.0 §4. */
interface SparkplugTopic {
  readonly kind: string;
  readonly isCertificate: boolean;
  readonly group: string;
  readonly node: string;
  /** Undefined for what is of the node itself. */
  readonly device: string | undefined;
}

/** A node without its devices, or a device. */
interface Part {
  /** By their names. */
  metrics: Map<string, Metric>;
  /** Where the birth certificate is from; undefined if none has been heard. */
  born: "kept" | "live" | undefined;
  online: Online;
}

/** An edge node. */
interface EdgeNode extends Part {
  readonly group: string;
  readonly node: string;
  readonly devices: Map<string, Part>;
}

/**
 * Reads what nodes and devices say. Messages come with what is known of their aliases, as
 * `SparkplugBirths` gives them.
 *
 * The numbers in `seq` are not looked at: a client that may read only some of a node's topics sees
 * gaps where there are none. A message that names what no birth certificate told is passed over.
 *
 * @param prefix what their topics begin with, as in `spBv1.0`
 */
export function sparkplug(prefix: string): Convention {
  const nodes = new Map<string, EdgeNode>();
  const births = [`${prefix}/+/NBIRTH/+`, `${prefix}/+/DBIRTH/+/+`];
  const others = ["DATA", "DEATH"].flatMap((kind) =>
    births.map((filter) => filter.replace("BIRTH", kind))
  );
  return {
    source: "sparkplug",
    filters: [...births, ...others, ...births.map((filter) => CERTIFICATES + filter)],
    isCumulative: true,
    // deno-lint-ignore require-yield -- each message is taken as it comes
    *take(message) {
      const named = parseTopic(message.topic, prefix);
      if (named === undefined) return 0;
      const { group, node: name, device, kind, isCertificate } = named;
      const isBirth = kind === "BIRTH";
      const fits = [group, name, device ?? "-"].every((one) => exactText(one, MAX_NAME_LENGTH));
      if (!fits) return isBirth && message.payload.length > 0 ? 1 : 0;
      const key = `${group}/${name}`;
      const known = nodes.get(key);
      if (kind === "DEATH") {
        if (known !== undefined) die(known, device, message);
      } else if (message.payload.length > 0) {
        const shown = sparkplugOf(message.payload);
        if (shown === undefined) return isBirth ? 1 : 0;
        const node = known ?? { group, node: name, devices: new Map(), ...unborn() };
        nodes.set(key, node);
        return hear(node, named, { shown, message });
      } else if (isBirth && known !== undefined) {
        // It is taken back; with that of a node all its devices go.
        const part = device === undefined ? known : known.devices.get(device);
        const isOther = isCertificate && part?.born !== "kept";
        if (device !== undefined && !isOther) known.devices.delete(device);
        if (device === undefined && !isOther) nodes.delete(key);
      }
      return 0;
    },
    *devices() {
      for (const node of nodes.values()) {
        yield describe(node, { node, prefix, device: undefined });
        for (const [device, part] of node.devices) yield describe(part, { node, prefix, device });
      }
    },
  };
}

function unborn(): Part {
  return { metrics: new Map(), born: undefined, online: "unknown" };
}

/** What a topic name says that one of the filters matches; undefined for any other. */
function parseTopic(topic: string, prefix: string): SparkplugTopic | undefined {
  const isCertificate = topic.startsWith(CERTIFICATES);
  const name = isCertificate ? topic.slice(CERTIFICATES.length) : topic;
  if (!name.startsWith(`${prefix}/`) || topicName(topic) === undefined) return undefined;
  const [, group, ofNode, itself, ofDevice, owner, device] =
    TOPIC.exec(name.slice(prefix.length + 1)) ?? [];
  const kind = ofNode ?? ofDevice;
  const node = itself ?? owner;
  if (group === undefined || kind === undefined || node === undefined) return undefined;
  return isCertificate && kind !== "BIRTH"
    ? undefined
    : { kind, isCertificate, group, node, device };
}

/** Takes a birth certificate or data; returns how many metrics are not told. */
function hear(
  node: EdgeNode,
  { kind, device, isCertificate }: SparkplugTopic,
  { shown, message }: { readonly shown: Json; readonly message: Message },
): number {
  const part = device === undefined ? node : node.devices.get(device) ?? unborn();
  if (device !== undefined) node.devices.set(device, part);
  // What is kept was said before: it does not say who is there, nor anything new after a live birth.
  const isKept = isCertificate || message.retain;
  if (isKept && kind === "BIRTH" && part.born === "live") return 0;
  const left = kind === "BIRTH" ? bear(part, shown) : 0;
  if (kind === "BIRTH") part.born = isKept ? "kept" : "live";
  if (kind === "BIRTH" && part === node && !isKept) {
    // Its devices are born again, if it still has them.
    for (const one of node.devices.values()) if (one.online === "yes") one.online = "unknown";
  }
  const { receivedAt, retain } = message;
  // Without those that are historical.
  for (const [name, value] of membersOf(member(valuesByName(shown), "metrics"))) {
    const metric = part.metrics.get(name);
    // Better no value than one that is no more.
    const fits = JSON.stringify(value).length <= MAX_VALUE_LENGTH;
    if (metric !== undefined) metric.heard = fits ? { value, receivedAt, retain } : undefined;
  }
  if (!isKept) {
    // A device speaks through its node.
    node.online = "yes";
    part.online = "yes";
  }
  return left;
}

/** Takes the metrics of a birth certificate in place of earlier ones; returns how many are not told. */
function bear(part: Part, shown: Json): number {
  part.metrics = new Map();
  let left = 0;
  for (const one of elements(member(shown, "metrics"))) {
    const metric = metricOf(one);
    const isOver = metric !== undefined && !part.metrics.has(metric.name) &&
      part.metrics.size === MAX_METRICS;
    if (metric === undefined || isOver) left++;
    else part.metrics.set(metric.name, metric);
  }
  return left;
}

/**
 * A device is dead, or the node and all its devices with it.
 *
 * By the standard a node's death counts only if its `bdSeq` is that of the birth. But tahu writes one
 * less, and such a node would never be dead. So each death counts; if it was that of an earlier
 * connection, the next message of the node says so.
 */
function die(node: EdgeNode, device: string | undefined, { retain }: Message): void {
  const part = device === undefined ? node : node.devices.get(device);
  // What is kept was said before.
  if (part === undefined || (retain && part.online === "yes")) return;
  part.online = "no";
  if (part === node) { for (const one of node.devices.values()) one.online = "no"; }
}

function describe(
  { online, born, metrics }: Part,
  { node: { group, node }, prefix, device }: {
    readonly node: EdgeNode;
    readonly prefix: string;
    readonly device: string | undefined;
  },
): Description {
  const [letter, end] = device === undefined ? ["N", node] : ["D", `${node}/${device}`];
  const data = `${prefix}/${group}/${letter}DATA/${end}`;
  const command = `${prefix}/${group}/${letter}CMD/${end}`;
  const path = `${prefix}/${group}/${end}`;
  return {
    source: "sparkplug",
    id: prefix === DEFAULT_PREFIX ? path.slice(prefix.length + 1) : path,
    keys: [`sparkplug:${path}`],
    name: label(device ?? node, MAX_NAME_LENGTH),
    online,
    entities: born === undefined
      ? [metricEntity(REBIRTH, "", `${prefix}/${group}/NCMD/${node}`)]
      : Array.from(metrics.values(), (metric) => metricEntity(metric, data, command)),
  };
}
