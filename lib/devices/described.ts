/**
 * Parts of descriptions, which come from the network: bounded, checked, and without what is not seen.
 *
 * @module
 */
import { type Json, parseJson } from "../messages/json.ts";
import { textOf } from "../messages/payload.ts";
import { valueAt } from "../messages/pointer.ts";
import { escapeUnseen } from "../text.ts";
import { fitsTopic, textFault } from "../topics/topic_text.ts";
import type { Entity } from "./device.ts";

/** So many entities of one device are told, and of all devices. */
export const MAX_ENTITIES = 2_000;
export const MAX_ALL_ENTITIES = 50_000;
/** So many options of one command are told, of so many characters each. */
export const MAX_OPTIONS = 50;

/** What has more bytes is longer than `parseJson` takes, as each code unit has at most three. */
export const MAX_JSON_BYTES = 3 * 256 * 1024;
/** A name is cut after so many characters. */
const MAX_LABEL = 100;

/** The value of a payload that is JSON; undefined for any other, and beyond the bounds of `parseJson`. */
export function jsonOf(payload: Uint8Array): Json | undefined {
  const text = payload.length > MAX_JSON_BYTES ? undefined : textOf(payload);
  return text === undefined ? undefined : parseJson(text);
}

/** Whether a value is a JSON object. */
export function isObject(value: Json | undefined): value is { [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The members of an object; none for anything else. */
export function membersOf(value: Json | undefined): Array<[name: string, value: Json]> {
  return isObject(value) ? Object.entries(value) : [];
}

/** A member of an object; undefined for what is no object or has none of that name. */
export function member(value: Json | undefined, name: string): Json | undefined {
  return isObject(value) ? valueAt(value, [name]) : undefined;
}

/** The elements of an array; none for anything else. */
export function elements(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

/** A text or number to be shown on one line; undefined for anything else, and for what is blank. */
export function label(value: Json | undefined, maxLength = MAX_LABEL): string | undefined {
  if (typeof value !== "string" && typeof value !== "number") return undefined;
  const text = String(value);
  // Some more, for what is blank around it; what is escaped becomes longer.
  const shown = escapeUnseen(text.slice(0, 2 * maxLength).trim());
  if (shown === "") return undefined;
  if (shown.length <= maxLength && text.length <= 2 * maxLength) return shown;
  return `${shown.slice(0, maxLength - 1).toWellFormed()}…`;
}

/** Without marks and case, so that "buro" finds "Büro". */
export function folded(text: string): string {
  return text.normalize("NFKD").replaceAll(/\p{M}/gu, "").toLowerCase();
}

/** Several texts to be published, without those that would be shown as others. */
export function labels(value: Json | undefined): string[] {
  return elements(value).slice(0, MAX_OPTIONS).flatMap((one) =>
    exactText(typeof one === "number" ? String(one) : one) ?? []
  );
}

/** A text that {@linkcode label} shows as it is: fit to be compared with, or to be published. */
export function exactText(value: Json | undefined, maxLength = MAX_LABEL): string | undefined {
  return typeof value === "string" && label(value, maxLength) === value ? value : undefined;
}

/** A text that is a topic name, else undefined. */
export function topicName(value: Json | undefined): string | undefined {
  if (typeof value !== "string" || !fitsTopic(value) || /[+#]/.test(value)) return undefined;
  return textFault(value) === undefined ? value : undefined;
}

/** A unit as it is shown: temperatures are told as C and F. */
export function unitLabel(value: Json | undefined): string | undefined {
  const unit = label(value);
  return unit === "C" || unit === "F" ? `°${unit}` : unit;
}

/** A finite number, else undefined. */
export function numberOf(value: Json | undefined): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** A MAC address as a key, however it is written; undefined for what is none. */
export function macKey(value: Json | undefined): string | undefined {
  if (typeof value !== "string" || value.length > 32) return undefined;
  const digits = value.replaceAll(/[:.\-\s]/g, "").toLowerCase();
  return /^[\da-f]{12}$/.test(digits) ? `mac:${digits}` : undefined;
}

/** A JSON Pointer to a place, RFC 6901 §3. */
export function pointer(...tokens: readonly (string | number)[]): string {
  return tokens.map((token) => `/${String(token).replaceAll("~", "~0").replaceAll("/", "~1")}`)
    .join("");
}

/** An object of what is there: without what is undefined, and without lists of nothing. */
export function present<T extends object>(
  members: { readonly [Key in keyof T]: T[Key] | undefined },
): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) =>
      value !== undefined && !(Array.isArray(value) && value.length === 0)
    ),
  ) as { [Key in keyof T]?: Exclude<T[Key], undefined> };
}

/** An entity of what is there, as {@linkcode present}. */
export function entityOf(
  { name, kind, isMinor = false, ...parts }:
    & Pick<Entity, "name" | "kind">
    & { readonly [Key in keyof Entity]?: Entity[Key] | undefined },
): Entity {
  return { name, kind, ...(isMinor ? { isMinor } : {}), ...present<Partial<typeof parts>>(parts) };
}
