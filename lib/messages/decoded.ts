/**
 * What payloads say, found out once for all who look: sessions that listen to one feed share its
 * messages.
 *
 * @module
 */
import type { Json } from "./json.ts";

/** So much is remembered, by the bytes of the payloads: of those that were first looked at last. */
const MAX_BYTES = 1024 * 1024;
/** What an entry takes beside, about, in bytes. */
const ENTRY_OVERHEAD_BYTES = 500;

/** Gives undefined for what is not of its kind, and never throws. */
export type Parse = (text: string) => Json | undefined;

interface Decoded {
  readonly text: string | undefined;
  readonly values: Map<Parse, Json | undefined>;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const remembered = new Map<Uint8Array, Decoded>();
let rememberedBytes = 0;

/**
 * The payload as text, or undefined where it is not UTF-8. Nothing is stripped, a byte order mark
 * included. It must not change afterwards.
 */
export function textOf(payload: Uint8Array): string | undefined {
  return decodedOf(payload).text;
}

/** What `parse` makes of the text of a payload, which nobody may change. */
export function parsed(payload: Uint8Array, parse: Parse): Json | undefined {
  const { text, values } = decodedOf(payload);
  if (text === undefined) return undefined;
  if (!values.has(parse)) values.set(parse, parse(text));
  return values.get(parse);
}

function decodedOf(payload: Uint8Array): Decoded {
  const before = remembered.get(payload);
  if (before !== undefined) return before;
  const decoded: Decoded = { text: decode(payload), values: new Map() };
  const bytes = bytesOf(payload);
  if (bytes > MAX_BYTES) return decoded;
  remembered.set(payload, decoded);
  rememberedBytes += bytes;
  for (const oldest of remembered.keys()) {
    if (rememberedBytes <= MAX_BYTES) break;
    remembered.delete(oldest);
    rememberedBytes -= bytesOf(oldest);
  }
  return decoded;
}

function decode(payload: Uint8Array): string | undefined {
  try {
    return utf8.decode(payload);
  } catch {
    return undefined;
  }
}

function bytesOf({ length }: Uint8Array): number {
  return ENTRY_OVERHEAD_BYTES + length;
}
