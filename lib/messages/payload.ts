/**
 * How a message is shown to an agent: what tells something and nothing else, so that a list of a
 * hundred stays cheap to read.
 *
 * @module
 */
import { Buffer, isUtf8 } from "node:buffer";
import { type Parse, parsed, textOf } from "./decoded.ts";
import { type Json, jsonBytes, structureOf } from "./json.ts";
import { type Message, type MessageProperties, propertySize, type QoS } from "./message.ts";
import { valueAt } from "./pointer.ts";
import { SparkplugPayload, valuesByName } from "./sparkplug.ts";

export { textOf } from "./decoded.ts";
export { jsonBytes } from "./json.ts";

/** The properties of a {@linkcode ShownMessage}. */
export type ShownProperties = {
  content_type?: string;
  response_topic?: string;
  correlation_data?: string | { base64: string };
  user_properties?: Record<string, string | string[]>;
  /** Seconds. */
  message_expiry_interval?: number;
  /** About how many bytes of properties were too large to be kept or shown. */
  omitted_bytes?: number;
};

/** A Message of the outward contract. */
export type ShownMessage = {
  topic: string;
  /** Absent only if fields of it are shown. */
  payload?: Json;
  /** By JSON Pointer, instead of the payload. */
  values?: Record<string, Json>;
  encoding?: "base64" | "sparkplug";
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

const QUOTES_BYTES = 2;
/** What `"encoding":"base64",` takes in JSON. */
const ENCODING_BYTES = 20;
/** The same of Sparkplug B, with quotes and some room. */
const SPARKPLUG_BYTES = 30;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** How a payload is shown in a {@linkcode ShownMessage}. */
export type ShownPayload =
  & { payload: Json }
  & Pick<ShownMessage, "encoding" | "size" | "truncated">;

/** How the fields of a payload are shown in a {@linkcode ShownMessage}. */
export type ShownValues = { values: Record<string, Json>; truncated?: true };

/** Which values of a payload are shown instead of it. */
export interface FieldsShown {
  /** @param maxBytes about how much JSON the values may take; what is longer is cut. */
  show(payload: Uint8Array, maxBytes: number): ShownValues | undefined;
}

/** How the last payload of a topic among many is shown. */
export type ShownLast = { last?: Json } & Pick<ShownMessage, "encoding" | "size" | "truncated">;

/** Of a last payload so much is shown where many topics are told of, in bytes. */
const LAST_BYTES = 128;

/**
 * What a payload says: what it is in Sparkplug B, else the value that it is the JSON of, else its
 * text; undefined if it is binary.
 */
export function contentOf(
  payload: Uint8Array,
  parse: Parse,
): Json | undefined {
  const sparkplug = sparkplugOf(payload);
  if (sparkplug !== undefined) return sparkplug;
  const value = parsed(payload, parse);
  return value === undefined ? textOf(payload) : value;
}

/**
 * Looks places up in a payload; undefined if it is binary. In Sparkplug B the value of a metric is at
 * `/metrics/<name>`, too.
 */
export function placesOf(
  payload: Uint8Array,
  parse: Parse,
): ((tokens: readonly string[]) => Json | undefined) | undefined {
  const whole = contentOf(payload, parse);
  if (whole === undefined) return undefined;
  if (!(payload instanceof SparkplugPayload)) return (tokens) => valueAt(whole, tokens);
  const named = valuesByName(whole);
  return (tokens) => {
    const value = valueAt(whole, tokens);
    return value === undefined ? valueAt(named, tokens) : value;
  };
}

/** See {@linkcode valuesByName}; undefined for what is not Sparkplug B. */
export function namedValuesOf(payload: Uint8Array): Json | undefined {
  const sparkplug = sparkplugOf(payload);
  return sparkplug === undefined ? undefined : valuesByName(sparkplug);
}

/** What a payload is in Sparkplug B; undefined for what is not. */
export function sparkplugOf(payload: Uint8Array): Json | undefined {
  return payload instanceof SparkplugPayload ? payload.shown() : undefined;
}

/** Shows a message; of its payload, or the fields of it, at most `previewBytes` bytes. */
export function showMessage(
  message: Message,
  previewBytes: number,
  fields?: FieldsShown,
): ShownMessage {
  return fitMessage(message, { previewBytes, maxBytes: Infinity, fields });
}

/**
 * Shows the last payload of a topic among many: its beginning, of Sparkplug B the values by their
 * names, and of what is binary the size.
 */
export function showLast(payload: Uint8Array): ShownLast {
  const named = namedValuesOf(payload);
  if (named !== undefined) {
    return showSparkplug("last", named, { size: payload.length, maxBytes: LAST_BYTES });
  }
  const { payload: last, ...about } = showPayload(payload, LAST_BYTES);
  const { encoding, size = 0 } = about;
  return encoding === undefined ? { last, ...about } : { encoding, size };
}

/**
 * Shows a message so that its JSON has at most `maxBytes`: of the payload less than the preview if
 * need be, and of the properties nothing if they alone would fill half of it. The topic name stays
 * whole.
 */
export function fitMessage(
  message: Message,
  { previewBytes, maxBytes, fields }: {
    readonly previewBytes: number;
    readonly maxBytes: number;
    readonly fields?: FieldsShown | undefined;
  },
): ShownMessage {
  const values = fields?.show(message.payload, previewBytes);
  const payload = values ?? showPayload(message.payload, previewBytes);
  const properties = message.properties && fittingProperties(message.properties, maxBytes);
  const whole = framed(message, { payload, properties });
  if (maxBytes === Infinity || jsonBytes(whole) <= maxBytes) return whole;
  const kept = jsonBytes(properties ?? {}) > maxBytes / 2
    ? omittedProperties(message.properties ?? {})
    : properties;
  const lighter = framed(message, { payload, properties: kept });
  if (jsonBytes(lighter) <= maxBytes) return lighter;
  const size = message.payload.length;
  const none: ShownPayload = { payload: "", size, truncated: true };
  const maxJsonBytes = maxBytes - jsonBytes(framed(message, { payload: none, properties: kept }));
  return framed(message, {
    payload: fields?.show(message.payload, maxJsonBytes) ??
      showPayload(message.payload, previewBytes, maxJsonBytes),
    properties: kept,
  });
}

/**
 * Shows a payload; of a longer one the first `previewBytes` bytes.
 *
 * @param maxJsonBytes how much JSON it may take, which is known to be less than the whole takes
 */
export function showPayload(
  payload: Uint8Array,
  previewBytes: number,
  maxJsonBytes = Infinity,
): ShownPayload {
  const size = payload.length;
  const sparkplug = sparkplugOf(payload);
  if (sparkplug !== undefined) {
    const maxBytes = Math.max(0, Math.min(previewBytes, maxJsonBytes - SPARKPLUG_BYTES));
    return showSparkplug("payload", sparkplug, { size, maxBytes });
  }
  if (size > previewBytes || maxJsonBytes !== Infinity) {
    // Text at the beginning does not make text of the whole. Of 8 MB this takes 7 ms at most.
    return cutPayload(payload, { isText: isUtf8(payload), maxBytes: previewBytes, maxJsonBytes });
  }
  const text = textOf(payload);
  if (text === undefined) return { payload: payload.toBase64(), encoding: "base64", size };
  return { payload: parsed(payload, structureOf) ?? text };
}

/** A value of Sparkplug B, or the beginning of its JSON. */
function showSparkplug<Name extends "payload" | "last">(
  name: Name,
  whole: Json,
  { size, maxBytes }: { readonly size: number; readonly maxBytes: number },
): { [name in Name]: Json } & Pick<ShownMessage, "encoding" | "size" | "truncated"> {
  const { value, isCut } = cutJson(whole, maxBytes);
  const shown = { [name]: value } as { [name in Name]: Json };
  return { ...shown, encoding: "sparkplug", ...(isCut ? { size, truncated: true } : {}) };
}

/** The beginning of a payload, of at most `maxBytes` bytes and `maxJsonBytes` bytes of JSON. */
function cutPayload(
  payload: Uint8Array,
  { isText, maxBytes, maxJsonBytes }: {
    readonly isText: boolean;
    readonly maxBytes: number;
    readonly maxJsonBytes: number;
  },
): ShownPayload {
  const size = payload.length;
  // Each byte of text takes one of JSON at least.
  const bytes = Math.max(0, Math.min(size, maxBytes, maxJsonBytes));
  if (isText) {
    const text = utf8.decode(payload.subarray(0, characterEnd(payload, bytes)));
    return { payload: cutText(text, maxJsonBytes), size, truncated: true };
  }
  const encodable = Math.floor((maxJsonBytes - ENCODING_BYTES) / 4) * 3;
  const cut = payload.subarray(0, Math.max(0, Math.min(bytes, encodable)));
  return { payload: cut.toBase64(), encoding: "base64", size, truncated: true };
}

/** The largest length up to `limit` that does not end within a UTF-8 sequence. */
function characterEnd(bytes: Uint8Array, limit: number): number {
  let end = limit;
  while (end > 0 && limit - end < 4 && ((bytes[end] ?? 0) & 0xC0) === 0x80) end--;
  return end;
}

/** A value whole if its JSON has at most `maxBytes`, else the beginning of its text. */
export function cutJson(value: Json, maxBytes: number): { value: Json; isCut: boolean } {
  // A longer text is not written out: only its beginning is shown.
  const isLong = typeof value === "string" && value.length > maxBytes;
  const json = isLong ? "" : JSON.stringify(value);
  if (!isLong && json.length <= maxBytes && Buffer.byteLength(json) <= maxBytes) {
    return { value, isCut: false };
  }
  const text = typeof value === "string" ? value : json;
  return { value: cutText(text, Math.max(0, maxBytes - QUOTES_BYTES)), isCut: true };
}

/** The longest beginning of a well-formed text that takes at most `maxBytes` within a JSON string. */
function cutText(text: string, maxBytes: number): string {
  // No code unit takes more than the six bytes of a \u escape.
  if (6 * text.length <= maxBytes) return text;
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.codePointAt(i) ?? 0;
    bytes += characterBytes(code);
    if (bytes > maxBytes) return text.slice(0, i);
    if (code > 0xFFFF) i++;
  }
  return text;
}

/** What a character takes within a JSON string in UTF-8, as JSON.stringify() writes it. */
function characterBytes(code: number): number {
  if (code < 0x20) return code >= 0x08 && code <= 0x0D && code !== 0x0B ? 2 : 6;
  if (code === 0x22 || code === 0x5C) return 2;
  if (code < 0x80) return 1;
  if (code < 0x800) return 2;
  return code <= 0xFFFF ? 3 : 4;
}

/** The fields of a message around its payload. */
function framed(
  { topic, qos, retain, receivedAt }: Message,
  { payload, properties }: {
    readonly payload: ShownPayload | ShownValues;
    readonly properties: ShownProperties | undefined;
  },
): ShownMessage {
  return {
    topic: topic.toWellFormed(),
    ...payload,
    ...(qos === 0 ? {} : { qos }),
    ...(retain ? { retain: true } : {}),
    received_at: new Date(receivedAt).toISOString(),
    ...(properties === undefined ? {} : { properties }),
  };
}

/** The properties as they are shown, or how large they are where showing would surely be too much. */
function fittingProperties(properties: MessageProperties, maxBytes: number): ShownProperties {
  return propertySize(properties).shownBytes > maxBytes
    ? omittedProperties(properties)
    : showProperties(properties);
}

function omittedProperties(properties: MessageProperties): ShownProperties {
  return { omitted_bytes: propertySize(properties).shownBytes + (properties.omittedBytes ?? 0) };
}

/** What is of another kind than it should be is not shown: brokers and parsers are not all strict. */
function showProperties(properties: MessageProperties): ShownProperties {
  const shown: ShownProperties = {};
  const { contentType, responseTopic, correlationData, userProperties } = properties;
  if (typeof contentType === "string") shown.content_type = contentType.toWellFormed();
  if (typeof responseTopic === "string") shown.response_topic = responseTopic.toWellFormed();
  if (correlationData instanceof Uint8Array) shown.correlation_data = showBytes(correlationData);
  if (userProperties !== undefined) shown.user_properties = showUserProperties(userProperties);
  const { messageExpiryInterval, omittedBytes } = properties;
  if (typeof messageExpiryInterval === "number") {
    shown.message_expiry_interval = messageExpiryInterval;
  }
  if (omittedBytes !== undefined) shown.omitted_bytes = omittedBytes;
  return shown;
}

function showUserProperties(
  properties: Readonly<Record<string, unknown>>,
): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(properties).map(([name, value]) => {
      const texts = [value].flat().filter((one) => typeof one === "string")
        .map((one) => one.toWellFormed());
      return [name.toWellFormed(), Array.isArray(value) ? texts : texts[0] ?? ""];
    }),
  );
}

/** Correlation data as text where it is text, else as base64. */
function showBytes(bytes: Uint8Array): string | { base64: string } {
  return textOf(bytes) ?? { base64: bytes.toBase64() };
}
