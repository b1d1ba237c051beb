/**
 * Sparkplug B 3.0: edge nodes and their devices tell in birth certificates what they have, then only
 * what changes; nothing of it is retained.
 *
 * @module
 */
import type { Message } from "../messages/message.ts";
import { sparkplugOf } from "../messages/payload.ts";
import { label } from "./described.ts";
import type { Convention, Description } from "./device.ts";
import { entityOf, rebirthOf } from "./sparkplug/metric.ts";
import { EdgeNode, Room } from "./sparkplug/edge_node.ts";
import { filtersOf, MAX_NAME_LENGTH, type Place, placeOf, topicsOf } from "./sparkplug/topic.ts";

/** What all nodes may take in memory, about, in bytes. */
const MAX_BYTES = 32 * 1024 * 1024;
/** Its nodes are shown without it. */
const DEFAULT_PREFIX = "spBv1.0";

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
  return new Sparkplug(prefix);
}

class Sparkplug implements Convention {
  readonly source = "sparkplug";
  readonly filters: readonly string[];
  readonly isLive = true;
  readonly #prefix: string;
  readonly #nodes = new Map<string, EdgeNode>();
  readonly #room = new Room(MAX_BYTES);

  constructor(prefix: string) {
    this.#prefix = prefix;
    this.filters = filtersOf(prefix);
  }

  *take(message: Message): Generator<void, number> {
    const place = placeOf(this.#prefix, message.topic);
    if (place === undefined) return 0;
    if (isTooLong(place)) return place.kind === "BIRTH" && message.payload.length > 0 ? 1 : 0;
    if (place.kind === "DEATH") {
      this.#die(place, message);
      return 0;
    }
    const isBirth = place.kind === "BIRTH";
    if (message.payload.length === 0) {
      if (isBirth) this.#forget(place);
      return 0;
    }
    const shown = sparkplugOf(message.payload);
    yield;
    const node = shown === undefined ? undefined : this.#nodeOf(place);
    const part = node?.part(place.device);
    if (shown === undefined || node === undefined || part === undefined) return isBirth ? 1 : 0;
    const isKept = place.isCertificate || message.retain;
    let left: number | undefined = 0;
    if (isBirth) {
      const maxMetrics = node.metricsLeft + part.metrics.size;
      left = yield* part.bear(shown, { message, isKept, maxMetrics });
      if (part === node && !isKept) node.beginSession(shown);
    } else {
      yield* part.hear(shown, message);
    }
    // Who speaks is there; what is kept was said before.
    if (!isKept) {
      node.online = "yes";
      part.online = "yes";
    }
    return left ?? 0;
  }

  *devices(): Generator<Description, void> {
    for (const node of this.#nodes.values()) {
      yield this.#described(node, undefined);
      for (const device of node.devices.keys()) yield this.#described(node, device);
    }
  }

  #described(node: EdgeNode, device: string | undefined): Description {
    const { group, name } = node;
    const { online, born, metrics } = node.devices.get(device ?? "") ?? node;
    const path = [this.#prefix, group, name, ...(device === undefined ? [] : [device])];
    const id = path.slice(this.#prefix === DEFAULT_PREFIX ? 1 : 0).join("/");
    const topics = topicsOf(this.#prefix, { group, node: name, device });
    const { command } = topicsOf(this.#prefix, { group, node: name, device: undefined });
    return {
      source: this.source,
      id: label(id, this.#prefix.length + 4 * MAX_NAME_LENGTH) ?? id,
      keys: [`sparkplug:${path.join("/")}`],
      name: label(device ?? name, MAX_NAME_LENGTH),
      online,
      entities: born === undefined
        ? [rebirthOf(command)]
        : Array.from(metrics.values(), (metric) => entityOf(metric, topics)),
    };
  }

  #die(place: Place, { payload, retain }: Message): void {
    const node = this.#nodes.get(keyOf(place));
    const part = place.device === undefined ? node : node?.devices.get(place.device);
    // What is kept was said before.
    if (node === undefined || part === undefined || (retain && part.online === "yes")) return;
    if (part === node) node.die(sparkplugOf(payload));
    else part.online = "no";
  }

  /** A birth certificate is taken back: with that of a node all its devices go. */
  #forget(place: Place): void {
    const node = this.#nodes.get(keyOf(place));
    const part = place.device === undefined ? node : node?.devices.get(place.device);
    if (node === undefined || part === undefined) return;
    if (place.isCertificate && part.born !== "kept") return;
    if (place.device !== undefined) {
      node.remove(place.device);
    } else {
      node.dispose();
      this.#nodes.delete(keyOf(place));
    }
  }

  #nodeOf(place: Place): EdgeNode | undefined {
    const known = this.#nodes.get(keyOf(place));
    if (known !== undefined) return known;
    const node = EdgeNode.make(place.group, place.node, this.#room);
    if (node !== undefined) this.#nodes.set(keyOf(place), node);
    return node;
  }
}

function isTooLong({ group, node, device = "" }: Place): boolean {
  return [group, node, device].some(({ length }) => length > MAX_NAME_LENGTH);
}

/** Of a node; names have no slashes. */
function keyOf({ group, node }: Place): string {
  return `${group}/${node}`;
}
