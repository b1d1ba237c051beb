/**
 * How a message is shown to an agent: what tells something and nothing else, so that a list of a
 * hundred stays cheap to read.
 *
 * @module
 */
import type { Message, MessageProperties, QoS } from "./message.ts";

/** A value that JSON can write. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** The properties of a {@linkcode ShownMessage}. */
export type ShownProperties = {
  content_type?: string;
  response_topic?: string;
  correlation_data?: string | { base64: string };
  user_properties?: Record<string, string | string[]>;
  /** Seconds. */
  message_expiry_interval?: number;
  /** The bytes of all of them as JSON, where they alone would fill a result and are left out. */
  omitted_bytes?: number;
};

/** A Message of the outward contract. */
export type ShownMessage = {
  topic: string;
  payload: Json;
  encoding?: "base64";
  /** Payload bytes; only with base64 or where it was cut. */
  size?: number;
  truncated?: true;
  /** Only where it is not 0. */
  qos?: QoS;
  retain?: true;
  /** ISO 8601, UTC, milliseconds. */
  received_at: string;
  properties?: ShownProperties;
};

/** Deeper JSON is shown as the text that it is: few readers survive it. */
const MAX_DEPTH = 64;
/** A payload that is too large is cut by no less at a time, so that the end is near. */
const MIN_CUT_BYTES = 16;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The payload as text, or undefined where it is not UTF-8. Nothing is stripped, a byte order mark
 * included.
 */
export function textOf(payload: Uint8Array): string | undefined {
  try {
    return utf8.decode(payload);
  } catch {
    return undefined;
  }
}

/**
 * The object or array that a text is the JSON of, or undefined: where it is no JSON, another kind
 * of value, nested deeper than 64 levels, or holds a number that JavaScript would change.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { structureOf } from "./payload.ts";
 *
 * assert(structureOf('{"id":12345678901234567890}') === undefined);
 * assert(Array.isArray(structureOf("[1,2]")));
 * ```
 */
export function structureOf(text: string): Json | undefined {
  const start = /^[ \t\r\n]*[[{]/.test(text);
  if (!start || nestsTooDeep(text)) return undefined;
  let survives = true;
  try {
    const value = mayLoseNumbers(text)
      ? JSON.parse(text, function (_key, value: Json, context?: { readonly source?: string }) {
        if (typeof value === "number" && !isSameNumber(context?.source ?? "", value)) {
          survives = false;
        }
        return value;
      })
      : JSON.parse(text);
    return survives ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Shows a message; of its payload at most `previewBytes` bytes. */
export function showMessage(message: Message, previewBytes: number): ShownMessage {
  const properties = message.properties && showProperties(message.properties);
  return {
    topic: message.topic,
    ...showPayload(message.payload, previewBytes),
    ...(message.qos === 0 ? {} : { qos: message.qos }),
    ...(message.retain ? { retain: true } : {}),
    received_at: new Date(message.receivedAt).toISOString(),
    ...(properties === undefined ? {} : { properties }),
  };
}

/**
 * Shows a message so that its JSON has at most `maxBytes`: of the payload less than the preview where
 * need be, and of the properties nothing where they alone would fill it. The topic name stays whole.
 */
export function fitMessage(
  message: Message,
  { previewBytes, maxBytes }: { readonly previewBytes: number; readonly maxBytes: number },
): ShownMessage {
  let shown = showMessage(message, previewBytes);
  let bytes = jsonBytes(shown);
  if (bytes <= maxBytes) return shown;
  const propertyBytes = jsonBytes(shown.properties ?? {});
  const properties = propertyBytes > maxBytes / 2 ? { omitted_bytes: propertyBytes } : undefined;
  let keptBytes = Math.min(previewBytes, message.payload.length);
  // JSON may need several bytes for one of the payload, so the way down is found step by step.
  while (true) {
    shown = showMessage(message, keptBytes);
    if (properties !== undefined) shown.properties = properties;
    bytes = jsonBytes(shown);
    if (bytes <= maxBytes || keptBytes === 0) return shown;
    const frameBytes = jsonBytes({ ...shown, payload: "" });
    const share = Math.max(0, (maxBytes - frameBytes) / (bytes - frameBytes));
    keptBytes = Math.max(0, Math.min(Math.floor(keptBytes * share), keptBytes - MIN_CUT_BYTES));
  }
}

/** The UTF-8 bytes of a value's JSON. */
export function jsonBytes(value: unknown): number {
  return new TextEncoder().encode(JSON.stringify(value)).length;
}

/** The payload's fields of a {@linkcode ShownMessage}. */
export function showPayload(
  payload: Uint8Array,
  previewBytes: number,
): Pick<ShownMessage, "payload" | "encoding" | "size" | "truncated"> {
  const size = payload.length;
  if (size <= previewBytes) {
    const text = textOf(payload);
    if (text === undefined) return { payload: payload.toBase64(), encoding: "base64", size };
    return { payload: structureOf(text) ?? text };
  }
  const text = textOf(payload.subarray(0, characterEnd(payload, previewBytes)));
  if (text === undefined || textOf(payload) === undefined) {
    const cut = payload.subarray(0, previewBytes);
    return { payload: cut.toBase64(), encoding: "base64", size, truncated: true };
  }
  return { payload: text, size, truncated: true };
}

/** Correlation data as text where it is text, else as base64. */
export function showBytes(bytes: Uint8Array): string | { base64: string } {
  return textOf(bytes) ?? { base64: bytes.toBase64() };
}

function showProperties(properties: MessageProperties): ShownProperties {
  const { contentType, responseTopic, correlationData, userProperties, messageExpiryInterval } =
    properties;
  return {
    ...(contentType === undefined ? {} : { content_type: contentType }),
    ...(responseTopic === undefined ? {} : { response_topic: responseTopic }),
    ...(correlationData === undefined ? {} : { correlation_data: showBytes(correlationData) }),
    ...(userProperties === undefined ? {} : {
      user_properties: Object.fromEntries(
        Object.entries(userProperties).map(([name, value]) => [
          name,
          typeof value === "string" ? value : [...value],
        ]),
      ),
    }),
    ...(messageExpiryInterval === undefined
      ? {}
      : { message_expiry_interval: messageExpiryInterval }),
  };
}

/** The largest length up to `limit` that does not end within a UTF-8 sequence. */
function characterEnd(bytes: Uint8Array, limit: number): number {
  let end = limit;
  while (end > 0 && limit - end < 4 && ((bytes[end] ?? 0) & 0xC0) === 0x80) end--;
  return end;
}

/** Cheap and never wrongly false: only long digit runs, exponents and -0 can change. */
function mayLoseNumbers(text: string): boolean {
  return /[\d.]{15}|\d[eE]|-0/.test(text);
}

/** Whether a JSON number and what JavaScript made of it are the same number. */
function isSameNumber(source: string, value: number): boolean {
  return Number.isFinite(value) && decimal(source) === decimal(JSON.stringify(value));
}

/** A number's text in one form: sign, digits without zeros around them, and an exponent. */
function decimal(text: string): string {
  const parts = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (parts === null) return text;
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = parts;
  const digits = (whole + fraction).replace(/^0+/, "");
  const significant = digits.replace(/0+$/, "");
  if (significant === "") return `${sign}0`;
  return `${sign}${significant}e${
    Number(exponent) - fraction.length + (digits.length - significant.length)
  }`;
}

/** Whether brackets outside of strings nest deeper than 64 levels. */
export function nestsTooDeep(text: string): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (inString) {
      if (code === 0x5C) i++;
      else if (code === 0x22) inString = false;
    } else if (code === 0x22) {
      inString = true;
    } else if (code === 0x5B || code === 0x7B) {
      if (++depth > MAX_DEPTH) return true;
    } else if (code === 0x5D || code === 0x7D) {
      depth--;
    }
  }
  return false;
}
