/**
 * The topics of Sparkplug B, 3.0 §4.
 *
 * @module
 */

/** Where a broker that is aware of Sparkplug keeps the last birth certificates, §10. */
const CERTIFICATES = "$sparkplug/certificates/";

/** Longer names of groups, nodes and devices are not told, in UTF-16 code units. */
export const MAX_NAME_LENGTH = 200;

/** What a topic name says. */
export interface Place {
  readonly group: string;
  readonly node: string;
  /** Undefined for what is of the node itself. */
  readonly device: string | undefined;
  readonly kind: "BIRTH" | "DATA" | "DEATH";
  readonly isCertificate: boolean;
}

/**
 * Topic filters of all that tells of nodes and devices, under a prefix such as `spBv1.0`: not those
 * of commands, nor of host applications.
 */
export function filtersOf(prefix: string): string[] {
  const [births = [], ...others] = ["BIRTH", "DATA", "DEATH"].map((
    kind,
  ) => [`${prefix}/+/N${kind}/+`, `${prefix}/+/D${kind}/+/+`]);
  return [...births, ...others.flat(), ...births.map((filter) => `${CERTIFICATES}${filter}`)];
}

/** What a topic name says that one of the filters matches; undefined for any other. */
export function placeOf(prefix: string, topic: string): Place | undefined {
  const isCertificate = topic.startsWith(CERTIFICATES);
  const name = isCertificate ? topic.slice(CERTIFICATES.length) : topic;
  if (!name.startsWith(`${prefix}/`)) return undefined;
  const [group, type = "", node, device, ...others] = name.slice(prefix.length + 1).split("/");
  if (!group || !node || device === "" || others.length > 0) return undefined;
  if (type[0] !== (device === undefined ? "N" : "D")) return undefined;
  const kind = type.slice(1);
  if (kind !== "BIRTH" && (isCertificate || (kind !== "DATA" && kind !== "DEATH"))) {
    return undefined;
  }
  return { group, node, device, kind, isCertificate };
}

/** Where the values of a node or of one of its devices are told, and where they are set. */
export function topicsOf(
  prefix: string,
  { group, node, device }: Pick<Place, "group" | "node" | "device">,
): { readonly data: string; readonly command: string } {
  const [letter, end] = device === undefined ? ["N", node] : ["D", `${node}/${device}`];
  return {
    data: `${prefix}/${group}/${letter}DATA/${end}`,
    command: `${prefix}/${group}/${letter}CMD/${end}`,
  };
}
